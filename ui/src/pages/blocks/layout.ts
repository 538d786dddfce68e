import { formatLabels, type Labels } from '../../lib/labels';
import type { Block } from './types';

/** Blocks of one line, in the order of time, without overlaps. */
export interface Row {
  lane: number;
  level: number;
  resolution: number;
  /** Pixels from the top of all lanes. */
  y: number;
  blocks: Block[];
}

export interface Lane {
  title: string;
  labels: Labels;
  y: number;
  height: number;
  bytes: number;
  count: number;
}

export interface Layout {
  lanes: Lane[];
  rows: Row[];
  height: number;
}

export const rowHeight = 16;
export const titleHeight = 24;
const laneGap = 12;

/** One lane a label set; in it a row a level and resolution, more where blocks overlap. */
export function layout(blocks: readonly Block[], labelSets: readonly Labels[], label: string): Layout {
  const bySet = new Map<number, Block[]>();
  for (const block of blocks) {
    const known = bySet.get(block.set);
    if (known === undefined) bySet.set(block.set, [block]);
    else known.push(block);
  }
  const lanes: Lane[] = [];
  const rows: Row[] = [];
  let y = 0;
  const titled = [...bySet].map(([set, own]) => ({
    own,
    labels: labelSets[set] ?? {},
    title: laneTitle(labelSets[set], label),
  }));
  titled.sort((a, b) => a.title.localeCompare(b.title));
  for (const { own, labels, title } of titled) {
    const lane = lanes.length;
    const top = y;
    y += titleHeight;
    for (const row of rowsOf(own)) {
      rows.push({ ...row, lane, y });
      y += rowHeight;
    }
    const bytes = own.reduce((sum, block) => sum + block.totalBytes, 0);
    lanes.push({ title, labels, y: top, height: y - top, bytes, count: own.length });
    y += laneGap;
  }
  return { lanes, rows, height: y };
}

export function laneTitle(labels: Labels | undefined, label: string): string {
  const all = formatLabels(labels ?? {});
  const value = label === '' ? undefined : labels?.[label];
  return value === undefined ? all : `${value} ${all}`;
}

/** By level, then resolution; each block goes to the first row that is free by then. */
function rowsOf(blocks: readonly Block[]): Omit<Row, 'lane' | 'y'>[] {
  const sorted = [...blocks].sort(
    (a, b) =>
      a.level - b.level || a.resolution - b.resolution || a.minTime - b.minTime || a.maxTime - b.maxTime,
  );
  const rows: Omit<Row, 'lane' | 'y'>[] = [];
  let first = 0;
  for (const block of sorted) {
    const group = rows[first];
    if (group === undefined || group.level !== block.level || group.resolution !== block.resolution) {
      first = rows.length;
    }
    let at = first;
    while (at < rows.length && (rows[at]?.blocks.at(-1)?.maxTime ?? 0) > block.minTime) at++;
    const row = rows[at];
    if (row === undefined) rows.push({ level: block.level, resolution: block.resolution, blocks: [block] });
    else row.blocks.push(block);
  }
  return rows;
}

/** Place of the first block of a row that ends after `time`. */
export function firstAfter(blocks: readonly Block[], time: number): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((blocks[middle]?.maxTime ?? 0) > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Rows that lie between two heights. */
export function rowsBetween(rows: readonly Row[], top: number, bottom: number): Row[] {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.y ?? 0) + rowHeight > top) high = middle;
    else low = middle + 1;
  }
  const found: Row[] = [];
  for (let at = low; at < rows.length; at++) {
    const row = rows[at];
    if (row === undefined || row.y > bottom) break;
    found.push(row);
  }
  return found;
}

/** How far lanes that are `height` high are scrolled once a row is in sight. */
export function scrollTo(row: Row, scrollTop: number, height: number): number {
  if (row.y < scrollTop) return Math.max(row.y - titleHeight, 0);
  return Math.max(row.y + rowHeight + laneGap - height, scrollTop);
}

export function blockAt(rows: readonly Row[], y: number, time: number, slack: number): Block | null {
  const row = rowsBetween(rows, y, y)[0];
  if (row === undefined || y < row.y || y >= row.y + rowHeight) return null;
  const block = row.blocks[firstAfter(row.blocks, time - slack)];
  return block !== undefined && block.minTime <= time + slack ? block : null;
}
