import type { RuleGroup } from '../../api/types';

/** The group that the address names after its `#`. */
export function wantedGroup(): string {
  try {
    return decodeURIComponent(window.location.hash.slice(1));
  } catch {
    return '';
  }
}

/** The page shown, from 1: the one of the address, else the one of the group it names. */
export function groupPage(groups: readonly RuleGroup[], page: string, perPage: number): number {
  if (page !== '') return Number(page) || 1;
  const wanted = wantedGroup();
  const at = wanted === '' ? -1 : groups.findIndex(group => group.name === wanted);
  return at < 0 ? 1 : Math.floor(at / perPage) + 1;
}
