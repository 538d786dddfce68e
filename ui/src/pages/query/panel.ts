/** What one panel of the query page shows; all of it is in the URL. */
export interface Panel {
  expr: string;
  /** Expressions drawn into the same graph. */
  also: string[];
  tab: Tab;
  /** Length of the graph, milliseconds. */
  range: number;
  /** End of the graph or time of the table, milliseconds; null is now. */
  end: number | null;
  /** How long before now the graph ends, when `end` is null; milliseconds. */
  offset: number;
  resolution: Resolution;
  display: Display;
  logY: boolean;
  minY: number | null;
  maxY: number | null;
  exemplars: boolean;
  /** Milliseconds to shift a second, paler set of lines by; 0 for none. */
  compare: number;
  maxResolution: MaxResolution;
  deduplicate: boolean;
  partialResponse: boolean;
  engine: string;
  tenant: string;
  /** Addresses of the only endpoints asked; empty asks all. */
  stores: string[];
  analyze: boolean;
  /** Ask which blocks the stores have read. */
  blocks: boolean;
  showTree: boolean;
}

/** Shortest graph, milliseconds. */
export const leastRange = 1000;

export const tabs = ['table', 'graph', 'explain'] as const;
export type Tab = (typeof tabs)[number];

export const displays = ['lines', 'stacked', 'heatmap'] as const;
export type Display = (typeof displays)[number];

export const maxResolutions = ['auto', '0s', '5m', '1h'] as const;
export type MaxResolution = (typeof maxResolutions)[number];

export const densities = ['low', 'medium', 'high'] as const;
export type Density = (typeof densities)[number];

/** Seconds between the points: by density, or as given. */
export type Resolution = { type: 'auto'; density: Density } | { type: 'fixed'; step: number };

/** Defaults that the server's flags set. */
export interface PanelDefaults {
  engine: string;
  tenant: string;
  partialResponse: boolean;
  autoDownsampling: boolean;
}

export function newPanel(defaults: PanelDefaults): Panel {
  return {
    expr: '',
    also: [],
    tab: 'table',
    range: 3_600_000,
    end: null,
    offset: 0,
    resolution: { type: 'auto', density: 'medium' },
    display: 'lines',
    logY: false,
    minY: null,
    maxY: null,
    exemplars: false,
    compare: 0,
    maxResolution: defaults.autoDownsampling ? 'auto' : '0s',
    deduplicate: true,
    partialResponse: defaults.partialResponse,
    engine: defaults.engine,
    tenant: defaults.tenant,
    stores: [],
    analyze: false,
    blocks: false,
    showTree: false,
  };
}
