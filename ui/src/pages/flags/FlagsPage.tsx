import { Paper, Table, Text, UnstyledButton } from '@mantine/core';
import { useApi } from '../../api/hooks';
import { useParam } from '../../app/useRouter';
import { ErrorBox } from '../../components/ErrorBox';
import { Highlighted } from '../../components/Highlighted';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { SearchInput } from '../../components/SearchInput';
import { fuzzyFilter, fuzzyPlaces } from '../../lib/fuzzy';

type Column = 'flag' | 'value';

function Row({ name, value, search }: { name: string; value: string; search: string }) {
  // Searched together, so that the letters may be of both.
  const places = fuzzyPlaces(search, `${name} ${value}`);
  const after = name.length + 1;
  return (
    <Table.Tr>
      <Table.Td className="mono break">
        --
        <Highlighted text={name} places={new Set(places)} />
      </Table.Td>
      <Table.Td className="mono break">
        <Highlighted text={value} places={new Set(places.map(place => place - after))} />
      </Table.Td>
    </Table.Tr>
  );
}

/** The flags of the process. */
export default function FlagsPage() {
  const flags = useApi<Record<string, string>>('status/flags');
  const [text, setText] = useParam('search');
  const [sort, setSort] = useParam('sort', 'flag');
  const descending = sort.startsWith('-');
  const by = sort.replace('-', '') as Column;
  const place = by === 'value' ? 1 : 0;
  const rows = fuzzyFilter(text, Object.entries(flags.data?.data ?? {}), entry => entry.join(' ')).sort(
    (a, b) => (descending ? -1 : 1) * a[place].localeCompare(b[place]),
  );
  const head = (column: Column, title: string) => (
    <Table.Th aria-sort={by === column ? (descending ? 'descending' : 'ascending') : 'none'}>
      <UnstyledButton fz="sm" fw={600} onClick={() => setSort(sort === column ? `-${column}` : column)}>
        {title}
        {by === column ? (descending ? ' ↓' : ' ↑') : ''}
      </UnstyledButton>
    </Table.Th>
  );
  return (
    <>
      <PageHeader title="Flags">
        <SearchInput label="Flag or value" value={text} onChange={setText} />
      </PageHeader>
      {flags.error && <ErrorBox error={flags.error} />}
      {flags.isPending && <Loading what="flags" />}
      <Paper withBorder p="sm" maw={1100}>
        <Table fz="sm" verticalSpacing={3}>
          <Table.Thead>
            <Table.Tr>
              {head('flag', 'Flag')}
              {head('value', 'Value')}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(([name, value]) => (
              <Row key={name} name={name} value={value} search={text} />
            ))}
          </Table.Tbody>
        </Table>
        {flags.data !== undefined && rows.length === 0 && <Text c="dimmed">No flag matches</Text>}
      </Paper>
    </>
  );
}
