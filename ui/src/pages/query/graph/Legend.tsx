import { Checkbox, Group, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type MouseEvent, useMemo, useRef, useState } from 'react';
import { formatNumber, plural } from '../../../lib/format';
import { seriesColour } from './colours';
import type { Column } from './columns';
import classes from './Legend.module.css';
import { type LegendKey, legendRows, sortRows } from './legendRows';

interface Props {
  columns: readonly Column[];
  visible: (index: number) => boolean;
  dark: boolean;
  onToggle: (index: number, alone: boolean) => void;
  onShowAll: () => void;
  hiddenCount: number;
  onFocus: (index: number | null) => void;
}

const heads: [LegendKey, string][] = [
  ['name', 'Series'],
  ['min', 'Min'],
  ['mean', 'Mean'],
  ['max', 'Max'],
  ['last', 'Last'],
];

const rowHeight = 24;

/** Series with their statistics; only rows in sight are in the document. */
export function Legend({ columns, visible, dark, onToggle, onShowAll, hiddenCount, onFocus }: Props) {
  const [filter, setFilter] = useState('');
  const [hideCommon, setHideCommon] = useState(false);
  const [sort, setSort] = useState<{ by: LegendKey | null; descending: boolean }>({
    by: null,
    descending: false,
  });
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => legendRows(columns, hideCommon), [columns, hideCommon]);
  const shown = useMemo(() => {
    const wanted = filter.toLowerCase();
    const found = wanted === '' ? rows : rows.filter(row => row.name.toLowerCase().includes(wanted));
    return sortRows(found, sort.by, sort.descending);
  }, [rows, filter, sort]);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 6,
  });

  const sortBy = (by: LegendKey): void => {
    if (sort.by !== by) setSort({ by, descending: by !== 'name' });
    else if (sort.descending === (by !== 'name')) setSort({ by, descending: !sort.descending });
    else setSort({ by: null, descending: false });
  };
  const click = (index: number) => (event: MouseEvent) => onToggle(index, !(event.ctrlKey || event.metaKey));

  return (
    <div className={classes.legend} data-testid="legend">
      <Group gap="sm" mb={4}>
        <Text size="xs" c="dimmed">
          {plural(columns.length, 'series', 'series')}
          {hiddenCount > 0 && `, ${hiddenCount} hidden`}
        </Text>
        {columns.length > 5 && (
          <TextInput
            size="xs"
            placeholder="Filter the legend"
            aria-label="Filter the legend"
            value={filter}
            onChange={event => setFilter(event.currentTarget.value)}
          />
        )}
        {columns.length > 1 && (
          <Checkbox
            size="xs"
            label="Hide common labels"
            checked={hideCommon}
            onChange={event => setHideCommon(event.currentTarget.checked)}
          />
        )}
        {hiddenCount > 0 && (
          <UnstyledButton className={classes.all} onClick={onShowAll}>
            Show all
          </UnstyledButton>
        )}
        <Text size="xs" c="dimmed" visibleFrom="sm">
          Click: only this · Ctrl+click: hide or show
        </Text>
      </Group>
      <div className={classes.row} role="presentation">
        <span />
        {heads.map(([key, title]) => (
          <UnstyledButton
            key={key}
            className={key === 'name' ? classes.head : classes.numberHead}
            onClick={() => sortBy(key)}
            aria-label={`Sort by ${title}`}
          >
            {title}
            {sort.by === key ? (sort.descending ? ' ↓' : ' ↑') : ''}
          </UnstyledButton>
        ))}
      </div>
      <section ref={scroller} className={classes.scroller} aria-label="Legend" tabIndex={0}>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(item => {
            const row = shown[item.index];
            if (row === undefined) return null;
            return (
              <button
                key={row.index}
                type="button"
                className={classes.row}
                style={{
                  position: 'absolute',
                  top: 0,
                  transform: `translateY(${item.start}px)`,
                  height: rowHeight,
                }}
                aria-pressed={visible(row.index)}
                onClick={click(row.index)}
                onMouseEnter={() => onFocus(row.index)}
                onMouseLeave={() => onFocus(null)}
                onFocus={() => onFocus(row.index)}
                onBlur={() => onFocus(null)}
                title={row.name}
              >
                <span
                  className={classes.swatch}
                  style={{ background: visible(row.index) ? seriesColour(row.index, dark) : 'transparent' }}
                />
                <span className={classes.name}>{row.name}</span>
                <span className={classes.number}>{formatNumber(row.min)}</span>
                <span className={classes.number}>{formatNumber(row.mean)}</span>
                <span className={classes.number}>{formatNumber(row.max)}</span>
                <span className={classes.number}>{formatNumber(row.last)}</span>
              </button>
            );
          })}
        </div>
      </section>
    </div>
  );
}
