import {
  ActionIcon,
  Anchor,
  AppShell,
  Box,
  Burger,
  Container,
  Group,
  Kbd,
  Stack,
  Text,
  Tooltip,
  UnstyledButton,
  VisuallyHidden,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKeyboard, IconSearch } from '@tabler/icons-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { ErrorBoundary } from '../components/ErrorBoundary';
import { Loading } from '../components/Loading';
import { config } from '../config';
import { isPlainClick } from './Link';
import { MissingPage } from './MissingPage';
import { findPage, navPages, pages } from './pages';
import { navigate, pageUrl } from './router';
import { SettingsMenu } from './SettingsMenu';
import { ThemeButton } from './ThemeButton';
import { usePage } from './useRouter';
import { useShortcuts } from './useShortcuts';

const CommandPalette = lazy(() => import('./CommandPalette'));
const ShortcutList = lazy(() => import('./ShortcutList'));
const contents = new Map(Object.entries(pages).map(([name, page]) => [name, lazy(page.load)]));

/** Thanos's own, which hold here too. */
const helpUrl = 'https://thanos.io/tip/thanos/getting-started.md/';

const names: Record<string, string> = {
  query: 'Query',
  rule: 'Rule',
  store: 'Store',
  compact: 'Compact',
  bucket: 'Bucket',
};

function NavLinks({ current, onPick }: { current: string; onPick?: () => void }) {
  return navPages().map(([name, page]) => (
    <a
      key={name}
      className="nav-link"
      href={pageUrl(name)}
      aria-current={name === current ? 'page' : undefined}
      onClick={event => {
        if (!isPlainClick(event)) return;
        event.preventDefault();
        navigate(pageUrl(name));
        onPick?.();
      }}
    >
      {page.title}
    </a>
  ));
}

/** Header with the navigation, and the page below it. */
export function Shell() {
  const name = usePage();
  const { route, page } = findPage(name);
  const [menu, { toggle, close }] = useDisclosure(false);
  const [palette, setPalette] = useState(false);
  const [shortcuts, setShortcuts] = useState(false);
  const component = names[config.component] ?? config.component;
  const title = page?.title ?? 'Not found';

  useEffect(() => {
    document.title = `${title} · Thanos ${component}`;
  }, [title, component]);
  useEffect(() => {
    if (name === '') navigate(pageUrl(config.home, window.location.search), { replace: true });
  }, [name]);
  useShortcuts({ openPalette: () => setPalette(true), openList: () => setShortcuts(true) });

  const Content = page === null ? undefined : contents.get(route);
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 240, breakpoint: 'lg', collapsed: { mobile: !menu, desktop: true } }}
      padding={0}
    >
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="xs">
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Burger opened={menu} onClick={toggle} hiddenFrom="lg" size="sm" aria-label="Navigation" />
            <Text fw={700} c="var(--mantine-color-anchor)" style={{ whiteSpace: 'nowrap' }}>
              Thanos {component}
            </Text>
            <Group component="nav" aria-label="Pages" gap={2} wrap="nowrap" visibleFrom="lg">
              <NavLinks current={route} />
            </Group>
          </Group>
          <Group gap={6} wrap="nowrap">
            <UnstyledButton onClick={() => setPalette(true)} visibleFrom="sm">
              <Group
                gap={6}
                wrap="nowrap"
                px={8}
                py={4}
                bd="1px solid var(--mantine-color-default-border)"
                bdrs="sm"
              >
                <IconSearch size={14} aria-hidden />
                <VisuallyHidden>Command palette</VisuallyHidden>
                <Kbd size="xs">Ctrl K</Kbd>
              </Group>
            </UnstyledButton>
            <Tooltip label="Keyboard shortcuts (?)">
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label="Keyboard shortcuts"
                onClick={() => setShortcuts(true)}
              >
                <IconKeyboard size={18} />
              </ActionIcon>
            </Tooltip>
            <SettingsMenu />
            <ThemeButton />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" hiddenFrom="lg">
        <Stack component="nav" aria-label="Pages" gap={2}>
          {menu && <NavLinks current={route} onPick={close} />}
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <ErrorBoundary>
          <Suspense fallback={null}>
            {palette && <CommandPalette onClose={() => setPalette(false)} />}
            {shortcuts && <ShortcutList onClose={() => setShortcuts(false)} />}
          </Suspense>
        </ErrorBoundary>
        <Container fluid px={{ base: 'xs', sm: 'md' }} py="sm">
          <ErrorBoundary key={route}>
            <Suspense fallback={<Loading what={title} />}>
              {Content === undefined ? <MissingPage name={name} /> : <Content key={route} />}
            </Suspense>
          </ErrorBoundary>
        </Container>
        <Box component="footer" px="md" pb="sm">
          <Text size="xs" c="dimmed">
            Thanos {component} {config.version} ·{' '}
            <Anchor size="xs" underline="always" href={helpUrl} rel="noreferrer">
              Help
            </Anchor>
          </Text>
        </Box>
      </AppShell.Main>
    </AppShell>
  );
}
