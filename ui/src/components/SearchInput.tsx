import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  w?: number | string;
}

export function SearchInput({ label, value, onChange, w }: Props) {
  return (
    <TextInput
      data-search
      type="search"
      size="sm"
      w={w ?? 260}
      leftSection={<IconSearch size={15} />}
      placeholder={label}
      aria-label={label}
      value={value}
      onChange={event => onChange(event.currentTarget.value)}
    />
  );
}
