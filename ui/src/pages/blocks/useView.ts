import { useMemo, useState } from 'react';
import { navigate } from '../../app/router';
import { useSearch } from '../../app/useRouter';
import type { Block } from './types';
import type { View } from './view';

/** From the first to the last block, with a little room at the sides. */
export function wholeOf(blocks: readonly Block[]): View {
  let start = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (const block of blocks) {
    if (block.minTime < start) start = block.minTime;
    if (block.maxTime > end) end = block.maxTime;
  }
  if (start > end) return { start: 0, end: 1 };
  const margin = Math.max((end - start) * 0.01, 60_000);
  return { start: Math.floor(start - margin), end: Math.ceil(end + margin) };
}

/** The view of a URL: `min-time` and `max-time` in milliseconds; the whole where they are missing. */
export function readView(search: string, whole: View): View {
  const params = new URLSearchParams(search);
  const read = (name: string, otherwise: number): number => {
    const text = params.get(name) ?? '';
    return /^-?\d{1,16}$/.test(text) ? Number(text) : otherwise;
  };
  const view = { start: read('min-time', whole.start), end: read('max-time', whole.end) };
  return view.start < view.end ? view : whole;
}

/** The view is in the URL, save while it is being dragged. */
export function useView(whole: View): [View, (view: View | null, done?: boolean) => void] {
  const search = useSearch();
  const settled = useMemo(() => readView(search, whole), [search, whole]);
  const [moving, setMoving] = useState<View | null>(null);
  return [
    moving ?? settled,
    (view, done = true) => {
      setMoving(done ? null : view);
      if (!done) return;
      const params = new URLSearchParams(window.location.search);
      params.delete('min-time');
      params.delete('max-time');
      if (view !== null && (view.start !== whole.start || view.end !== whole.end)) {
        params.set('min-time', String(Math.round(view.start)));
        params.set('max-time', String(Math.round(view.end)));
      }
      const text = params.toString();
      navigate(`${window.location.pathname}${text === '' ? '' : `?${text}`}`, { replace: true });
    },
  ];
}
