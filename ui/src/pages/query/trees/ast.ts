import { formatDuration } from '../../../lib/duration';
import { quote } from '../../../lib/labels';

interface Matcher {
  name: string;
  type: string;
  value: string;
}

interface Selection {
  name?: string;
  matchers?: Matcher[];
  /** Milliseconds. */
  offset?: number;
  timestamp?: number | null;
  startOrEnd?: 'start' | 'end' | '' | null;
  anchored?: boolean;
  smoothed?: boolean;
}

interface Matching {
  card: string;
  labels: string[] | null;
  on: boolean;
  include: string[] | null;
  /** What stands for a missing partner. */
  fillValues?: { lhs?: number | null; rhs?: number | null } | null;
}

function fillText({ lhs, rhs }: NonNullable<Matching['fillValues']>): string {
  if (lhs !== null && lhs !== undefined && lhs === rhs) return ` fill(${lhs})`;
  const left = lhs === null || lhs === undefined ? '' : ` fill_left(${lhs})`;
  return left + (rhs === null || rhs === undefined ? '' : ` fill_right(${rhs})`);
}

/** Nodes as `/parse_query` sends them. */
export type Node =
  | {
      type: 'aggregation';
      op: string;
      expr: Node;
      param: Node | null;
      grouping: string[] | null;
      without: boolean;
    }
  | { type: 'binaryExpr'; op: string; lhs: Node; rhs: Node; matching: Matching | null; bool: boolean }
  | { type: 'call'; func: { name: string }; args: Node[] | null }
  | ({ type: 'vectorSelector' } & Selection)
  | ({ type: 'matrixSelector'; range: number } & Selection)
  | ({ type: 'subquery'; expr: Node; range: number; step: number } & Selection)
  | { type: 'numberLiteral'; val: string }
  | { type: 'stringLiteral'; val: string }
  | { type: 'parenExpr'; expr: Node }
  | { type: 'unaryExpr'; op: string; expr: Node }
  | { type: 'placeholder'; children?: Node[] };

export function childrenOf(node: Node): Node[] {
  switch (node.type) {
    case 'aggregation':
      return node.param === null ? [node.expr] : [node.param, node.expr];
    case 'binaryExpr':
      return [node.lhs, node.rhs];
    case 'call':
      return node.args ?? [];
    case 'subquery':
    case 'parenExpr':
    case 'unaryExpr':
      return [node.expr];
    case 'placeholder':
      return node.children ?? [];
    default:
      return [];
  }
}

function modifiers({ anchored, smoothed, timestamp, startOrEnd, offset }: Selection): string {
  let out = anchored ? ' anchored' : smoothed ? ' smoothed' : '';
  if (timestamp !== null && timestamp !== undefined) out += ` @ ${(timestamp / 1000).toFixed(3)}`;
  else if (startOrEnd) out += ` @ ${startOrEnd}()`;
  if (offset) out += ` offset ${formatDuration(offset)}`;
  return out;
}

function selector({ name = '', matchers = [] }: Selection): string {
  const inside = matchers
    .filter(
      matcher =>
        !(name !== '' && matcher.name === '__name__' && matcher.type === '=' && matcher.value === name),
    )
    .map(matcher => {
      const label = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(matcher.name) ? matcher.name : quote(matcher.name);
      return `${label}${matcher.type}${quote(matcher.value)}`;
    });
  const plain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  if (name !== '' && !plain) inside.unshift(quote(name));
  const head = plain ? name : '';
  return inside.length === 0 && head !== '' ? head : `${head}{${inside.join(',')}}`;
}

const label = (name: string): string => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name));
const list = (names: string[] | null): string => (names ?? []).map(label).join(', ');

function matchingText(matching: Matching | null): string {
  if (matching === null) return '';
  const labels = matching.labels ?? [];
  const on = matching.on || labels.length > 0 ? ` ${matching.on ? 'on' : 'ignoring'}(${list(labels)})` : '';
  const group = { 'many-to-one': ' group_left', 'one-to-many': ' group_right' }[matching.card];
  return (
    on +
    (group === undefined ? '' : `${group}(${list(matching.include)})`) +
    fillText(matching.fillValues ?? {})
  );
}

/** The node's own text; what is below it is an ellipsis when `short`. */
export function print(node: Node, short = false): string {
  const inner = (child: Node): string => (short ? '…' : print(child));
  switch (node.type) {
    case 'aggregation': {
      const grouping = node.grouping ?? [];
      const by = node.without
        ? ` without(${list(grouping)}) `
        : grouping.length > 0
          ? ` by(${list(grouping)}) `
          : '';
      const param = node.param === null ? '' : `${print(node.param)}, `;
      return `${node.op}${by}(${param}${inner(node.expr)})`;
    }
    case 'binaryExpr':
      return `${inner(node.lhs)} ${node.op}${node.bool ? ' bool' : ''}${matchingText(node.matching)} ${inner(node.rhs)}`;
    case 'call':
      return `${node.func.name}(${short ? ((node.args ?? []).length > 0 ? '…' : '') : (node.args ?? []).map(arg => print(arg)).join(', ')})`;
    case 'vectorSelector':
      return selector(node) + modifiers(node);
    case 'matrixSelector': {
      const { anchored, smoothed, ...others } = node;
      const kind = anchored ? ' anchored' : smoothed ? ' smoothed' : '';
      return `${selector(node)}[${formatDuration(node.range)}]${kind}${modifiers(others)}`;
    }
    case 'subquery':
      return `${inner(node.expr)}[${formatDuration(node.range)}:${node.step > 0 ? formatDuration(node.step) : ''}]${modifiers(node)}`;
    case 'numberLiteral':
      return node.val;
    case 'stringLiteral':
      return quote(node.val);
    case 'parenExpr':
      return `(${inner(node.expr)})`;
    case 'unaryExpr':
      return `${node.op}${inner(node.expr)}`;
    case 'placeholder':
      return '…';
  }
}

/** What to run to see a node's result: a range is seen by its last values. Null when there is nothing to run. */
export function runnable(node: Node): string | null {
  if (node.type === 'stringLiteral' || node.type === 'placeholder') return null;
  const text = print(node);
  return node.type === 'matrixSelector' || node.type === 'subquery' ? `last_over_time(${text})` : text;
}
