import { Table, Text } from '@mantine/core';
import { useApi } from '../../api/hooks';
import type { Rule, RuleGroup } from '../../api/types';
import { Link } from '../../app/Link';
import { useParam } from '../../app/useRouter';
import { Ago } from '../../components/Ago';
import { ErrorBox } from '../../components/ErrorBox';
import { Filters, parseSet } from '../../components/Filters';
import { LabelSet } from '../../components/LabelSet';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { Pager, pageSlice } from '../../components/Pager';
import { groupPage } from '../../components/rules/anchor';
import { QueryLink, queryUrl } from '../../components/rules/QueryLink';
import { RuleGroupCard, Sources } from '../../components/rules/RuleGroupCard';
import { SearchInput } from '../../components/SearchInput';
import { StateBadge } from '../../components/StateBadge';
import { Warnings } from '../../components/Warnings';
import { humanDuration } from '../../lib/duration';
import { quote } from '../../lib/labels';
import { countBy, filterGroups, groupKey, sourcesOf } from '../../lib/ruleGroups';
import { useNow } from '../../lib/useNow';

const perPage = 20;
const healths = ['ok', 'err', 'unknown'];
const healthOf = (rule: Rule): string => rule.health.toLowerCase();

/** What a rule makes: its alerts, or the series it records. */
function seriesOf(rule: Rule): string {
  return queryUrl(rule.type === 'alerting' ? `ALERTS{alertname=${quote(rule.name)}}` : rule.name);
}

function RuleRow({ group, rule, now }: { group: RuleGroup; rule: Rule; now: number }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600} className="break">
          <Link href={seriesOf(rule)}>{rule.name}</Link>{' '}
          <Text span size="xs" c="dimmed" fw={400}>
            {rule.type === 'alerting' ? 'alert' : 'record'}
          </Text>
        </Text>
        <QueryLink expr={rule.query} />
        <div>{Object.keys(rule.labels ?? {}).length > 0 && <LabelSet labels={rule.labels} />}</div>
        <Sources sources={sourcesOf(group, rule)} />
        {rule.lastError !== undefined && rule.lastError !== '' && (
          <Text size="xs" c="var(--mantine-color-error)" className="break">
            {rule.lastError}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <StateBadge state={rule.health} />
      </Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Ago time={rule.lastEvaluation} now={now} />
      </Table.Td>
      <Table.Td>{humanDuration(rule.evaluationTime * 1000)}</Table.Td>
    </Table.Tr>
  );
}

/** All rules with their health. */
export default function RulesPage() {
  const rules = useApi<{ groups: RuleGroup[] | null }>('rules', [['sources', 'true']], 30_000);
  const [text, setText] = useParam('search', '', ['page']);
  const [health, setHealth] = useParam('health', '', ['page']);
  const [page, setPage] = useParam('page');
  const now = useNow(5000);
  const groups = rules.data?.data.groups ?? [];
  const counts = countBy(groups, healthOf);
  const found = filterGroups(groups, { text, states: parseSet(health), of: healthOf });
  const at = groupPage(found, page, perPage);
  return (
    <>
      <PageHeader
        title="Rules"
        refresh={() => void rules.refetch()}
        refreshing={rules.isFetching}
        updatedAt={rules.dataUpdatedAt}
      >
        <SearchInput label="Name or labels" value={text} onChange={setText} />
        <Filters
          label="Health"
          options={healths.map(value => ({ value, label: `${value} (${counts[value] ?? 0})` }))}
          value={health}
          onChange={setHealth}
        />
      </PageHeader>
      {rules.error && <ErrorBox error={rules.error} />}
      {rules.isPending && <Loading what="rules" />}
      {rules.data !== undefined && found.length === 0 && (
        <Text c="dimmed">{groups.length === 0 ? 'No rules' : 'No rule matches'}</Text>
      )}
      <Warnings texts={rules.data?.warnings} />
      {pageSlice(found, at, perPage).map((group, index) => (
        <RuleGroupCard key={groupKey(group, index)} group={group}>
          <section className="scroll-x" aria-label={group.name} tabIndex={0}>
            <Table fz="sm" verticalSpacing={4} miw={520}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Rule</Table.Th>
                  <Table.Th w={90}>Health</Table.Th>
                  <Table.Th w={140}>Last evaluation</Table.Th>
                  <Table.Th w={80}>Took</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {group.rules.map((rule, at) => (
                  <RuleRow key={at} group={group} rule={rule} now={now} />
                ))}
              </Table.Tbody>
            </Table>
          </section>
        </RuleGroupCard>
      ))}
      <Pager total={found.length} perPage={perPage} page={at} onPage={next => setPage(String(next))} />
    </>
  );
}
