import { useCallback, useState } from 'react';

export interface Visible {
  is: (index: number) => boolean;
  hiddenCount: number;
  /** `alone`: shows only this one, or all again when it was alone. Otherwise hides or shows it. */
  toggle: (index: number, alone: boolean) => void;
  showAll: () => void;
}

/** Which series are hidden after a click in the legend. */
export function toggled(
  hidden: ReadonlySet<number>,
  count: number,
  index: number,
  alone: boolean,
): Set<number> {
  if (!alone) {
    const next = new Set(hidden);
    if (!next.delete(index)) next.add(index);
    return next;
  }
  if (!hidden.has(index) && hidden.size === count - 1) return new Set();
  return new Set(Array.from({ length: count }, (_, at) => at).filter(at => at !== index));
}

export function useVisible(count: number): Visible {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const is = useCallback((index: number) => !hidden.has(index), [hidden]);
  return {
    is,
    hiddenCount: hidden.size,
    toggle: (index, alone) => setHidden(toggled(hidden, count, index, alone)),
    showAll: () => setHidden(new Set()),
  };
}
