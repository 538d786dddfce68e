import { Group, Select, Switch, TextInput } from '@mantine/core';
import type { BlockFilter } from './survey';
import { type Block, markNames, resolutionName } from './types';
import type { SetFilter } from './useFilter';

interface Props {
  filter: BlockFilter;
  blocks: readonly Block[];
  onChange: SetFilter;
}

/** The values there are, ascending. */
function values<T extends string | number>(blocks: readonly Block[], of: (block: Block) => T): T[] {
  return [...new Set(blocks.map(of))].sort((a, b) => (a < b ? -1 : 1));
}

export function FilterBar({ filter, blocks, onChange }: Props) {
  return (
    <Group gap="xs" mb="xs">
      <TextInput
        data-search
        size="xs"
        w={220}
        placeholder="ULID"
        aria-label="ULID"
        value={filter.ulid}
        onChange={event => onChange({ ulid: event.currentTarget.value })}
      />
      <TextInput
        size="xs"
        w={180}
        placeholder="Labels"
        aria-label="Labels"
        value={filter.labels}
        onChange={event => onChange({ labels: event.currentTarget.value })}
      />
      <Select
        size="xs"
        w={110}
        clearable
        placeholder="Any level"
        aria-label="Compaction level"
        data={values(blocks, block => block.level).map(level => ({
          value: String(level),
          label: `Level ${level}`,
        }))}
        value={filter.level === null ? null : String(filter.level)}
        onChange={value => onChange({ level: value === null ? null : Number(value) })}
      />
      <Select
        size="xs"
        w={130}
        clearable
        placeholder="Any resolution"
        aria-label="Resolution"
        data={values(blocks, block => block.resolution).map(resolution => ({
          value: String(resolution),
          label: resolutionName(resolution),
        }))}
        value={filter.resolution === null ? null : String(filter.resolution)}
        onChange={value => onChange({ resolution: value === null ? null : Number(value) })}
      />
      <Select
        size="xs"
        w={150}
        clearable
        placeholder="Any source"
        aria-label="Source"
        data={values(blocks, block => block.source)}
        value={filter.source === '' ? null : filter.source}
        onChange={value => onChange({ source: value ?? '' })}
      />
      <Select
        size="xs"
        w={180}
        clearable
        placeholder="Marked or not"
        aria-label="Marks"
        data={[
          { value: 'marked', label: 'Any mark' },
          ...Object.entries(markNames).map(([value, name]) => ({ value, label: `Marked: ${name}` })),
        ]}
        value={filter.state === '' ? null : filter.state}
        onChange={value => onChange({ state: value ?? '' })}
      />
      <Switch
        size="xs"
        label="Only overlapping"
        checked={filter.overlapping}
        onChange={event => onChange({ overlapping: event.currentTarget.checked })}
      />
    </Group>
  );
}
