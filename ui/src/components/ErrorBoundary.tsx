import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { ErrorBox } from './ErrorBox';

interface State {
  error: Error | null;
}

/** Keeps a fault of one part of the page to that part. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
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
    return (
      <ErrorBox title="This part of the page failed" error={error}>
        <Button size="xs" mt="xs" onClick={() => this.setState({ error: null })}>
          Try again
        </Button>
      </ErrorBox>
    );
  }
}
