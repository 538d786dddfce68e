import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Component, type ReactNode } from 'react';
import { ErrorBox } from './ErrorBox';

/** How browsers say that a part of the program was not loaded: what such a part was to draw fails until the page is loaded again. */
const notLoaded = /dynamically imported module|module script|preload CSS/i;

interface Props {
  children: ReactNode;
  onRetry: () => void;
}

interface State {
  error: Error | null;
}

class Boundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(): void {
    // It may have covered what failed.
    document.querySelector('[data-cover]')?.remove();
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const again = (): void => {
      if (notLoaded.test(error.message)) {
        window.location.reload();
        return;
      }
      this.props.onRetry();
      this.setState({ error: null });
    };
    return (
      <ErrorBox title="This part of the page failed" error={error}>
        <Button size="xs" mt="xs" onClick={again}>
          Try again
        </Button>
      </ErrorBox>
    );
  }
}

/** Keeps a fault of one part of the page to that part. */
export function ErrorBoundary({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  // The very answer may be what it failed on: what only that part has asked for is asked for again.
  return <Boundary onRetry={() => client.removeQueries({ type: 'inactive' })}>{children}</Boundary>;
}
