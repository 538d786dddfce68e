import { Anchor, Collapse, Group, Paper, Table, Text, Title, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { useApi } from '../../api/hooks';
import type { Target, Targets } from '../../api/types';
import { useParam } from '../../app/useRouter';
import { Ago } from '../../components/Ago';
import { ErrorBox } from '../../components/ErrorBox';
import { Filters, parseSet } from '../../components/Filters';
import { LabelSet } from '../../components/LabelSet';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { Pager, pageSlice } from '../../components/Pager';
import { Sources } from '../../components/rules/RuleGroupCard';
import { SearchInput } from '../../components/SearchInput';
import { StateBadge } from '../../components/StateBadge';
import { Warnings } from '../../components/Warnings';
import { humanDuration } from '../../lib/duration';
import { formatLabels } from '../../lib/labels';
import { webUrl } from '../../lib/url';
import { useNow } from '../../lib/useNow';
import { type Pool, pools } from './pools';

const perPage = 20;
const mostTargets = 200;

function TargetRow({ target, now }: { target: Target; now: number }) {
  const href = webUrl(target.globalUrl ?? target.scrapeUrl);
  return (
    <Table.Tr>
      <Table.Td>
        {href === undefined ? (
          <span className="break">{target.scrapeUrl}</span>
        ) : (
          <Anchor size="sm" href={href} className="break" rel="noreferrer">
            {target.scrapeUrl}
          </Anchor>
        )}
        <Sources sources={target.sources ?? []} />
        {target.lastError !== '' && (
          <Text size="xs" c="var(--mantine-color-error)" className="break">
            {target.lastError}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <StateBadge state={target.health} />
      </Table.Td>
      <Table.Td title={`Discovered: ${formatLabels(target.discoveredLabels ?? {})}`}>
        <LabelSet labels={target.labels} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Ago time={target.lastScrape} now={now} />
      </Table.Td>
      <Table.Td>{humanDuration(target.lastScrapeDuration * 1000)}</Table.Td>
    </Table.Tr>
  );
}

function PoolCard({ pool, open, now }: { pool: Pool; open: boolean; now: number }) {
  const [own, setOwn] = useState<boolean | null>(null);
  const shown = own ?? open;
  return (
    <Paper withBorder p="sm" mb="sm">
      <UnstyledButton w="100%" onClick={() => setOwn(!shown)} aria-expanded={shown}>
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h5" className="break">
            {pool.name}
          </Title>
          <StateBadge state={`${pool.up}/${pool.total} up`} />
        </Group>
      </UnstyledButton>
      <Collapse expanded={shown}>
        {shown && (
          <section className="scroll-x" aria-label={pool.name} tabIndex={0}>
            <Table fz="sm" verticalSpacing={4} miw={680}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Endpoint</Table.Th>
                  <Table.Th>State</Table.Th>
                  <Table.Th>Labels</Table.Th>
                  <Table.Th>Last scrape</Table.Th>
                  <Table.Th>Took</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {pool.targets.slice(0, mostTargets).map((target, index) => (
                  <TargetRow key={index} target={target} now={now} />
                ))}
              </Table.Tbody>
            </Table>
            {pool.targets.length > mostTargets && (
              <Text size="sm" c="dimmed">
                The first {mostTargets} of {pool.targets.length}; search for the others.
              </Text>
            )}
          </section>
        )}
      </Collapse>
    </Paper>
  );
}

/** Targets that the Prometheus servers scrape. */
export default function TargetsPage() {
  const targets = useApi<Targets>(
    'targets',
    [
      ['state', 'active'],
      ['sources', 'true'],
    ],
    30_000,
  );
  const [text, setText] = useParam('search', '', ['page']);
  const [health, setHealth] = useParam('health', '', ['page']);
  const [collapsed, setCollapsed] = useParam('collapsed', '0');
  const [page, setPage] = useParam('page', '1');
  const now = useNow(5000);
  const all = targets.data?.data.activeTargets ?? [];
  const found = pools(all, text, parseSet(health));
  const count = (state: string): number => all.filter(target => target.health === state).length;
  return (
    <>
      <PageHeader
        title="Targets"
        refresh={() => void targets.refetch()}
        refreshing={targets.isFetching}
        updatedAt={targets.dataUpdatedAt}
      >
        <SearchInput label="Endpoint or labels" value={text} onChange={setText} />
        <Filters
          label="Health"
          options={['up', 'down', 'unknown'].map(value => ({ value, label: `${value} (${count(value)})` }))}
          value={health}
          onChange={setHealth}
        />
        <UnstyledButton fz="xs" td="underline" onClick={() => setCollapsed(collapsed === '1' ? '0' : '1')}>
          {collapsed === '1' ? 'Open all' : 'Close all'}
        </UnstyledButton>
      </PageHeader>
      {targets.error && <ErrorBox error={targets.error} />}
      {targets.isPending && <Loading what="targets" />}
      <Warnings texts={targets.data?.warnings} />
      {targets.data !== undefined && found.length === 0 && (
        <Text c="dimmed">{all.length === 0 ? 'No targets' : 'No target matches'}</Text>
      )}
      {pageSlice(found, Number(page), perPage).map(pool => (
        // Another key: what opens or closes all does so with those that were opened or closed by hand.
        <PoolCard key={`${collapsed} ${pool.name}`} pool={pool} open={collapsed !== '1'} now={now} />
      ))}
      <Pager total={found.length} perPage={perPage} page={Number(page)} onPage={at => setPage(String(at))} />
    </>
  );
}
