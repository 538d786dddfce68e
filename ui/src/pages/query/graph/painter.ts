/** Where values lie in the plot, in CSS pixels. */
export interface Geometry {
  width: number;
  height: number;
  /** Seconds at the left and right edge. */
  xMin: number;
  xMax: number;
  yMin: number;
  yMax: number;
  log: boolean;
}

export function xOf(geometry: Geometry, time: number): number {
  return ((time - geometry.xMin) / (geometry.xMax - geometry.xMin || 1)) * geometry.width;
}

export function yOf(geometry: Geometry, value: number): number {
  const { yMin, yMax, height, log } = geometry;
  const share = log
    ? (Math.log10(value) - Math.log10(yMin)) / (Math.log10(yMax) - Math.log10(yMin) || 1)
    : (value - yMin) / (yMax - yMin || 1);
  return height - share * height;
}

/** What the pointer is on. */
export interface Hit {
  /** Index of the time. */
  index: number;
  /** Series, or row of a heatmap. */
  item: number;
  x: number;
  y: number;
}

export interface Ticks {
  at: number[];
  labels: string[];
}

/** Draws one kind of data. */
export interface Painter {
  readonly log: boolean;
  /** Lowest and highest value shown. */
  readonly range: [number, number];
  /** Own marks of the value axis. */
  readonly ticks?: Ticks;
  /** How many parts `paint` can be split into, so that a frame is never too long. */
  readonly parts: number;
  paint(context: CanvasRenderingContext2D, geometry: Geometry, part: number): void;
  /** Draws what is hit over the rest. */
  highlight(context: CanvasRenderingContext2D, geometry: Geometry, hit: Hit): void;
  hit(geometry: Geometry, index: number, x: number, y: number): Hit | null;
  /** Height of a value that is no part of the data, such as an exemplar's. */
  place(geometry: Geometry, value: number): number;
}
