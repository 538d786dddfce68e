import { commonLabels, formatLabels } from '../../../lib/labels';
import { type Column, type Stats, statsOf } from './columns';

export interface LegendRow extends Stats {
  /** Place of the series in the result. */
  index: number;
  name: string;
}

export type LegendKey = 'name' | keyof Stats;

export function legendRows(columns: readonly Column[], hideCommon: boolean): LegendRow[] {
  const hidden =
    hideCommon && columns.length > 1
      ? new Set(Object.keys(commonLabels(columns.map(column => column.labels))))
      : undefined;
  return columns.map((column, index) => ({
    index,
    name: formatLabels(column.labels, hidden),
    ...statsOf(column.values),
  }));
}

/** By a column; in the order of the result when by none. Series without a value come last. */
export function sortRows(rows: readonly LegendRow[], by: LegendKey | null, descending: boolean): LegendRow[] {
  if (by === null) return [...rows];
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (by === 'name') return sign * a.name.localeCompare(b.name);
    if (Number.isNaN(a[by]) || Number.isNaN(b[by]))
      return Number(Number.isNaN(a[by])) - Number(Number.isNaN(b[by]));
    return sign * (a[by] - b[by]);
  });
}
