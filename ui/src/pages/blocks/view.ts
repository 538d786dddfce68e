/** The part of time that is seen, milliseconds. */
export interface View {
  start: number;
  end: number;
}

const least = 60_000;

/** Makes the view longer or shorter around a time that stays where it is. */
export function zoom(view: View, around: number, factor: number, whole: View): View {
  const length = Math.max((view.end - view.start) * factor, least);
  if (length >= whole.end - whole.start) return whole;
  const share = (around - view.start) / (view.end - view.start || 1);
  return clamp({ start: around - share * length, end: around + (1 - share) * length }, whole);
}

export function pan(view: View, by: number, whole: View): View {
  return clamp({ start: view.start + by, end: view.end + by }, whole);
}

/** The view, moved to a time that it has nothing of. */
export function showing(view: View, time: View, whole: View): View {
  if (time.start < view.end && time.end > view.start) return view;
  return pan(view, (time.start + time.end - view.start - view.end) / 2, whole);
}

/** The part of the view that lies in the whole; the whole where none does. */
export function within(view: View, whole: View): View {
  const start = Math.min(Math.max(view.start, whole.start), whole.end);
  const end = Math.min(Math.max(view.end, whole.start), whole.end);
  return start < end ? { start, end } : whole;
}

/** Moves the view into the whole, keeping its length where it fits. */
function clamp(view: View, whole: View): View {
  const length = view.end - view.start;
  const start = Math.min(Math.max(view.start, whole.start), Math.max(whole.end - length, whole.start));
  return { start: Math.round(start), end: Math.round(Math.min(start + length, whole.end)) };
}

/** Times for the axis: round numbers of hours or days, a few of them. */
export function axisTimes(view: View, most: number): number[] {
  const hour = 3_600_000;
  const day = 24 * hour;
  const steps = [
    60_000,
    600_000,
    hour,
    2 * hour,
    6 * hour,
    12 * hour,
    day,
    2 * day,
    7 * day,
    14 * day,
    30 * day,
    90 * day,
    365 * day,
  ];
  const step =
    steps.find(step => (view.end - view.start) / step <= most) ??
    Math.ceil((view.end - view.start) / most / day) * day;
  const times: number[] = [];
  for (let time = Math.ceil(view.start / step) * step; time <= view.end; time += step) times.push(time);
  return times;
}
