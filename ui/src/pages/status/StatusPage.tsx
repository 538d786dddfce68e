import { Paper, Table, Title } from '@mantine/core';
import { useApi } from '../../api/hooks';
import { ErrorBox } from '../../components/ErrorBox';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { formatBytes } from '../../lib/format';

type Facts = Record<string, string | number | boolean>;

const titles: Record<string, string> = {
  startTime: 'Start time',
  CWD: 'Working directory',
  reloadConfigSuccess: 'Configuration reload succeeded',
  lastConfigTime: 'Last configuration reload',
  goroutineCount: 'Tasks',
  GOMAXPROCS: 'Threads (GOMAXPROCS)',
  GOMEMLIMIT: 'Memory limit (GOMEMLIMIT)',
  version: 'Version',
  revision: 'Revision',
  branch: 'Branch',
  buildUser: 'Built by',
  buildDate: 'Built on',
  goVersion: 'Compiler',
};

/** No limit is the greatest number, which a browser rounds up. */
const noLimit = 2 ** 63;

function textOf(name: string, value: string | number | boolean): string {
  if (name !== 'GOMEMLIMIT') return String(value);
  return Number(value) >= noLimit ? 'none' : formatBytes(Number(value));
}

function FactTable({ title, path }: { title: string; path: string }) {
  const facts = useApi<Facts>(path);
  return (
    <Paper withBorder p="sm" mb="sm" maw={900}>
      <Title order={2} size="h5" mb={4}>
        {title}
      </Title>
      {facts.error && <ErrorBox error={facts.error} />}
      {facts.isPending && <Loading what={title} />}
      <Table fz="sm">
        <Table.Tbody>
          {Object.entries(facts.data?.data ?? {})
            .filter(([, value]) => value !== '')
            .map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th w="35%">{titles[name] ?? name}</Table.Th>
                <Table.Td className="mono break">{textOf(name, value)}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

export default function StatusPage() {
  return (
    <>
      <PageHeader title="Runtime & build" />
      <FactTable title="Runtime" path="status/runtimeinfo" />
      <FactTable title="Build" path="status/buildinfo" />
    </>
  );
}
