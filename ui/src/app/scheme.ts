import { kept } from '../lib/storage';

/** Where Mantine keeps the choice. */
const key = 'mantine-color-scheme-value';

/** Sets light or dark before the first paint. A choice made in Thanos's pages is taken over. */
export function setScheme(): void {
  let chosen: string | null = null;
  try {
    chosen = localStorage.getItem(key);
    const before = kept('user-prefers-color-scheme');
    if (chosen === null && (before === 'dark' || before === 'light')) {
      chosen = before;
      localStorage.setItem(key, chosen);
    }
  } catch {
    // Storage may be forbidden: the browser's own choice holds.
  }
  const dark =
    chosen === 'dark' || (chosen !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
}
