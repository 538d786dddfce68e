import { Badge, Button, Code, Group, Stack, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../../api/client';
import type { QueryData } from '../../../api/types';
import { ErrorBox } from '../../../components/ErrorBox';
import { Loading } from '../../../components/Loading';
import { formatCount } from '../../../lib/format';
import { quote } from '../../../lib/labels';
import type { Panel } from '../panel';
import { instantParams, tenantHeaders } from '../request';
import classes from './Explorer.module.css';
import { bounds, mostValues, selector } from './scope';

interface Props {
  panel: Panel;
  metric: string;
  onBack: () => void;
  onPick: (expr: string, andRun: boolean) => void;
}

interface ValuesProps {
  panel: Panel;
  name: string;
  expr: string;
  onFilter: (value: string) => void;
}

/** Values of a label by their number of series, most first; counted by the server. */
function Values({ panel, name, expr, onFilter }: ValuesProps) {
  const label = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
  const query = `sort_desc(topk(${mostValues}, count by (${label}) (${expr})))`;
  const counts = useQuery({
    queryKey: ['label-counts', query, panel.stores, panel.deduplicate, panel.tenant],
    queryFn: ({ signal }) =>
      call<QueryData>('query', {
        method: 'POST',
        params: instantParams({ ...panel, analyze: false }, query, Date.now()),
        headers: tenantHeaders(panel),
        signal,
      }),
  });
  if (counts.error) return <ErrorBox error={counts.error} />;
  if (counts.data === undefined) return <Loading what={`values of ${name}`} />;
  const { data } = counts.data;
  const rows =
    data.resultType === 'vector'
      ? data.result.map(item => ({ value: item.metric[name] ?? '', count: Number(item.value?.[1] ?? 0) }))
      : [];
  const most = rows[0]?.count ?? 1;
  return (
    <div>
      {rows.map(({ value, count }) => (
        <div key={value} className={classes.value}>
          <span className="mono break">{value === '' ? '(no value)' : value}</span>
          <span aria-hidden>
            <span className={classes.bar} style={{ width: `${(count / most) * 100}%` }} />
          </span>
          <span className={classes.count}>{formatCount(count)}</span>
          <Button size="compact-xs" variant="default" onClick={() => onFilter(value)}>
            Filter
          </Button>
        </div>
      ))}
      {rows.length >= mostValues && (
        <Text size="xs" c="dimmed">
          The {mostValues} values with most series
        </Text>
      )}
    </div>
  );
}

/** Builds a selector out of a metric's labels. */
export function LabelExplorer({ panel, metric, onBack, onPick }: Props) {
  const [filters, setFilters] = useState<ReadonlyMap<string, string>>(new Map());
  const [open, setOpen] = useState<string | null>(null);
  const expr = selector(metric, filters);
  const names = useQuery({
    queryKey: ['label-names', expr, panel.stores, panel.range, panel.end, panel.offset, panel.tenant],
    queryFn: ({ signal }) =>
      call<string[] | null>('labels', {
        params: [['match[]', expr], ...bounds(panel), ['limit', '1000']],
        headers: tenantHeaders(panel),
        signal,
      }),
  });
  const set = (name: string, value: string | null): void => {
    const next = new Map(filters);
    if (value === null) next.delete(name);
    else next.set(name, value);
    setFilters(next);
  };
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={onBack}>
          All metrics
        </Button>
        <Code className="break">{expr}</Code>
        <Button size="xs" onClick={() => onPick(expr, true)}>
          Run
        </Button>
        <Button size="xs" variant="default" onClick={() => onPick(expr, false)}>
          Insert
        </Button>
      </Group>
      <Group gap={4}>
        {[...filters].map(([name, value]) => (
          <Badge
            key={name}
            variant="light"
            tt="none"
            rightSection={
              <UnstyledButton aria-label={`Remove ${name}`} onClick={() => set(name, null)}>
                ×
              </UnstyledButton>
            }
          >
            {name}="{value}"
          </Badge>
        ))}
      </Group>
      {names.error && <ErrorBox error={names.error} />}
      {names.data === undefined && !names.error && <Loading what="labels" />}
      {(names.data?.data ?? [])
        .filter(name => name !== '__name__')
        .map(name => (
          <div key={name}>
            <UnstyledButton
              className="mono"
              fz="sm"
              aria-expanded={open === name}
              onClick={() => setOpen(open === name ? null : name)}
            >
              {open === name ? '▾' : '▸'} {name}
            </UnstyledButton>
            {open === name && (
              <Values panel={panel} name={name} expr={expr} onFilter={value => set(name, value)} />
            )}
          </div>
        ))}
    </Stack>
  );
}
