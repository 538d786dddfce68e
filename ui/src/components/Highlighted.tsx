import classes from './Highlighted.module.css';

/** A text with the letters at some places marked. */
export function Highlighted({ text, places }: { text: string; places: ReadonlySet<number> }) {
  if (places.size === 0) return text;
  const runs: { text: string; marked: boolean }[] = [];
  for (let at = 0; at < text.length; at++) {
    const marked = places.has(at);
    const last = runs.at(-1);
    if (last !== undefined && last.marked === marked) last.text += text[at];
    else runs.push({ text: text[at] ?? '', marked });
  }
  return runs.map((run, index) =>
    run.marked ? (
      <mark key={index} className={classes.mark}>
        {run.text}
      </mark>
    ) : (
      run.text
    ),
  );
}
