import { Badge } from '@mantine/core';

const colours: Record<string, string> = {
  up: 'green',
  ok: 'green',
  down: 'red',
  err: 'red',
  firing: 'red',
  pending: 'yellow',
  inactive: 'green',
  unknown: 'gray',
};

export function StateBadge({ state, count }: { state: string; count?: number }) {
  return (
    <Badge
      variant="light"
      color={colours[state.toLowerCase()] ?? 'gray'}
      radius="sm"
      style={{ flexShrink: 0, minWidth: 'max-content' }}
    >
      {state}
      {count === undefined ? '' : ` (${count})`}
    </Badge>
  );
}
