import { Button, Group, Modal, Stack, Text, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { SearchInput } from '../../components/SearchInput';
import { fuzzyFilter } from '../../lib/fuzzy';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';

interface Props {
  onClose: () => void;
  onPick: (expr: string) => void;
}

function Entries({
  title,
  entries,
  onPick,
}: {
  title: string;
  entries: string[];
  onPick: (expr: string) => void;
}) {
  if (entries.length === 0) return null;
  return (
    <section>
      <Text fw={600} size="sm">
        {title}
      </Text>
      {entries.map(expr => (
        <UnstyledButton
          key={expr}
          display="block"
          py={3}
          className="mono break"
          fz="sm"
          onClick={() => onPick(expr)}
        >
          {expr}
        </UnstyledButton>
      ))}
    </section>
  );
}

export default function HistoryList({ onClose, onPick }: Props) {
  const [past, setPast] = useSetting(settings.history);
  const [favourites] = useSetting(settings.favourites);
  const [text, setText] = useState('');
  const find = (entries: string[]): string[] => fuzzyFilter(text, entries, expr => expr);
  return (
    <Modal opened onClose={onClose} title="History and favourites" size="xl">
      <Stack gap="sm">
        <SearchInput label="Search queries" value={text} onChange={setText} w="100%" />
        <Entries title="Favourites" entries={find(favourites)} onPick={onPick} />
        <Entries title="Last queries" entries={find(past)} onPick={onPick} />
        {past.length + favourites.length === 0 && <Text c="dimmed">Nothing yet</Text>}
        {past.length > 0 && (
          <Group justify="flex-end">
            <Button size="xs" variant="default" onClick={() => setPast([])}>
              Forget the history
            </Button>
          </Group>
        )}
      </Stack>
    </Modal>
  );
}
