import { Group, Pagination, Text } from '@mantine/core';
import { formatCount } from '../lib/format';

interface Props {
  total: number;
  perPage: number;
  page: number;
  onPage: (page: number) => void;
}

/** Slice of one page; pages count from 1 and those beyond the end are the last. */
export function pageSlice<T>(items: readonly T[], page: number, perPage: number): T[] {
  const last = Math.max(Math.ceil(items.length / perPage), 1);
  const at = Math.min(Math.max(page || 1, 1), last);
  return items.slice((at - 1) * perPage, at * perPage);
}

export function Pager({ total, perPage, page, onPage }: Props) {
  if (total <= perPage) return null;
  const pages = Math.ceil(total / perPage);
  return (
    <Group my="sm" gap="sm">
      <Pagination
        size="sm"
        total={pages}
        value={Math.min(Math.max(page || 1, 1), pages)}
        onChange={onPage}
        getControlProps={control => ({ 'aria-label': `${control} page` })}
        getItemProps={at => ({ 'aria-label': `Page ${at}` })}
      />
      <Text size="xs" c="dimmed">
        {formatCount(total)} in all
      </Text>
    </Group>
  );
}
