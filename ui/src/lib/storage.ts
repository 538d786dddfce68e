/** A setting in localStorage that all its users see change at once. */
export interface Setting<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // Storage may be forbidden; settings then last as long as the page.
  }
}

/** What another program's pages have kept under a key, as JSON; undefined when there is nothing that can be read. */
export function kept(key: string): unknown {
  const stored = read(key);
  if (stored === null) return undefined;
  try {
    return JSON.parse(stored);
  } catch {
    return stored;
  }
}

export function setting<T>(key: string, initial: T, valid: (value: unknown) => boolean): Setting<T> {
  const listeners = new Set<() => void>();
  let value = initial;
  const stored = read(key);
  if (stored !== null) {
    try {
      const parsed: unknown = JSON.parse(stored);
      if (valid(parsed)) value = parsed as T;
    } catch {
      // Written by something else: the initial value holds.
    }
  }
  return {
    get: () => value,
    set: next => {
      value = next;
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // As above.
      }
      for (const listener of listeners) listener();
    },
    subscribe: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
