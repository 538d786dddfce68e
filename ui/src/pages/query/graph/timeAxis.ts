import { formatTime, type Zone } from '../../../lib/time';

/** Labels of times in seconds that are `step` apart: the short form, with the day or year below where it changes. */
export function timeLabels(times: readonly number[], step: number, zone: Zone): string[] {
  let before = '';
  return times.map(time => {
    const text = formatTime(time * 1000, zone);
    const days = step >= 86_400;
    const short = days ? text.slice(5, 10) : text.slice(11, step < 60 ? 19 : 16);
    const long = days ? text.slice(0, 4) : text.slice(0, 10);
    const label = long === before ? short : `${short}\n${long}`;
    before = long;
    return label;
  });
}
