import { ActionIcon, Badge, Code, Group, Loader, Paper, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { call } from '../../../api/client';
import type { QueryData } from '../../../api/types';
import { ErrorBox } from '../../../components/ErrorBox';
import { Tree, TreeNode } from '../../../components/TreeNode';
import { humanDuration } from '../../../lib/duration';
import { plural } from '../../../lib/format';
import type { Panel } from '../panel';
import { instantParams, tenantHeaders } from '../request';
import { childrenOf, type Node, print, runnable } from './ast';
import classes from './QueryTree.module.css';

interface Props {
  panel: Panel;
  run: number;
  /** Expression of the node that the result below is of. */
  selected: string | null;
  onSelect: (expr: string | null) => void;
}

/** How many values each label has in a result, most first. */
export function labelCounts(data: QueryData): [string, number][] {
  if (data.resultType !== 'vector' && data.resultType !== 'matrix') return [];
  const values = new Map<string, Set<string>>();
  for (const { metric } of data.result) {
    for (const [name, value] of Object.entries(metric)) {
      if (name === '__name__') continue;
      const known = values.get(name);
      if (known === undefined) values.set(name, new Set([value]));
      else known.add(value);
    }
  }
  return [...values].map(([name, set]): [string, number] => [name, set.size]).sort((a, b) => b[1] - a[1]);
}

function Figures({ panel, expr, run }: { panel: Panel; expr: string; run: number }) {
  const result = useQuery({
    queryKey: [
      'node',
      instantParams({ ...panel, analyze: false, blocks: false }, expr, 0),
      panel.tenant,
      run,
    ],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const started = performance.now();
      const { data } = await call<QueryData>('query', {
        method: 'POST',
        params: instantParams({ ...panel, analyze: false, blocks: false }, expr, Date.now()),
        headers: tenantHeaders(panel),
        signal,
      });
      const count = data.resultType === 'vector' || data.resultType === 'matrix' ? data.result.length : 1;
      return { count, took: performance.now() - started, labels: labelCounts(data) };
    },
  });
  if (result.error) {
    return (
      <Tooltip label={result.error.message} multiline maw={400}>
        <Badge color="red" variant="light" tabIndex={0}>
          failed
        </Badge>
      </Tooltip>
    );
  }
  if (result.data === undefined) return <Loader size="xs" />;
  const { count, took, labels } = result.data;
  return (
    <Text component="span" size="xs" c="dimmed">
      {plural(count, 'result')} · {humanDuration(took)}
      {labels.slice(0, 6).map(([name, values]) => (
        <span key={name} className={classes.label}>
          {name}: {values}
        </span>
      ))}
      {labels.length > 6 && ` and ${labels.length - 6} more labels`}
    </Text>
  );
}

function Branch({ node, ...props }: Props & { node: Node }) {
  const expr = runnable(node);
  const { panel, run, selected, onSelect } = props;
  const short = print(node, true);
  return (
    <TreeNode
      name={short}
      content={
        <Group gap="xs">
          <UnstyledButton
            onClick={() => onSelect(expr)}
            disabled={expr === null}
            aria-pressed={selected !== null && selected === expr}
            className={classes.node}
            title="Show this part's result below"
          >
            <Code className="break">{short}</Code>
          </UnstyledButton>
          {expr !== null && <Figures panel={panel} expr={expr} run={run} />}
        </Group>
      }
    >
      {childrenOf(node).map((child, index) => (
        <Branch key={index} {...props} node={child} />
      ))}
    </TreeNode>
  );
}

/** The parts of the expression, each with its own result; picking one shows it in the table or graph. */
export default function QueryTree(props: Props) {
  const { panel, selected, onSelect } = props;
  const parsed = useQuery({
    queryKey: ['parse', panel.expr],
    enabled: panel.expr.trim() !== '',
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      call<Node>('parse_query', { method: 'POST', params: [['query', panel.expr]], signal }),
  });
  if (parsed.error) return <ErrorBox error={parsed.error} />;
  if (parsed.data === undefined) return null;
  return (
    <Paper withBorder p="xs" my="xs" data-testid="query-tree">
      {selected !== null && (
        <Group gap={4} mb={4}>
          <Text size="xs">The result below is of a part of the expression.</Text>
          <ActionIcon
            size="xs"
            variant="subtle"
            aria-label="Show the whole expression"
            onClick={() => onSelect(null)}
          >
            <IconX />
          </ActionIcon>
        </Group>
      )}
      <Tree label="Parts of the expression">
        <Branch {...props} node={parsed.data.data} />
      </Tree>
    </Paper>
  );
}
