import { Text } from '@mantine/core';

/** What an answer lacks, and why. */
export function Warnings({ texts }: { texts: readonly string[] | undefined }) {
  return [...new Set(texts ?? [])].map(text => (
    <Text key={text} size="sm" mb={4} c="var(--mantine-color-error)" className="break">
      {text}
    </Text>
  ));
}
