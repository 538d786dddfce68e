import type { Alert, Rule, RuleGroup } from '../api/types';
import { fuzzyScore } from './fuzzy';
import { formatLabels } from './labels';

export const alertStates = ['firing', 'pending', 'inactive', 'unknown'] as const;

export function stateOf(rule: Rule): string {
  return (rule.state ?? 'unknown').toLowerCase();
}

export function alertsOf(rule: Rule): Alert[] {
  return rule.alerts ?? [];
}

function matches(rule: Rule, text: string): boolean {
  if (text === '') return true;
  const parts = [
    rule.name,
    formatLabels(rule.labels ?? {}),
    ...alertsOf(rule).map(alert => formatLabels(alert.labels)),
  ];
  return parts.some(part => fuzzyScore(text, part) !== null);
}

export interface RuleFilter {
  text: string;
  /** States or healths; none is all. */
  states: ReadonlySet<string>;
  of: (rule: Rule) => string;
}

/** Groups with only the rules that match; a group whose own name matches keeps all of the wished state. */
export function filterGroups(groups: readonly RuleGroup[], { text, states, of }: RuleFilter): RuleGroup[] {
  return groups
    .map(group => {
      const named = text !== '' && (group.name.includes(text) || group.file.includes(text));
      const rules = group.rules.filter(
        rule => (states.size === 0 || states.has(of(rule))) && (named || matches(rule, text)),
      );
      return { ...group, rules };
    })
    .filter(group => group.rules.length > 0);
}

export function countBy(groups: readonly RuleGroup[], of: (rule: Rule) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const group of groups) {
    for (const rule of group.rules) counts[of(rule)] = (counts[of(rule)] ?? 0) + 1;
  }
  return counts;
}

/** Who evaluates a rule, where that is not all who evaluate its group. */
export function sourcesOf(group: RuleGroup, rule: Rule): string[] {
  const own = rule.sources ?? [];
  const all = group.sources ?? [];
  return own.length === all.length && own.every(source => all.includes(source)) ? [] : own;
}

/** Names a rule in an address. Rules of one name in groups of one name are opened together. */
export function ruleKey(group: RuleGroup, rule: Rule): string {
  return [group.name, rule.name].map(encodeURIComponent).join('/');
}

/** Groups of one name and file may come from different sources, so the place is part of the key. */
export function groupKey(group: RuleGroup, index: number): string {
  return `${group.file};${group.name};${index}`;
}
