//! The data that the fault tests work on: five 2-hour blocks, of which the first four make 8 hours.

use std::sync::Arc;

use objstore::MemoryBucket;
use ulid::Ulid;

use crate::blocks::{Contents, H, TestSeries, add, expected, put_block, unmarked};

/// Long ago, at the border of 14 days, so that every block is past.
pub(crate) const START: i64 = 1_209_600_000 * 1000;

/// The external labels of the world.
pub(crate) const EXTERNAL: [(&str, &str); 1] = [("harbour", "brake")];

/// The id of the block with this number; younger for higher numbers.
pub(crate) fn id(n: u64) -> Ulid {
    Ulid::from_parts(1_600_000_000_000 + n, 7)
}

/// The time of the 2-hour block with this number.
pub(crate) fn range(n: u64) -> std::ops::Range<i64> {
    START + n as i64 * 2 * H..START + (n as i64 + 1) * 2 * H
}

/// A gauge with two chunks a block, a counter that is not in every block, and a native histogram.
pub(crate) fn series(n: u64) -> Vec<TestSeries> {
    let from = range(n).start;
    let times = |step: i64| (0..2 * H / step).map(move |i| from + i * step + i % 7);
    let mut series = vec![
        TestSeries::floats("tide", times(30_000).map(|t| (t, ((t / 1000) % 977) as f64 * 0.25))),
        TestSeries::histograms("wait", times(300_000).map(|t| (t, ((t - START) / 100_000) as u64 + 9))),
    ];
    if n != 2 {
        series.push(TestSeries::floats("moves", times(60_000).map(|t| (t, (t - START) as f64))));
    }
    series
}

/// What the blocks with these numbers hold.
pub(crate) fn data(blocks: impl IntoIterator<Item = u64>) -> Contents {
    let mut contents = Contents::new();
    for n in blocks {
        add(&mut contents, expected(&EXTERNAL, &series(n)));
    }
    contents
}

/// A bucket with the blocks of these numbers.
pub(crate) async fn bucket(blocks: impl IntoIterator<Item = u64>) -> Arc<MemoryBucket> {
    let bucket = Arc::new(MemoryBucket::new());
    for n in blocks {
        put_block(bucket.as_ref(), id(n), range(n), &EXTERNAL, &series(n)).await;
    }
    bucket
}

/// Lengths in hours of the unmarked raw blocks, by time.
pub(crate) async fn lengths(bucket: &MemoryBucket) -> Vec<i64> {
    let blocks = unmarked(bucket).await;
    let mut raw: Vec<_> = blocks.values().filter(|m| m.thanos.downsample.resolution == 0).collect();
    raw.sort_by_key(|m| (m.min_time, m.max_time));
    raw.iter().map(|m| (m.max_time - m.min_time) / H).collect()
}
