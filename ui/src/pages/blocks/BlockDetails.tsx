import { Button, CloseButton, Group, Paper, Stack, Table, Text, Title, UnstyledButton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { call } from '../../api/client';
import { LabelSet } from '../../components/LabelSet';
import { download } from '../../lib/download';
import { humanDuration } from '../../lib/duration';
import { formatBytes, formatCount } from '../../lib/format';
import type { Labels } from '../../lib/labels';
import { formatTime } from '../../lib/time';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import { MarkControls } from './MarkControls';
import { type Block, type Mark, markNames, resolutionName } from './types';

interface Props {
  block: Block;
  labels: Labels;
  marks: Mark[];
  admin: boolean;
  deleteDelay: number;
  view: string;
  /** Blocks that are made of it. */
  partOf: readonly Block[];
  /** Finds a block that is there. */
  find: (id: string) => Block | undefined;
  onSelect: (block: Block | null) => void;
  onChanged: () => void;
}

function share(part: number, whole: number): string {
  return whole > 0 ? ` (${((part / whole) * 100).toFixed(1)}%)` : '';
}

async function saveMeta(id: string, view: string): Promise<void> {
  try {
    const { data } = await call<unknown>('blocks/meta', {
      params: [
        ['id', id],
        ['view', view],
      ],
    });
    download(`${id}-meta.json`, 'application/json', JSON.stringify(data, null, 1));
  } catch (error) {
    notifications.show({ color: 'red', title: 'No meta.json', message: (error as Error).message });
  }
}

/** Blocks before or after it, to walk to. */
function Relatives({
  title,
  ids,
  find,
  onSelect,
}: Pick<Props, 'find' | 'onSelect'> & { title: string; ids: readonly string[] }) {
  if (ids.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {ids.map(id => {
        const block = find(id);
        return (
          <div key={id}>
            <UnstyledButton
              className="mono"
              fz="xs"
              td={block === undefined ? 'none' : 'underline'}
              disabled={block === undefined}
              onClick={() => block !== undefined && onSelect(block)}
            >
              {id} {block === undefined && '(no longer there)'}
            </UnstyledButton>
          </div>
        );
      })}
    </div>
  );
}

/** All there is to know of one block. */
export function BlockDetails({
  block,
  labels,
  marks,
  admin,
  deleteDelay,
  view,
  partOf,
  find,
  onSelect,
  onChanged,
}: Props) {
  const [zone] = useSetting(settings.zone);
  const length = block.maxTime - block.minTime;
  const parents = block.parents ?? [];
  const facts: [string, ReactNode][] = [
    ['From', formatTime(block.minTime, zone)],
    ['To', formatTime(block.maxTime, zone)],
    ['Duration', humanDuration(length)],
    ['Resolution', resolutionName(block.resolution)],
    ['Level', block.level],
    ['Source', block.source],
    ['Series', formatCount(block.series)],
    ['Samples', formatCount(block.samples)],
    ['Chunks', formatCount(block.chunks)],
    ['Size', formatBytes(block.totalBytes)],
    ['Chunk files', formatBytes(block.chunkBytes) + share(block.chunkBytes, block.totalBytes)],
    ['Index', formatBytes(block.indexBytes) + share(block.indexBytes, block.totalBytes)],
    ['A day', length > 0 ? formatBytes(Math.round((block.totalBytes / length) * 86_400_000)) : '–'],
    ...(block.uploadTime === undefined
      ? []
      : [['Uploaded', formatTime(block.uploadTime * 1000, zone)] as [string, ReactNode]]),
    ['Labels', <LabelSet key="labels" labels={labels} />],
  ];
  return (
    <Paper withBorder p="sm" component="aside" aria-label="Block">
      <Group justify="space-between" wrap="nowrap">
        <Title order={2} size="h6" className="mono break">
          {block.id}
        </Title>
        <CloseButton aria-label="Close" onClick={() => onSelect(null)} />
      </Group>
      <Table fz="sm" verticalSpacing={2}>
        <Table.Tbody>
          {facts.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w={100}>{name}</Table.Th>
              <Table.Td className="break">{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Stack gap="xs" mt="xs">
        {marks.map(mark => (
          <Text key={mark.kind} size="sm" className="break">
            <b>Marked for {markNames[mark.kind]}</b> at {formatTime(mark.time * 1000, zone)}
            {[mark.reason, mark.details].filter(Boolean).map(text => `; ${text}`)}
          </Text>
        ))}
        <Relatives title="Made of" ids={parents} find={find} onSelect={onSelect} />
        <Relatives title="Part of" ids={partOf.map(other => other.id)} find={find} onSelect={onSelect} />
        <Group gap={6}>
          <Button size="compact-sm" variant="default" onClick={() => void saveMeta(block.id, view)}>
            Download meta.json
          </Button>
        </Group>
        {admin && <MarkControls block={block} marks={marks} deleteDelay={deleteDelay} onDone={onChanged} />}
      </Stack>
    </Paper>
  );
}
