import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { type CompleteStrategy, newCompleteStrategy } from '@prometheus-io/codemirror-promql';
import { settings } from '../../../settings';
import { BoundedClient, type Scope } from './client';

/** PromQL's completion, with past queries below it at the start of the expression. */
export function completion(scope: () => Scope): CompleteStrategy {
  const promql = newCompleteStrategy({ remote: new BoundedClient(scope), maxMetricsMetadata: 10_000 });
  return {
    promQL: async (context: CompletionContext): Promise<CompletionResult | null> => {
      const result = await promql.promQL(context);
      if (result === null || result.from !== 0) return result;
      const past = settings.history.get().map(expr => ({
        label: expr.length > 80 ? `${expr.slice(0, 77)}…` : expr,
        apply: expr,
        detail: 'past query',
        info: expr,
        boost: -50,
      }));
      return { ...result, options: [...result.options, ...past] };
    },
  };
}
