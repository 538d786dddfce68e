import { ActionIcon, Button, Group } from '@mantine/core';
import { IconZoomIn, IconZoomOut } from '@tabler/icons-react';
import { TimeInput } from '../../components/TimeInput';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import { pan, type View, zoom } from './view';

interface Props {
  view: View;
  whole: View;
  onView: (view: View | null) => void;
}

const lengths: [string, number][] = [
  ['1d', 1],
  ['7d', 7],
  ['30d', 30],
  ['180d', 180],
  ['360d', 360],
  ['720d', 720],
  ['1440d', 1440],
];

/** Which part of the time is shown. */
export function ViewControls({ view, whole, onView }: Props) {
  const [zone] = useSetting(settings.zone);
  const middle = (view.start + view.end) / 2;
  const length = view.end - view.start;
  return (
    <Group gap="xs" mb="xs">
      <ActionIcon
        variant="default"
        size="input-xs"
        aria-label="Zoom in"
        onClick={() => onView(zoom(view, middle, 0.5, whole))}
      >
        <IconZoomIn size={14} />
      </ActionIcon>
      <ActionIcon
        variant="default"
        size="input-xs"
        aria-label="Zoom out"
        onClick={() => onView(zoom(view, middle, 2, whole))}
      >
        <IconZoomOut size={14} />
      </ActionIcon>
      <TimeInput
        label="Start"
        value={view.start}
        zone={zone}
        step={length / 2}
        empty="the first block"
        onChange={time => {
          const start = time ?? whole.start;
          onView({ start, end: Math.max(view.end, start + 60_000) });
        }}
      />
      <TimeInput
        label="End"
        value={view.end}
        zone={zone}
        step={length / 2}
        empty="the last block"
        onChange={time => {
          const end = time ?? whole.end;
          onView({ start: Math.min(view.start, end - 60_000), end });
        }}
      />
      <Button.Group>
        {lengths.map(([name, days]) => (
          <Button
            key={name}
            size="xs"
            variant="default"
            {...(days > 360 ? { visibleFrom: 'sm' } : {})}
            onClick={() => onView({ start: view.end - days * 86_400_000, end: view.end })}
          >
            {name}
          </Button>
        ))}
        <Button size="xs" variant="default" onClick={() => onView(null)}>
          All
        </Button>
      </Button.Group>
      <Button.Group>
        <Button size="xs" variant="default" onClick={() => onView(pan(view, -length / 2, whole))}>
          Earlier
        </Button>
        <Button size="xs" variant="default" onClick={() => onView(pan(view, length / 2, whole))}>
          Later
        </Button>
      </Button.Group>
    </Group>
  );
}
