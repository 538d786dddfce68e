import { useSyncExternalStore } from 'react';
import { navigate, pageOf, subscribe } from './router';

export function usePage(): string {
  return useSyncExternalStore(subscribe, () => pageOf(window.location.pathname));
}

/** The query of the URL with its question mark, or nothing. */
export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}

/** One parameter of the URL; setting it to its default takes it out. With another value, those of `dropped` mean nothing any more. */
export function useParam(
  name: string,
  initial = '',
  dropped: readonly string[] = [],
): [string, (value: string) => void] {
  const value = new URLSearchParams(useSearch()).get(name) ?? initial;
  const set = (next: string): void => {
    const params = new URLSearchParams(window.location.search);
    if (next === initial) params.delete(name);
    else params.set(name, next);
    for (const other of dropped) params.delete(other);
    const search = params.toString();
    navigate(`${window.location.pathname}${search === '' ? '' : `?${search}`}${window.location.hash}`, {
      replace: true,
    });
  };
  return [value, set];
}
