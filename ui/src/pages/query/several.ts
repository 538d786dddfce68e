import type { Answer } from '../../api/client';
import type { BlocksRead, QueryData } from '../../api/types';

/** Tells the series of several expressions in one graph apart. */
export const exprLabel = '__expr__';

/** The expressions of a graph. */
export function exprsOf(panel: { expr: string; also: readonly string[] }): string[] {
  return [panel.expr, ...panel.also.filter(expr => expr.trim() !== '')];
}

function numbers(answers: readonly Answer<QueryData>[]): number[] | undefined {
  if (answers.every(({ data }) => data.resolutions === undefined)) return undefined;
  return [...new Set(answers.flatMap(({ data }) => data.resolutions ?? []))].sort((a, b) => a - b);
}

/** By store, the blocks of all; the statistics of one answer say nothing of the others. */
function blocks(answers: readonly Answer<QueryData>[]): { blocks?: BlocksRead[] } {
  if (answers.every(({ data }) => data.blocks === undefined)) return {};
  const byStore = new Map<string, Set<string>>();
  for (const { endpointAddr, blocks } of answers.flatMap(({ data }) => data.blocks ?? [])) {
    byStore.set(endpointAddr, new Set([...(byStore.get(endpointAddr) ?? []), ...blocks]));
  }
  return {
    blocks: [...byStore].map(([endpointAddr, ids]) => ({ endpointAddr, blocks: [...ids].sort() })),
  };
}

/** The answers to several expressions as one; each series says which it is of. */
export function joinAnswers(
  answers: readonly Answer<QueryData>[],
  exprs: readonly string[],
): Answer<QueryData> {
  const [first] = answers;
  if (first === undefined) throw new Error('nothing was asked');
  if (answers.length === 1) return first;
  const result = answers.flatMap(({ data }, at) =>
    data.resultType === 'matrix'
      ? data.result.map(item => ({ ...item, metric: { ...item.metric, [exprLabel]: exprs[at] ?? '' } }))
      : [],
  );
  const resolutions = numbers(answers);
  return {
    ...first,
    data: {
      ...blocks(answers),
      ...(resolutions === undefined ? {} : { resolutions }),
      ...(first.data.endpoints === undefined ? {} : { endpoints: first.data.endpoints }),
      ...(first.data.analysis === undefined ? {} : { analysis: first.data.analysis }),
      resultType: 'matrix',
      result,
    },
    warnings: answers.flatMap(answer => answer.warnings),
    infos: answers.flatMap(answer => answer.infos),
    bytes: answers.reduce((sum, answer) => sum + answer.bytes, 0),
  };
}
