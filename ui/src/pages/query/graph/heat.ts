import type { Bucket, MatrixItem } from '../../../api/types';
import type { TimeRange } from '../request';
import { grid } from './columns';

/** How many observations lie between two bounds at one time. */
export interface Cell {
  /** Index of the time. */
  time: number;
  low: number;
  high: number;
  count: number;
}

export interface Heat {
  /** Seconds. */
  times: Float64Array;
  /** All bounds there are, ascending. */
  bounds: number[];
  cells: Cell[];
  most: number;
}

/** Can these series be a heatmap: classic buckets with `le`, or native histograms? */
export function isHistogram(items: readonly MatrixItem[]): boolean {
  if (items.length === 0) return false;
  if (items.some(item => (item.histograms?.length ?? 0) > 0)) return true;
  return items.length > 1 && items.every(item => item.metric.le !== undefined);
}

export function toHeat(items: readonly MatrixItem[], range: TimeRange, step: number): Heat {
  const times = grid(range, step);
  const first = times[0] ?? 0;
  const at = (time: number): number => Math.round((time - first) / step);
  const native = items.some(item => (item.histograms?.length ?? 0) > 0);
  const sums = native ? nativeCells(items, at) : classicCells(items, at);
  const bounds = new Set<number>();
  const cells: Cell[] = [];
  let most = 0;
  for (const cell of sums) {
    if (cell.time < 0 || cell.time >= times.length || !(cell.count > 0)) continue;
    cells.push(cell);
    bounds.add(cell.low).add(cell.high);
    most = Math.max(most, cell.count);
  }
  if (!native) for (const bound of classicBounds(items)) bounds.add(bound);
  return { times, bounds: [...bounds].sort((a, b) => a - b), cells, most };
}

/** Adds up the same bucket of all series. */
function nativeCells(items: readonly MatrixItem[], at: (time: number) => number): Iterable<Cell> {
  const sums = new Map<string, Cell>();
  for (const item of items) {
    for (const [time, histogram] of item.histograms ?? []) {
      for (const [, low, high, count] of (histogram.buckets ?? []) as Bucket[]) {
        const key = `${time}/${low}/${high}`;
        const cell = sums.get(key);
        if (cell !== undefined) cell.count += Number(count);
        else sums.set(key, { time: at(time), low: Number(low), high: Number(high), count: Number(count) });
      }
    }
  }
  return sums.values();
}

function bound(item: MatrixItem): number {
  const le = item.metric.le ?? '';
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
}

function classicBounds(items: readonly MatrixItem[]): number[] {
  return [...new Set(items.map(bound))].filter(value => !Number.isNaN(value)).sort((a, b) => a - b);
}

/** Classic buckets hold all that is below their bound: what the bucket before holds is taken off. */
function classicCells(items: readonly MatrixItem[], at: (time: number) => number): Iterable<Cell> {
  const bounds = classicBounds(items);
  const below = new Map<number, number[]>();
  for (const item of items) {
    const row = bounds.indexOf(bound(item));
    if (row < 0) continue;
    for (const [time, text] of item.values ?? []) {
      let counts = below.get(time);
      if (counts === undefined) {
        counts = new Array<number>(bounds.length).fill(0);
        below.set(time, counts);
      }
      counts[row] = (counts[row] ?? 0) + (Number(text) || 0);
    }
  }
  return [...below].flatMap(([time, counts]) =>
    counts.map((count, row) => ({
      time: at(time),
      low: row === 0 ? Math.min(0, bounds[0] ?? 0) : (bounds[row - 1] ?? 0),
      high: bounds[row] ?? 0,
      count: count - (row === 0 ? 0 : (counts[row - 1] ?? 0)),
    })),
  );
}
