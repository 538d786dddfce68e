import type { Endpoint } from '../../api/types';
import { formatTime } from '../../lib/time';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import classes from './CoverageBars.module.css';
import { type Coverage, coverageOf } from './rows';

const most = 12;

/** Which part of the time an endpoint has data of, a bar for each label set. */
export function CoverageBars({ row, axis }: { row: Endpoint; axis: { start: number; end: number } }) {
  const [zone] = useSetting(settings.zone);
  const lines = coverageOf(row, axis);
  const length = axis.end - axis.start || 1;
  const describe = ({ label, spans }: Coverage): string => {
    const texts = spans
      .slice(0, 10)
      .map(({ start, end }) => `${formatTime(start, zone)} to ${formatTime(end, zone)}`);
    return `${label}: ${texts.join('; ')}`;
  };
  return (
    <div className={classes.bars}>
      {lines.slice(0, most).map(line => (
        <div
          key={line.label}
          className={classes.track}
          title={describe(line)}
          role="img"
          aria-label={describe(line)}
        >
          {line.spans.slice(0, 200).map(({ start, end }) => (
            <div
              key={start}
              className={classes.bar}
              style={{
                left: `${((start - axis.start) / length) * 100}%`,
                width: `${Math.max(((end - start) / length) * 100, 1)}%`,
              }}
            />
          ))}
        </div>
      ))}
      {lines.length > most && <span className={classes.more}>and {lines.length - most} more</span>}
    </div>
  );
}
