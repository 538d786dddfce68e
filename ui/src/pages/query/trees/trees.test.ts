import { describe, expect, it } from 'vitest';
import { analysisTree, slowestFirst } from './analysis';
import { type Node, print, runnable } from './ast';
import { readFigures } from './blocksRead';

const up: Node = {
  type: 'vectorSelector',
  name: 'up',
  matchers: [
    { name: '__name__', type: '=', value: 'up' },
    { name: 'job', type: '=~', value: 'a"b' },
  ],
  offset: 300_000,
  timestamp: null,
  startOrEnd: null,
};
const range: Node = { ...up, type: 'matrixSelector', range: 60_000, timestamp: 1500, offset: 0 };

describe('nodes of a parsed query', () => {
  it('are written as PromQL', () => {
    expect(print(up)).toBe('up{job=~"a\\"b"} offset 5m');
    expect(print(range)).toBe('up{job=~"a\\"b"}[1m] @ 1.500');
    const rate: Node = { type: 'call', func: { name: 'rate' }, args: [range] };
    const sum: Node = {
      type: 'aggregation',
      op: 'sum',
      expr: rate,
      param: null,
      grouping: ['a', 'b'],
      without: false,
    };
    expect(print(sum)).toBe('sum by(a, b) (rate(up{job=~"a\\"b"}[1m] @ 1.500))');
    expect(print(sum, true)).toBe('sum by(a, b) (…)');
    const topk: Node = {
      ...sum,
      op: 'topk',
      param: { type: 'numberLiteral', val: '3' },
      grouping: [],
      without: true,
      expr: up,
    };
    expect(print(topk)).toBe('topk without() (3, up{job=~"a\\"b"} offset 5m)');
  });
  it('with two sides keep their matching', () => {
    const one: Node = { type: 'numberLiteral', val: '1' };
    const node: Node = {
      type: 'binaryExpr',
      op: '>',
      lhs: one,
      rhs: { type: 'parenExpr', expr: { type: 'unaryExpr', op: '-', expr: one } },
      bool: true,
      matching: { card: 'many-to-one', labels: ['job'], on: true, include: ['x'] },
    };
    expect(print(node)).toBe('1 > bool on(job) group_left(x) (-1)');
    expect(
      print({ ...node, bool: false, matching: { card: 'one-to-one', labels: [], on: false, include: [] } }),
    ).toBe('1 > (-1)');
  });
  it('keep what is filled in, and quote labels that need it', () => {
    const one: Node = { type: 'numberLiteral', val: '1' };
    const fill = (lhs: number | null, rhs: number | null) =>
      print({
        type: 'binaryExpr',
        op: '+',
        lhs: one,
        rhs: one,
        bool: false,
        matching: { card: 'one-to-one', labels: ['a.b'], on: true, include: [], fillValues: { lhs, rhs } },
      });
    expect(fill(0, 0)).toBe('1 + on("a.b") fill(0) 1');
    expect(fill(2, null)).toBe('1 + on("a.b") fill_left(2) 1');
    expect(fill(null, 3)).toBe('1 + on("a.b") fill_right(3) 1');
  });
  it('that are ranges are run for their last values', () => {
    expect(runnable(range)).toBe('last_over_time(up{job=~"a\\"b"}[1m] @ 1.500)');
    expect(runnable({ type: 'subquery', expr: up, range: 3_600_000, step: 0 })).toBe(
      'last_over_time(up{job=~"a\\"b"} offset 5m[1h:])',
    );
    expect(runnable({ type: 'stringLiteral', val: 'x' })).toBeNull();
  });
});

describe('an analysis', () => {
  it('has shares of the whole time, with and without what is below', () => {
    const tree = analysisTree({
      name: 'root',
      executionTime: '10ms',
      totalSamples: 5,
      children: [
        { name: 'a', executionTime: '6ms' },
        { name: 'b', executionTime: '1ms' },
      ],
    });
    expect(tree.self).toBeCloseTo(3);
    expect(tree.timeShare).toBe(1);
    expect(tree.children.map(child => child.timeShare)).toEqual([0.6, 0.1]);
    expect(analysisTree({}).timeShare).toBe(0);
  });
  it('is sorted by time, endpoints too', () => {
    const tree = slowestFirst(
      analysisTree({
        fanout: [
          { endpointAddr: 'a', duration: '900µs' },
          { endpointAddr: 'b', duration: '1.5ms' },
        ],
        children: [
          { name: 'a', executionTime: '2ms' },
          { name: 'b', executionTime: '1s' },
        ],
      }),
    );
    expect(tree.children.map(child => child.name)).toEqual(['b', 'a']);
    expect(tree.fanout.map(entry => entry.endpointAddr)).toEqual(['b', 'a']);
  });
});

describe('what a store says of its work', () => {
  it('is told in a few words', () => {
    expect(
      readFigures({
        seriesTouched: 2000,
        seriesTouchedSizeSum: 4096,
        seriesFetchedSizeSum: 1024,
        seriesFetchCount: 2,
        chunksTouched: 5,
        chunksTouchedSizeSum: 10,
        getAllDuration: '1.5ms',
      }),
    ).toEqual([
      '2,000 series used (4.00 KiB), 1.00 KiB fetched in 2',
      '5 chunks used (10 B)',
      'selected in 1.5ms',
    ]);
    expect(readFigures({})).toEqual([]);
  });
});
