import { seriesColour } from './colours';
import type { Column, Earlier } from './columns';
import { type Geometry, type Hit, type Painter, xOf, yOf } from './painter';

export interface LinesOptions {
  times: Float64Array;
  columns: readonly Column[];
  /** What is drawn: the values, or their stacked sums. */
  drawn: readonly Float64Array[];
  visible: (index: number) => boolean;
  stacked: boolean;
  log: boolean;
  minY: number | null;
  maxY: number | null;
  dark: boolean;
  /** The same series earlier, drawn pale, and hidden with those of now. */
  earlier?: readonly Earlier[];
}

/** Series in one part of `paint`. */
const perPart = 200;
/** Pixels beyond which the pointer is on no series. */
const reach = 80;

export class LinesPainter implements Painter {
  readonly log: boolean;
  readonly range: [number, number];
  readonly parts: number;
  private readonly all: Float64Array[];
  private readonly earlier: Earlier[];

  constructor(private readonly options: LinesOptions) {
    this.log = options.log;
    this.all = options.drawn.filter((_, index) => options.visible(index));
    const whole = options.columns.every((_, index) => options.visible(index));
    this.earlier = (options.earlier ?? []).filter(({ now }) => (now === null ? whole : options.visible(now)));
    this.range = valueRange([...this.all, ...this.earlier.map(({ values }) => values)], options);
    this.parts = Math.ceil(options.columns.length / perPart) + (options.earlier === undefined ? 0 : 1);
  }

  paint(context: CanvasRenderingContext2D, geometry: Geometry, part: number): void {
    const { columns, drawn, visible, stacked, dark } = this.options;
    const from = part * perPart;
    if (from >= columns.length) {
      context.globalAlpha = 0.5;
      context.setLineDash([4, 4]);
      for (const [index, { values, now }] of this.earlier.entries()) {
        this.line(context, geometry, values, seriesColour(now ?? columns.length + index, dark), 1);
      }
      context.setLineDash([]);
      context.globalAlpha = 1;
      return;
    }
    const width = columns.length > 500 ? 1 : 1.5;
    for (let index = from; index < Math.min(from + perPart, columns.length); index++) {
      const values = drawn[index];
      if (values === undefined || !visible(index)) continue;
      const colour = seriesColour(index, dark);
      if (stacked) this.area(context, geometry, values, columns[index]?.values ?? values, colour);
      this.line(context, geometry, values, colour, width);
    }
  }

  highlight(context: CanvasRenderingContext2D, geometry: Geometry, hit: Hit): void {
    const values = this.options.drawn[hit.item];
    if (values === undefined) return;
    const colour = seriesColour(hit.item, this.options.dark);
    this.line(context, geometry, values, colour, 2.5);
    const value = values[hit.index];
    if (value === undefined || Number.isNaN(value)) return;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(xOf(geometry, this.options.times[hit.index] ?? 0), yOf(geometry, value), 4, 0, Math.PI * 2);
    context.fill();
  }

  hit(geometry: Geometry, index: number, _x: number, y: number): Hit | null {
    let nearest: Hit | null = null;
    let least = reach;
    this.options.drawn.forEach((values, item) => {
      const value = values[index];
      if (value === undefined || Number.isNaN(value) || !this.options.visible(item)) return;
      const at = yOf(geometry, value);
      const distance = Math.abs(at - y);
      if (distance < least) {
        least = distance;
        nearest = { index, item, x: xOf(geometry, this.options.times[index] ?? 0), y: at };
      }
    });
    return nearest;
  }

  place(geometry: Geometry, value: number): number {
    return yOf(geometry, this.log && value <= 0 ? geometry.yMin : value);
  }

  private line(
    context: CanvasRenderingContext2D,
    geometry: Geometry,
    values: Float64Array,
    colour: string,
    width: number,
  ): void {
    const { times } = this.options;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    context.lineWidth = width;
    context.lineJoin = 'round';
    context.beginPath();
    let open = false;
    for (let index = 0; index < values.length; index++) {
      const value = values[index] ?? Number.NaN;
      if (Number.isNaN(value) || (this.log && value <= 0)) {
        open = false;
        continue;
      }
      const x = xOf(geometry, times[index] ?? 0);
      const y = yOf(geometry, value);
      if (open) context.lineTo(x, y);
      else {
        context.moveTo(x, y);
        // A sample with no neighbour would be no line.
        if (Number.isNaN(values[index + 1] ?? Number.NaN)) context.fillRect(x - 1.5, y - 1.5, 3, 3);
      }
      open = true;
    }
    context.stroke();
  }

  /** Fills between a stacked series and the one below it. */
  private area(
    context: CanvasRenderingContext2D,
    geometry: Geometry,
    tops: Float64Array,
    own: Float64Array,
    colour: string,
  ): void {
    const { times } = this.options;
    context.fillStyle = colour;
    context.globalAlpha = 0.3;
    for (let from = 0; from < tops.length; from++) {
      if (Number.isNaN(tops[from] ?? Number.NaN)) continue;
      let to = from;
      while (to + 1 < tops.length && !Number.isNaN(tops[to + 1] ?? Number.NaN)) to++;
      context.beginPath();
      for (let at = from; at <= to; at++)
        context.lineTo(xOf(geometry, times[at] ?? 0), yOf(geometry, tops[at] ?? 0));
      for (let at = to; at >= from; at--) {
        context.lineTo(xOf(geometry, times[at] ?? 0), yOf(geometry, (tops[at] ?? 0) - (own[at] ?? 0)));
      }
      context.fill();
      from = to;
    }
    context.globalAlpha = 1;
  }
}

/** A little more than the values take up, within the wished limits. */
export function valueRange(
  all: readonly Float64Array[],
  options: Pick<LinesOptions, 'stacked' | 'log' | 'minY' | 'maxY'>,
): [number, number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const values of all) {
    for (const value of values) {
      if (Number.isNaN(value) || (options.log && value <= 0)) continue;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  if (min > max) [min, max] = options.log ? [0.1, 10] : [0, 1];
  if (options.stacked && !options.log) [min, max] = [Math.min(min, 0), Math.max(max, 0)];
  if (options.log) {
    min = 10 ** Math.floor(Math.log10(min));
    max = 10 ** Math.ceil(Math.log10(max));
    if (min === max) max = min * 10;
  } else {
    const margin = (max - min) * 0.05 || Math.abs(max) * 0.1 || 1;
    if (!(options.stacked && min === 0)) min = min >= 0 && min - margin < 0 ? 0 : min - margin;
    max += margin;
  }
  const low = options.minY !== null && !(options.log && options.minY <= 0) ? options.minY : min;
  const high = options.maxY ?? max;
  return low < high ? [low, high] : [low, low + (options.log ? low * 9 : 1)];
}
