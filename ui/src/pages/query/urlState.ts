import { formatDuration, parseDuration } from '../../lib/duration';
import { formatTime, parseTime } from '../../lib/time';
import {
  type Density,
  type Display,
  densities,
  displays,
  leastRange,
  type MaxResolution,
  maxResolutions,
  newPanel,
  type Panel,
  type PanelDefaults,
  type Tab,
  tabs,
} from './panel';

type Reader = (panel: Panel, value: string) => void;

const flag =
  (
    key: 'deduplicate' | 'partialResponse' | 'exemplars' | 'analyze' | 'blocks' | 'showTree' | 'logY',
  ): Reader =>
  (panel, value) => {
    if (value === '1' || value === 'true') panel[key] = true;
    if (value === '0' || value === 'false') panel[key] = false;
  };

const duration =
  (key: 'range' | 'offset' | 'compare', least: number): Reader =>
  (panel, value) => {
    const ms = parseDuration(value);
    if (ms !== null && ms >= least) panel[key] = ms;
  };

const limit =
  (key: 'minY' | 'maxY'): Reader =>
  (panel, value) => {
    const number = Number(value);
    if (value.trim() !== '' && Number.isFinite(number)) panel[key] = number;
  };

const end: Reader = (panel, value) => {
  const time = parseTime(value, 'UTC');
  if (time !== null) panel.end = time;
};

const step: Reader = (panel, value) => {
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : (parseDuration(value) ?? 0) / 1000;
  if (seconds > 0) panel.resolution = { type: 'fixed', step: seconds };
};

/** Parameters of a panel after `gN.`: those of Thanos, of Prometheus's page, and our own. */
const readers: Record<string, Reader> = {
  expr: (panel, value) => {
    panel.expr = value;
  },
  also: (panel, value) => {
    panel.also = readStrings(value);
  },
  tab: (panel, value) => {
    if (value === '0') panel.tab = 'graph';
    else if (value === '1') panel.tab = 'table';
    else if (tabs.includes(value as Tab)) panel.tab = value as Tab;
  },
  range_input: duration('range', leastRange),
  end_input: end,
  moment_input: end,
  end_offset: duration('offset', 0),
  step_input: step,
  res_step: step,
  res_type: (panel, value) => {
    if (value === 'auto') panel.resolution = { type: 'auto', density: 'medium' };
  },
  res_density: (panel, value) => {
    if (panel.resolution.type === 'auto' && densities.includes(value as Density)) {
      panel.resolution = { type: 'auto', density: value as Density };
    }
  },
  stacked: (panel, value) => {
    if (value === '1') panel.display = 'stacked';
  },
  display_mode: (panel, value) => {
    if (displays.includes(value as Display)) panel.display = value as Display;
  },
  y_log: flag('logY'),
  y_axis_min: limit('minY'),
  y_axis_max: limit('maxY'),
  show_exemplars: flag('exemplars'),
  compare: duration('compare', 0),
  max_source_resolution: (panel, value) => {
    if (maxResolutions.includes(value as MaxResolution)) panel.maxResolution = value as MaxResolution;
  },
  deduplicate: flag('deduplicate'),
  partial_response: flag('partialResponse'),
  engine: (panel, value) => {
    if (value === 'prometheus' || value === 'thanos') panel.engine = value;
  },
  tenant: (panel, value) => {
    panel.tenant = value;
  },
  store_matches: (panel, value) => {
    panel.stores = readStores(value);
  },
  analyze: flag('analyze'),
  blocks: flag('blocks'),
  show_tree: flag('showTree'),
};

/** Parameters that are read after the others, whatever their order in the URL. */
const late = ['step_input', 'res_step', 'res_type', 'res_density', 'stacked', 'display_mode'];

/** A list of texts in JSON. */
function readStrings(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter(entry => typeof entry === 'string') : [];
  } catch {
    return [];
  }
}

/** Endpoints of `[{"name":"host:port"}]`, or of a list of names. */
function readStores(text: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(parsed)) return [];
  return parsed.flatMap((entry: unknown) => {
    const name = typeof entry === 'object' && entry !== null ? (entry as { name?: unknown }).name : entry;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}

/** The panels of a URL's query, in the order of their numbers; one empty panel when there is none. */
export function parsePanels(search: string, defaults: PanelDefaults): Panel[] {
  const found = new Map<number, Map<string, string>>();
  for (const [key, value] of new URLSearchParams(search)) {
    const match = /^g(\d{1,4})\.(.+)$/.exec(key);
    if (match === null) continue;
    const number = Number(match[1]);
    let values = found.get(number);
    if (values === undefined) {
      values = new Map();
      found.set(number, values);
    }
    values.set(match[2] ?? '', value);
  }
  const panels = [...found.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, values]) => {
      const panel = newPanel(defaults);
      const ordered = [...values].sort(([a], [b]) => late.indexOf(a) - late.indexOf(b));
      for (const [name, value] of ordered) readers[name]?.(panel, value);
      return panel;
    });
  return panels.length === 0 ? [newPanel(defaults)] : panels;
}

/** The query of the URL that shows these panels; old pages can read what they know of it. */
export function printPanels(panels: readonly Panel[], defaults: PanelDefaults): string {
  const params = new URLSearchParams();
  const plain = newPanel(defaults);
  panels.forEach((panel, index) => {
    const set = (name: string, value: string): void => params.set(`g${index}.${name}`, value);
    set('expr', panel.expr);
    if (panel.also.length > 0) set('also', JSON.stringify(panel.also));
    set('tab', panel.tab === 'graph' ? '0' : panel.tab === 'table' ? '1' : panel.tab);
    set('stacked', panel.display === 'stacked' ? '1' : '0');
    if (panel.display === 'heatmap') set('display_mode', 'heatmap');
    set('range_input', formatDuration(panel.range));
    if (panel.end !== null) {
      const text = formatTime(panel.end, 'UTC');
      set('end_input', text);
      set('moment_input', text);
    } else if (panel.offset > 0) set('end_offset', formatDuration(panel.offset));
    if (panel.resolution.type === 'fixed') set('step_input', String(panel.resolution.step));
    else if (panel.resolution.density !== 'medium') set('res_density', panel.resolution.density);
    set('max_source_resolution', panel.maxResolution);
    set('deduplicate', panel.deduplicate ? '1' : '0');
    set('partial_response', panel.partialResponse ? '1' : '0');
    set('store_matches', JSON.stringify(panel.stores.map(name => ({ name }))));
    set('engine', panel.engine);
    set('analyze', panel.analyze ? '1' : '0');
    if (panel.blocks) set('blocks', '1');
    if (panel.tenant !== plain.tenant) set('tenant', panel.tenant);
    if (panel.logY) set('y_log', '1');
    if (panel.minY !== null) set('y_axis_min', String(panel.minY));
    if (panel.maxY !== null) set('y_axis_max', String(panel.maxY));
    if (panel.exemplars) set('show_exemplars', '1');
    if (panel.compare > 0) set('compare', formatDuration(panel.compare));
    if (panel.showTree) set('show_tree', '1');
  });
  return `?${params}`;
}
