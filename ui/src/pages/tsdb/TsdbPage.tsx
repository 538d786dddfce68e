import { Paper, SimpleGrid, Table, Text, Title } from '@mantine/core';
import { useApi } from '../../api/hooks';
import type { CountedName, TsdbStatus } from '../../api/types';
import { Link } from '../../app/Link';
import { useParam } from '../../app/useRouter';
import { DraftInput } from '../../components/DraftInput';
import { ErrorBox } from '../../components/ErrorBox';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { queryUrl } from '../../components/rules/QueryLink';
import { Warnings } from '../../components/Warnings';
import { formatBytes, formatCount } from '../../lib/format';
import { quote } from '../../lib/labels';
import { formatTime } from '../../lib/time';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';

interface TopProps {
  title: string;
  rows: CountedName[] | null;
  format?: (value: number) => string;
  query?: (name: string) => string;
}

function Top({ title, rows, format = formatCount, query }: TopProps) {
  const most = Math.max(...(rows ?? []).map(row => row.value), 1);
  return (
    <Paper withBorder p="sm">
      <Title order={2} size="h5" mb={4}>
        {title}
      </Title>
      <Table fz="sm" verticalSpacing={3} layout="fixed">
        <Table.Tbody>
          {(rows ?? []).map(({ name, value }) => (
            <Table.Tr key={name}>
              <Table.Td className="mono break">
                {query === undefined ? (
                  name
                ) : (
                  <Link size="sm" href={queryUrl(query(name))}>
                    {name}
                  </Link>
                )}
              </Table.Td>
              <Table.Td w={100} aria-hidden>
                <div
                  style={{
                    width: `${(value / most) * 100}%`,
                    height: 9,
                    background: 'var(--mantine-color-violet-5)',
                  }}
                />
              </Table.Td>
              <Table.Td w={110} ta="right">
                {format(value)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {(rows ?? []).length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing
        </Text>
      )}
    </Paper>
  );
}

/** `label=value` as a selector. */
function pairSelector(pair: string): string {
  const at = pair.indexOf('=');
  return `count({${pair.slice(0, at)}=${quote(pair.slice(at + 1))}})`;
}

/** Cardinality of the heads of the TSDBs behind the querier. */
const checkRows = (text: string): string | null =>
  /^[1-9]\d{0,3}$/.test(text) ? null : 'a number below 10,000';

export default function TsdbPage() {
  const [limit, setLimit] = useParam('limit', '10');
  const [zone] = useSetting(settings.zone);
  const status = useApi<TsdbStatus>('status/tsdb', [['limit', limit]]);
  const head = status.data?.data.headStats;
  const data = status.data?.data;
  return (
    <>
      <PageHeader
        title="TSDB status"
        refresh={() => void status.refetch()}
        refreshing={status.isFetching}
        updatedAt={status.dataUpdatedAt}
      >
        <DraftInput
          size="sm"
          w={120}
          aria-label="Rows of each table"
          leftSection="top"
          leftSectionWidth={44}
          value={limit}
          check={checkRows}
          onApply={setLimit}
        />
      </PageHeader>
      {status.error && <ErrorBox error={status.error} />}
      {status.isPending && <Loading what="the status" />}
      <Warnings texts={status.data?.warnings} />
      {head !== undefined && data !== undefined && (
        <>
          <SimpleGrid cols={{ base: 2, md: 5 }} mb="sm">
            {[
              ['Series', formatCount(head.numSeries)],
              ['Chunks', formatCount(head.chunkCount)],
              ['Label pairs', formatCount(head.numLabelPairs)],
              ['From', formatTime(head.minTime, zone)],
              ['To', formatTime(head.maxTime, zone)],
            ].map(([name, value]) => (
              <Paper key={name} withBorder p="xs">
                <Text size="xs" c="dimmed">
                  {name}
                </Text>
                <Text fw={600}>{value}</Text>
              </Paper>
            ))}
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, lg: 2 }}>
            <Top
              title="Metrics by number of series"
              rows={data.seriesCountByMetricName}
              query={name => `count({__name__=${quote(name)}})`}
            />
            <Top title="Labels by number of values" rows={data.labelValueCountByLabelName} />
            <Top title="Labels by memory" rows={data.memoryInBytesByLabelName} format={formatBytes} />
            <Top
              title="Label pairs by number of series"
              rows={data.seriesCountByLabelValuePair}
              query={pairSelector}
            />
          </SimpleGrid>
        </>
      )}
    </>
  );
}
