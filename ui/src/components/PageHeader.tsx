import { ActionIcon, Group, Text, Title, Tooltip } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { usePageKeys } from '../app/useShortcuts';
import { humanDuration } from '../lib/duration';
import { useNow } from '../lib/useNow';

interface Props {
  title: string;
  children?: ReactNode;
  refresh?: () => void;
  refreshing?: boolean;
  /** When what is shown was loaded, milliseconds. */
  updatedAt?: number;
}

/** Title, how old the data is, and the page's own controls. */
export function PageHeader({ title, children, refresh, refreshing, updatedAt }: Props) {
  const now = useNow(5000);
  usePageKeys(key => {
    if (key === 'refresh') refresh?.();
    if (key === 'focus') document.querySelector<HTMLElement>('[data-search]')?.focus();
  });
  return (
    <Group justify="space-between" mb="sm" gap="xs">
      <Title order={1} size="h3">
        {title}
      </Title>
      <Group gap="xs">
        {children}
        {updatedAt !== undefined && updatedAt > 0 && (
          <Text size="xs" c="dimmed">
            {now - updatedAt < 1500
              ? 'just now'
              : `${humanDuration(Math.floor((now - updatedAt) / 1000) * 1000)} ago`}
          </Text>
        )}
        {refresh !== undefined && (
          <Tooltip label="Load again (r)">
            <ActionIcon
              variant="default"
              aria-label="Load again"
              loading={refreshing ?? false}
              onClick={refresh}
            >
              <IconRefresh size={16} />
            </ActionIcon>
          </Tooltip>
        )}
      </Group>
    </Group>
  );
}
