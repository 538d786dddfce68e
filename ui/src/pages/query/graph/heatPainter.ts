import { formatSi } from '../../../lib/format';
import type { Cell, Heat } from './heat';
import { type Geometry, type Hit, type Painter, type Ticks, xOf, yOf } from './painter';

const perPart = 20_000;
const mostTicks = 12;

/** From few to many, on white and on black. */
const shades = {
  light: ['#efeaf9', '#d5c9f0', '#b5a1e3', '#9179d3', '#6f53bd', '#4f3597', '#2f1d66'],
  dark: ['#2a2540', '#3f3468', '#5a4894', '#7a62bf', '#9d83e0', '#c3b0f5', '#eee7ff'],
};

/** Buckets over time. Rows have equal heights, whatever their bounds: the axis names the bounds. */
export class HeatPainter implements Painter {
  readonly log = false;
  readonly range: [number, number];
  readonly ticks: Ticks;
  readonly parts: number;
  private readonly rows = new Map<number, number>();
  private readonly half: number;

  constructor(
    readonly heat: Heat,
    private readonly dark: boolean,
  ) {
    for (const [row, bound] of heat.bounds.entries()) this.rows.set(bound, row);
    this.range = [0, Math.max(heat.bounds.length - 1, 1)];
    this.parts = Math.ceil(heat.cells.length / perPart);
    this.half = ((heat.times[1] ?? 1) - (heat.times[0] ?? 0)) / 2;
    const every = Math.ceil(heat.bounds.length / mostTicks);
    const at = heat.bounds.map((_, row) => row).filter(row => row % every === 0);
    this.ticks = { at, labels: at.map(row => formatSi(heat.bounds[row] ?? 0)) };
  }

  paint(context: CanvasRenderingContext2D, geometry: Geometry, part: number): void {
    const colours = this.dark ? shades.dark : shades.light;
    for (const cell of this.heat.cells.slice(part * perPart, (part + 1) * perPart)) {
      // The square root keeps rare observations visible beside frequent ones.
      const share = Math.sqrt(cell.count / this.heat.most);
      context.fillStyle =
        colours[Math.min(Math.floor(share * colours.length), colours.length - 1)] ?? '#888888';
      const [x, y, width, height] = this.box(geometry, cell);
      context.fillRect(x, y, Math.max(width, 1), Math.max(height, 1));
    }
  }

  highlight(context: CanvasRenderingContext2D, geometry: Geometry, hit: Hit): void {
    const cell = this.heat.cells[hit.item];
    if (cell === undefined) return;
    context.strokeStyle = this.dark ? '#ffffff' : '#000000';
    context.lineWidth = 1.5;
    context.strokeRect(...this.box(geometry, cell));
  }

  hit(geometry: Geometry, index: number, _x: number, y: number): Hit | null {
    const item = this.heat.cells.findIndex(cell => {
      if (cell.time !== index) return false;
      const [, top, , height] = this.box(geometry, cell);
      return y >= top && y < top + height;
    });
    const cell = this.heat.cells[item];
    if (cell === undefined) return null;
    const [, top, , height] = this.box(geometry, cell);
    return { index, item, x: xOf(geometry, this.heat.times[index] ?? 0), y: top + height / 2 };
  }

  /** Within the row whose bounds the value lies between, by its share. */
  place(geometry: Geometry, value: number): number {
    const { bounds } = this.heat;
    const row = bounds.findLastIndex(bound => bound <= value);
    const low = bounds[row] ?? 0;
    const high = bounds[row + 1] ?? low;
    const share = Number.isFinite(high - low) && high > low ? (value - low) / (high - low) : 0.5;
    return yOf(geometry, Math.max(row + share, 0));
  }

  private box(geometry: Geometry, cell: Cell): [number, number, number, number] {
    const time = this.heat.times[cell.time] ?? 0;
    // Whole pixels, so that no seams are left between cells.
    const left = Math.round(xOf(geometry, time - this.half));
    const top = Math.round(yOf(geometry, this.rows.get(cell.high) ?? 0));
    const bottom = Math.round(yOf(geometry, this.rows.get(cell.low) ?? 0));
    return [left, top, Math.round(xOf(geometry, time + this.half)) - left, bottom - top];
  }
}
