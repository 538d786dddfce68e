import { ActionIcon, Group, TextInput } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { formatTime, parseTime, type Zone, zoneName } from '../lib/time';

interface Props {
  label: string;
  /** Milliseconds; null is now. */
  value: number | null;
  zone: Zone;
  /** How far the arrows go; milliseconds. */
  step: number;
  onChange: (value: number | null) => void;
  /** What an empty field stands for. */
  empty?: string;
}

/** A time with arrows and a button that empties it. */
export function TimeInput({ label, value, zone, step, onChange, empty = 'now' }: Props) {
  const shown = value === null ? '' : formatTime(value, zone).replace(' ', 'T');
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const apply = (): void => {
    if (text === shown) return;
    const time = text === '' ? null : parseTime(text, zone);
    // What it is emptied to may be what it was.
    if (text === '') setText(shown);
    if (text === '' || time !== null) onChange(time);
  };
  const move = (by: number): void => onChange((value ?? Date.now()) + by);
  return (
    <Group gap={2} wrap="nowrap">
      <ActionIcon
        variant="default"
        size="input-xs"
        aria-label={`${label}: earlier`}
        onClick={() => move(-step)}
      >
        <IconChevronLeft size={14} />
      </ActionIcon>
      <TextInput
        type="datetime-local"
        step={1}
        size="xs"
        w={216}
        aria-label={`${label} (${zoneName(value ?? Date.now(), zone)})`}
        title={`${label} (${zoneName(value ?? Date.now(), zone)}); empty is ${empty}`}
        value={text}
        onChange={event => setText(event.currentTarget.value)}
        onBlur={apply}
        onKeyDown={event => event.key === 'Enter' && apply()}
      />
      <ActionIcon variant="default" size="input-xs" aria-label={`${label}: later`} onClick={() => move(step)}>
        <IconChevronRight size={14} />
      </ActionIcon>
      {value !== null && (
        <ActionIcon
          variant="default"
          size="input-xs"
          aria-label={`${label}: ${empty}`}
          onClick={() => onChange(null)}
        >
          <IconX size={14} />
        </ActionIcon>
      )}
    </Group>
  );
}
