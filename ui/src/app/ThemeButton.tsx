import { ActionIcon, Tooltip, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';

const next = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const labels = { auto: 'Theme: of the browser', light: 'Theme: light', dark: 'Theme: dark' };

export function ThemeButton() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon }[colorScheme];
  return (
    <Tooltip label={labels[colorScheme]}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={labels[colorScheme]}
        onClick={() => setColorScheme(next[colorScheme])}
      >
        <Icon size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
