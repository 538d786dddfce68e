import type { Exemplar, ExemplarSeries } from '../../../api/types';
import type { Labels } from '../../../lib/labels';
import { type Geometry, type Painter, xOf } from './painter';

export interface ExemplarPoint {
  /** Seconds. */
  time: number;
  value: number;
  labels: Labels;
  series: Labels;
}

/** Most points drawn; of more, an even choice. */
const most = 2000;

export function exemplarPoints(all: readonly ExemplarSeries[] | null): ExemplarPoint[] {
  const points = (all ?? []).flatMap(({ seriesLabels, exemplars }) =>
    exemplars.map((exemplar: Exemplar) => ({
      time: exemplar.timestamp,
      value: Number(exemplar.value),
      labels: exemplar.labels,
      series: seriesLabels,
    })),
  );
  const every = Math.ceil(points.length / most);
  return every <= 1 ? points : points.filter((_, index) => index % every === 0);
}

/** Exemplars beyond the axis lie at its ends: their values need not be those of the expression. */
function place(painter: Pick<Painter, 'place'>, geometry: Geometry, point: ExemplarPoint): [number, number] {
  const y = painter.place(geometry, point.value);
  return [xOf(geometry, point.time), Math.min(Math.max(y, 6), geometry.height - 6)];
}

export function paintExemplars(
  painter: Pick<Painter, 'place'>,
  context: CanvasRenderingContext2D,
  geometry: Geometry,
  points: readonly ExemplarPoint[],
): void {
  // Bright with a dark edge: to be seen on white, on black and on a heatmap.
  context.fillStyle = '#ff922b';
  context.strokeStyle = '#5c2e00';
  context.lineWidth = 1;
  for (const point of points) {
    const [x, y] = place(painter, geometry, point);
    context.beginPath();
    context.moveTo(x, y - 5);
    context.lineTo(x + 5, y);
    context.lineTo(x, y + 5);
    context.lineTo(x - 5, y);
    context.closePath();
    context.fill();
    context.stroke();
  }
}

export function hitExemplar(
  painter: Pick<Painter, 'place'>,
  geometry: Geometry,
  points: readonly ExemplarPoint[],
  x: number,
  y: number,
): ExemplarPoint | null {
  let nearest: ExemplarPoint | null = null;
  let least = 8;
  for (const point of points) {
    const [px, py] = place(painter, geometry, point);
    const distance = Math.hypot(px - x, py - y);
    if (distance < least) {
      least = distance;
      nearest = point;
    }
  }
  return nearest;
}
