import { useEffect, useRef } from 'react';
import { navPages } from './pages';
import { navigate, pageUrl } from './router';

/** Sent to the open page for keys that it alone understands. */
export const pageKeyEvent = 'thanos:key';

export interface PageKey {
  key: 'focus' | 'refresh';
}

export interface Shortcut {
  keys: string[];
  does: string;
}

export function shortcuts(): Shortcut[] {
  return [
    { keys: ['Ctrl', 'K'], does: 'Command palette' },
    { keys: ['?'], does: 'This list' },
    { keys: ['/'], does: 'Go to the expression or the search field' },
    { keys: ['r'], does: 'Run the queries or load the page again' },
    ...navPages().map(([, page]) => ({ keys: ['g', page.key], does: `Go to ${page.title}` })),
    { keys: ['Enter'], does: 'In the editor: run the query' },
    { keys: ['Shift', 'Enter'], does: 'In the editor: new line' },
    { keys: ['Ctrl', 'Space'], does: 'In the editor: completion' },
    { keys: ['Ctrl', '↑'], does: 'In the editor: the query before' },
    { keys: ['Ctrl', '↓'], does: 'In the editor: the query after' },
    { keys: ['Esc'], does: 'Close, or leave the editor' },
  ];
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

export function useShortcuts(actions: { openPalette: () => void; openList: () => void }): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    let afterG = 0;
    const send = (key: PageKey['key']) =>
      window.dispatchEvent(new CustomEvent<PageKey>(pageKeyEvent, { detail: { key } }));
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        latest.current.openPalette();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (Date.now() - afterG < 1500) {
        afterG = 0;
        const found = navPages().find(([, page]) => page.key === event.key);
        if (found !== undefined) {
          event.preventDefault();
          navigate(pageUrl(found[0]));
        }
        return;
      }
      if (event.key === 'g') afterG = Date.now();
      else if (event.key === '?') latest.current.openList();
      else if (event.key === '/') {
        event.preventDefault();
        send('focus');
      } else if (event.key === 'r') send('refresh');
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

/** Calls back for keys meant for the page. */
export function usePageKeys(handler: (key: PageKey['key']) => void): void {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => {
    const listener = (event: Event): void => latest.current((event as CustomEvent<PageKey>).detail.key);
    window.addEventListener(pageKeyEvent, listener);
    return () => window.removeEventListener(pageKeyEvent, listener);
  }, []);
}
