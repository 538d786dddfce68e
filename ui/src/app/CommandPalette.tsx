import { Modal, ScrollArea, Text, TextInput, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { type KeyboardEvent, useState } from 'react';
import { fuzzyFilter } from '../lib/fuzzy';
import { settings } from '../settings';
import classes from './CommandPalette.module.css';
import { navPages } from './pages';
import { navigate, pageUrl } from './router';

interface Command {
  label: string;
  group: string;
  run: () => void;
}

function useCommands(): Command[] {
  const { setColorScheme } = useMantineColorScheme();
  const go = navPages().map(([name, page]) => ({
    label: page.title,
    group: 'Go to',
    run: () => navigate(pageUrl(name)),
  }));
  const themes = (['light', 'dark', 'auto'] as const).map(scheme => ({
    label: `Theme: ${scheme}`,
    group: 'Settings',
    run: () => setColorScheme(scheme),
  }));
  const zones = ['UTC', 'local'].map(zone => ({
    label: `Time zone: ${zone}`,
    group: 'Settings',
    run: () => settings.zone.set(zone),
  }));
  const queries = navPages().some(([name]) => name === 'graph')
    ? [...new Set([...settings.favourites.get(), ...settings.history.get()])].map(expr => ({
        label: expr,
        group: 'Past query',
        run: () => navigate(pageUrl('graph', `?${new URLSearchParams({ 'g0.expr': expr, 'g0.tab': '1' })}`)),
      }))
    : [];
  return [...go, ...themes, ...zones, ...queries];
}

/** Pages, settings and past queries by a few letters of their name. */
export default function CommandPalette({ onClose }: { onClose: () => void }) {
  const commands = useCommands();
  const [text, setText] = useState('');
  const [index, setIndex] = useState(0);
  const found = fuzzyFilter(text, commands, command => `${command.group} ${command.label}`).slice(0, 50);
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    command.run();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') run(found[index]);
    else if (event.key === 'ArrowDown') setIndex(Math.min(index + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setIndex(Math.max(index - 1, 0));
    else return;
    event.preventDefault();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      padding="xs"
      size="lg"
      aria-label="Command palette"
    >
      <TextInput
        data-autofocus
        leftSection={<IconSearch size={16} />}
        placeholder="Pages, settings, past queries"
        aria-label="Command"
        role="combobox"
        aria-expanded
        aria-controls="commands"
        aria-activedescendant={found[index] === undefined ? undefined : `command-${index}`}
        value={text}
        onChange={event => {
          setText(event.currentTarget.value);
          setIndex(0);
        }}
        onKeyDown={onKey}
      />
      <ScrollArea.Autosize mah={400} mt="xs">
        <div id="commands" role="listbox" aria-label="Commands">
          {found.map((command, at) => (
            <UnstyledButton
              key={`${command.group}${command.label}${at}`}
              id={`command-${at}`}
              role="option"
              aria-selected={at === index}
              className={classes.command}
              tabIndex={-1}
              onMouseMove={() => setIndex(at)}
              onClick={() => run(command)}
            >
              <Text size="xs" c="dimmed" w={76} style={{ flexShrink: 0 }}>
                {command.group}
              </Text>
              <Text size="sm" truncate>
                {command.label}
              </Text>
            </UnstyledButton>
          ))}
          {found.length === 0 && (
            <Text size="sm" c="dimmed" p="sm">
              Nothing found
            </Text>
          )}
        </div>
      </ScrollArea.Autosize>
    </Modal>
  );
}
