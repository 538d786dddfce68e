import type { PrometheusClient } from '@prometheus-io/codemirror-promql';
import { EqlRegex, EqlSingle, Neq, NeqRegex } from '@prometheus-io/lezer-promql';
import { call, type Params } from '../../../api/client';
import type { Metadata } from '../../../api/types';
import { quote } from '../../../lib/labels';

/** Most names or values that completion asks for; beyond it a prefix is asked for instead. */
const mostNames = 10_000;
const mostValues = 1000;
/** How far back completion looks, when the panel's range is shorter; milliseconds. */
const leastLookback = 3_600_000;
const slowest = 5000;
const keptFor = 300_000;

/** What completion of a panel is limited to. */
export interface Scope {
  /** Milliseconds. */
  start: number;
  end: number;
  stores: string[];
  /** Those of the tenant. */
  headers: Record<string, string>;
}

interface Matcher {
  name: string;
  /** The term of the grammar. */
  type: number;
  value: string;
}

/** Asks for names within the panel's time range, stores and tenant, never for more than a limit, never for long. */
export class BoundedClient implements PrometheusClient {
  private readonly cache = new Map<string, { until: number; answer: Promise<unknown> }>();

  constructor(private readonly scope: () => Scope) {}

  async labelNames(metricName?: string): Promise<string[]> {
    return this.ask<string[]>('labels', [...matching(metricName), ['limit', String(mostValues)]], []);
  }

  async labelValues(labelName: string, metricName?: string, matchers?: Matcher[]): Promise<string[]> {
    const path = `label/${encodeURIComponent(labelName)}/values`;
    return this.ask<string[]>(
      path,
      [...matching(metricName, matchers, labelName), ['limit', String(mostValues)]],
      [],
    );
  }

  async metricMetadata(): Promise<Record<string, { type: string; help: string }[]>> {
    return this.ask<Record<string, Metadata[]>>('metadata', [['limit', String(mostNames)]], {}, false);
  }

  async series(metricName: string, matchers?: Matcher[]): Promise<Map<string, string>[]> {
    const found = await this.ask<Record<string, string>[]>(
      'series',
      [...matching(metricName, matchers), ['limit', String(mostValues)]],
      [],
    );
    return found.map(labels => new Map(Object.entries(labels)));
  }

  async metricNames(prefix?: string): Promise<string[]> {
    const path = 'label/__name__/values';
    const limit: Params = [['limit', String(mostNames)]];
    const names = await this.ask<string[]>(path, limit, []);
    if (names.length < mostNames || prefix === undefined || prefix === '') return names;
    const pattern = quote(`${prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}.*`);
    return this.ask<string[]>(path, [['match[]', `{__name__=~${pattern}}`], ...limit], []);
  }

  async flags(): Promise<Record<string, string>> {
    return {};
  }

  private ask<T>(path: string, params: Params, none: T, bounded = true): Promise<T> {
    const all = bounded ? [...params, ...this.bounds()] : params;
    const { headers } = this.scope();
    const key = JSON.stringify([path, all, headers]);
    const kept = this.cache.get(key);
    const now = Date.now();
    if (kept !== undefined && kept.until > now) return kept.answer as Promise<T>;
    const answer = call<T | null>(path, { params: all, headers, signal: AbortSignal.timeout(slowest) }).then(
      ({ data }) => data ?? none,
      () => {
        // Completion does without; the query itself will tell what is wrong.
        this.cache.delete(key);
        return none;
      },
    );
    if (this.cache.size > 200) this.cache.clear();
    this.cache.set(key, { until: now + keptFor, answer });
    return answer;
  }

  private bounds(): Params {
    const { start, end, stores } = this.scope();
    // Whole minutes, so that typing meets the cache.
    const minute = (ms: number): string => String(Math.floor(ms / 60_000) * 60);
    return [
      ['start', minute(Math.min(start, end - leastLookback))],
      ['end', minute(end + 60_000)],
      ...stores.map((name): [string, string] => ['storeMatch[]', `{__address__=${JSON.stringify(name)}}`]),
    ];
  }
}

const signs = new Map<number, string>([
  [EqlSingle, '='],
  [Neq, '!='],
  [EqlRegex, '=~'],
  [NeqRegex, '!~'],
]);

/** The selector of a metric and of those matchers that are whole. */
function matching(metricName?: string, matchers: Matcher[] = [], without?: string): Params {
  const parts = metricName === undefined || metricName === '' ? [] : [`__name__=${quote(metricName)}`];
  for (const { name, type, value } of matchers) {
    const sign = signs.get(type);
    if (sign === undefined || value === '' || name === without) continue;
    // The value is as it was typed, so what is escaped already stays as it is.
    parts.push(`${name}${sign}${value.includes('\\') ? `"${value}"` : quote(value)}`);
  }
  return parts.length === 0 ? [] : [['match[]', `{${parts.join(',')}}`]];
}
