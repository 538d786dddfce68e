import { ActionIcon, Button, Group, Menu, SegmentedControl, Select } from '@mantine/core';
import { IconClock, IconMinus, IconPlus } from '@tabler/icons-react';
import { DraftInput } from '../../components/DraftInput';
import { TimeInput } from '../../components/TimeInput';
import { config } from '../../config';
import { formatDuration, parseDuration } from '../../lib/duration';
import { useSetting } from '../../lib/useSetting';
import { settings } from '../../settings';
import { type Density, type Display, leastRange, type MaxResolution, type Panel } from './panel';
import { ranges, relativeRanges, stepRange } from './ranges';
import { endOf, stepOf } from './request';

interface Props {
  panel: Panel;
  onChange: (change: Partial<Panel>) => void;
}

/** No shorter than what the URL takes. */
const checkDuration = (text: string): string | null =>
  (parseDuration(text) ?? 0) >= leastRange ? null : 'a duration such as 1h30m, from 1s on';

const fixedSteps = [10, 30, 60, 300, 900, 3600];

function RangeInput({ panel, onChange }: Props) {
  return (
    <Group gap={2} wrap="nowrap">
      <ActionIcon
        variant="default"
        size="input-xs"
        aria-label="Shorter range"
        disabled={panel.range <= (ranges[0] ?? 0)}
        onClick={() => onChange({ range: stepRange(panel.range, -1) })}
      >
        <IconMinus size={14} />
      </ActionIcon>
      <DraftInput
        size="xs"
        w={78}
        aria-label="Range"
        value={formatDuration(panel.range)}
        check={checkDuration}
        onApply={text => onChange({ range: parseDuration(text) ?? panel.range })}
      />
      <ActionIcon
        variant="default"
        size="input-xs"
        aria-label="Longer range"
        onClick={() => onChange({ range: stepRange(panel.range, 1) })}
      >
        <IconPlus size={14} />
      </ActionIcon>
      <Menu shadow="md">
        <Menu.Target>
          <ActionIcon variant="default" size="input-xs" aria-label="Relative ranges">
            <IconClock size={14} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {relativeRanges.map(({ label, range, offset }) => (
            <Menu.Item key={label} onClick={() => onChange({ range, offset, end: null })}>
              {label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function ResolutionInput({ panel, onChange }: Props) {
  const { resolution } = panel;
  const value = resolution.type === 'auto' ? resolution.density : String(resolution.step);
  const automatic = (density: Density): string =>
    `${density} (${formatDuration(stepOf({ ...panel, resolution: { type: 'auto', density } }, config.features.defaultStep) * 1000)})`;
  const steps = [...fixedSteps, ...(resolution.type === 'fixed' ? [resolution.step] : [])];
  return (
    <Group gap={2} wrap="nowrap">
      <Select
        size="xs"
        w={128}
        aria-label="Density of points"
        allowDeselect={false}
        data={[
          {
            group: 'Automatic',
            items: (['low', 'medium', 'high'] as const).map(density => ({
              value: density,
              label: automatic(density),
            })),
          },
          {
            group: 'Every',
            items: [...new Set(steps)]
              .sort((a, b) => a - b)
              .map(step => ({ value: String(step), label: formatDuration(step * 1000) })),
          },
        ]}
        value={value}
        onChange={picked => {
          if (picked === null) return;
          const step = Number(picked);
          onChange({
            resolution: step > 0 ? { type: 'fixed', step } : { type: 'auto', density: picked as Density },
          });
        }}
      />
      <DraftInput
        size="xs"
        w={74}
        aria-label="Step in seconds"
        placeholder="Step (s)"
        value={resolution.type === 'fixed' ? String(resolution.step) : ''}
        check={text => (text === '' || Number(text) > 0 ? null : 'seconds')}
        onApply={text =>
          onChange({
            resolution:
              text === '' ? { type: 'auto', density: 'medium' } : { type: 'fixed', step: Number(text) },
          })
        }
      />
    </Group>
  );
}

/** The time that a panel ends at or is of; null is now. */
const shownEnd = (panel: Panel): number | null =>
  panel.end === null && panel.offset === 0 ? null : endOf(panel, Date.now());

const checkLimit = (text: string): string | null =>
  text.trim() === '' || Number.isFinite(Number(text)) ? null : 'a number';

/** What the graph is of and how it is drawn. */
export function GraphControls({ panel, onChange }: Props) {
  const [zone] = useSetting(settings.zone);
  return (
    <Group gap="xs" my="xs">
      <RangeInput panel={panel} onChange={onChange} />
      <TimeInput
        label="End time"
        value={shownEnd(panel)}
        zone={zone}
        step={panel.range / 2}
        onChange={end => onChange({ end, offset: 0 })}
      />
      <ResolutionInput panel={panel} onChange={onChange} />
      <Select
        size="xs"
        w={160}
        aria-label="Maximum source resolution"
        allowDeselect={false}
        disabled={config.features.mode === 'distributed' && panel.engine === 'thanos'}
        data={[
          { value: 'auto', label: 'Auto downsampling' },
          { value: '0s', label: 'Only raw data' },
          { value: '5m', label: 'Max 5m' },
          { value: '1h', label: 'Max 1h' },
        ]}
        value={panel.maxResolution}
        onChange={value => value !== null && onChange({ maxResolution: value as MaxResolution })}
      />
      <SegmentedControl
        size="xs"
        aria-label="Kind of graph"
        data={[
          { value: 'lines', label: 'Lines' },
          { value: 'stacked', label: 'Stacked' },
          { value: 'heatmap', label: 'Heatmap' },
        ]}
        value={panel.display}
        onChange={value => onChange({ display: value as Display })}
      />
      <Menu shadow="md" closeOnItemClick={false}>
        <Menu.Target>
          <Button size="xs" variant="default">
            Axis: {panel.logY ? 'log' : 'linear'}
            {panel.minY !== null || panel.maxY !== null ? ', limited' : ''}
          </Button>
        </Menu.Target>
        <Menu.Dropdown p="xs">
          <SegmentedControl
            size="xs"
            fullWidth
            mb="xs"
            aria-label="Scale of the value axis"
            data={[
              { value: 'linear', label: 'Linear' },
              { value: 'log', label: 'Logarithmic' },
            ]}
            value={panel.logY ? 'log' : 'linear'}
            onChange={value => onChange({ logY: value === 'log' })}
          />
          <DraftInput
            size="xs"
            label="From"
            placeholder="automatic"
            value={panel.minY?.toString() ?? ''}
            check={checkLimit}
            onApply={text => onChange({ minY: text.trim() === '' ? null : Number(text) })}
          />
          <DraftInput
            size="xs"
            label="To"
            placeholder="automatic"
            value={panel.maxY?.toString() ?? ''}
            check={checkLimit}
            onApply={text => onChange({ maxY: text.trim() === '' ? null : Number(text) })}
          />
        </Menu.Dropdown>
      </Menu>
      <Select
        size="xs"
        w={150}
        aria-label="Compare with earlier"
        allowDeselect={false}
        data={[...new Set(['0s', '1h', '1d', '1w', formatDuration(panel.compare)])].map(value => ({
          value,
          label: value === '0s' ? 'No comparison' : `With ${value} before`,
        }))}
        value={formatDuration(panel.compare)}
        onChange={value => onChange({ compare: parseDuration(value ?? '0') ?? 0 })}
      />
      <Button
        size="xs"
        variant={panel.exemplars ? 'light' : 'default'}
        aria-pressed={panel.exemplars}
        onClick={() => onChange({ exemplars: !panel.exemplars })}
      >
        Exemplars
      </Button>
    </Group>
  );
}

export function TableControls({ panel, onChange }: Props) {
  const [zone] = useSetting(settings.zone);
  return (
    <Group gap="xs" my="xs">
      <TimeInput
        label="Evaluation time"
        value={shownEnd(panel)}
        zone={zone}
        step={panel.range / 2}
        onChange={end => onChange({ end, offset: 0 })}
      />
    </Group>
  );
}
