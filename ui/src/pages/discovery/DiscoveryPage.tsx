import { Paper, Table, Text, Title } from '@mantine/core';
import { useApi } from '../../api/hooks';
import type { Targets } from '../../api/types';
import { useParam } from '../../app/useRouter';
import { ErrorBox } from '../../components/ErrorBox';
import { LabelSet } from '../../components/LabelSet';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { Pager, pageSlice } from '../../components/Pager';
import { SearchInput } from '../../components/SearchInput';
import { Warnings } from '../../components/Warnings';
import { fuzzyScore } from '../../lib/fuzzy';
import { formatLabels, type Labels } from '../../lib/labels';

const perPage = 100;

interface Discovered {
  pool: string;
  discovered: Labels;
  /** None for a target that relabelling dropped. */
  target: Labels | null;
}

function discovered(targets: Targets | undefined): Discovered[] {
  const active = (targets?.activeTargets ?? []).map(target => ({
    pool: target.scrapePool,
    discovered: target.discoveredLabels ?? {},
    target: target.labels,
  }));
  const dropped = (targets?.droppedTargets ?? []).map(target => ({
    pool: target.discoveredLabels.job ?? '',
    discovered: target.discoveredLabels,
    target: null,
  }));
  return [...active, ...dropped];
}

/** What service discovery found, and the labels after relabelling. */
export default function DiscoveryPage() {
  const targets = useApi<Targets>('targets');
  const [text, setText] = useParam('search', '', ['page']);
  const [page, setPage] = useParam('page', '1');
  const all = discovered(targets.data?.data).filter(({ pool, discovered, target }) =>
    [pool, formatLabels(discovered), formatLabels(target ?? {})].some(
      part => fuzzyScore(text, part) !== null,
    ),
  );
  const shown = pageSlice(all, Number(page), perPage);
  const names = [...new Set(shown.map(({ pool }) => pool))];
  return (
    <>
      <PageHeader
        title="Service discovery"
        refresh={() => void targets.refetch()}
        refreshing={targets.isFetching}
        updatedAt={targets.dataUpdatedAt}
      >
        <SearchInput label="Pool or labels" value={text} onChange={setText} />
      </PageHeader>
      {targets.error && <ErrorBox error={targets.error} />}
      {targets.isPending && <Loading what="targets" />}
      <Warnings texts={targets.data?.warnings} />
      {targets.data !== undefined && all.length === 0 && <Text c="dimmed">Nothing found</Text>}
      {names.map(name => (
        <Paper key={name} withBorder p="sm" mb="sm">
          <Title order={2} size="h5" className="break">
            {name}
          </Title>
          <section className="scroll-x" aria-label={name} tabIndex={0}>
            <Table fz="sm" miw={600}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w="50%">Discovered labels</Table.Th>
                  <Table.Th>Target labels</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {shown
                  .filter(({ pool }) => pool === name)
                  .map(({ discovered, target }, index) => (
                    <Table.Tr key={index}>
                      <Table.Td>
                        <LabelSet labels={discovered} />
                      </Table.Td>
                      <Table.Td>
                        {target === null ? <Text size="sm">dropped</Text> : <LabelSet labels={target} />}
                      </Table.Td>
                    </Table.Tr>
                  ))}
              </Table.Tbody>
            </Table>
          </section>
        </Paper>
      ))}
      <Pager total={all.length} perPage={perPage} page={Number(page)} onPage={at => setPage(String(at))} />
    </>
  );
}
