import { describe, expect, it } from 'vitest';
import { axisOf, coverageOf, endpointRows, filterRows, isUnlimited, sortRows } from './rows';

const endpoint = (name: string, lastError: string | null, minTime: number, maxTime: number) => ({
  name,
  lastError,
  minTime,
  maxTime,
  lastCheck: '2026-01-01T00:00:00Z',
  labelSets: [{ cluster: name }],
});

const rows = endpointRows({
  sidecar: [endpoint('b:1', null, 500, 2 ** 63), endpoint('a:1', 'refused', 100, 200)],
  store: [
    {
      ...endpoint('c:1', null, 300, 400),
      tsdbInfos: [
        { labels: { x: '1' }, minTime: 350, maxTime: 400 },
        { labels: {}, minTime: 0, maxTime: 50 },
      ],
    },
  ],
});

describe('endpoints', () => {
  it('are found by name, kind, labels and state', () => {
    const find = (text: string, state = '') => filterRows(rows, { text, state }).map(row => row.name);
    expect(find('store')).toEqual(['c:1']);
    expect(find('', 'down')).toEqual(['a:1']);
    expect(find('cluster="b')).toEqual(['b:1']);
    expect(find('')).toHaveLength(3);
  });
  it('are sorted', () => {
    expect(sortRows(rows, 'name').map(row => row.name)).toEqual(['a:1', 'b:1', 'c:1']);
    expect(sortRows(rows, 'state')[0]?.name).toBe('a:1');
    expect(sortRows(rows, 'minTime').map(row => row.minTime)).toEqual([100, 300, 500]);
  });
  it('that never answered are not up', () => {
    expect(
      endpointRows({ unknown: [{ ...endpoint('x', null, 0, 0), lastCheck: '0001-01-01T00:00:00Z' }] })[0]?.up,
    ).toBe(false);
  });
  it('cover the part of the axis that they have data of', () => {
    const axis = axisOf(rows, 1000);
    expect(axis).toEqual({ start: 100, end: 1000 });
    expect(isUnlimited(2 ** 63)).toBe(true);
    expect(coverageOf(rows[0]!, axis)).toEqual([{ label: 'b:1', spans: [{ start: 500, end: 1000 }] }]);
    expect(coverageOf(rows[2]!, axis)).toEqual([{ label: '{x="1"}', spans: [{ start: 350, end: 400 }] }]);
  });
  it('join spans of one label set that touch', () => {
    const info = (minTime: number, maxTime: number) => ({ labels: { x: '1' }, minTime, maxTime });
    const row = { ...rows[2]!, tsdbInfos: [info(200, 300), info(100, 200), info(500, 600)] };
    expect(coverageOf(row, { start: 0, end: 1000 })).toEqual([
      {
        label: '{x="1"}',
        spans: [
          { start: 100, end: 300 },
          { start: 500, end: 600 },
        ],
      },
    ]);
  });
});
