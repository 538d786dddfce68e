import { config } from '../config';

const listeners = new Set<() => void>();
const notify = (): void => {
  for (const listener of listeners) listener();
};

if (typeof window !== 'undefined') window.addEventListener('popstate', notify);

/** Calls back when the address has changed. */
export function subscribe(listener: () => void): () => void {
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
