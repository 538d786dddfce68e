import { ActionIcon, Group } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { DraftInput } from '../../components/DraftInput';

interface Props {
  exprs: readonly string[];
  onChange: (exprs: string[]) => void;
}

const anything = (): null => null;

/** The other expressions of a graph. */
export function AlsoDrawn({ exprs, onChange }: Props) {
  return exprs.map((expr, at) => (
    <Group key={at} gap={4} mt={6} wrap="nowrap">
      <DraftInput
        size="xs"
        style={{ flex: 1 }}
        classNames={{ input: 'mono' }}
        aria-label={`Also in the graph, ${at + 1}`}
        placeholder="Also in the graph"
        value={expr}
        check={anything}
        onApply={text => onChange(exprs.map((other, index) => (index === at ? text : other)))}
      />
      <ActionIcon
        variant="default"
        size="input-xs"
        aria-label={`Take expression ${at + 1} out of the graph`}
        onClick={() => onChange(exprs.filter((_, index) => index !== at))}
      >
        <IconX size={14} />
      </ActionIcon>
    </Group>
  ));
}
