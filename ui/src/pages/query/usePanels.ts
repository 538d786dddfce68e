import { useMemo, useRef } from 'react';
import { navigate } from '../../app/router';
import { useSearch } from '../../app/useRouter';
import { defaults } from './defaults';
import { newPanel, type Panel } from './panel';
import { parsePanels, printPanels } from './urlState';

export interface PanelActions {
  panels: Panel[];
  /** One for each panel, which it keeps while others come and go. */
  ids: readonly number[];
  change(index: number, change: Partial<Panel>): void;
  add(after?: Panel): void;
  remove(index: number): void;
}

/** What of a change linked panels follow. */
function timesOf(change: Partial<Panel>): Partial<Panel> {
  const times = Object.entries(change).filter(([key]) => ['range', 'end', 'offset'].includes(key));
  return Object.fromEntries(times);
}

/** With as many ids as there are panels: those that are new are larger than any before. */
export function fitIds(ids: readonly number[], count: number): number[] {
  const fitting = ids.slice(0, count);
  while (fitting.length < count) fitting.push(Math.max(-1, ...ids, ...fitting) + 1);
  return fitting;
}

/** The panels are the URL; changing them goes to another URL, so that Back works. Linked ones show the same times. */
export function usePanels(linked: boolean): PanelActions {
  const search = useSearch();
  const panels = useMemo(() => parsePanels(search, defaults), [search]);
  const ids = useRef<number[]>([]);
  ids.current = fitIds(ids.current, panels.length);
  const go = (next: Panel[]): void => {
    const params = new URLSearchParams(printPanels(next, defaults));
    // What is not of a panel stays.
    for (const [key, value] of new URLSearchParams(window.location.search)) {
      if (!/^g\d+\./.test(key)) params.append(key, value);
    }
    const url = `${window.location.pathname}?${params}`;
    if (url !== window.location.pathname + window.location.search) navigate(url);
  };
  // Read again: two changes may follow each other before the page is drawn.
  const current = (): Panel[] => parsePanels(window.location.search, defaults);
  return {
    panels,
    ids: ids.current,
    change: (index, change) =>
      go(
        current().map((panel, at) => {
          if (at === index) return { ...panel, ...change };
          return linked ? { ...panel, ...timesOf(change) } : panel;
        }),
      ),
    add: after => go([...current(), after === undefined ? newPanel(defaults) : { ...after }]),
    remove: index => {
      const rest = current().filter((_, at) => at !== index);
      if (rest.length > 0) ids.current = ids.current.filter((_, at) => at !== index);
      go(rest.length === 0 ? [newPanel(defaults)] : rest);
    },
  };
}
