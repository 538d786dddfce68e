import type { Endpoint, Endpoints } from '../../api/types';
import { fuzzyScore } from '../../lib/fuzzy';
import { formatLabels } from '../../lib/labels';

export interface EndpointRow extends Endpoint {
  component: string;
  up: boolean;
}

export type EndpointSort = 'name' | 'state' | 'minTime' | 'maxTime' | 'lastCheck';

/** Least and greatest time that an API may send: no limit. */
export const leastTime = -9_223_372_036_854_000_000;
export const greatestTime = 9_223_372_036_854_000_000;

export function isUnlimited(ms: number): boolean {
  return ms <= leastTime || ms >= greatestTime;
}

export function endpointRows(endpoints: Endpoints | null | undefined): EndpointRow[] {
  return Object.entries(endpoints ?? {}).flatMap(([component, all]) =>
    all.map(endpoint => ({
      ...endpoint,
      component,
      up: endpoint.lastError === null && !neverReached(endpoint),
    })),
  );
}

/** Go writes its zero time when there was no check. */
export function neverReached(endpoint: Endpoint): boolean {
  return endpoint.lastCheck.startsWith('0001-');
}

export interface EndpointFilter {
  text: string;
  /** up, down or nothing. */
  state: string;
}

export function filterRows(rows: readonly EndpointRow[], { text, state }: EndpointFilter): EndpointRow[] {
  return rows.filter(row => {
    if (state === 'up' && !row.up) return false;
    if (state === 'down' && row.up) return false;
    const all = [row.name, row.component, ...(row.labelSets ?? []).map(labels => formatLabels(labels))];
    return text === '' || all.some(part => fuzzyScore(text, part) !== null);
  });
}

export function sortRows(rows: readonly EndpointRow[], by: EndpointSort): EndpointRow[] {
  return [...rows].sort((a, b) => {
    if (by === 'state') return Number(a.up) - Number(b.up) || a.name.localeCompare(b.name);
    if (by === 'name') return a.name.localeCompare(b.name);
    if (by === 'lastCheck') return Date.parse(a.lastCheck) - Date.parse(b.lastCheck);
    return a[by] - b[by];
  });
}

export interface Coverage {
  label: string;
  /** Milliseconds, within the axis. */
  spans: { start: number; end: number }[];
}

/** Spans closer than this share of the axis are one. */
const joinShare = 0.004;

/** Times of an endpoint's data, a line for each label set where it tells. */
export function coverageOf(row: Endpoint, axis: { start: number; end: number }): Coverage[] {
  const infos =
    row.tsdbInfos !== undefined && row.tsdbInfos.length > 0
      ? row.tsdbInfos.map(({ labels, minTime, maxTime }) => ({
          label: formatLabels(labels),
          minTime,
          maxTime,
        }))
      : [{ label: row.name, minTime: row.minTime, maxTime: row.maxTime }];
  const lines = new Map<string, Coverage>();
  const join = (axis.end - axis.start) * joinShare;
  for (const { label, minTime, maxTime } of infos.sort((a, b) => a.minTime - b.minTime)) {
    const start = Math.max(minTime, axis.start);
    const end = Math.min(maxTime, axis.end);
    if (start > end) continue;
    const line = lines.get(label) ?? { label, spans: [] };
    lines.set(label, line);
    const last = line.spans.at(-1);
    if (last !== undefined && start - last.end <= join) last.end = Math.max(last.end, end);
    else line.spans.push({ start, end });
  }
  return [...lines.values()];
}

/** From the first data to now. */
export function axisOf(rows: readonly EndpointRow[], now: number): { start: number; end: number } {
  const starts = rows.map(row => row.minTime).filter(time => time > 0 && !isUnlimited(time) && time < now);
  return { start: starts.length === 0 ? now - 86_400_000 : Math.min(...starts), end: now };
}
