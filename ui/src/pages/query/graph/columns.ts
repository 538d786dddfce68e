import type { MatrixItem } from '../../../api/types';
import { formatLabels, type Labels } from '../../../lib/labels';
import type { TimeRange } from '../request';

export interface Column {
  labels: Labels;
  /** One value for each time; NaN where there is none. */
  values: Float64Array;
}

/** Series over one grid of times. */
export interface Columns {
  /** Seconds. */
  times: Float64Array;
  columns: Column[];
}

/** Most points that a grid may have; the server refuses more too. */
const mostPoints = 50_000;

/** Milliseconds of the points asked for. */
export function grid(range: TimeRange, step: number): Float64Array {
  const count = Math.min(Math.floor((range.end - range.start) / 1000 / step + 1e-6) + 1, mostPoints);
  return Float64Array.from({ length: Math.max(count, 1) }, (_, index) => range.start / 1000 + index * step);
}

/** Lays series over the grid; a native histogram is drawn as its sum. Infinities are gaps, as NaN is. */
export function toColumns(items: readonly MatrixItem[], range: TimeRange, step: number, shift = 0): Columns {
  const times = grid(range, step);
  const first = times[0] ?? 0;
  const columns = items.map(item => {
    const values = new Float64Array(times.length).fill(Number.NaN);
    const put = (time: number, text: string): void => {
      const index = Math.round((time + shift - first) / step);
      const value = Number(text);
      if (index >= 0 && index < values.length && Number.isFinite(value)) values[index] = value;
    };
    for (const [time, text] of item.values ?? []) put(time, text);
    for (const [time, histogram] of item.histograms ?? []) put(time, histogram.sum);
    return { labels: item.metric, values };
  });
  return { times, columns };
}

export interface Stats {
  min: number;
  mean: number;
  max: number;
  last: number;
}

/** NaN all through when there is no value. */
export function statsOf(values: Float64Array): Stats {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  let count = 0;
  let last = Number.NaN;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
    last = value;
  }
  return count === 0 ? { min: last, mean: last, max: last, last } : { min, mean: sum / count, max, last };
}

/** Each series on top of the visible ones before it; gaps stay gaps. */
export function stack(columns: readonly Column[], visible: (index: number) => boolean): Float64Array[] {
  const length = columns[0]?.values.length ?? 0;
  const sum = new Float64Array(length);
  return columns.map((column, index) => {
    if (!visible(index)) return column.values;
    const top = new Float64Array(length);
    for (let at = 0; at < length; at++) {
      const value = column.values[at] ?? Number.NaN;
      if (!Number.isNaN(value)) sum[at] = (sum[at] ?? 0) + value;
      top[at] = Number.isNaN(value) ? Number.NaN : (sum[at] ?? 0);
    }
    return top;
  });
}

/** A series of an earlier time, and the place of the one that has its labels now. */
export interface Earlier {
  values: Float64Array;
  now: number | null;
}

/** Finds for each earlier series the one of now: both results may lack some of the other. */
export function matchEarlier(columns: readonly Column[], earlier: readonly Column[]): Earlier[] {
  const places = new Map(columns.map(({ labels }, index) => [formatLabels(labels), index]));
  return earlier.map(({ labels, values }) => ({ values, now: places.get(formatLabels(labels)) ?? null }));
}
