import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { config } from '../config';
import { Shell } from './Shell';
import { cssVariables, theme } from './theme';

const client = new QueryClient({
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false, staleTime: 10_000 } },
});

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => config.nonce}
    >
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" />
        <Shell />
      </QueryClientProvider>
    </MantineProvider>
  );
}
