import type { Params } from '../../../api/client';
import { quote } from '../../../lib/labels';
import type { Panel } from '../panel';
import { timeRange } from '../request';

/** Most names that are listed. */
export const mostNames = 10_000;
/** Most values of a label that are counted. */
export const mostValues = 100;

/** The time and the endpoints that the explorer looks at. */
export function bounds(panel: Panel): Params {
  const { start, end } = timeRange(panel, Date.now());
  return [
    ['start', String(Math.floor(start / 1000))],
    ['end', String(Math.ceil(end / 1000))],
    ...panel.stores.map((name): [string, string] => [
      'storeMatch[]',
      `{__address__=${JSON.stringify(name)}}`,
    ]),
  ];
}

/** The selector of a metric with one value for some labels. */
export function selector(metric: string, filters: ReadonlyMap<string, string>): string {
  const plain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metric);
  const inside = [...filters].map(([name, value]) => {
    const label = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
    return `${label}=${quote(value)}`;
  });
  if (!plain) inside.unshift(quote(metric));
  return `${plain ? metric : ''}${inside.length === 0 ? '' : `{${inside.join(',')}}`}`;
}
