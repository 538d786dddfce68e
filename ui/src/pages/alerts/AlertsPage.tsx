import { Anchor, Collapse, Group, Switch, Table, Text, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import { useApi } from '../../api/hooks';
import type { Alert, Rule, RuleGroup } from '../../api/types';
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
import { formatNumber } from '../../lib/format';
import { type Labels, quote } from '../../lib/labels';
import {
  alertStates,
  alertsOf,
  countBy,
  filterGroups,
  groupKey,
  ruleKey,
  sourcesOf,
  stateOf,
} from '../../lib/ruleGroups';
import { silenceUrl } from '../../lib/url';
import { useNow } from '../../lib/useNow';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import classes from './Alerts.module.css';

const perPage = 20;
const mostInstances = 100;

function Annotations({ annotations }: { annotations: Labels | null | undefined }) {
  return Object.entries(annotations ?? {}).map(([name, value]) => (
    <Text key={name} size="xs" className="break">
      <b>{name}:</b> {value}
    </Text>
  ));
}

/** Where the history of one alert is to be seen. */
export function alertHistory(labels: Labels): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${quote(value)}`);
  return queryUrl(`ALERTS{${matchers.join(',')}}`, true);
}

/** To Alertmanager, when the settings name it. */
function Silence({ labels }: { labels: Labels }) {
  const [alertmanager] = useSetting(settings.alertmanager);
  const href = silenceUrl(alertmanager, labels);
  if (href === undefined) return null;
  return (
    <Anchor size="xs" href={href} rel="noreferrer">
      Silence
    </Anchor>
  );
}

function Instances({ alerts, annotations, now }: { alerts: Alert[]; annotations: boolean; now: number }) {
  const [all, setAll] = useState(false);
  const shown = all ? alerts : alerts.slice(0, mostInstances);
  return (
    <div className="scroll-x">
      <Table fz="sm" verticalSpacing={3} miw={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Labels</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Active</Table.Th>
            <Table.Th ta="right">Value</Table.Th>
            <Table.Th />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {shown.map((alert, index) => (
            <Table.Tr key={index}>
              <Table.Td>
                <LabelSet labels={alert.labels} />
                {annotations && <Annotations annotations={alert.annotations} />}
              </Table.Td>
              <Table.Td>
                <StateBadge state={alert.state} />
              </Table.Td>
              <Table.Td>{alert.activeAt !== undefined && <Ago time={alert.activeAt} now={now} />}</Table.Td>
              <Table.Td ta="right">{formatNumber(Number(alert.value))}</Table.Td>
              <Table.Td>
                <Link size="xs" href={alertHistory(alert.labels)}>
                  History
                </Link>{' '}
                <Silence labels={alert.labels} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {shown.length < alerts.length && (
        <UnstyledButton fz="xs" td="underline" onClick={() => setAll(true)}>
          Show all {alerts.length}
        </UnstyledButton>
      )}
    </div>
  );
}

function AlertRule({
  group,
  rule,
  annotations,
  open,
  onToggle,
  now,
}: {
  group: RuleGroup;
  rule: Rule;
  open: boolean;
  onToggle: () => void;
  annotations: boolean;
  now: number;
}) {
  const alerts = alertsOf(rule);
  const Icon = open ? IconChevronDown : IconChevronRight;
  return (
    <div className={classes.rule} data-state={stateOf(rule)}>
      <UnstyledButton className={classes.head} onClick={onToggle} aria-expanded={open}>
        <Icon size={14} aria-hidden />
        <Text size="sm" fw={600} className="break">
          {rule.name}
        </Text>
        <StateBadge state={stateOf(rule)} {...(alerts.length > 0 ? { count: alerts.length } : {})} />
      </UnstyledButton>
      <Collapse expanded={open}>
        {open && (
          <div className={classes.body}>
            <QueryLink expr={rule.query} />
            <Group gap="md" my={4}>
              <Text size="xs">for {humanDuration((rule.duration ?? 0) * 1000)}</Text>
              {(rule.keepFiringFor ?? 0) > 0 && (
                <Text size="xs">keep firing for {humanDuration((rule.keepFiringFor ?? 0) * 1000)}</Text>
              )}
              <LabelSet labels={rule.labels} />
            </Group>
            <Sources sources={sourcesOf(group, rule)} />
            <Annotations annotations={rule.annotations} />
            {alerts.length > 0 && <Instances alerts={alerts} annotations={annotations} now={now} />}
          </div>
        )}
      </Collapse>
    </div>
  );
}

/** Alerting rules by group, with what is active. */
export default function AlertsPage() {
  const rules = useApi<{ groups: RuleGroup[] | null }>(
    'rules',
    [
      ['type', 'alert'],
      ['sources', 'true'],
    ],
    30_000,
  );
  const [text, setText] = useParam('search', '', ['page']);
  const [states, setStates] = useParam('state', '', ['page']);
  const [page, setPage] = useParam('page');
  const [annotations, setAnnotations] = useParam('annotations', '0');
  const [open, setOpen] = useParam('open');
  const opened = parseSet(open);
  const now = useNow(5000);
  const groups = rules.data?.data.groups ?? [];
  const counts = countBy(groups, stateOf);
  const found = filterGroups(groups, { text, states: parseSet(states), of: stateOf });
  const at = groupPage(found, page, perPage);
  return (
    <>
      <PageHeader
        title="Alerts"
        refresh={() => void rules.refetch()}
        refreshing={rules.isFetching}
        updatedAt={rules.dataUpdatedAt}
      >
        <SearchInput label="Name or labels" value={text} onChange={setText} />
        <Filters
          label="States"
          options={alertStates
            .filter(state => state !== 'unknown' || counts.unknown !== undefined)
            .map(state => ({ value: state, label: `${state} (${counts[state] ?? 0})` }))}
          value={states}
          onChange={setStates}
        />
        <Switch
          size="xs"
          label="Annotations"
          checked={annotations === '1'}
          onChange={event => setAnnotations(event.currentTarget.checked ? '1' : '0')}
        />
      </PageHeader>
      {rules.error && <ErrorBox error={rules.error} />}
      {rules.isPending && <Loading what="alerts" />}
      <Warnings texts={rules.data?.warnings} />
      {rules.data !== undefined && found.length === 0 && (
        <Text c="dimmed">{groups.length === 0 ? 'No alerting rules' : 'No alerting rule matches'}</Text>
      )}
      {pageSlice(found, at, perPage).map((group, index) => (
        <RuleGroupCard
          key={groupKey(group, index)}
          group={group}
          badges={Object.entries(countBy([group], stateOf)).map(([state, count]) => (
            <StateBadge key={state} state={state} count={count} />
          ))}
        >
          {group.rules.map((rule, at) => (
            <AlertRule
              key={at}
              group={group}
              rule={rule}
              annotations={annotations === '1'}
              open={opened.has(ruleKey(group, rule))}
              onToggle={() => {
                const key = ruleKey(group, rule);
                if (!opened.delete(key)) opened.add(key);
                setOpen([...opened].join(','));
              }}
              now={now}
            />
          ))}
        </RuleGroupCard>
      ))}
      <Pager total={found.length} perPage={perPage} page={at} onPage={next => setPage(String(next))} />
    </>
  );
}
