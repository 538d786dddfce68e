import { Skeleton, Stack, VisuallyHidden } from '@mantine/core';

export function Loading({ what }: { what: string }) {
  return (
    <Stack aria-busy gap="xs">
      <VisuallyHidden role="status">Loading {what}</VisuallyHidden>
      <Skeleton height={32} />
      <Skeleton height={32} width="80%" />
      <Skeleton height={32} width="60%" />
    </Stack>
  );
}
