import { ActionIcon, Group, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { LabelSet } from '../../../components/LabelSet';
import type { Labels } from '../../../lib/labels';
import { formatTime, type Zone } from '../../../lib/time';
import classes from './Chart.module.css';

export interface TooltipData {
  /** Milliseconds. */
  time: number;
  title: string;
  value: string;
  labels: Labels | null;
  note?: string;
  left: number;
  top: number;
  width: number;
}

interface Props {
  data: TooltipData;
  zone: Zone;
  pinned: boolean;
  onClose: () => void;
}

/** Beside the pointer, on the side where there is room. */
export function Tooltip({ data, zone, pinned, onClose }: Props) {
  const right = data.left > data.width / 2;
  const place = right ? { right: data.width - data.left + 14 } : { left: data.left + 14 };
  return (
    <div
      className={`${classes.tooltip} ${pinned ? classes.pinned : ''}`}
      style={{ ...place, top: data.top + 10 }}
      data-testid="chart-tooltip"
    >
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="xs" c="dimmed">
          {formatTime(data.time, zone, data.time % 1000 !== 0)}
        </Text>
        {pinned && (
          <ActionIcon size="xs" variant="subtle" color="gray" aria-label="Unpin" onClick={onClose}>
            <IconX />
          </ActionIcon>
        )}
      </Group>
      <Text size="sm" fw={600}>
        {data.title} {data.value}
      </Text>
      {data.note !== undefined && <Text size="xs">{data.note}</Text>}
      {data.labels !== null && <LabelSet labels={data.labels} />}
    </div>
  );
}
