import { describe, expect, it } from 'vitest';
import { blockAt, firstAfter, layout, rowHeight, rowsBetween, scrollTo, titleHeight } from './layout';
import { type BlockFilter, childrenOf, filterBlocks, gaps, marksById, overlaps, totals } from './survey';
import type { Block, Mark } from './types';
import { axisTimes, pan, showing, within, zoom } from './view';

const block = (id: string, minTime: number, maxTime: number, more: Partial<Block> = {}): Block => ({
  id,
  minTime,
  maxTime,
  set: 0,
  level: 1,
  resolution: 0,
  source: 'sidecar',
  series: 1,
  samples: 2,
  chunks: 1,
  indexBytes: 1,
  chunkBytes: 1,
  totalBytes: 10,
  ...more,
});
const sets = [{ cluster: 'b' }, { cluster: 'a' }];

describe('lanes', () => {
  const blocks = [
    block('A', 0, 10),
    block('B', 5, 15),
    block('C', 10, 20),
    block('D', 0, 20, { level: 2 }),
    block('E', 0, 20, { level: 2, resolution: 300_000 }),
    block('F', 0, 20, { set: 1 }),
  ];
  const { lanes, rows, height } = layout(blocks, sets, 'cluster');
  it('are of label sets, by title', () => {
    expect(lanes.map(lane => [lane.title, lane.count, lane.bytes])).toEqual([
      ['a {cluster="a"}', 1, 10],
      ['b {cluster="b"}', 5, 50],
    ]);
    expect(layout(blocks, sets, '').lanes[0]?.title).toBe('{cluster="a"}');
  });
  it('have a row a level and resolution, and more for overlaps', () => {
    expect(rows.map(row => row.blocks.map(found => found.id).join(''))).toEqual(['F', 'AC', 'B', 'D', 'E']);
    expect(rows[0]?.y).toBe(titleHeight);
    expect(height).toBeGreaterThan((rows.at(-1)?.y ?? 0) + rowHeight);
  });
  it('are found by place', () => {
    const y = (rows[1]?.y ?? 0) + 2;
    expect(blockAt(rows, y, 12, 0)?.id).toBe('C');
    expect(blockAt(rows, y, 25, 0)).toBeNull();
    expect(blockAt(rows, y, 21, 2)?.id).toBe('C');
    expect(blockAt(rows, 2, 5, 0)).toBeNull();
    expect(rowsBetween(rows, y, y + rowHeight).length).toBe(2);
    expect(firstAfter(blocks.slice(0, 1), 10)).toBe(1);
  });
  it('are scrolled as far as a row needs', () => {
    const row = { lane: 0, level: 1, resolution: 0, y: 300, blocks: [] };
    expect(scrollTo(row, 0, 400)).toBe(0);
    expect(scrollTo(row, 301, 400)).toBe(300 - titleHeight);
    expect(scrollTo(row, 0, 200)).toBeGreaterThanOrEqual(300 + rowHeight - 200);
  });
  it('are laid out fast for 100,000 blocks', () => {
    const many = Array.from({ length: 100_000 }, (_, at) =>
      block(`M${at}`, (at % 5000) * 10, (at % 5000) * 10 + 12, { set: at % 2, level: 1 + (at % 4) }),
    );
    const laid = layout(many, sets, '');
    expect(laid.rows.reduce((sum, row) => sum + row.blocks.length, 0)).toBe(100_000);
  });
});

describe('a survey of blocks', () => {
  it('finds overlaps of the same level and resolution', () => {
    const found = overlaps([
      block('A', 0, 30),
      block('B', 5, 10),
      block('C', 20, 25),
      block('D', 0, 30, { level: 2 }),
      block('E', 30, 40),
    ]);
    expect(found.map(({ first, second }) => first.id + second.id)).toEqual(['AB', 'AC']);
  });
  it('finds gaps whatever the level', () => {
    expect(gaps([block('A', 0, 10), block('B', 20, 30), block('C', 10, 15, { level: 3 })])).toEqual([
      { set: 0, resolution: 0, start: 15, end: 20 },
    ]);
    expect(gaps([])).toEqual([]);
  });
  it('adds up', () => {
    expect(totals([block('A', 0, 1), block('B', 1, 2), block('C', 0, 2, { level: 2 })])).toMatchObject([
      { level: 1, count: 2, bytes: 20 },
      { level: 2, count: 1, bytes: 10 },
    ]);
  });
  it('finds what a block became part of', () => {
    const all = [
      block('A', 0, 1),
      block('B', 0, 2, { parents: ['A', 'C'] }),
      block('D', 0, 4, { parents: ['B'] }),
    ];
    expect(childrenOf(all, 'A').map(found => found.id)).toEqual(['B']);
    expect(childrenOf(all, 'D')).toEqual([]);
  });
  it('filters', () => {
    const marks: Mark[] = [{ id: '01B', kind: 'deletion', time: 1, details: '', reason: '' }];
    const all = [
      block('01A', 0, 10),
      block('01B', 5, 10, { set: 1, resolution: 300_000 }),
      block('01C', 5, 20),
    ];
    const none: BlockFilter = {
      ulid: '',
      labels: '',
      level: null,
      resolution: null,
      state: '',
      overlapping: false,
      source: '',
    };
    const find = (filter: Partial<BlockFilter>) =>
      filterBlocks(all, { ...none, ...filter }, ['{cluster="b"}', '{cluster="a"}'], marksById(marks)).map(
        found => found.id,
      );
    expect(find({})).toHaveLength(3);
    expect(find({ ulid: '1b' })).toEqual(['01B']);
    expect(find({ ulid: '01a, 1c,' })).toEqual(['01A', '01C']);
    expect(find({ labels: '"A"' })).toEqual(['01B']);
    expect(find({ state: 'marked' })).toEqual(['01B']);
    expect(find({ state: 'no-compact' })).toEqual([]);
    expect(find({ overlapping: true })).toEqual(['01A', '01C']);
    expect(find({ resolution: 300_000 })).toEqual(['01B']);
    expect(find({ level: 2 })).toEqual([]);
  });
});

describe('the view', () => {
  const whole = { start: 0, end: 1_000_000_000 };
  it('zooms around a time', () => {
    const half = zoom(whole, 500_000_000, 0.5, whole);
    expect(half).toEqual({ start: 250_000_000, end: 750_000_000 });
    expect(zoom(half, 500_000_000, 10, whole)).toEqual(whole);
  });
  it('stays within all blocks', () => {
    expect(pan({ start: 0, end: 1000 }, -500, whole)).toEqual({ start: 0, end: 1000 });
    expect(pan({ start: 999_999_000, end: 1_000_000_000 }, 500, whole).end).toBe(1_000_000_000);
  });
  it('moves to a time that it has nothing of', () => {
    const view = { start: 1000, end: 2000 };
    expect(showing(view, { start: 1900, end: 9000 }, whole)).toBe(view);
    expect(showing(view, { start: 5000, end: 6000 }, whole)).toEqual({ start: 5000, end: 6000 });
    expect(showing(view, { start: 0, end: 1000 }, whole)).toEqual({ start: 0, end: 1000 });
  });
  it('is cut to all blocks', () => {
    const of = { start: 100, end: 200 };
    expect(within({ start: 0, end: 150 }, of)).toEqual({ start: 100, end: 150 });
    expect(within({ start: 300, end: 400 }, of)).toEqual(of);
  });
  it('has a few round times', () => {
    const times = axisTimes({ start: 1, end: 86_400_000 * 3 }, 6);
    expect(times.length).toBeLessThanOrEqual(7);
    expect(times.every(time => time % 3_600_000 === 0)).toBe(true);
  });
});
