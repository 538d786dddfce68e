import { List, Stack, Text, Title } from '@mantine/core';
import { Link } from './Link';
import { navPages, pages } from './pages';
import { pageUrl } from './router';

/** For routes this component does not have. */
export function MissingPage({ name }: { name: string }) {
  if (name === '') return null;
  const known = pages[name];
  return (
    <Stack maw={640} mt="lg">
      <Title order={1} size="h2">
        {known === undefined ? `There is no page “${name}”` : `This component has no page “${known.title}”`}
      </Title>
      <Text>What it has:</Text>
      <List>
        {navPages().map(([route, page]) => (
          <List.Item key={route}>
            <Link href={pageUrl(route)}>{page.title}</Link>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
