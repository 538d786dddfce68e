import { expect, it } from 'vitest';
import type { Answer } from '../../api/client';
import type { QueryData } from '../../api/types';
import { exprsOf, joinAnswers } from './several';

const answer = (metric: Record<string, string>, resolutions: number[]): Answer<QueryData> => ({
  data: { resultType: 'matrix', result: [{ metric, values: [[1, '2']] }], resolutions },
  warnings: ['w'],
  infos: [],
  bytes: 10,
  traceId: null,
});

it('series of several expressions are told apart', () => {
  const exprs = exprsOf({ expr: 'sum(a)', also: ['', 'sum(b)'] });
  expect(exprs).toEqual(['sum(a)', 'sum(b)']);
  const joined = joinAnswers([answer({}, [0]), answer({}, [300_000, 0])], exprs);
  expect(joined.data.result).toEqual([
    { metric: { __expr__: 'sum(a)' }, values: [[1, '2']] },
    { metric: { __expr__: 'sum(b)' }, values: [[1, '2']] },
  ]);
  expect(joined.data.resolutions).toEqual([0, 300_000]);
  expect(joined.bytes).toBe(20);
});

it('the blocks of several expressions stand once by store', () => {
  const read = (endpointAddr: string, blocks: string[]): Answer<QueryData> => {
    const one = answer({}, [0]);
    return { ...one, data: { ...one.data, blocks: [{ endpointAddr, blocks, stats: { seriesTouched: 1 } }] } };
  };
  const joined = joinAnswers(
    [read('a:1', ['02', '01']), read('a:1', ['02']), read('b:1', ['03'])],
    ['x', 'y', 'z'],
  );
  expect(joined.data.blocks).toEqual([
    { endpointAddr: 'a:1', blocks: ['01', '02'] },
    { endpointAddr: 'b:1', blocks: ['03'] },
  ]);
});

it('one expression is left as it is', () => {
  const alone = answer({ a: '1' }, [0]);
  expect(joinAnswers([alone], ['a'])).toBe(alone);
});
