import { Button, Code, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import type { MatrixItem, QueryData, VectorItem } from '../../../api/types';
import { LabelSet } from '../../../components/LabelSet';
import { formatCount } from '../../../lib/format';
import { formatLabels } from '../../../lib/labels';
import { HistogramView } from './HistogramView';
import classes from './TableView.module.css';

/** Rows shown before more are asked for. */
const most = 10_000;
/** Above this many rows labels are plain text. */
const mostColoured = 1000;

type Item = VectorItem | MatrixItem;

function Values({ item }: { item: Item }) {
  if ('value' in item && item.value !== undefined) return <span>{item.value[1]}</span>;
  if ('histogram' in item && item.histogram !== undefined)
    return <HistogramView histogram={item.histogram[1]} />;
  const { values = [], histograms = [] } = item as MatrixItem;
  return (
    <>
      {values.map(([time, value]) => (
        <div key={time}>
          {value} @{time}
        </div>
      ))}
      {histograms.map(([time, histogram]) => (
        <div key={time}>
          @{time} <HistogramView histogram={histogram} />
        </div>
      ))}
    </>
  );
}

function Rows({ items }: { items: readonly Item[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 29,
    overscan: 10,
  });
  const rows = virtual.getVirtualItems();
  const before = rows[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (rows.at(-1)?.end ?? 0);
  const coloured = items.length <= mostColoured;
  return (
    <section ref={scroller} className={classes.scroller} tabIndex={0} aria-label="Result">
      <table className={classes.table} aria-rowcount={items.length}>
        <thead>
          <tr>
            <th>Series</th>
            <th className={classes.value}>Value</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr style={{ height: before }} aria-hidden />}
          {rows.map(row => {
            const item = items[row.index];
            if (item === undefined) return null;
            return (
              <tr
                key={row.index}
                data-index={row.index}
                ref={virtual.measureElement}
                aria-rowindex={row.index + 1}
              >
                <td>
                  {coloured ? (
                    <>
                      {item.metric.__name__ !== undefined && (
                        <span className={classes.metric}>{item.metric.__name__}</span>
                      )}
                      <LabelSet labels={item.metric} hidden={nameOnly} />
                    </>
                  ) : (
                    <span className="mono break">{formatLabels(item.metric)}</span>
                  )}
                </td>
                <td className={classes.value}>
                  <Values item={item} />
                </td>
              </tr>
            );
          })}
          {after > 0 && <tr style={{ height: after }} aria-hidden />}
        </tbody>
      </table>
    </section>
  );
}

const nameOnly = new Set(['__name__']);

/** An instant result: rows in sight only. */
export default function TableView({ data }: { data: QueryData }) {
  const [all, setAll] = useState(false);
  if (data.resultType === 'scalar' || data.resultType === 'string') {
    return (
      <Text p="xs">
        {data.resultType} <Code fz="md">{data.result[1]}</Code>
      </Text>
    );
  }
  const items: readonly Item[] = data.result;
  if (items.length === 0) {
    return (
      <Text c="dimmed" p="md">
        Empty result
      </Text>
    );
  }
  const shown = all ? items : items.slice(0, most);
  return (
    <>
      {shown.length < items.length && (
        <Text size="sm" mb={4}>
          {formatCount(shown.length)} of {formatCount(items.length)} series.{' '}
          <Button size="compact-xs" variant="light" onClick={() => setAll(true)}>
            Show all
          </Button>
        </Text>
      )}
      <Rows items={shown} />
    </>
  );
}
