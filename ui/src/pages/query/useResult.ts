import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type Answer, call } from '../../api/client';
import type { ExemplarSeries, QueryData } from '../../api/types';
import { config } from '../../config';
import type { Panel } from './panel';
import {
  endOf,
  instantParams,
  provenance,
  rangeParams,
  stepOf,
  type TimeRange,
  tenantHeaders,
  timeRange,
} from './request';
import { exprsOf, joinAnswers } from './several';

/** An answer, with what it was asked for. */
export interface Result extends Answer<QueryData> {
  range: TimeRange;
  /** Seconds. */
  step: number;
  /** Milliseconds until the answer was there. */
  took: number;
  expr: string;
  /** The same expression earlier, when asked to compare. */
  earlier: QueryData | null;
}

/** Thanos sends notes among the warnings; they are told apart by how they begin. */
export function sortNotes(texts: readonly string[]): { warnings: string[]; infos: string[] } {
  const all = [...new Set(texts)];
  const isInfo = (text: string): boolean => text.startsWith('PromQL info:');
  return { warnings: all.filter(text => !isInfo(text)), infos: all.filter(isInfo) };
}

/** What of a panel changes the answer. */
function requestKey(panel: Panel): unknown[] {
  const params =
    panel.tab === 'graph' ? rangeParams(panel, panel.expr, 0) : instantParams(panel, panel.expr, 0);
  return [params, panel.tenant, panel.tab === 'graph' ? [panel.compare, panel.also] : 0];
}

export function useResult(
  panel: Panel,
  run: number,
  enabled: boolean,
  forceTracing: boolean,
): UseQueryResult<Result> {
  const graph = panel.tab === 'graph';
  return useQuery<Result>({
    queryKey: ['result', requestKey(panel), run],
    enabled: enabled && panel.expr.trim() !== '',
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 20_000,
    structuralSharing: false,
    placeholderData: before =>
      before !== undefined && before.expr === panel.expr && graph === (before.data.resultType === 'matrix')
        ? before
        : undefined,
    queryFn: async ({ signal }): Promise<Result> => {
      const now = Date.now();
      const headers = {
        ...tenantHeaders(panel),
        ...(forceTracing ? { 'X-Thanos-Force-Tracing': 'true' } : {}),
      };
      const exprs = graph ? exprsOf(panel) : [panel.expr];
      const askOne = (expr: string, shift: number) =>
        call<QueryData>(graph ? 'query_range' : 'query', {
          method: 'POST',
          params: [
            ...(graph
              ? rangeParams({ ...panel, end: endOf(panel, now) - shift }, expr, now)
              : instantParams(panel, expr, now)),
            ...provenance,
          ],
          headers,
          signal,
        });
      const ask = async (shift: number) =>
        joinAnswers(await Promise.all(exprs.map(expr => askOne(expr, shift))), exprs);
      const started = performance.now();
      const [answer, earlier] = await Promise.all([
        ask(0),
        graph && panel.compare > 0 ? ask(panel.compare) : Promise.resolve(null),
      ]);
      return {
        ...answer,
        ...sortNotes([
          ...answer.warnings,
          ...answer.infos,
          ...(earlier?.warnings ?? []),
          ...(earlier?.infos ?? []),
        ]),
        range: timeRange(panel, now),
        step: stepOf(panel, config.features.defaultStep),
        took: performance.now() - started,
        expr: panel.expr,
        earlier: earlier?.data ?? null,
      };
    },
  });
}

/** Exemplars of the panel's expression within the range of its result. */
export function useExemplars(
  panel: Panel,
  range: TimeRange | null,
): UseQueryResult<Answer<ExemplarSeries[] | null>> {
  return useQuery({
    queryKey: ['exemplars', panel.expr, panel.partialResponse, range],
    enabled: panel.exemplars && panel.tab === 'graph' && range !== null,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      call<ExemplarSeries[] | null>('query_exemplars', {
        method: 'POST',
        params: [
          ['query', panel.expr],
          ['start', String((range?.start ?? 0) / 1000)],
          ['end', String((range?.end ?? 0) / 1000)],
          ['partial_response', String(panel.partialResponse)],
        ],
        headers: tenantHeaders(panel),
        signal,
      }),
  });
}
