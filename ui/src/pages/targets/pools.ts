import type { Target } from '../../api/types';
import { fuzzyScore } from '../../lib/fuzzy';
import { formatLabels } from '../../lib/labels';

export interface Pool {
  name: string;
  targets: Target[];
  up: number;
  total: number;
}

/** Targets by scrape pool; those that do not match are left out, but count. */
export function pools(targets: readonly Target[], text: string, healths: ReadonlySet<string>): Pool[] {
  const found = new Map<string, Pool>();
  for (const target of targets) {
    let pool = found.get(target.scrapePool);
    if (pool === undefined) {
      pool = { name: target.scrapePool, targets: [], up: 0, total: 0 };
      found.set(target.scrapePool, pool);
    }
    pool.total++;
    if (target.health === 'up') pool.up++;
    const parts = [target.scrapeUrl, target.scrapePool, formatLabels(target.labels)];
    const matches = text === '' || parts.some(part => fuzzyScore(text, part) !== null);
    if (matches && (healths.size === 0 || healths.has(target.health))) pool.targets.push(target);
  }
  return [...found.values()]
    .filter(pool => pool.targets.length > 0)
    .sort((a, b) => a.name.localeCompare(b.name));
}
