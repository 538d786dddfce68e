import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatTicks } from '../../../lib/format';
import { resolveZone, type Zone } from '../../../lib/time';
import type { TimeRange } from '../request';
import classes from './Chart.module.css';
import { type ExemplarPoint, hitExemplar, paintExemplars } from './exemplars';
import type { Geometry, Hit, Painter } from './painter';
import { timeLabels } from './timeAxis';

/** What is under the pointer, and where in the chart that is. */
export interface Hover {
  hit: Hit | null;
  exemplar: ExemplarPoint | null;
  left: number;
  top: number;
}

interface Props {
  painter: Painter;
  times: Float64Array;
  range: TimeRange;
  exemplars: readonly ExemplarPoint[];
  /** Series that the legend points at. */
  focus: number | null;
  dark: boolean;
  zone: Zone;
  height: number;
  label: string;
  onHover: (hover: Hover | null) => void;
  onPin: () => void;
  onZoom: (range: TimeRange) => void;
}

/** Milliseconds of painting before the browser gets a turn. */
const frame = 12;

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** uPlot draws axes and cursor; the data is painted on two canvases of our own, so that hovering redraws little. */
class Plot {
  private readonly plot: uPlot;
  private readonly base = document.createElement('canvas');
  private readonly top = document.createElement('canvas');
  private job = 0;
  private hover: Hover | null = null;

  constructor(
    host: HTMLElement,
    private props: Props,
    latest: { current: Props },
  ) {
    const { painter, range, zone } = props;
    const text = css('--chart-text');
    const line = { stroke: css('--chart-grid'), width: 1 };
    const axis: uPlot.Axis = { stroke: text, grid: line, ticks: line, font: '12px system-ui, sans-serif' };
    this.plot = new uPlot(
      {
        width: host.clientWidth || 600,
        height: props.height,
        legend: { show: false },
        scales: {
          x: { time: true, range: () => [range.start / 1000, range.end / 1000] },
          y: { distr: painter.log ? 3 : 1, range: () => painter.range },
        },
        series: [{}, { show: true, paths: () => null, points: { show: false } }],
        tzDate: time => uPlot.tzDate(new Date(time * 1000), zone === 'UTC' ? 'Etc/UTC' : resolveZone(zone)),
        axes: [
          {
            ...axis,
            space: 80,
            size: 46,
            values: (_, splits, _axis, _space, step) => timeLabels(splits, step, zone),
          },
          {
            ...axis,
            size: (_, values) => 20 + 8 * Math.max(3, ...(values ?? []).map(value => value?.length ?? 0)),
            values: (_, splits) => labels(splits),
            ...(painter.ticks === undefined
              ? {}
              : { splits: () => painter.ticks?.at ?? [], values: () => painter.ticks?.labels ?? [] }),
          },
        ],
        cursor: {
          points: { show: false },
          drag: { x: true, y: false, setScale: false },
          bind: {},
        },
        hooks: {
          draw: [() => this.paint()],
          setCursor: [plot => this.move(plot, latest.current)],
          setSelect: [
            plot => {
              if (plot.select.width < 4) return;
              const at = (left: number): number => Math.round(plot.posToVal(left, 'x') * 1000);
              latest.current.onZoom({
                start: at(plot.select.left),
                end: at(plot.select.left + plot.select.width),
              });
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      [
        props.times,
        new Float64Array(props.times.length).fill(painter.range[0]),
      ] as unknown as uPlot.AlignedData,
      host,
    );
    for (const canvas of [this.base, this.top]) {
      canvas.className = classes.layer ?? '';
      this.plot.over.append(canvas);
    }
    this.plot.over.addEventListener('click', () => latest.current.onPin());
    this.plot.over.addEventListener('mouseleave', () => {
      this.hover = null;
      this.paintTop();
      latest.current.onHover(null);
    });
    this.paint();
  }

  destroy(): void {
    cancelAnimationFrame(this.job);
    this.plot.destroy();
  }

  resize(width: number): void {
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.props.height });
  }

  update(props: Props): void {
    this.props = props;
    // The series that is pointed at stands out from the others, which need not be painted again.
    this.base.style.opacity = props.focus === null ? '1' : '0.25';
    this.paintTop();
  }

  private geometry(): Geometry {
    const { over } = this.plot;
    const { painter, range } = this.props;
    const [yMin, yMax] = painter.range;
    return {
      width: over.clientWidth,
      height: over.clientHeight,
      xMin: range.start / 1000,
      xMax: range.end / 1000,
      yMin,
      yMax,
      log: painter.log,
    };
  }

  private move(plot: uPlot, props: Props): void {
    const { left = -1, top = -1, idx } = plot.cursor;
    if (left < 0 || top < 0 || idx === null || idx === undefined) return;
    const geometry = this.geometry();
    const exemplar = hitExemplar(props.painter, geometry, props.exemplars, left, top);
    const hit = exemplar === null ? props.painter.hit(geometry, idx, left, top) : null;
    this.hover = { hit, exemplar, left: left + plot.over.offsetLeft, top: top + plot.over.offsetTop };
    this.paintTop();
    props.onHover(this.hover);
  }

  private cleared(canvas: HTMLCanvasElement, geometry: Geometry): CanvasRenderingContext2D | null {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(geometry.width * ratio);
    const height = Math.round(geometry.height * ratio);
    const context = canvas.getContext('2d');
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    } else context?.clearRect(0, 0, geometry.width, geometry.height);
    context?.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  /** Paints in slices, so that thousands of series do not hold up the page. */
  private paint(): void {
    cancelAnimationFrame(this.job);
    const geometry = this.geometry();
    const context = this.cleared(this.base, geometry);
    if (context === null || geometry.width === 0) return;
    const { painter } = this.props;
    let part = 0;
    const work = (): void => {
      const until = performance.now() + frame;
      while (part < painter.parts && performance.now() < until) painter.paint(context, geometry, part++);
      if (part < painter.parts) this.job = requestAnimationFrame(work);
    };
    work();
    this.paintTop();
  }

  private paintTop(): void {
    const geometry = this.geometry();
    const context = this.cleared(this.top, geometry);
    if (context === null) return;
    const { painter, focus, exemplars } = this.props;
    if (focus !== null) painter.highlight(context, geometry, { index: -1, item: focus, x: 0, y: 0 });
    else if (this.hover?.hit) painter.highlight(context, geometry, this.hover.hit);
    if (exemplars.length > 0) paintExemplars(painter, context, geometry, exemplars);
  }
}

function labels(splits: (number | null)[]): string[] {
  const texts = formatTicks(splits.filter((split): split is number => split !== null));
  let at = 0;
  return splits.map(split => (split === null ? '' : (texts[at++] ?? '')));
}

export function Chart(props: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { painter, times, range, dark, zone, height } = props;

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is listed needs another plot; the rest is updated below.
  useEffect(() => {
    if (host.current === null) return;
    const made = new Plot(host.current, latest.current, latest);
    plot.current = made;
    const observer = new ResizeObserver(entries => {
      made.resize(Math.floor(entries[0]?.contentRect.width ?? 0));
    });
    observer.observe(host.current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [painter, times, range.start, range.end, dark, zone, height]);

  useEffect(() => plot.current?.update(props));

  return <div ref={host} role="img" aria-label={props.label} className={classes.chart} />;
}
