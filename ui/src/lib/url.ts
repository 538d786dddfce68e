/** Only addresses of the web may become links. */
export function webUrl(url: string): string | undefined {
  return /^https?:\/\/[^/]/i.test(url) ? url : undefined;
}

/** Where an alert with these labels can be silenced. */
export function silenceUrl(alertmanager: string, labels: Record<string, string>): string | undefined {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const base = webUrl(alertmanager)?.replace(/\/+$/, '');
  return base && `${base}/#/silences/new?filter=${encodeURIComponent(`{${matchers.join(',')}}`)}`;
}

/** The page of blocks at an address, with these blocks, and the first of them opened where it is one. */
export function blocksUrl(page: string, ids: readonly string[]): string | undefined {
  const base = webUrl(page);
  if (base === undefined || !URL.canParse(base)) return undefined;
  const url = new URL(base);
  url.searchParams.set('ulid', ids.join(','));
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) url.searchParams.set('block', only);
  return url.href;
}

/** Where a trace is shown. */
export function traceUrl(template: string, id: string): string | undefined {
  const url = webUrl(template);
  if (url === undefined) return undefined;
  const part = encodeURIComponent(id);
  return url.includes('{trace}') ? url.replaceAll('{trace}', part) : `${url.replace(/\/+$/, '')}/${part}`;
}
