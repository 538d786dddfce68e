import { humanDuration } from '../lib/duration';
import { formatAgo, formatTime } from '../lib/time';
import { useSetting } from '../lib/useSetting';
import { settings } from '../settings';

/** How long ago, with the time itself as title. Go's zero time is never. */
export function Ago({ time, now }: { time: string | number; now: number }) {
  const [zone] = useSetting(settings.zone);
  const ms = typeof time === 'number' ? time : Date.parse(time);
  return <span title={ms > 0 ? formatTime(ms, zone) : ''}>{formatAgo(ms, now, humanDuration)}</span>;
}
