import { UnstyledButton } from '@mantine/core';
import { Fragment, useState } from 'react';
import type { Bucket, Histogram } from '../../../api/types';
import classes from './TableView.module.css';

/** Which ends belong to a bucket, by the number that the API sends. */
function interval([ends, low, high]: Bucket): string {
  const open = ends === 1 || ends === 3 ? '[' : '(';
  const close = ends === 0 || ends === 3 ? ']' : ')';
  return `${open}${low}, ${high}${close}`;
}

/** Count and sum; the buckets as bars when opened. */
export function HistogramView({ histogram }: { histogram: Histogram }) {
  const [open, setOpen] = useState(false);
  const buckets = histogram.buckets ?? [];
  const most = Math.max(...buckets.map(bucket => Number(bucket[3])), 0);
  return (
    <div>
      <UnstyledButton
        fz={13}
        onClick={() => setOpen(!open)}
        aria-expanded={open}
        disabled={buckets.length === 0}
      >
        count {histogram.count}, sum {histogram.sum}, {buckets.length} buckets {open ? '▾' : '▸'}
      </UnstyledButton>
      {open && (
        <div className={classes.buckets}>
          {buckets.map(bucket => (
            <Fragment key={`${bucket[1]}/${bucket[2]}`}>
              <span>{interval(bucket)}</span>
              <span>
                <span
                  className={classes.bar}
                  style={{ display: 'block', width: `${most > 0 ? (Number(bucket[3]) / most) * 100 : 0}%` }}
                />
              </span>
              <span>{bucket[3]}</span>
            </Fragment>
          ))}
        </div>
      )}
    </div>
  );
}
