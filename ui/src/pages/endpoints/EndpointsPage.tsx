import {
  Anchor,
  Badge,
  Paper,
  SegmentedControl,
  Select,
  Table,
  Text,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { useState } from 'react';
import { useApi } from '../../api/hooks';
import type { Endpoints } from '../../api/types';
import { Link } from '../../app/Link';
import { pageUrl } from '../../app/router';
import { useParam } from '../../app/useRouter';
import { Ago } from '../../components/Ago';
import { ErrorBox } from '../../components/ErrorBox';
import { parseSet } from '../../components/Filters';
import { LabelSet } from '../../components/LabelSet';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { SearchInput } from '../../components/SearchInput';
import { StateBadge } from '../../components/StateBadge';
import { formatTime } from '../../lib/time';
import { useNow } from '../../lib/useNow';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import { CoverageBars } from './CoverageBars';
import {
  axisOf,
  type EndpointRow,
  type EndpointSort,
  endpointRows,
  filterRows,
  isUnlimited,
  neverReached,
  sortRows,
} from './rows';

const fewLabels = 3;

function LabelSets({ row }: { row: EndpointRow }) {
  const [all, setAll] = useState(false);
  const sets = row.labelSets ?? [];
  return (
    <>
      {(all ? sets : sets.slice(0, fewLabels)).map((labels, index) => (
        <div key={index}>
          <LabelSet labels={labels} />
        </div>
      ))}
      {sets.length > fewLabels && (
        <UnstyledButton fz="xs" td="underline" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${sets.length}`}
        </UnstyledButton>
      )}
    </>
  );
}

function Failure({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const long = text.length > 140;
  return (
    <Text size="xs" c="var(--mantine-color-error)" className="break">
      {open || !long ? text : `${text.slice(0, 140)}… `}
      {long && (
        <Anchor component="button" type="button" size="xs" onClick={() => setOpen(!open)}>
          {open ? ' less' : 'more'}
        </Anchor>
      )}
    </Text>
  );
}

function Time({ ms, limit }: { ms: number; limit: string }) {
  const [zone] = useSetting(settings.zone);
  if (isUnlimited(ms)) return <span title={`no ${limit} time limit`}>–</span>;
  return <span style={{ whiteSpace: 'nowrap' }}>{formatTime(ms, zone)}</span>;
}

/** Columns with their widths, the same for all kinds. */
const heads: [EndpointSort | null, string, string | number][] = [
  ['name', 'Endpoint', '26%'],
  ['state', 'State', 90],
  [null, 'Label sets', 'auto'],
  ['minTime', 'From', 160],
  ['maxTime', 'To', 160],
  [null, 'Coverage', 200],
  ['lastCheck', 'Last check', 110],
];

interface GroupProps {
  component: string;
  rows: EndpointRow[];
  axis: { start: number; end: number };
  now: number;
  open: boolean;
  onToggle: () => void;
}

function Group({ component, rows, axis, now, open, onToggle }: GroupProps) {
  const up = rows.filter(row => row.up).length;
  return (
    <Paper withBorder p="sm" mb="sm">
      <Title order={2} size="h5" mb={4}>
        <UnstyledButton fz="inherit" fw="inherit" onClick={onToggle} aria-expanded={open}>
          {open ? '▾' : '▸'} {component}{' '}
          <Text span size="sm" c="dimmed">
            {up} of {rows.length} up
          </Text>
        </UnstyledButton>
      </Title>
      <section className="scroll-x" tabIndex={0} aria-label={component} hidden={!open}>
        <Table fz="sm" verticalSpacing={4} miw={1080} layout="fixed">
          <Table.Thead>
            <Table.Tr>
              {heads.map(([, title, width]) => (
                <Table.Th key={title} w={width}>
                  {title}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(row => (
              <Table.Tr key={row.name}>
                <Table.Td>
                  <Link
                    size="sm"
                    href={pageUrl(
                      'graph',
                      `?${new URLSearchParams({ 'g0.expr': '', 'g0.store_matches': JSON.stringify([{ name: row.name }]) })}`,
                    )}
                    title="Query this endpoint only"
                  >
                    <span className="break">{row.name}</span>
                  </Link>
                  {row.strict && (
                    <Badge size="xs" ml={6} variant="light">
                      strict
                    </Badge>
                  )}
                  {row.lastError !== null && <Failure text={row.lastError} />}
                  <Text size="xs" c="dimmed">
                    {[row.version, (row.apis ?? []).join(', ')].filter(Boolean).join(' · ')}
                  </Text>
                </Table.Td>
                <Table.Td>
                  <StateBadge state={row.up ? 'up' : 'down'} />
                </Table.Td>
                <Table.Td>
                  <LabelSets row={row} />
                </Table.Td>
                <Table.Td>{!neverReached(row) && <Time ms={row.minTime} limit="minimum" />}</Table.Td>
                <Table.Td>{!neverReached(row) && <Time ms={row.maxTime} limit="maximum" />}</Table.Td>
                <Table.Td>{!neverReached(row) && <CoverageBars row={row} axis={axis} />}</Table.Td>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>
                  {neverReached(row) ? 'never' : <Ago time={row.lastCheck} now={now} />}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
    </Paper>
  );
}

/** All endpoints of the querier by their kind. */
export default function EndpointsPage() {
  const stores = useApi<Endpoints | null>('stores', [['details', 'true']], 30_000);
  const [text, setText] = useParam('search');
  const [state, setState] = useParam('state');
  const [sort, setSort] = useParam('sort', 'name');
  const [collapsed, setCollapsed] = useParam('collapsed');
  const closed = parseSet(collapsed);
  const now = useNow(5000);
  const rows = endpointRows(stores.data?.data);
  const found = sortRows(filterRows(rows, { text, state }), sort as EndpointSort);
  const components = [...new Set(found.map(row => row.component))].sort();
  const axis = axisOf(rows, now);
  return (
    <>
      <PageHeader
        title="Endpoints"
        refresh={() => void stores.refetch()}
        refreshing={stores.isFetching}
        updatedAt={stores.dataUpdatedAt}
      >
        <SearchInput label="Name, kind or labels" value={text} onChange={setText} />
        <SegmentedControl
          size="xs"
          aria-label="State"
          data={[
            { value: '', label: 'All' },
            { value: 'up', label: 'Up' },
            { value: 'down', label: 'Down' },
          ]}
          value={state}
          onChange={setState}
        />
        <Select
          size="xs"
          w={160}
          aria-label="Sort by"
          allowDeselect={false}
          data={heads.flatMap(([key, title]) =>
            key === null ? [] : [{ value: key, label: `Sort by ${title}` }],
          )}
          value={sort}
          onChange={value => setSort(value ?? 'name')}
        />
      </PageHeader>
      {stores.error && <ErrorBox error={stores.error} />}
      {stores.isPending && <Loading what="endpoints" />}
      {stores.data !== undefined && found.length === 0 && (
        <Text c="dimmed">{rows.length === 0 ? 'No endpoints' : 'No endpoint matches'}</Text>
      )}
      {components.map(component => (
        <Group
          key={component}
          component={component}
          rows={found.filter(row => row.component === component)}
          axis={axis}
          now={now}
          open={!closed.has(component)}
          onToggle={() => {
            if (!closed.delete(component)) closed.add(component);
            setCollapsed([...closed].join(','));
          }}
        />
      ))}
    </>
  );
}
