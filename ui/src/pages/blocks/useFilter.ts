import { useMemo } from 'react';
import { useParam } from '../../app/useRouter';
import type { BlockFilter } from './survey';

export type SetFilter = (change: Partial<BlockFilter>) => void;

/** The filter in the URL: Thanos's parameters, and ours beside them. */
export function useFilter(): [BlockFilter, SetFilter] {
  const [ulid, setUlid] = useParam('ulid');
  const [labels, setLabels] = useParam('labels');
  const [byLevel, setByLevel] = useParam('filter-compaction', '0');
  const [level, setLevel] = useParam('compaction-level', '0');
  const [resolution, setResolution] = useParam('resolution');
  const [state, setState] = useParam('state');
  const [source, setSource] = useParam('source');
  const [overlapping, setOverlapping] = useParam('find-overlapping', '0');
  const filter = useMemo<BlockFilter>(
    () => ({
      ulid,
      labels,
      level: isOn(byLevel) && Number(level) > 0 ? Number(level) : null,
      resolution: /^\d+$/.test(resolution) ? Number(resolution) : null,
      state,
      source,
      overlapping: isOn(overlapping),
    }),
    [ulid, labels, byLevel, level, resolution, state, source, overlapping],
  );
  return [
    filter,
    change => {
      if (change.ulid !== undefined) setUlid(change.ulid);
      if (change.labels !== undefined) setLabels(change.labels);
      if (change.level !== undefined) {
        setByLevel(change.level === null ? '0' : '1');
        setLevel(String(change.level ?? 0));
      }
      if (change.resolution !== undefined)
        setResolution(change.resolution === null ? '' : String(change.resolution));
      if (change.state !== undefined) setState(change.state);
      if (change.source !== undefined) setSource(change.source);
      if (change.overlapping !== undefined) setOverlapping(change.overlapping ? '1' : '0');
    },
  ];
}

function isOn(value: string): boolean {
  return value === '1' || value === 'true';
}
