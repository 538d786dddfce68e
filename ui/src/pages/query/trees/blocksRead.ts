import { humanDuration, parseGoDuration } from '../../../lib/duration';
import { formatBytes, formatCount } from '../../../lib/format';

/** What a store says of its work, in a few words: what it fetched of the bucket, and what it used of that and its caches. */
export function readFigures(stats: Readonly<Record<string, number | string>>): string[] {
  const number = (name: string): number => Number(stats[name] ?? 0);
  const parts = (['postings', 'series', 'chunks'] as const)
    .filter(kind => number(`${kind}Touched`) > 0 || number(`${kind}Fetched`) > 0)
    .map(kind => {
      const used = `${formatCount(number(`${kind}Touched`))} ${kind} used (${formatBytes(number(`${kind}TouchedSizeSum`))})`;
      const fetches = number(`${kind}FetchCount`);
      return fetches === 0
        ? used
        : `${used}, ${formatBytes(number(`${kind}FetchedSizeSum`))} fetched in ${formatCount(fetches)}`;
    });
  const times = (
    [
      ['getAllDuration', 'selected in'],
      ['mergeDuration', 'sent in'],
    ] as const
  ).flatMap(([name, words]) => {
    const ms = parseGoDuration(String(stats[name] ?? ''));
    return ms > 0 ? [`${words} ${humanDuration(ms)}`] : [];
  });
  return [...parts, ...times];
}
