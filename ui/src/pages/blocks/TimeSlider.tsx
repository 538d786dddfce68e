import '@mantine/core/styles/Slider.css';
import { RangeSlider } from '@mantine/core';
import { formatTime } from '../../lib/time';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import classes from './TimeSlider.module.css';
import { type View, within } from './view';

/** Steps of an arrow key along the whole. */
const steps = 500;
const marks = 10;

interface Props {
  view: View;
  whole: View;
  /** `done` is false while a handle is held. */
  onView: (view: View, done: boolean) => void;
}

/** The part of the time that is shown, between two handles on the whole. */
export function TimeSlider({ view, whole, onView }: Props) {
  const [zone] = useSetting(settings.zone);
  const length = whole.end - whole.start;
  if (length <= 0) return null;
  const step = Math.max(Math.round(length / steps), 1000);
  const shown = within(view, whole);
  const take = (value: [number, number]): View => {
    // The last step may be a short one.
    const [start, end] = value;
    return { start, end: whole.end - end < step ? whole.end : end };
  };
  // Dates alone, where no two marks are of the same day.
  const far = length > marks * 86_400_000;
  const name = (time: number): string => formatTime(time, zone).slice(far ? 0 : 5, far ? 10 : 16);
  return (
    <div className={classes.holder}>
      <RangeSlider
        size="sm"
        aria-label="Time shown"
        min={whole.start}
        max={whole.end}
        step={step}
        minRange={step}
        value={[shown.start, shown.end]}
        onChange={value => onView(take(value), false)}
        onChangeEnd={value => onView(take(value), true)}
        label={name}
        thumbFromLabel="Start of the time shown"
        thumbToLabel="End of the time shown"
        thumbValueText={time => formatTime(time, zone)}
        marks={Array.from({ length: marks }, (_, at) => {
          const value = whole.start + (length * at) / (marks - 1);
          return { value, label: <span className={classes.mark}>{name(value)}</span> };
        })}
      />
    </div>
  );
}
