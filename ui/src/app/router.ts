import { useSyncExternalStore } from 'react';
import { config } from '../config';

const listeners = new Set<() => void>();
const notify = (): void => {
  for (const listener of listeners) listener();
};

if (typeof window !== 'undefined') window.addEventListener('popstate', notify);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Address of a page as a browser needs it. */
export function pageUrl(page: string, search = ''): string {
  return `${config.prefix}/${page}${search}`;
}

/** Name of the page of a path: its last part. */
export function pageOf(path: string, prefix: string = config.prefix): string {
  const below = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  return (
    below
      .split('/')
      .filter(part => part !== '')
      .at(-1) ?? ''
  );
}

export function navigate(url: string, options: { replace?: boolean } = {}): void {
  if (options.replace) window.history.replaceState(null, '', url);
  else window.history.pushState(null, '', url);
  notify();
}

export function usePage(): string {
  return useSyncExternalStore(subscribe, () => pageOf(window.location.pathname));
}

/** The query of the URL with its question mark, or nothing. */
export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}

/** One parameter of the URL; setting it to its default takes it out. */
export function useParam(name: string, initial = ''): [string, (value: string) => void] {
  const value = new URLSearchParams(useSearch()).get(name) ?? initial;
  const set = (next: string): void => {
    const params = new URLSearchParams(window.location.search);
    if (next === initial) params.delete(name);
    else params.set(name, next);
    const search = params.toString();
    navigate(`${window.location.pathname}${search === '' ? '' : `?${search}`}${window.location.hash}`, {
      replace: true,
    });
  };
  return [value, set];
}
