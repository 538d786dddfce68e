import { Text, useComputedColorScheme } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import type { ExemplarSeries, MatrixItem } from '../../../api/types';
import { formatNumber, formatSi } from '../../../lib/format';
import { formatLabels } from '../../../lib/labels';
import { useSetting } from '../../../lib/useSetting';
import { settings } from '../../../settings';
import type { Panel } from '../panel';
import type { TimeRange } from '../request';
import type { Result } from '../useResult';
import { Chart, type Hover } from './Chart';
import classes from './Chart.module.css';
import { type Columns, matchEarlier, stack, toColumns } from './columns';
import { exemplarPoints } from './exemplars';
import { isHistogram, toHeat } from './heat';
import { HeatPainter } from './heatPainter';
import { Legend } from './Legend';
import { LinesPainter } from './lines';
import { Tooltip, type TooltipData } from './Tooltip';
import { useVisible } from './useVisible';

interface Props {
  panel: Panel;
  result: Result;
  exemplars: ExemplarSeries[] | null;
  stale: boolean;
  onZoom: (range: TimeRange) => void;
}

const chartHeight = 380;

function matrix(data: Result['data'] | null): MatrixItem[] {
  return data?.resultType === 'matrix' ? data.result : [];
}

/** A graph with its legend: lines, stacked areas, or a heatmap where the result is a histogram. */
export default function GraphView({ panel, result, exemplars, stale, onZoom }: Props) {
  const items = matrix(result.data);
  const { range, step } = result;
  const heatmap = panel.display === 'heatmap' && isHistogram(items);
  const data = useMemo(() => toColumns(matrix(result.data), range, step), [result.data, range, step]);
  if (items.length === 0) {
    return (
      <Text c="dimmed" p="md">
        No data in this range
      </Text>
    );
  }
  const note =
    panel.display === 'heatmap' && !heatmap
      ? 'A heatmap needs native histograms or series with the label “le”; these are drawn as lines.'
      : null;
  return (
    <div className={stale ? classes.stale : ''}>
      {note !== null && (
        <Text size="sm" c="dimmed">
          {note}
        </Text>
      )}
      {heatmap ? (
        <HeatGraph {...{ panel, result, exemplars, onZoom }} />
      ) : (
        <LinesGraph key={items.length} {...{ panel, result, exemplars, onZoom, data }} />
      )}
    </div>
  );
}

/** State of the tooltip that both kinds of graph share. */
function useTooltip(describe: (hover: Hover, width: number) => TooltipData | null) {
  const holder = useRef<HTMLDivElement>(null);
  const [zone] = useSetting(settings.zone);
  const [shown, setShown] = useState<TooltipData | null>(null);
  const [pinned, setPinned] = useState(false);
  const close = (): void => {
    setPinned(false);
    setShown(null);
  };
  return {
    holder,
    onHover: (hover: Hover | null): void => {
      if (!pinned) setShown(hover === null ? null : describe(hover, holder.current?.clientWidth ?? 600));
    },
    onPin: (): void => (pinned ? close() : setPinned(shown !== null)),
    element: shown !== null && <Tooltip data={shown} zone={zone} pinned={pinned} onClose={close} />,
  };
}

function describeExemplar(hover: Hover, width: number): TooltipData | null {
  const { exemplar, left, top } = hover;
  if (exemplar === null) return null;
  return {
    time: exemplar.time * 1000,
    title: 'Exemplar',
    value: formatNumber(exemplar.value),
    labels: exemplar.labels,
    note: formatLabels(exemplar.series),
    left,
    top,
    width,
  };
}

type GraphProps = Omit<Props, 'stale'>;

function LinesGraph({ panel, result, exemplars, onZoom, data }: GraphProps & { data: Columns }) {
  const dark = useComputedColorScheme() === 'dark';
  const [zone] = useSetting(settings.zone);
  const visible = useVisible(data.columns.length);
  const [focus, setFocus] = useState<number | null>(null);
  const { range, step, earlier } = result;
  const stacked = panel.display === 'stacked';
  const { logY, minY, maxY, compare } = panel;
  const before = useMemo(
    () =>
      earlier === null
        ? undefined
        : matchEarlier(data.columns, toColumns(matrix(earlier), range, step, compare / 1000).columns),
    [data, earlier, range, step, compare],
  );
  const painter = useMemo(() => {
    const drawn = stacked ? stack(data.columns, visible.is) : data.columns.map(column => column.values);
    return new LinesPainter({
      times: data.times,
      columns: data.columns,
      drawn,
      visible: visible.is,
      stacked,
      log: logY,
      minY,
      maxY,
      dark,
      ...(before === undefined ? {} : { earlier: before }),
    });
  }, [data, visible.is, stacked, logY, minY, maxY, dark, before]);
  const points = useMemo(
    () => exemplarPoints(panel.exemplars ? exemplars : null),
    [exemplars, panel.exemplars],
  );
  const tooltip = useTooltip((hover, width) => {
    const { hit, left, top } = hover;
    if (hit === null) return describeExemplar(hover, width);
    const column = data.columns[hit.item];
    if (column === undefined) return null;
    const value = column.values[hit.index] ?? Number.NaN;
    return {
      time: (data.times[hit.index] ?? 0) * 1000,
      title: column.labels.__name__ ?? '',
      value: formatNumber(value),
      labels: column.labels,
      left,
      top,
      width,
    };
  });
  return (
    <>
      <div ref={tooltip.holder} className={classes.holder}>
        <Chart
          painter={painter}
          times={data.times}
          range={range}
          exemplars={points}
          focus={focus !== null && visible.is(focus) ? focus : null}
          dark={dark}
          zone={zone}
          height={chartHeight}
          label={`Graph of ${data.columns.length} series; the legend below holds their figures`}
          onHover={tooltip.onHover}
          onPin={tooltip.onPin}
          onZoom={onZoom}
        />
        {tooltip.element}
      </div>
      <Legend
        columns={data.columns}
        visible={visible.is}
        hiddenCount={visible.hiddenCount}
        dark={dark}
        onToggle={visible.toggle}
        onShowAll={visible.showAll}
        onFocus={setFocus}
      />
    </>
  );
}

function HeatGraph({ panel, result, exemplars, onZoom }: GraphProps) {
  const dark = useComputedColorScheme() === 'dark';
  const [zone] = useSetting(settings.zone);
  const { range, step, data } = result;
  const heat = useMemo(() => toHeat(matrix(data), range, step), [data, range, step]);
  const painter = useMemo(() => new HeatPainter(heat, dark), [heat, dark]);
  const points = useMemo(
    () => exemplarPoints(panel.exemplars ? exemplars : null),
    [exemplars, panel.exemplars],
  );
  const tooltip = useTooltip((hover, width) => {
    const cell = heat.cells[hover.hit?.item ?? -1];
    if (cell === undefined) return describeExemplar(hover, width);
    return {
      time: (heat.times[cell.time] ?? 0) * 1000,
      title: `(${formatSi(cell.low, 4)}, ${formatSi(cell.high, 4)}]`,
      value: `: ${formatNumber(cell.count)}`,
      labels: null,
      left: hover.left,
      top: hover.top,
      width,
    };
  });
  return (
    <>
      <div ref={tooltip.holder} className={classes.holder}>
        <Chart
          painter={painter}
          times={heat.times}
          range={range}
          exemplars={points}
          focus={null}
          dark={dark}
          zone={zone}
          height={chartHeight}
          label={`Heatmap of ${heat.bounds.length - 1} buckets over time`}
          onHover={tooltip.onHover}
          onPin={tooltip.onPin}
          onZoom={onZoom}
        />
        {tooltip.element}
      </div>
      <Text size="xs" c="dimmed">
        Rows are the buckets between the bounds at the left; {dark ? 'lighter' : 'darker'} means more
        observations, up to {formatNumber(heat.most)}.
      </Text>
    </>
  );
}
