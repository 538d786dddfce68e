import { useSyncExternalStore } from 'react';
import type { Setting } from './storage';

/** The value of a setting, and what changes it. */
export function useSetting<T>(of: Setting<T>): [T, (value: T) => void] {
  return [useSyncExternalStore(of.subscribe, of.get), of.set];
}
