import { ActionIcon, Anchor, Button, Group, Menu, Paper, Tabs, Text, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDotsVertical, IconPlayerPlay, IconStar, IconStarFilled } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { call } from '../../api/client';
import type { QueryEndpoints } from '../../api/types';
import { ErrorBoundary } from '../../components/ErrorBoundary';
import { ErrorBox } from '../../components/ErrorBox';
import { Loading } from '../../components/Loading';
import { config } from '../../config';
import { copy } from '../../lib/clipboard';
import { download } from '../../lib/download';
import { formatDuration, humanDuration } from '../../lib/duration';
import { formatBytes, plural } from '../../lib/format';
import { traceUrl } from '../../lib/url';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import { AlsoDrawn } from './AlsoDrawn';
import { ResultBanners } from './Banners';
import { Editor } from './editor/Editor';
import { editorLabel } from './editor/early';
import { toCsv } from './export';
import { remember } from './history';
import { Options } from './Options';
import { leastRange, type Panel, type Tab } from './panel';
import classes from './QueryPanel.module.css';
import { scopeOf } from './request';
import { GraphControls, TableControls } from './TimeControls';
import TableView from './table/TableView';
import { type Result, useExemplars, useResult } from './useResult';

const GraphView = lazy(() => import('./graph/GraphView'));
const AnalysisView = lazy(() => import('./trees/AnalysisView'));
const BlocksReadView = lazy(() => import('./trees/BlocksReadView'));
const ExplainView = lazy(() => import('./trees/ExplainView'));
const QueryTree = lazy(() => import('./trees/QueryTree'));
const Explorer = lazy(() => import('./explorer/Explorer'));
const HistoryList = lazy(() => import('./HistoryList'));

interface Props {
  panel: Panel;
  index: number;
  /** Grows when all panels are to run again. */
  refresh: number;
  onChange: (change: Partial<Panel>) => void;
  onDuplicate: () => void;
  onRemove: () => void;
}

/** Why fewer were asked than there are. */
function notAsked(endpoints: QueryEndpoints | undefined): string {
  const skipped = endpoints?.skipped ?? [];
  return skipped.length === 0 ? '' : `Without data of these labels and times: ${skipped.join(', ')}`;
}

/** What the answer cost and held. */
function Figures({ result }: { result: Result }) {
  const { data, took, step, bytes, traceId } = result;
  const [traces] = useSetting(settings.traces);
  const parts = [humanDuration(took)];
  if (data.resultType === 'matrix') parts.push(`step ${formatDuration(step * 1000)}`);
  if (data.resultType === 'matrix' || data.resultType === 'vector')
    parts.push(plural(data.result.length, 'series', 'series'));
  parts.push(formatBytes(bytes));
  if (data.resolutions !== undefined && data.resolutions.length > 0) {
    const names = data.resolutions.map(ms => (ms === 0 ? 'raw' : formatDuration(ms)));
    parts.push(`resolution: ${names.join(' + ')}`);
  }
  if (data.endpoints !== undefined)
    parts.push(`asked ${data.endpoints.asked} of ${plural(data.endpoints.total, 'endpoint')}`);
  const trace = traceId === null ? undefined : traceUrl(traces, traceId);
  return (
    <Text size="xs" c="dimmed" data-testid="figures" title={notAsked(data.endpoints)}>
      {parts.join(' · ')}
      {traceId !== null && ' · trace '}
      {traceId !== null && (trace === undefined ? traceId : <Anchor href={trace}>{traceId}</Anchor>)}
    </Text>
  );
}

function Favourite({ expr }: { expr: string }) {
  const [favourites, setFavourites] = useSetting(settings.favourites);
  const on = favourites.includes(expr);
  const label = on ? 'Take from the favourites' : 'Add to the favourites';
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={label}
        aria-pressed={on}
        disabled={expr.trim() === ''}
        onClick={() => setFavourites(on ? favourites.filter(other => other !== expr) : [expr, ...favourites])}
      >
        {on ? <IconStarFilled size={16} /> : <IconStar size={16} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function QueryPanel({ panel, index, refresh, onChange, onDuplicate, onRemove }: Props) {
  const [text, setText] = useState(panel.expr);
  const [run, setRun] = useState(0);
  const [node, setNode] = useState<string | null>(null);
  const [forceTracing, setForceTracing] = useState(false);
  const [open, setOpen] = useState<'explorer' | 'history' | null>(null);
  const [shownExpr, setShownExpr] = useState(panel.expr);
  if (shownExpr !== panel.expr) {
    setShownExpr(panel.expr);
    setText(panel.expr);
    setNode(null);
  }

  const shown = node === null ? panel : { ...panel, expr: node };
  const turn = run + refresh * 1_000_000;
  const result = useResult(shown, turn, panel.tab !== 'explain', forceTracing);
  const exemplars = useExemplars(shown, result.data?.range ?? null);
  const data = result.data?.data;

  const execute = (expr: string): void => {
    remember(expr);
    setNode(null);
    setRun(run + 1);
    onChange({ expr });
  };
  const format = async (): Promise<void> => {
    try {
      const { data } = await call<string>('format_query', { method: 'POST', params: [['query', text]] });
      setText(data);
    } catch (error) {
      notifications.show({ color: 'red', title: 'Not formatted', message: String((error as Error).message) });
    }
  };
  const save = (kind: 'csv' | 'json'): void => {
    if (result.data === undefined) return;
    const { expr, data } = result.data;
    if (kind === 'csv') download('query.csv', 'text/csv', toCsv(data));
    else download('query.json', 'application/json', JSON.stringify({ expr, data }, null, 1));
  };

  return (
    <Paper withBorder p="sm" mb="sm" data-testid={`panel-${index}`}>
      <Group gap="xs" align="flex-start" wrap="nowrap" className={classes.input}>
        <Editor
          value={text}
          label={editorLabel(index)}
          autoFocus={index === 0 && panel.expr === ''}
          onChange={setText}
          onRun={execute}
          scope={scopeOf(panel)}
        />
        <Group gap={4} wrap="nowrap">
          <Favourite expr={text} />
          <Menu shadow="md" position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="default" size="lg" aria-label="More actions">
                <IconDotsVertical size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setOpen('explorer')}>Explore metrics and labels</Menu.Item>
              <Menu.Item onClick={() => onChange({ also: [...panel.also, ''], tab: 'graph' })}>
                Add an expression to the graph
              </Menu.Item>
              <Menu.Item onClick={() => setOpen('history')}>History and favourites</Menu.Item>
              {config.features.formatQuery && (
                <Menu.Item onClick={() => void format()}>Format the expression</Menu.Item>
              )}
              {config.features.parseQuery && (
                <Menu.Item onClick={() => onChange({ showTree: !panel.showTree })}>
                  {panel.showTree ? 'Hide' : 'Show'} the tree of parts
                </Menu.Item>
              )}
              <Menu.Divider />
              <Menu.Item onClick={() => void copy(window.location.href, 'Link')}>Copy the link</Menu.Item>
              <Menu.Item disabled={data === undefined} onClick={() => save('csv')}>
                Export as CSV
              </Menu.Item>
              <Menu.Item disabled={data === undefined} onClick={() => save('json')}>
                Export as JSON
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item onClick={onDuplicate}>Duplicate the panel</Menu.Item>
              <Menu.Item onClick={onRemove}>Remove the panel</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Button
            leftSection={<IconPlayerPlay size={16} />}
            data-testid="execute"
            loading={result.isFetching}
            onClick={() => execute(text)}
          >
            Execute
          </Button>
        </Group>
      </Group>
      {panel.tab === 'graph' && <AlsoDrawn exprs={panel.also} onChange={also => onChange({ also })} />}
      <Options
        panel={panel}
        onChange={onChange}
        forceTracing={forceTracing}
        onForceTracing={setForceTracing}
      />
      <ErrorBoundary>
        <Suspense fallback={<Loading what="the panel" />}>
          {panel.showTree && config.features.parseQuery && (
            <QueryTree panel={panel} run={turn} selected={node} onSelect={setNode} />
          )}
          <Tabs value={panel.tab} onChange={tab => tab !== null && onChange({ tab: tab as Tab })} mt="xs">
            <Group justify="space-between" align="flex-end" gap={0}>
              <Tabs.List>
                <Tabs.Tab value="table">Table</Tabs.Tab>
                <Tabs.Tab value="graph">Graph</Tabs.Tab>
                {config.features.explain && <Tabs.Tab value="explain">Explain</Tabs.Tab>}
              </Tabs.List>
              {result.data !== undefined && panel.tab !== 'explain' && <Figures result={result.data} />}
            </Group>
            <Tabs.Panel value={panel.tab}>
              {panel.tab === 'graph' && <GraphControls panel={panel} onChange={onChange} />}
              {panel.tab === 'table' && <TableControls panel={panel} onChange={onChange} />}
              {panel.tab === 'explain' && (
                <ExplainView panel={panel} run={turn} onEngine={() => onChange({ engine: 'thanos' })} />
              )}
              {result.error !== null && panel.tab !== 'explain' && <ErrorBox error={result.error} />}
              {exemplars.error !== null && <ErrorBox title="No exemplars" error={exemplars.error} />}
              {result.isPending && result.fetchStatus === 'fetching' && <Loading what="the result" />}
              {result.data !== undefined && result.error === null && panel.tab !== 'explain' && (
                <>
                  <ResultBanners
                    warnings={result.data.warnings}
                    infos={result.data.infos}
                    endpoints={result.data.data.endpoints}
                  />
                  {panel.analyze && data?.analysis?.name !== undefined && (
                    <AnalysisView analysis={data.analysis} />
                  )}
                  {panel.blocks && data?.blocks !== undefined && <BlocksReadView stores={data.blocks} />}
                  {panel.tab === 'graph' ? (
                    <GraphView
                      panel={panel}
                      result={result.data}
                      exemplars={exemplars.data?.data ?? null}
                      stale={result.isPlaceholderData}
                      onZoom={({ start, end }) =>
                        onChange({ range: Math.max(end - start, leastRange), end, offset: 0 })
                      }
                    />
                  ) : (
                    <TableView data={result.data.data} />
                  )}
                </>
              )}
            </Tabs.Panel>
          </Tabs>
        </Suspense>
      </ErrorBoundary>
      <ErrorBoundary>
        <Suspense fallback={null}>
          {open === 'explorer' && (
            <Explorer
              panel={panel}
              onClose={() => setOpen(null)}
              onPick={(expr, andRun) => {
                setOpen(null);
                if (andRun) execute(expr);
                else setText(expr);
              }}
            />
          )}
          {open === 'history' && (
            <HistoryList
              onClose={() => setOpen(null)}
              onPick={expr => {
                setOpen(null);
                setText(expr);
              }}
            />
          )}
        </Suspense>
      </ErrorBoundary>
    </Paper>
  );
}
