import { Badge, Button, Group, Modal, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { call } from '../../../api/client';
import type { Metadata } from '../../../api/types';
import { ErrorBox } from '../../../components/ErrorBox';
import { Loading } from '../../../components/Loading';
import { SearchInput } from '../../../components/SearchInput';
import { copy } from '../../../lib/clipboard';
import { formatCount } from '../../../lib/format';
import { fuzzyFilter } from '../../../lib/fuzzy';
import type { Panel } from '../panel';
import { tenantHeaders } from '../request';
import classes from './Explorer.module.css';
import { LabelExplorer } from './LabelExplorer';
import { bounds, mostNames } from './scope';

interface Props {
  panel: Panel;
  onClose: () => void;
  onPick: (expr: string, andRun: boolean) => void;
}

interface MetricsProps {
  panel: Panel;
  onExplore: (metric: string) => void;
  onPick: (metric: string) => void;
}

function Metrics({ panel, onExplore, onPick }: MetricsProps) {
  const [text, setText] = useState('');
  const names = useQuery({
    queryKey: ['metric-names', panel.stores, panel.range, panel.end, panel.offset, panel.tenant],
    queryFn: ({ signal }) =>
      call<string[] | null>('label/__name__/values', {
        params: [...bounds(panel), ['limit', String(mostNames)]],
        headers: tenantHeaders(panel),
        signal,
      }),
  });
  const metadata = useQuery({
    queryKey: ['metadata'],
    staleTime: 300_000,
    queryFn: ({ signal }) =>
      call<Record<string, Metadata[]> | null>('metadata', { params: [['limit', String(mostNames)]], signal }),
  });
  const all = names.data?.data ?? [];
  const about = metadata.data?.data ?? {};
  const found = useMemo(() => fuzzyFilter(text, all, name => name), [text, all]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: found.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 46,
    overscan: 8,
  });
  if (names.error) return <ErrorBox error={names.error} />;
  if (names.data === undefined) return <Loading what="metrics" />;
  return (
    <>
      <SearchInput label="Search metrics" value={text} onChange={setText} w="100%" />
      <Text size="xs" c="dimmed" my={4}>
        {formatCount(found.length)} metrics in the panel's time range
        {all.length >= mostNames && `; only the first ${formatCount(mostNames)} are listed`}
      </Text>
      <section ref={scroller} className={classes.scroller} aria-label="Metrics" tabIndex={0}>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(item => {
            const name = found[item.index] ?? '';
            const { type, help } = about[name]?.[0] ?? { type: '', help: '' };
            return (
              <div
                key={name}
                className={classes.metric}
                style={{ position: 'absolute', transform: `translateY(${item.start}px)`, height: item.size }}
              >
                <div className={classes.about}>
                  <Text size="sm" className="mono" truncate title={name}>
                    {name}{' '}
                    {type !== '' && (
                      <Badge size="xs" variant="light">
                        {type}
                      </Badge>
                    )}
                  </Text>
                  <Text size="xs" c="dimmed" truncate title={help}>
                    {help}
                  </Text>
                </div>
                <Group gap={4} wrap="nowrap">
                  <Button size="compact-xs" variant="light" onClick={() => onExplore(name)}>
                    Explore
                  </Button>
                  <Button size="compact-xs" variant="default" onClick={() => onPick(name)}>
                    Insert
                  </Button>
                  <Button size="compact-xs" variant="default" onClick={() => void copy(name, 'Name')}>
                    Copy
                  </Button>
                </Group>
              </div>
            );
          })}
        </div>
      </section>
    </>
  );
}

/** Finds metrics, and the labels and values of one, within the time and the endpoints of the panel. */
export default function Explorer({ panel, onClose, onPick }: Props) {
  const [metric, setMetric] = useState<string | null>(null);
  return (
    <Modal opened onClose={onClose} title={metric === null ? 'Metrics' : `Labels of ${metric}`} size="xl">
      {metric === null ? (
        <Metrics panel={panel} onExplore={setMetric} onPick={name => onPick(name, false)} />
      ) : (
        <LabelExplorer panel={panel} metric={metric} onBack={() => setMetric(null)} onPick={onPick} />
      )}
    </Modal>
  );
}
