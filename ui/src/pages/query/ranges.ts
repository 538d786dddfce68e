const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Ranges that the plus and minus buttons go through, milliseconds. */
export const ranges = [
  second,
  10 * second,
  minute,
  5 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
  28 * day,
  56 * day,
  365 * day,
  730 * day,
];

/** The next longer or shorter one. */
export function stepRange(range: number, by: 1 | -1): number {
  const next = by > 0 ? ranges.find(other => other > range) : ranges.findLast(other => other < range);
  return next ?? range;
}

export const relativeRanges: { label: string; range: number; offset: number }[] = [
  { label: 'Last 15 minutes', range: 15 * minute, offset: 0 },
  { label: 'Last hour', range: hour, offset: 0 },
  { label: 'Last 6 hours', range: 6 * hour, offset: 0 },
  { label: 'Last 24 hours', range: day, offset: 0 },
  { label: 'Last 7 days', range: 7 * day, offset: 0 },
  { label: 'Last 28 days', range: 28 * day, offset: 0 },
  { label: 'Last hour, a day ago', range: hour, offset: day },
  { label: 'Last 6 hours, a day ago', range: 6 * hour, offset: day },
  { label: 'Last 24 hours, a week ago', range: day, offset: 7 * day },
];
