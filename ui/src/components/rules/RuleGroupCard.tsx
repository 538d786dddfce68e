import { Badge, Group, Paper, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import type { RuleGroup } from '../../api/types';
import { humanDuration } from '../../lib/duration';
import { plural } from '../../lib/format';
import { wantedGroup } from './anchor';
import classes from './RuleGroupCard.module.css';

interface Props {
  group: RuleGroup;
  badges?: ReactNode;
  children: ReactNode;
}

export function Sources({ sources }: { sources: string[] }) {
  if (sources.length === 0) return null;
  return (
    <Text size="xs" c="dimmed" className="break">
      from {sources.join(', ')}
    </Text>
  );
}

/** A group of rules with its file, interval and sources. */
export function RuleGroupCard({ group, badges, children }: Props) {
  const card = useRef<HTMLDivElement>(null);
  // The browser looked for it before it was there.
  useEffect(() => {
    if (wantedGroup() === group.name) card.current?.scrollIntoView();
  }, [group.name]);
  return (
    <Paper withBorder p="sm" mb="sm" id={group.name} ref={card} className={classes.card ?? ''}>
      <Group justify="space-between" gap="xs" mb="xs">
        <div>
          <Title order={2} size="h5" className="break">
            <a href={`#${encodeURIComponent(group.name)}`}>{group.name}</a>
          </Title>
          <Text size="xs" c="dimmed" className="break">
            {group.file} · every {humanDuration(group.interval * 1000)}
          </Text>
          <Sources sources={group.sources ?? []} />
        </div>
        <Group gap={4}>
          {badges}
          <Badge variant="outline" color="gray" radius="sm" c="dimmed">
            {plural(group.rules.length, 'rule')}
          </Badge>
        </Group>
      </Group>
      {children}
    </Paper>
  );
}
