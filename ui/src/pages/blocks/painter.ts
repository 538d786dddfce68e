import { formatBytes } from '../../lib/format';
import { formatTime, type Zone } from '../../lib/time';
import { firstAfter, type Layout, rowHeight, rowsBetween, titleHeight } from './layout';
import type { Block, Mark } from './types';
import { axisTimes, type View } from './view';

export const axisHeight = 22;

export interface Scene {
  layout: Layout;
  view: View;
  scrollTop: number;
  width: number;
  height: number;
  marks: ReadonlyMap<string, Mark[]>;
  busy: ReadonlySet<string>;
  hovered: Block | null;
  selected: Block | null;
  dark: boolean;
  zone: Zone;
}

/** Lightest to darkest of each resolution, by level. */
const hues: Record<string, [light: string[], dark: string[]]> = {
  '0': [
    ['#c4b8e8', '#a592dc', '#8b72d1', '#6c4dbf', '#4c348f', '#2f1d66'],
    ['#4c3f75', '#5f4e94', '#7a62bf', '#9d83e0', '#bda8f5', '#e0d4ff'],
  ],
  '300000': [
    ['#f3b9d5', '#e88ab8', '#d65f9a', '#b83a7a', '#8f235a', '#5f103a'],
    ['#6e3352', '#8c4068', '#b45588', '#d678a8', '#f09fc6', '#ffcfe4'],
  ],
  '3600000': [
    ['#a9d3f0', '#7bb8e3', '#4a98cf', '#2776ad', '#145583', '#093655'],
    ['#234d6b', '#2e658c', '#3f86b8', '#61a8da', '#8fc8f0', '#c8e6fb'],
  ],
};

export function blockColour(level: number, resolution: number, dark: boolean): string {
  const shades = (hues[String(resolution)] ?? hues['0'])?.[dark ? 1 : 0] ?? [];
  return shades[Math.min(Math.max(level, 1), shades.length) - 1] ?? '#888888';
}

export const markColours: Record<string, [light: string, dark: string]> = {
  deletion: ['#c92a2a', '#ff6b6b'],
  'no-compact': ['#b35c00', '#ffa94d'],
  'no-downsample': ['#087f5b', '#38d9a9'],
  busy: ['#2b7a2b', '#8ce99a'],
};

function markColour(kind: string, dark: boolean): string {
  return markColours[kind]?.[dark ? 1 : 0] ?? '#888888';
}

/** Draws what is in sight only; blocks narrower than a pixel are drawn once a pixel. */
export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, view, scrollTop, width, height, dark } = scene;
  context.clearRect(0, 0, width, height);
  const scale = width / (view.end - view.start || 1);
  const xOf = (time: number): number => (time - view.start) * scale;
  paintGrid(context, scene, xOf);
  context.save();
  context.beginPath();
  context.rect(0, axisHeight, width, height - axisHeight);
  context.clip();
  context.translate(0, axisHeight - scrollTop);
  paintTitles(context, scene);
  for (const row of rowsBetween(layout.rows, scrollTop, scrollTop + height)) {
    const colour = blockColour(row.level, row.resolution, dark);
    let drawnTo = -1;
    for (let at = firstAfter(row.blocks, view.start); at < row.blocks.length; at++) {
      const block = row.blocks[at];
      if (block === undefined || block.minTime > view.end) break;
      const left = Math.max(xOf(block.minTime), -2);
      const right = Math.min(xOf(block.maxTime), width + 2);
      const marks = scene.marks.get(block.id);
      const busy = scene.busy.has(block.id);
      if (right <= drawnTo && marks === undefined && !busy) continue;
      const wide = Math.max(right - left - 1, 1);
      context.fillStyle = colour;
      context.fillRect(left, row.y + 1, wide, rowHeight - 3);
      drawnTo = Math.max(left + 1, right - 1);
      if (marks !== undefined) paintMarks(context, marks, left, row.y, wide, dark);
      if (busy) {
        context.strokeStyle = markColour('busy', dark);
        context.lineWidth = 2;
        context.strokeRect(left + 1, row.y + 2, Math.max(wide - 2, 1), rowHeight - 5);
      }
      if (block === scene.selected || block === scene.hovered) {
        context.strokeStyle = dark ? '#ffffff' : '#000000';
        context.lineWidth = block === scene.selected ? 2 : 1;
        context.strokeRect(left + 0.5, row.y + 1.5, Math.max(wide - 1, 2), rowHeight - 4);
      }
    }
  }
  context.restore();
}

/** A stripe for each mark at the block's lower edge, and a cross over what will be deleted. */
function paintMarks(
  context: CanvasRenderingContext2D,
  marks: readonly Mark[],
  left: number,
  y: number,
  wide: number,
  dark: boolean,
): void {
  marks.forEach((mark, index) => {
    context.fillStyle = markColour(mark.kind, dark);
    context.fillRect(left, y + rowHeight - 6 - index * 4, Math.max(wide, 2), 4);
  });
  if (marks.some(mark => mark.kind === 'deletion') && wide > 6) {
    context.strokeStyle = markColour('deletion', dark);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, y + 1);
    context.lineTo(left + wide, y + rowHeight - 2);
    context.moveTo(left, y + rowHeight - 2);
    context.lineTo(left + wide, y + 1);
    context.stroke();
  }
}

function paintGrid(context: CanvasRenderingContext2D, scene: Scene, xOf: (time: number) => number): void {
  const { view, width, height, dark, zone } = scene;
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const times = axisTimes(view, Math.max(Math.floor(width / 120), 2));
  const short = (times[1] ?? Number.POSITIVE_INFINITY) - (times[0] ?? 0) < 86_400_000;
  for (const time of times) {
    const x = Math.round(xOf(time)) + 0.5;
    context.strokeStyle = dark ? '#3a3d42' : '#e4e6ea';
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, axisHeight - 4);
    context.lineTo(x, height);
    context.stroke();
    context.fillStyle = dark ? '#c1c6cc' : '#454c55';
    const text = formatTime(time, zone);
    context.fillText(short ? text.slice(5, 16) : text.slice(0, 10), x + 3, axisHeight / 2);
  }
}

function paintTitles(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, scrollTop, height, width, dark } = scene;
  context.textBaseline = 'middle';
  for (const lane of layout.lanes) {
    if (lane.y + lane.height < scrollTop) continue;
    if (lane.y > scrollTop + height) break;
    const { y } = lane;
    context.fillStyle = dark ? '#e4e6ea' : '#1f2329';
    context.font = '600 12px ui-monospace, Menlo, Consolas, monospace';
    context.fillText(lane.title, 4, y + titleHeight / 2, width * 0.75);
    context.fillStyle = dark ? '#abb2ba' : '#545b64';
    context.font = '11px system-ui, sans-serif';
    const figures = `${lane.count.toLocaleString('en-US')} blocks, ${formatBytes(lane.bytes)}`;
    context.textAlign = 'right';
    context.fillText(figures, width - 4, y + titleHeight / 2);
    context.textAlign = 'left';
  }
}
