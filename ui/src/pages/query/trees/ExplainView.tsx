import { Button, Code, Group, Paper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { call } from '../../../api/client';
import type { Explanation } from '../../../api/types';
import { ErrorBox } from '../../../components/ErrorBox';
import { Loading } from '../../../components/Loading';
import { Tree, TreeNode } from '../../../components/TreeNode';
import { config } from '../../../config';
import type { Panel } from '../panel';
import { rangeParams, tenantHeaders } from '../request';

function Node({ node }: { node: Explanation }) {
  return (
    <TreeNode name={node.name} content={<Code className="break">{node.name}</Code>}>
      {(node.children ?? []).map((child, index) => (
        <Node key={index} node={child} />
      ))}
    </TreeNode>
  );
}

interface Props {
  panel: Panel;
  run: number;
  /** Takes the engine that can explain. */
  onEngine: () => void;
}

/** The operators that would answer the query, without running it. */
export default function ExplainView({ panel, run, onEngine }: Props) {
  // One engine answers under both names; only `thanos` has parts of a query evaluated by others.
  const possible = panel.engine !== 'prometheus' || config.features.mode !== 'distributed';
  const asked = { ...panel, engine: 'thanos', analyze: false, blocks: false };
  const plan = useQuery({
    queryKey: ['explain', rangeParams(asked, panel.expr, 0), panel.tenant, run],
    enabled: possible && panel.expr.trim() !== '',
    queryFn: ({ signal }) =>
      call<Explanation>('query_range_explain', {
        params: rangeParams(asked, panel.expr, Date.now()),
        headers: tenantHeaders(panel),
        signal,
      }),
  });
  if (panel.expr.trim() === '') return null;
  if (!possible) {
    return (
      <Group gap="xs" my="md">
        <Text size="sm">Only the engine “Thanos” explains.</Text>
        <Button size="compact-sm" variant="light" onClick={onEngine}>
          Use it
        </Button>
      </Group>
    );
  }
  if (plan.error) return <ErrorBox error={plan.error} />;
  if (plan.data === undefined) return <Loading what="the plan" />;
  return (
    <Paper withBorder p="xs" my="xs">
      <Text size="xs" c="dimmed" mb={4}>
        Operators of the engine for a graph of this range.
      </Text>
      <Tree label="Explanation">
        <Node node={plan.data.data} />
      </Tree>
    </Paper>
  );
}
