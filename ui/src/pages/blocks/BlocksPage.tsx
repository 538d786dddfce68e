import { Alert, Select, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { call } from '../../api/client';
import { usePage, useParam } from '../../app/useRouter';
import { ErrorBox } from '../../components/ErrorBox';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { config } from '../../config';
import { parseDuration } from '../../lib/duration';
import { formatBytes, formatCount, plural } from '../../lib/format';
import { formatLabels } from '../../lib/labels';
import { BlockDetails } from './BlockDetails';
import classes from './Blocks.module.css';
import { BlocksCanvas } from './BlocksCanvas';
import { FilterBar } from './FilterBar';
import { Legend } from './Legend';
import { layout } from './layout';
import { Summary } from './Summary';
import { childrenOf, countMarks, filterBlocks, gaps, marksById, overlaps, totals } from './survey';
import { TimeSlider } from './TimeSlider';
import { type Block, markNames, type Overview, type Plan } from './types';
import { useFilter } from './useFilter';
import { useView, wholeOf } from './useView';
import { ViewControls } from './ViewControls';
import { showing } from './view';

const refreshes = ['', '30s', '1m', '5m'];

function useBlocks(view: string, every: number) {
  const refetchInterval = every > 0 ? every : (false as const);
  const overview = useQuery({
    queryKey: ['blocks', view],
    refetchInterval,
    structuralSharing: false,
    queryFn: async ({ signal }) =>
      (await call<Overview>('blocks/overview', { params: [['view', view]], signal })).data,
  });
  const plan = useQuery({
    queryKey: ['plan'],
    enabled: config.features.plan,
    refetchInterval,
    queryFn: async ({ signal }) => (await call<Plan>('blocks/plan', { signal })).data,
  });
  return { overview, plan };
}

function Page({
  overview,
  plan,
  view,
  onChanged,
}: {
  overview: Overview;
  plan: Plan | null;
  view: string;
  onChanged: () => void;
}) {
  const [filter, setFilter] = useFilter();
  const [selectedId, setSelectedId] = useParam('block');
  const { blocks, labelSets, label } = overview;
  const marks = useMemo(() => marksById(overview.marks), [overview.marks]);
  const setTexts = useMemo(() => labelSets.map(labels => formatLabels(labels)), [labelSets]);
  const byId = useMemo(() => new Map(blocks.map(block => [block.id, block])), [blocks]);
  const shown = useMemo(
    () => filterBlocks(blocks, filter, setTexts, marks),
    [blocks, filter, setTexts, marks],
  );
  const laid = useMemo(() => layout(shown, labelSets, label), [shown, labelSets, label]);
  const survey = useMemo(
    () => ({ totals: totals(shown), overlaps: overlaps(blocks), gaps: gaps(blocks) }),
    [shown, blocks],
  );
  const busy = useMemo(
    () => new Set((plan?.jobs ?? []).filter(job => job.state === 'running').flatMap(job => job.blocks)),
    [plan],
  );
  const whole = useMemo(() => wholeOf(blocks), [blocks]);
  const [seen, setSeen] = useView(whole);
  const selected = byId.get(selectedId) ?? null;
  const partOf = useMemo(
    () => (selected === null ? [] : childrenOf(blocks, selected.id)),
    [blocks, selected],
  );
  const top = useRef<HTMLDivElement>(null);
  const select = (block: Block | null): void => {
    setSelectedId(block?.id ?? '');
    if (block === null) return;
    const moved = showing(seen, { start: block.minTime, end: block.maxTime }, whole);
    if (moved !== seen) setSeen(moved);
  };
  // The lists may be a screen below what they show.
  const goUp = (): void => top.current?.scrollIntoView();
  const counts = countMarks(overview.marks);
  const bytes = blocks.reduce((sum, block) => sum + block.totalBytes, 0);

  return (
    <>
      <Text size="sm" c="dimmed" mb="xs">
        {shown.length < blocks.length && `${formatCount(shown.length)} of `}
        {plural(blocks.length, 'block')} in {plural(labelSets.length, 'label set')}, {formatBytes(bytes)}
        {Object.entries(counts)
          .filter(([, count]) => count > 0)
          .map(
            ([kind, count]) =>
              `; ${formatCount(count)} marked for ${markNames[kind as keyof typeof markNames]}`,
          )}
      </Text>
      <FilterBar filter={filter} blocks={blocks} onChange={setFilter} />
      <ViewControls view={seen} whole={whole} onView={setSeen} />
      <div className={classes.page} ref={top}>
        <div className={classes.main}>
          {shown.length === 0 ? (
            <Text c="dimmed" p="md">
              {blocks.length === 0 ? 'No blocks' : 'No block matches'}
            </Text>
          ) : (
            <BlocksCanvas
              layout={laid}
              labelSets={labelSets}
              view={seen}
              whole={whole}
              marks={marks}
              busy={busy}
              selected={selected}
              onView={setSeen}
              onSelect={select}
            />
          )}
          <TimeSlider view={seen} whole={whole} onView={setSeen} />
          <Legend />
          <Text size="xs" c="dimmed">
            Drag to move, Ctrl and wheel to zoom, Shift and wheel to go sideways, click for details.
          </Text>
        </div>
        {selected !== null && (
          <div className={classes.side}>
            <BlockDetails
              block={selected}
              labels={labelSets[selected.set] ?? {}}
              marks={marks.get(selected.id) ?? []}
              admin={overview.admin && config.features.adminOperations}
              deleteDelay={config.features.deleteDelay}
              view={view}
              partOf={partOf}
              find={id => byId.get(id)}
              onSelect={select}
              onChanged={onChanged}
            />
          </div>
        )}
      </div>
      <Summary
        overview={overview}
        plan={plan}
        {...survey}
        onSelect={block => {
          select(block);
          goUp();
        }}
        onView={view => {
          setSeen(view);
          goUp();
        }}
      />
    </>
  );
}

/** Blocks of the bucket, or those that this component has loaded. */
export default function BlocksPage() {
  const loaded = usePage() === 'loaded';
  const [view] = useState(loaded ? 'loaded' : 'global');
  const [every, setEvery] = useParam('refresh', '1m');
  const { overview, plan } = useBlocks(view, every === 'off' ? 0 : (parseDuration(every) ?? 0));
  const again = (): void => {
    void overview.refetch();
    if (config.features.plan) void plan.refetch();
  };
  const { data } = overview;
  const refreshedAt = data === undefined ? 0 : Date.parse(data.refreshedAt);
  // The zero time of Go: the server has not yet looked through the bucket.
  const beingRead = data !== undefined && !(refreshedAt > 0);
  const { refetch } = overview;
  useEffect(() => {
    if (!beingRead) return;
    const timer = setInterval(() => void refetch(), 2000);
    return () => clearInterval(timer);
  }, [beingRead, refetch]);
  return (
    <>
      <PageHeader
        title={loaded ? 'Loaded blocks' : 'Blocks'}
        refresh={again}
        refreshing={overview.isFetching}
        updatedAt={refreshedAt}
      >
        <Select
          size="sm"
          w={176}
          aria-label="Refresh automatically"
          allowDeselect={false}
          data={refreshes.map(value => ({
            value: value === '' ? 'off' : value,
            label: value === '' ? 'No auto-refresh' : `Every ${value}`,
          }))}
          value={every}
          onChange={value => setEvery(value ?? '1m')}
        />
      </PageHeader>
      {overview.error && <ErrorBox error={overview.error} />}
      {plan.error && <ErrorBox title="No plan of compactions" error={plan.error} />}
      {overview.isPending && <Loading what="blocks" />}
      {beingRead && (
        <Alert color="blue" title="The bucket is being read for the first time" my="xs" role="status">
          {plural(data.blocks.length, 'block')} so far. More appear as they are found.
        </Alert>
      )}
      {data?.err && (
        <Alert color="orange" title="The list may be old" my="xs">
          {data.err}
        </Alert>
      )}
      {data !== undefined && <Page overview={data} plan={plan.data ?? null} view={view} onChanged={again} />}
    </>
  );
}
