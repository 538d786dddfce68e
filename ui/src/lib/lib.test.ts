import { describe, expect, it } from 'vitest';
import { readConfig } from '../config';
import { formatDuration, humanDuration, parseDuration, parseGoDuration } from './duration';
import { formatBytes, formatNumber, formatSi, formatTicks } from './format';
import { fuzzyFilter, fuzzyPlaces } from './fuzzy';
import { commonLabels, formatLabels } from './labels';
import { formatAgo, formatTime, parseTime } from './time';
import { blocksUrl } from './url';

describe('durations', () => {
  it('are read', () => {
    expect(parseDuration('1y2w3d4h5m6s7ms')).toBe(31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_706_007);
    expect(parseDuration('0')).toBe(0);
    for (const bad of ['', '1', 'm', '1m1h', '-1h', '1.5h', '1h ago']) expect(parseDuration(bad)).toBeNull();
  });
  it('are written so that they are read back', () => {
    for (const text of ['1ms', '15s', '1m30s', '1h', '2d', '1w', '1y', '8d', '1h1ms']) {
      expect(formatDuration(parseDuration(text) ?? -1)).toBe(text);
    }
    expect(formatDuration(0)).toBe('0s');
  });
  it('are written for people', () => {
    expect(humanDuration(10_089)).toBe('10.1s');
    expect(humanDuration(45)).toBe('45ms');
    expect(humanDuration(90_061_000)).toBe('1d 1h');
    expect(humanDuration(0.012)).toBe('12µs');
  });
  it('of Go are read', () => {
    expect(parseGoDuration('1m1.5s')).toBe(61_500);
    expect(parseGoDuration('12.5ms')).toBe(12.5);
    expect(parseGoDuration('250µs')).toBeCloseTo(0.25);
  });
});

describe('times', () => {
  it('are shown and read in a zone', () => {
    const time = Date.UTC(2026, 6, 1, 10, 0, 0);
    expect(formatTime(time, 'UTC')).toBe('2026-07-01 10:00:00');
    expect(formatTime(time, 'Europe/Berlin')).toBe('2026-07-01 12:00:00');
    expect(parseTime('2026-07-01 12:00', 'Europe/Berlin')).toBe(time);
    expect(parseTime('2026-07-01T10:00:00', 'UTC')).toBe(time);
    expect(parseTime('tomorrow', 'UTC')).toBeNull();
  });
  it('survive the change of the clocks', () => {
    for (let hour = 0; hour < 48; hour++) {
      const time = Date.UTC(2026, 2, 28, hour);
      expect(parseTime(formatTime(time, 'Europe/Berlin'), 'Europe/Berlin')).toBe(time);
    }
  });
  it('that are past are told by their age', () => {
    const ago = (ms: number) => formatAgo(1_000_000 - ms, 1_000_000, humanDuration);
    expect([ago(300), ago(10_089), ago(90_000), ago(-60_000)]).toEqual([
      'just now',
      '10s ago',
      '1m 30s ago',
      'in 1m',
    ]);
    expect(formatAgo(Date.parse('0001-01-01T00:00:00Z'), 5, humanDuration)).toBe('never');
  });
  it('beyond what a date can be are a dash', () => {
    expect(formatTime(9.2e18, 'UTC')).toBe('–');
  });
});

describe('numbers', () => {
  it('have prefixes', () => {
    expect(formatSi(0)).toBe('0');
    expect(formatSi(1234)).toBe('1.23k');
    expect(formatSi(-0.002)).toBe('-2m');
    expect(formatSi(Number.POSITIVE_INFINITY)).toBe('+Inf');
    expect(formatSi(100)).toBe('100');
  });
  it('of an axis differ', () => {
    expect(formatTicks([1.01, 1.02, 1.03])).toEqual(['1.01', '1.02', '1.03']);
    expect(formatTicks([0, 500, 1000])).toEqual(['0', '500', '1k']);
    expect(formatTicks([-2.5, 0, 2.5, 5, 0.1 + 0.2])).toEqual(['-2.5', '0', '2.5', '5', '300m']);
  });
  it('are written out', () => {
    expect(formatNumber(1234.5)).toBe('1,234.5');
    expect(formatNumber(Number.NaN)).toBe('NaN');
    expect(formatBytes(1536)).toBe('1.50 KiB');
  });
});

describe('labels', () => {
  it('are written as PromQL', () => {
    expect(formatLabels({ __name__: 'up', job: 'a"b' })).toBe('up{job="a\\"b"}');
    expect(formatLabels({ __name__: 'up' })).toBe('up');
    expect(formatLabels({})).toBe('{}');
    expect(formatLabels({ __name__: 'http.requests', 'my.label': 'x' })).toBe(
      '{"http.requests", "my.label"="x"}',
    );
  });
  it('that all share are found', () => {
    expect(commonLabels([{ a: '1', b: '2' }, { a: '1', b: '3' }, { a: '1' }])).toEqual({ a: '1' });
  });
});

describe('search', () => {
  it('finds letters in order, whole words first', () => {
    expect(fuzzyFilter('nct', ['none', 'node_cpu_total', 'nctx'], text => text)).toEqual([
      'nctx',
      'node_cpu_total',
    ]);
  });
});

describe('letters that were found', () => {
  it('are told by their places', () => {
    expect(fuzzyPlaces('cpu', 'node_cpu')).toEqual([5, 6, 7]);
    expect(fuzzyPlaces('N c', 'node_cpu')).toEqual([0, 5]);
    expect(fuzzyPlaces('xyz', 'node_cpu')).toEqual([]);
    expect(fuzzyPlaces('', 'node_cpu')).toEqual([]);
  });
});

describe('pages of blocks', () => {
  it('are addressed with the blocks, whatever else their address has', () => {
    expect(blocksUrl('http://s:1/loaded?labels=a', ['01A'])).toBe(
      'http://s:1/loaded?labels=a&ulid=01A&block=01A',
    );
    expect(blocksUrl('https://s/blocks', ['01A', '01B'])).toBe('https://s/blocks?ulid=01A%2C01B');
  });
  it('are none where the address is not one of the web', () => {
    for (const page of ['', 'javascript:alert(1)', '/loaded', 'http://['])
      expect(blocksUrl(page, ['01A'])).toBeUndefined();
  });
});

describe('data of the index page', () => {
  it('keeps defaults for what is missing or of another type', () => {
    const read = readConfig(
      '{"prefix":"/a/","pages":["loaded"],"home":5,"features":{"defaultStep":15,"analyze":null}}',
    );
    expect(read).toMatchObject({ prefix: '/a', pages: ['loaded'], home: 'graph' });
    expect(read.features).toMatchObject({ defaultStep: 15, analyze: true });
    expect(readConfig('__THANOS_DATA__').component).toBe('query');
  });
});
