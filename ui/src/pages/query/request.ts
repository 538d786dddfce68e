import type { Params } from '../../api/client';
import { config } from '../../config';
import type { Scope } from './editor/client';
import type { Panel } from './panel';

/** Steps at which answers of a caching frontend meet, seconds. */
const roundSteps = [1, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];

const points = { low: 100, medium: 250, high: 750 };

/** Seconds between two points of a graph. */
export function stepOf(panel: Panel, defaultStep: number): number {
  const { resolution } = panel;
  if (resolution.type === 'fixed') return resolution.step;
  const wanted = Math.max(Math.floor(panel.range / 1000 / points[resolution.density]), defaultStep);
  return roundSteps.find(step => step >= wanted) ?? Math.ceil(wanted / 43_200) * 43_200;
}

export interface TimeRange {
  /** Milliseconds. */
  start: number;
  end: number;
}

/** When the graph ends, or the time of the table. */
export function endOf(panel: Panel, now: number): number {
  return panel.end ?? now - panel.offset;
}

export function timeRange(panel: Panel, now: number): TimeRange {
  const end = endOf(panel, now);
  return { start: end - panel.range, end };
}

/** What all requests of a panel have in common. */
export function commonParams(panel: Panel): Params {
  const params: Params = [
    ['dedup', String(panel.deduplicate)],
    ['partial_response', String(panel.partialResponse)],
    ...panel.stores.map((name): [string, string] => [
      'storeMatch[]',
      `{__address__=${JSON.stringify(name)}}`,
    ]),
  ];
  if (panel.engine !== '') params.push(['engine', panel.engine]);
  if (config.features.tenantBox && panel.tenant !== '') params.push(['tenant', panel.tenant]);
  return params;
}

export function tenantHeaders(panel: Panel): Record<string, string> {
  return config.features.tenantBox && panel.tenant !== ''
    ? { [config.features.tenantHeader]: panel.tenant }
    : {};
}

/** What completion of the panel's expression is limited to. */
export function scopeOf(panel: Panel): Scope {
  return { ...timeRange(panel, Date.now()), stores: panel.stores, headers: tenantHeaders(panel) };
}

const seconds = (ms: number): string => String(ms / 1000);

/** What our own server tells of an answer besides: whom it asked, and what data it read. */
export const provenance: Params = [
  ['endpoints', 'true'],
  ['resolutions', 'true'],
];

export function instantParams(panel: Panel, expr: string, now: number): Params {
  return [['query', expr], ['time', seconds(endOf(panel, now))], ...commonParams(panel), ...analysis(panel)];
}

export function rangeParams(panel: Panel, expr: string, now: number): Params {
  const { start, end } = timeRange(panel, now);
  return [
    ['query', expr],
    ['start', seconds(start)],
    ['end', seconds(end)],
    ['step', String(stepOf(panel, config.features.defaultStep))],
    ['max_source_resolution', panel.maxResolution],
    ...commonParams(panel),
    ...analysis(panel),
  ];
}

/** What the answer is to tell of the work behind it. */
function analysis(panel: Panel): Params {
  const params: Params = [];
  if (panel.analyze && panel.engine !== 'prometheus') params.push(['analyze', 'true']);
  if (panel.blocks) params.push(['blocks', 'true']);
  return params;
}
