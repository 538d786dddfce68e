import { useComputedColorScheme, VisuallyHidden } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { LabelSet } from '../../components/LabelSet';
import { formatBytes } from '../../lib/format';
import type { Labels } from '../../lib/labels';
import { formatTime } from '../../lib/time';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import classes from './Blocks.module.css';
import { blockAt, type Layout, type Row, scrollTo } from './layout';
import { axisHeight, paint } from './painter';
import { type Block, type Mark, markNames, resolutionName } from './types';
import { pan, type View, zoom } from './view';

interface Props {
  layout: Layout;
  labelSets: readonly Labels[];
  view: View;
  whole: View;
  marks: ReadonlyMap<string, Mark[]>;
  busy: ReadonlySet<string>;
  selected: Block | null;
  /** `done` is false while a gesture goes on. */
  onView: (view: View, done: boolean) => void;
  onSelect: (block: Block | null) => void;
}

const tallest = 620;

/** The block beside, or the nearest in the row above or below. */
export function neighbour(rows: readonly Row[], block: Block | null, key: string): Block | null {
  if (block === null) return rows[0]?.blocks[0] ?? null;
  const at = rows.findIndex(row => row.blocks.includes(block));
  const row = rows[at];
  if (row === undefined) return null;
  const place = row.blocks.indexOf(block);
  if (key === 'ArrowLeft') return row.blocks[place - 1] ?? block;
  if (key === 'ArrowRight') return row.blocks[place + 1] ?? block;
  const other = rows[key === 'ArrowUp' ? at - 1 : at + 1];
  if (other === undefined) return block;
  const far = (candidate: Block): number => Math.abs(candidate.minTime - block.minTime);
  return other.blocks.reduce((best, candidate) => (far(candidate) < far(best) ? candidate : best));
}

interface TooltipProps {
  block: Block;
  labels: Labels | undefined;
  marks: Mark[];
  left: number;
  top: number;
}

function Tooltip({ block, labels, marks, left, top }: TooltipProps) {
  const [zone] = useSetting(settings.zone);
  return (
    <div className={classes.tooltip} style={{ left, top }}>
      <b className="mono">{block.id}</b>
      <div>
        {formatTime(block.minTime, zone)} – {formatTime(block.maxTime, zone)}
      </div>
      <div>
        level {block.level}, {resolutionName(block.resolution)}, {formatBytes(block.totalBytes)},{' '}
        {block.source}
      </div>
      <LabelSet labels={labels} />
      {marks.map(mark => (
        <div key={mark.kind}>marked for {markNames[mark.kind]}</div>
      ))}
    </div>
  );
}

/** All blocks in lanes over time, drawn on a canvas: what is out of sight costs nothing. */
export function BlocksCanvas({
  layout,
  labelSets,
  view,
  whole,
  marks,
  busy,
  selected,
  onView,
  onSelect,
}: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLElement>(null);
  const { ref: sized, width } = useElementSize<HTMLDivElement>();
  const [scrollTop, setScrollTop] = useState(0);
  const [hover, setHover] = useState<{ block: Block; left: number; top: number } | null>(null);
  const drag = useRef<{ x: number; view: View; moved: boolean } | null>(null);
  const dark = useComputedColorScheme() === 'dark';
  const [zone] = useSetting(settings.zone);
  const height = Math.min(layout.height + axisHeight, tallest);
  const hovered = hover?.block ?? null;

  useEffect(() => {
    const target = canvas.current;
    if (target === null || width === 0) return;
    const job = requestAnimationFrame(() => {
      const ratio = window.devicePixelRatio || 1;
      target.width = Math.round(width * ratio);
      target.height = Math.round(height * ratio);
      const context = target.getContext('2d');
      context?.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (context)
        paint(context, {
          layout,
          view,
          scrollTop,
          width,
          height,
          marks,
          busy,
          hovered,
          selected,
          dark,
          zone,
        });
    });
    return () => cancelAnimationFrame(job);
  }, [layout, view, scrollTop, width, height, marks, busy, hovered, selected, dark, zone]);

  const latest = useRef({ view, whole, width, onView, selected, layout, height });
  latest.current = { view, whole, width, onView, selected, layout, height };
  const selectedId = selected?.id;
  useEffect(() => {
    const { selected, layout, height } = latest.current;
    const target = scroller.current;
    if (target === null || selected === null || selectedId !== selected.id) return;
    const row = layout.rows.find(({ blocks }) => blocks.includes(selected));
    // Chosen by a key, or in a list.
    if (row !== undefined) target.scrollTop = scrollTo(row, target.scrollTop, height - axisHeight);
  }, [selectedId]);
  useEffect(() => {
    const target = scroller.current;
    let settle = 0;
    // React's wheel listener could not keep the page from zooming.
    const wheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      const { view, whole, width, onView } = latest.current;
      const time = (x: number): number => view.start + (x / width) * (view.end - view.start);
      const left = event.clientX - (target?.getBoundingClientRect().left ?? 0);
      const amount = event.deltaY || event.deltaX;
      const next = event.shiftKey
        ? pan(view, (amount / width) * (view.end - view.start), whole)
        : zoom(view, time(left), amount > 0 ? 1.25 : 0.8, whole);
      onView(next, false);
      window.clearTimeout(settle);
      settle = window.setTimeout(() => latest.current.onView(latest.current.view, true), 300);
    };
    target?.addEventListener('wheel', wheel, { passive: false });
    return () => {
      window.clearTimeout(settle);
      target?.removeEventListener('wheel', wheel);
    };
  }, []);

  const find = (event: PointerEvent): { block: Block | null; x: number; y: number } => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    const perPixel = (view.end - view.start) / (width || 1);
    const block =
      y < axisHeight
        ? null
        : blockAt(layout.rows, y - axisHeight + scrollTop, view.start + x * perPixel, perPixel);
    return { block, x, y };
  };
  const onMove = (event: PointerEvent): void => {
    const { current } = drag;
    if (current !== null) {
      const by = ((current.x - event.clientX) / (width || 1)) * (current.view.end - current.view.start);
      current.moved ||= Math.abs(event.clientX - current.x) > 3;
      if (current.moved) onView(pan(current.view, by, whole), false);
      return;
    }
    const { block, x, y } = find(event);
    setHover(
      block === null ? null : { block, left: Math.min(x + 12, Math.max(width - 300, 0)), top: y + 14 },
    );
  };
  const onUp = (event: PointerEvent): void => {
    const moved = drag.current?.moved ?? false;
    drag.current = null;
    if (moved) onView(view, true);
    else onSelect(find(event).block);
  };
  const onKey = (event: KeyboardEvent): void => {
    const middle = (view.start + view.end) / 2;
    if (event.key.startsWith('Arrow')) onSelect(neighbour(layout.rows, selected, event.key));
    else if (event.key === '+') onView(zoom(view, middle, 0.5, whole), true);
    else if (event.key === '-') onView(zoom(view, middle, 2, whole), true);
    else if (event.key === 'Escape') onSelect(null);
    else return;
    event.preventDefault();
  };

  return (
    <div ref={sized} className={classes.holder}>
      <section
        ref={scroller}
        className={classes.scroller}
        style={{ height }}
        aria-label="Blocks over time; arrows go from block to block, plus and minus zoom"
        tabIndex={0}
        onKeyDown={onKey}
        onScroll={event => setScrollTop(event.currentTarget.scrollTop)}
      >
        <canvas
          ref={canvas}
          className={classes.canvas}
          style={{ width, height }}
          aria-hidden
          onPointerDown={event => {
            event.currentTarget.setPointerCapture(event.pointerId);
            drag.current = { x: event.clientX, view, moved: false };
            setHover(null);
          }}
          onPointerMove={onMove}
          onPointerUp={onUp}
          onPointerCancel={() => {
            drag.current = null;
          }}
          onPointerLeave={() => setHover(null)}
        />
        <div style={{ height: Math.max(layout.height + axisHeight - height, 0) }} />
      </section>
      {hover !== null && (
        <Tooltip
          block={hover.block}
          labels={labelSets[hover.block.set]}
          marks={marks.get(hover.block.id) ?? []}
          left={hover.left}
          top={hover.top}
        />
      )}
      <VisuallyHidden role="status">
        {selected === null
          ? ''
          : `Block ${selected.id}, ${formatTime(selected.minTime, zone)} to ${formatTime(selected.maxTime, zone)}, level ${selected.level}, ${resolutionName(selected.resolution)}`}
      </VisuallyHidden>
    </div>
  );
}
