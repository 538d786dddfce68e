import type { Analysis } from '../../../api/types';
import { parseGoDuration } from '../../../lib/duration';

export interface AnalysisNode {
  name: string;
  /** Milliseconds with the nodes below. */
  time: number;
  /** Without them. */
  self: number;
  /** Shares of the longest time in the tree, 0 to 1. */
  timeShare: number;
  selfShare: number;
  peakSamples: number;
  totalSamples: number;
  fanout: NonNullable<Analysis['fanout']>;
  children: AnalysisNode[];
}

/** Reads the durations and works out the shares. Nodes below that ran beside each other can add up to more than their parent. */
export function analysisTree(root: Analysis): AnalysisNode {
  const read = (node: Analysis): AnalysisNode => {
    const children = (node.children ?? []).map(read);
    const time = parseGoDuration(node.executionTime ?? '');
    return {
      name: node.name ?? '',
      time,
      self: Math.max(time - children.reduce((sum, child) => sum + child.time, 0), 0),
      timeShare: 0,
      selfShare: 0,
      peakSamples: node.peakSamples ?? 0,
      totalSamples: node.totalSamples ?? 0,
      fanout: node.fanout ?? [],
      children,
    };
  };
  const tree = read(root);
  const longest = (node: AnalysisNode): number => Math.max(node.time, ...node.children.map(longest));
  const whole = longest(tree) || 1;
  const share = (node: AnalysisNode): void => {
    node.timeShare = node.time / whole;
    node.selfShare = node.self / whole;
    node.children.forEach(share);
  };
  share(tree);
  return tree;
}

/** The same tree, in which what took longer comes first: operators, and the endpoints of each. */
export function slowestFirst(node: AnalysisNode): AnalysisNode {
  const took = (entry: AnalysisNode['fanout'][number]): number => parseGoDuration(entry.duration ?? '');
  return {
    ...node,
    fanout: [...node.fanout].sort((a, b) => took(b) - took(a)),
    children: node.children.map(slowestFirst).sort((a, b) => b.time - a.time),
  };
}
