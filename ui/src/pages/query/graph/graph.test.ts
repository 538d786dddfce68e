import { describe, expect, it } from 'vitest';
import { matchEarlier, stack, statsOf, toColumns } from './columns';
import { exemplarPoints, hitExemplar } from './exemplars';
import { isHistogram, toHeat } from './heat';
import { HeatPainter } from './heatPainter';
import { legendRows, sortRows } from './legendRows';
import { LinesPainter, valueRange } from './lines';
import { timeLabels } from './timeAxis';

const range = { start: 1_000_000, end: 1_060_000 };
const plain = { stacked: false, log: false, minY: null, maxY: null };

describe('columns', () => {
  const { times, columns } = toColumns(
    [
      {
        metric: { a: '1' },
        values: [
          [1000, '1'],
          [1030, '3'],
          [1045, '+Inf'],
          [1060, '5'],
        ],
      },
      { metric: { a: '2' }, histograms: [[1015, { count: '4', sum: '10' }]] },
    ],
    range,
    15,
  );
  it('lie on one grid, gaps are NaN', () => {
    expect([...times]).toEqual([1000, 1015, 1030, 1045, 1060]);
    expect([...columns[0]!.values]).toEqual([1, Number.NaN, 3, Number.NaN, 5]);
    expect([...columns[1]!.values]).toEqual([Number.NaN, 10, Number.NaN, Number.NaN, Number.NaN]);
  });
  it('have statistics', () => {
    expect(statsOf(columns[0]!.values)).toEqual({ min: 1, mean: 3, max: 5, last: 5 });
    expect(statsOf(new Float64Array([Number.NaN])).max).toBeNaN();
  });
  it('can be earlier ones, shifted', () => {
    const shifted = toColumns([{ metric: {}, values: [[900, '7']] }], range, 15, 100);
    expect(shifted.columns[0]!.values[0]).toBe(7);
  });
});

describe('stacks', () => {
  const of = (...values: number[]) => ({ labels: {}, values: new Float64Array(values) });
  it('add up what is visible', () => {
    const all = [of(1, 2), of(10, Number.NaN), of(100, 100)];
    expect(stack(all, () => true).map(v => [...v])).toEqual([
      [1, 2],
      [11, Number.NaN],
      [111, 102],
    ]);
    expect([...stack(all, index => index !== 0)[2]!]).toEqual([110, 100]);
  });
});

describe('value range', () => {
  const of = (...values: number[]) => [new Float64Array(values)];
  it('has a margin but does not go below zero for that', () => {
    expect(valueRange(of(0.1, 10), plain)).toEqual([0, 10.495]);
    expect(valueRange(of(5, 5), plain)).toEqual([4.5, 5.5]);
    expect(valueRange([], plain)).toEqual([0, 1.05]);
  });
  it('is whole decades on a log axis, of positive values', () => {
    expect(valueRange(of(-5, 0, 0.02, 300), { ...plain, log: true })).toEqual([0.01, 1000]);
  });
  it('obeys limits', () => {
    expect(valueRange(of(1, 10), { ...plain, minY: 2, maxY: 4 })).toEqual([2, 4]);
    expect(valueRange(of(1, 10), { ...plain, minY: 20, maxY: 4 })).toEqual([20, 21]);
  });
});

describe('earlier series', () => {
  const of = (zone: string, ...values: number[]) => ({ labels: { zone }, values: new Float64Array(values) });
  const columns = [of('a', 1, 2), of('b', 3, 4)];
  const earlier = matchEarlier(columns, [of('gone', 500, 500), of('b', 90, 90)]);
  const painter = (visible: (index: number) => boolean) =>
    new LinesPainter({
      ...plain,
      times: new Float64Array([0, 1]),
      columns,
      drawn: columns.map(column => column.values),
      visible,
      dark: false,
      earlier,
    });
  it('are found by their labels', () => {
    expect(earlier.map(({ now }) => now)).toEqual([null, 1]);
  });
  it('are hidden with those of now, and those that are gone with any', () => {
    expect(painter(() => true).range[1]).toBeGreaterThan(500);
    expect(painter(index => index === 1).range[1]).toBeCloseTo(90, -1);
    expect(painter(index => index === 0).range[1]).toBeLessThan(3);
  });
});

describe('the pointer', () => {
  const columns = [
    { labels: {}, values: new Float64Array([1, 1]) },
    { labels: {}, values: new Float64Array([9, 9]) },
  ];
  const options = {
    ...plain,
    times: new Float64Array([0, 1]),
    columns,
    drawn: columns.map(c => c.values),
    dark: false,
  };
  const geometry = { width: 100, height: 100, xMin: 0, xMax: 1, yMin: 0, yMax: 10, log: false };
  it('is on the nearest visible series', () => {
    expect(new LinesPainter({ ...options, visible: () => true }).hit(geometry, 1, 50, 15)).toMatchObject({
      item: 1,
    });
    expect(new LinesPainter({ ...options, visible: i => i === 0 }).hit(geometry, 1, 50, 15)).toMatchObject({
      item: 0,
    });
    expect(new LinesPainter({ ...options, visible: () => false }).hit(geometry, 1, 50, 15)).toBeNull();
  });
  it('is on an exemplar when near', () => {
    const painter = new LinesPainter({ ...options, visible: () => true });
    const points = exemplarPoints([
      { seriesLabels: {}, exemplars: [{ labels: { trace_id: 'x' }, value: '5', timestamp: 0.5 }] },
    ]);
    expect(hitExemplar(painter, geometry, points, 52, 49)?.labels).toEqual({ trace_id: 'x' });
    expect(hitExemplar(painter, geometry, points, 80, 49)).toBeNull();
  });
});

describe('heatmaps', () => {
  it('take classic buckets apart', () => {
    const items = [
      { metric: { le: '+Inf' }, values: [[1000, '10']] as [number, string][] },
      { metric: { le: '0.5' }, values: [[1000, '3']] as [number, string][] },
      { metric: { le: '1' }, values: [[1000, '7']] as [number, string][] },
    ];
    expect(isHistogram(items)).toBe(true);
    const heat = toHeat(items, range, 15);
    expect(heat.bounds).toEqual([0, 0.5, 1, Number.POSITIVE_INFINITY]);
    expect(heat.cells.map(cell => [cell.low, cell.high, cell.count])).toEqual([
      [0, 0.5, 3],
      [0.5, 1, 4],
      [1, Number.POSITIVE_INFINITY, 3],
    ]);
    expect(heat.most).toBe(4);
  });
  it('add up native histograms', () => {
    const histogram = {
      count: '3',
      sum: '4',
      buckets: [[0, '1', '2', '3']] as [number, string, string, string][],
    };
    const items = [
      { metric: { a: '1' }, histograms: [[1000, histogram]] as [number, typeof histogram][] },
      { metric: { a: '2' }, histograms: [[1000, histogram]] as [number, typeof histogram][] },
    ];
    expect(toHeat(items, range, 15).cells).toEqual([{ time: 0, low: 1, high: 2, count: 6 }]);
  });
  it('have a place for values between bounds', () => {
    const heat = { times: new Float64Array([0, 1]), bounds: [0, 1, 10], cells: [], most: 0 };
    const painter = new HeatPainter(heat, false);
    const geometry = { width: 10, height: 100, xMin: 0, xMax: 1, yMin: 0, yMax: 2, log: false };
    expect(painter.place(geometry, 5.5)).toBe(25);
    expect(painter.place(geometry, -3)).toBe(100);
  });
  it('are not made of plain series', () => {
    expect(
      isHistogram([
        { metric: { le: '1' }, values: [] },
        { metric: {}, values: [] },
      ]),
    ).toBe(false);
  });
});

describe('legend', () => {
  const columns = [
    { labels: { __name__: 'up', job: 'b', cluster: 'x' }, values: new Float64Array([3, 4]) },
    { labels: { __name__: 'up', job: 'a', cluster: 'x' }, values: new Float64Array([1, 9]) },
  ];
  it('leaves out what all have in common, when asked', () => {
    expect(legendRows(columns, true).map(row => row.name)).toEqual(['{job="b"}', '{job="a"}']);
    expect(legendRows(columns, false)[0]?.name).toBe('up{job="b", cluster="x"}');
  });
  it('sorts', () => {
    const rows = legendRows(columns, true);
    expect(sortRows(rows, 'max', true).map(row => row.index)).toEqual([1, 0]);
    expect(sortRows(rows, 'name', false).map(row => row.index)).toEqual([1, 0]);
    expect(sortRows(rows, null, false).map(row => row.index)).toEqual([0, 1]);
  });
});

describe('time axis', () => {
  it('names the day where it begins', () => {
    const day = Date.UTC(2026, 0, 2) / 1000;
    expect(timeLabels([day - 3600, day, day + 3600], 3600, 'UTC')).toEqual([
      '23:00\n2026-01-01',
      '00:00\n2026-01-02',
      '01:00',
    ]);
    expect(timeLabels([day, day + 86_400], 86_400, 'UTC')).toEqual(['01-02\n2026', '01-03']);
  });
});
