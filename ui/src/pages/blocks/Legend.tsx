import { useComputedColorScheme } from '@mantine/core';
import classes from './Blocks.module.css';
import { blockColour, markColours } from './painter';
import { markNames, resolutionName } from './types';

const levels = [1, 2, 3, 4, 5, 6];

/** What the colours mean. */
export function Legend() {
  const dark = useComputedColorScheme() === 'dark';
  const at = dark ? 1 : 0;
  return (
    <div className={classes.legend}>
      {[0, 300_000, 3_600_000].map(resolution => (
        <span key={resolution}>
          {resolutionName(resolution)}, level 1–6
          {levels.map(level => (
            <span
              key={level}
              className={classes.swatch}
              title={`level ${level}`}
              style={{ background: blockColour(level, resolution, dark) }}
            />
          ))}
        </span>
      ))}
      {Object.entries(markColours).map(([kind, colours]) => (
        <span key={kind}>
          <span className={classes.swatch} style={{ background: colours[at] }} />
          {kind === 'busy' ? 'being compacted' : `marked: ${markNames[kind as keyof typeof markNames]}`}
        </span>
      ))}
    </div>
  );
}
