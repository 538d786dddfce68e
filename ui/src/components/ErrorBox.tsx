import { Alert, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client';

interface Props {
  title?: string;
  error: Error;
  children?: ReactNode;
}

export function ErrorBox({ title, error, children }: Props) {
  const kind = error instanceof ApiError ? `Error (${error.type})` : 'Error';
  return (
    <Alert color="red" title={title ?? kind} icon={<IconAlertTriangle />} role="alert" my="xs">
      <Text size="sm" className="break mono">
        {error.message}
      </Text>
      {children}
    </Alert>
  );
}
