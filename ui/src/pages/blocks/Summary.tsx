import { Accordion, Table, Text, UnstyledButton } from '@mantine/core';
import { LabelSet } from '../../components/LabelSet';
import { config } from '../../config';
import { humanDuration } from '../../lib/duration';
import { formatBytes, formatCount } from '../../lib/format';
import { formatLabels } from '../../lib/labels';
import { formatTime } from '../../lib/time';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import type { Gap, Overlap, Total } from './survey';
import { type Block, type Overview, type Plan, resolutionName } from './types';
import type { View } from './view';

interface Props {
  overview: Overview;
  totals: Total[];
  overlaps: Overlap[];
  gaps: Gap[];
  plan: Plan | null;
  onSelect: (block: Block) => void;
  onView: (view: View) => void;
}

const most = 200;

function Heads({ names }: { names: string[] }) {
  return (
    <Table.Thead>
      <Table.Tr>
        {names.map(name => (
          <Table.Th key={name}>{name}</Table.Th>
        ))}
      </Table.Tr>
    </Table.Thead>
  );
}

function More({ count }: { count: number }) {
  return count > most ? (
    <Text size="xs" c="dimmed">
      and {formatCount(count - most)} more
    </Text>
  ) : null;
}

function Totals({ totals }: { totals: Total[] }) {
  return (
    <Table fz="sm">
      <Heads names={['Resolution', 'Level', 'Blocks', 'Size', 'Samples', 'Retention']} />
      <Table.Tbody>
        {totals.map(total => {
          const keep = config.features.retention[resolutionName(total.resolution)];
          return (
            <Table.Tr key={`${total.resolution}/${total.level}`}>
              <Table.Td>{resolutionName(total.resolution)}</Table.Td>
              <Table.Td>{total.level}</Table.Td>
              <Table.Td>{formatCount(total.count)}</Table.Td>
              <Table.Td>{formatBytes(total.bytes)}</Table.Td>
              <Table.Td>{formatCount(total.samples)}</Table.Td>
              <Table.Td>
                {keep === undefined ? '' : keep === 0 ? 'for ever' : humanDuration(keep * 1000)}
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

function Jobs({ plan }: { plan: Plan }) {
  const [zone] = useSetting(settings.zone);
  return (
    <>
      <Table fz="sm">
        <Heads names={['Job', 'State', 'Labels', 'Resolution', 'From', 'To', 'Blocks']} />
        <Table.Tbody>
          {plan.jobs.slice(0, most).map((job, index) => (
            <Table.Tr key={index}>
              <Table.Td>{job.kind}</Table.Td>
              <Table.Td>{job.state}</Table.Td>
              <Table.Td>
                <LabelSet labels={job.labels} />
              </Table.Td>
              <Table.Td>{resolutionName(job.resolution)}</Table.Td>
              <Table.Td>{formatTime(job.minTime, zone)}</Table.Td>
              <Table.Td>{formatTime(job.maxTime, zone)}</Table.Td>
              <Table.Td>{job.blocks.length}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <More count={plan.jobs.length} />
      {plan.quarantined.map(({ group, labels, error }) => (
        <Text key={group} size="sm" className="break">
          <b>Set aside</b> <LabelSet labels={labels} /> {error}
        </Text>
      ))}
    </>
  );
}

function Gaps({ gaps, overview, onView }: Pick<Props, 'gaps' | 'overview' | 'onView'>) {
  const [zone] = useSetting(settings.zone);
  return (
    <>
      <Table fz="sm">
        <Heads names={['Labels', 'Resolution', 'Nothing from', 'to', 'Length', '']} />
        <Table.Tbody>
          {gaps.slice(0, most).map((gap, index) => (
            <Table.Tr key={index}>
              <Table.Td>
                <LabelSet labels={overview.labelSets[gap.set]} />
              </Table.Td>
              <Table.Td>{resolutionName(gap.resolution)}</Table.Td>
              <Table.Td>{formatTime(gap.start, zone)}</Table.Td>
              <Table.Td>{formatTime(gap.end, zone)}</Table.Td>
              <Table.Td>{humanDuration(gap.end - gap.start)}</Table.Td>
              <Table.Td>
                <UnstyledButton
                  fz="sm"
                  td="underline"
                  onClick={() => {
                    const margin = gap.end - gap.start;
                    onView({ start: gap.start - margin, end: gap.end + margin });
                  }}
                >
                  Show
                </UnstyledButton>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <More count={gaps.length} />
    </>
  );
}

function Overlaps({ overlaps, overview, onSelect }: Pick<Props, 'overlaps' | 'overview' | 'onSelect'>) {
  return (
    <>
      {overlaps.slice(0, most).map(({ first, second }) => (
        <Text key={first.id + second.id} size="sm">
          <UnstyledButton className="mono" fz="sm" td="underline" onClick={() => onSelect(first)}>
            {first.id}
          </UnstyledButton>{' '}
          and{' '}
          <UnstyledButton className="mono" fz="sm" td="underline" onClick={() => onSelect(second)}>
            {second.id}
          </UnstyledButton>{' '}
          {formatLabels(overview.labelSets[first.set] ?? {})}
        </Text>
      ))}
      <More count={overlaps.length} />
    </>
  );
}

/** Figures and lists below the lanes. */
export function Summary({ overview, totals, overlaps, gaps, plan, onSelect, onView }: Props) {
  const running = plan?.jobs.filter(job => job.state === 'running').length ?? 0;
  const items: [string, string, React.ReactNode][] = [
    ['totals', 'Totals by resolution and level', <Totals key="t" totals={totals} />],
    ...(plan === null
      ? []
      : [
          [
            'plan',
            `Compactions: ${running} running, ${plan.jobs.length - running} planned`,
            <Jobs key="p" plan={plan} />,
          ] as [string, string, React.ReactNode],
        ]),
    [
      'overlaps',
      `Overlaps: ${formatCount(overlaps.length)}`,
      <Overlaps key="o" {...{ overlaps, overview, onSelect }} />,
    ],
    ['gaps', `Gaps: ${formatCount(gaps.length)}`, <Gaps key="g" {...{ gaps, overview, onView }} />],
    [
      'partial',
      `Partial blocks: ${formatCount(overview.partial.length)}`,
      overview.partial.slice(0, most).map(({ id, reason }) => (
        <Text key={id} size="sm">
          <span className="mono">{id}</span> {reason}
        </Text>
      )),
    ],
  ];
  return (
    <Accordion multiple defaultValue={['totals']} variant="separated" mt="sm" order={2}>
      {items.map(([value, title, content]) => (
        <Accordion.Item key={value} value={value}>
          <Accordion.Control>{title}</Accordion.Control>
          <Accordion.Panel>
            <section className="scroll-x" aria-label={title} tabIndex={0}>
              {content}
            </section>
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}
