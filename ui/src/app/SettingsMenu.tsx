import { ActionIcon, Autocomplete, Popover, Stack, Switch, TextInput, Tooltip } from '@mantine/core';
import { IconSettings } from '@tabler/icons-react';
import { useState } from 'react';
import { config } from '../config';
import type { Setting } from '../lib/storage';
import { isZone } from '../lib/time';
import { webUrl } from '../lib/url';
import { useSetting } from '../lib/useSetting';
import { settings } from '../settings';

function Toggle({ of, label }: { of: Setting<boolean>; label: string }) {
  const [on, set] = useSetting(of);
  return <Switch label={label} checked={on} onChange={event => set(event.currentTarget.checked)} />;
}

/** Every zone the browser knows, ours first. */
function zoneNames(): string[] {
  return ['local', 'UTC', ...Intl.supportedValuesOf('timeZone').filter(zone => zone !== 'UTC')];
}

function ZoneInput() {
  const [zone, setZone] = useSetting(settings.zone);
  const [text, setText] = useState(zone);
  const valid = isZone(text);
  return (
    <Autocomplete
      label="Time zone"
      description="“local” is the browser's"
      data={zoneNames()}
      value={text}
      limit={40}
      // It has the focus when the menu opens, and its list would cover what is below.
      openOnFocus={false}
      comboboxProps={{ withinPortal: false }}
      error={valid ? undefined : 'not a time zone'}
      onChange={value => {
        setText(value);
        if (isZone(value)) setZone(value);
      }}
    />
  );
}

/** The address of another program, for links to it. */
function Address({ of, label, example }: { of: Setting<string>; label: string; example: string }) {
  const [value, set] = useSetting(of);
  return (
    <TextInput
      label={label}
      placeholder={example}
      value={value}
      error={value === '' || webUrl(value) !== undefined ? undefined : 'not an http(s) address'}
      onChange={event => set(event.currentTarget.value.trim())}
    />
  );
}

export function SettingsMenu() {
  return (
    <Popover width={280} position="bottom-end" shadow="md" withArrow trapFocus>
      <Popover.Target>
        <Tooltip label="Settings">
          <ActionIcon variant="subtle" color="gray" aria-label="Settings">
            <IconSettings size={18} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label="Settings">
        <Stack gap="sm">
          <ZoneInput />
          <Toggle of={settings.keepHistory} label="Keep a history of queries" />
          <Toggle of={settings.autocomplete} label="Autocompletion" />
          <Toggle of={settings.highlighting} label="Syntax highlighting" />
          <Toggle of={settings.linter} label="Linter" />
          <Address of={settings.alertmanager} label="Alertmanager" example="http://alertmanager:9093" />
          {config.component === 'query' && (
            <Address
              of={settings.blocksPage}
              label="Page of blocks"
              example={config.features.blocksUrl || 'http://thanos-store:10902/loaded'}
            />
          )}
          <Address of={settings.traces} label="Traces" example="http://jaeger:16686/trace/{trace}" />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
