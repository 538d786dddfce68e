import { Chip, Group } from '@mantine/core';

interface Props {
  label: string;
  options: { value: string; label: string }[];
  /** Comma-separated values; empty means all. */
  value: string;
  onChange: (value: string) => void;
}

export function parseSet(value: string): Set<string> {
  return new Set(value.split(',').filter(part => part !== ''));
}

/** Chips of which any may be on; none on is no filter. */
export function Filters({ label, options, value, onChange }: Props) {
  return (
    <Group gap={4} role="group" aria-label={label}>
      <Chip.Group multiple value={[...parseSet(value)]} onChange={values => onChange(values.join(','))}>
        {options.map(option => (
          <Chip key={option.value} size="xs" radius="sm" value={option.value}>
            {option.label}
          </Chip>
        ))}
      </Chip.Group>
    </Group>
  );
}
