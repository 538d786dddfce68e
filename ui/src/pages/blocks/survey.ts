import type { Block, Mark, MarkKind } from './types';

/** What is to be shown of all blocks; all of it is in the URL. */
export interface BlockFilter {
  /** Part of a ULID, or several with commas between. */
  ulid: string;
  /** Part of the label set. */
  labels: string;
  level: number | null;
  resolution: number | null;
  /** `marked` or a kind of mark. */
  state: string;
  overlapping: boolean;
  source: string;
}

export function filterBlocks(
  blocks: readonly Block[],
  filter: BlockFilter,
  setTexts: readonly string[],
  marks: ReadonlyMap<string, Mark[]>,
): Block[] {
  const ulids = filter.ulid
    .toUpperCase()
    .split(/[\s,]+/)
    .filter(part => part !== '');
  const labels = filter.labels.toLowerCase();
  const found = blocks.filter(block => {
    if (ulids.length > 0 && !ulids.some(part => block.id.includes(part))) return false;
    if (filter.level !== null && block.level !== filter.level) return false;
    if (filter.resolution !== null && block.resolution !== filter.resolution) return false;
    if (filter.source !== '' && block.source !== filter.source) return false;
    if (labels !== '' && !(setTexts[block.set] ?? '').toLowerCase().includes(labels)) return false;
    if (filter.state === '') return true;
    const own = marks.get(block.id) ?? [];
    return filter.state === 'marked' ? own.length > 0 : own.some(mark => mark.kind === filter.state);
  });
  if (!filter.overlapping) return found;
  const ids = new Set(overlaps(found).flatMap(pair => [pair.first.id, pair.second.id]));
  return found.filter(block => ids.has(block.id));
}

/** The blocks that a block is a parent of. */
export function childrenOf(blocks: readonly Block[], id: string): Block[] {
  return blocks.filter(block => block.parents?.includes(id));
}

export function marksById(marks: readonly Mark[]): Map<string, Mark[]> {
  const byId = new Map<string, Mark[]>();
  for (const mark of marks) byId.set(mark.id, [...(byId.get(mark.id) ?? []), mark]);
  return byId;
}

function grouped(blocks: readonly Block[], key: (block: Block) => string): Block[][] {
  const groups = new Map<string, Block[]>();
  for (const block of blocks) {
    const group = key(block);
    const known = groups.get(group);
    if (known === undefined) groups.set(group, [block]);
    else known.push(block);
  }
  return [...groups.values()].map(group =>
    group.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime),
  );
}

export interface Overlap {
  first: Block;
  second: Block;
}

/** Blocks that lie over the longest-reaching one before them, of the same labels, level and resolution. */
export function overlaps(blocks: readonly Block[]): Overlap[] {
  const found: Overlap[] = [];
  for (const group of grouped(blocks, block => `${block.set}/${block.level}/${block.resolution}`)) {
    let longest: Block | undefined;
    for (const block of group) {
      if (longest !== undefined && block.minTime < longest.maxTime)
        found.push({ first: longest, second: block });
      if (longest === undefined || block.maxTime > longest.maxTime) longest = block;
    }
  }
  return found;
}

export interface Gap {
  set: number;
  resolution: number;
  start: number;
  end: number;
}

/** Shorter than this share of the block after it, a gap is none: blocks may end with their last sample. */
const leastGap = 0.1;

/** Times between the blocks of one label set and resolution that no block covers, whatever its level. */
export function gaps(blocks: readonly Block[]): Gap[] {
  const found: Gap[] = [];
  for (const group of grouped(blocks, block => `${block.set}/${block.resolution}`)) {
    let until = group[0]?.minTime ?? 0;
    for (const block of group) {
      if (block.minTime - until > (block.maxTime - block.minTime) * leastGap) {
        found.push({ set: block.set, resolution: block.resolution, start: until, end: block.minTime });
      }
      until = Math.max(until, block.maxTime);
    }
  }
  return found.sort((a, b) => b.end - b.start - (a.end - a.start));
}

export interface Total {
  level: number;
  resolution: number;
  count: number;
  bytes: number;
  series: number;
  samples: number;
}

export function totals(blocks: readonly Block[]): Total[] {
  return grouped(blocks, block => `${block.resolution}/${block.level}`)
    .map(group => ({
      level: group[0]?.level ?? 0,
      resolution: group[0]?.resolution ?? 0,
      count: group.length,
      bytes: group.reduce((sum, block) => sum + block.totalBytes, 0),
      series: group.reduce((sum, block) => sum + block.series, 0),
      samples: group.reduce((sum, block) => sum + block.samples, 0),
    }))
    .sort((a, b) => a.resolution - b.resolution || a.level - b.level);
}

export function countMarks(marks: readonly Mark[]): Record<MarkKind, number> {
  const counts = { deletion: 0, 'no-compact': 0, 'no-downsample': 0 };
  for (const mark of marks) counts[mark.kind]++;
  return counts;
}
