import type { Labels } from '../lib/labels';
import classes from './LabelSet.module.css';

/** Labels as text: values of labels are never read as HTML. */
export function LabelSet({
  labels,
  hidden,
}: {
  labels: Labels | null | undefined;
  hidden?: ReadonlySet<string>;
}) {
  const entries = Object.entries(labels ?? {}).filter(([name]) => !hidden?.has(name));
  if (entries.length === 0) return <span className={classes.none}>no labels</span>;
  return (
    <span className={classes.set}>
      {entries.map(([name, value]) => (
        <span key={name} className={classes.label}>
          <span className={classes.name}>{name}</span>=<span className={classes.value}>"{value}"</span>
        </span>
      ))}
    </span>
  );
}
