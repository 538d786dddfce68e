import { Button, Group, Select, Switch, Title, VisuallyHidden } from '@mantine/core';
import { IconLink, IconPlus, IconRefresh } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useParam } from '../../app/useRouter';
import { usePageKeys } from '../../app/useShortcuts';
import { copy } from '../../lib/clipboard';
import { parseDuration } from '../../lib/duration';
import { PageBanners } from './Banners';
import { QueryPanel } from './QueryPanel';
import { usePanels } from './usePanels';

const refreshes = ['', '5s', '15s', '30s', '1m', '5m', '15m', '1h'];
/** Milliseconds; a link that wants more often is not followed. */
const shortest = 1000;

/** Panels of queries, below each other. */
export default function QueryPage() {
  const [linked, setLinked] = useParam('linked', '0');
  const { panels, ids, change, add, remove } = usePanels(linked === '1');
  const [turn, setTurn] = useState(0);
  const [every, setEvery] = useParam('refresh');
  const client = useQueryClient();
  const again = (): void => {
    setTurn(before => before + 1);
    void client.invalidateQueries({ queryKey: ['stores'] });
  };

  usePageKeys(key => {
    if (key === 'refresh') again();
    else document.querySelector<HTMLElement>('[data-expression]')?.focus();
  });
  const period = parseDuration(every) ?? 0;
  const chosen = period < shortest ? '' : every;
  useEffect(() => {
    if (period < shortest) return;
    const timer = setInterval(() => {
      if (!document.hidden) setTurn(before => before + 1);
    }, period);
    return () => clearInterval(timer);
  }, [period]);

  return (
    <>
      <VisuallyHidden>
        <Title order={1}>Query</Title>
      </VisuallyHidden>
      <PageBanners />
      {panels.map((panel, index) => (
        <QueryPanel
          key={ids[index]}
          panel={panel}
          index={index}
          refresh={turn}
          onChange={changed => change(index, changed)}
          onDuplicate={() => add(panel)}
          onRemove={() => remove(index)}
        />
      ))}
      <Group gap="xs">
        <Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => add()}>
          Add panel
        </Button>
        <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={again}>
          Run all
        </Button>
        <Select
          w={176}
          aria-label="Refresh automatically"
          allowDeselect={false}
          data={[...new Set([...refreshes, chosen])].map(value => ({
            value,
            label: value === '' ? 'No auto-refresh' : `Every ${value}`,
          }))}
          value={chosen}
          onChange={value => setEvery(value ?? '')}
        />
        <Button
          variant="default"
          leftSection={<IconLink size={16} />}
          onClick={() => void copy(window.location.href, 'Link')}
        >
          Copy link
        </Button>
        {panels.length > 1 && (
          <Switch
            size="xs"
            label="Same times in all panels"
            checked={linked === '1'}
            onChange={event => setLinked(event.currentTarget.checked ? '1' : '0')}
          />
        )}
      </Group>
    </>
  );
}
