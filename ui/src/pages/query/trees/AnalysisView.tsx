import { Group, Paper, Switch, Table, Text, UnstyledButton } from '@mantine/core';
import { Fragment, useMemo, useState } from 'react';
import type { Analysis } from '../../../api/types';
import { Tree, TreeNode } from '../../../components/TreeNode';
import { humanDuration, parseGoDuration } from '../../../lib/duration';
import { formatBytes, formatCount } from '../../../lib/format';
import classes from './AnalysisView.module.css';
import { type AnalysisNode, analysisTree, slowestFirst } from './analysis';

const heads = ['Endpoint', 'Duration', 'Bytes', 'Responses', 'Series', 'Chunks', 'Samples'];
const counts = ['numResponses', 'series', 'chunks', 'samples'] as const;

/** What each endpoint did for a selector. */
function Fanout({ node }: { node: AnalysisNode }) {
  const slowest = Math.max(...node.fanout.map(entry => parseGoDuration(entry.duration ?? ''))) || 1;
  return (
    <div className="scroll-x">
      <Table fz="xs" aria-label="Fan-out" withTableBorder my={4} w="auto" verticalSpacing={2}>
        <Table.Thead>
          <Table.Tr>
            {heads.map(head => (
              <Table.Th key={head} ta={head === 'Endpoint' ? 'left' : 'right'}>
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {node.fanout.map((entry, index) => (
            <Fragment key={index}>
              <Table.Tr>
                <Table.Td className="mono">{entry.endpointAddr}</Table.Td>
                <Table.Td ta="right">
                  <span className={classes.share} aria-hidden>
                    <span
                      className={classes.self}
                      style={{ width: `${(parseGoDuration(entry.duration ?? '') / slowest) * 100}%` }}
                    />
                  </span>
                  {humanDuration(parseGoDuration(entry.duration ?? ''))}
                </Table.Td>
                <Table.Td ta="right">{formatBytes(entry.bytesProcessed ?? 0)}</Table.Td>
                {counts.map(name => (
                  <Table.Td key={name} ta="right">
                    {formatCount(entry[name] ?? 0)}
                  </Table.Td>
                ))}
              </Table.Tr>
              {entry.error !== undefined && (
                <Table.Tr>
                  <Table.Td colSpan={heads.length} className="break" c="var(--mantine-color-error)">
                    {entry.error}
                  </Table.Td>
                </Table.Tr>
              )}
            </Fragment>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Node({ node }: { node: AnalysisNode }) {
  return (
    <TreeNode
      name={node.name}
      content={toggle => (
        <>
          <div className={classes.figures}>
            {/* For the mouse: the keyboard has the arrow before it. */}
            <UnstyledButton className={classes.figures} fz="inherit" tabIndex={-1} onClick={toggle}>
              <span className={classes.bar} aria-hidden>
                <span className={classes.whole} style={{ width: `${node.timeShare * 100}%` }} />
                <span className={classes.self} style={{ width: `${node.selfShare * 100}%` }} />
              </span>
              <span className={classes.number}>{humanDuration(node.time)}</span>
              <span className={classes.number}>{(node.timeShare * 100).toFixed(1)}%</span>
              <span className={classes.number} title="peak and total samples">
                {formatCount(node.peakSamples)} / {formatCount(node.totalSamples)}
              </span>
            </UnstyledButton>
            <span className="mono break">{node.name}</span>
          </div>
          {node.fanout.length > 0 && <Fanout node={node} />}
        </>
      )}
    >
      {node.children.map((child, index) => (
        <Node key={index} node={child} />
      ))}
    </TreeNode>
  );
}

/** Where the time of a query went. */
export default function AnalysisView({ analysis }: { analysis: Analysis }) {
  const [sorted, setSorted] = useState(false);
  const tree = useMemo(() => {
    const inOrder = analysisTree(analysis);
    return sorted ? slowestFirst(inOrder) : inOrder;
  }, [analysis, sorted]);
  return (
    <Paper withBorder p="xs" my="xs" data-testid="analysis">
      <Group justify="space-between" gap="xs" mb={4}>
        <Text size="xs" c="dimmed">
          Time with everything below a node, its share of the whole (dark: the node alone), samples at the
          peak and in all.
        </Text>
        <Switch
          size="xs"
          label="Slowest first"
          checked={sorted}
          onChange={event => setSorted(event.currentTarget.checked)}
        />
      </Group>
      <Tree label="Analysis">
        <Node node={tree} />
      </Tree>
    </Paper>
  );
}
