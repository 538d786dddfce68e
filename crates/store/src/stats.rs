//! What one request did, for its response hints and the metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use proto::hintspb::QueryStats;

/// Items of one kind of data: how many, their bytes.
#[derive(Debug, Default)]
pub(crate) struct Items {
    pub(crate) count: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Items {
    pub(crate) fn add(&self, count: u64, bytes: u64) {
        self.count.fetch_add(count, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}

/// One kind of data.
#[derive(Debug, Default)]
pub(crate) struct DataStats {
    /// Used, from a cache or the bucket.
    pub(crate) touched: Items,
    /// Fetched from the bucket, with what was fetched beside it.
    pub(crate) fetched: Items,
    /// Ranges that were fetched.
    pub(crate) fetches: AtomicU64,
    /// Nanoseconds of fetching, all fetches added up.
    pub(crate) fetch_nanos: AtomicU64,
}

impl DataStats {
    pub(crate) fn fetch(&self, ranges: u64, items: u64, bytes: u64, took: std::time::Duration) {
        self.fetches.fetch_add(ranges, Relaxed);
        self.fetched.add(items, bytes);
        self.fetch_nanos.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn fetch_seconds(&self) -> f64 {
        self.fetch_nanos.load(Relaxed) as f64 / 1e9
    }
}

/// All of a request.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) blocks: AtomicU64,
    pub(crate) postings_to_fetch: AtomicU64,
    pub(crate) postings: DataStats,
    pub(crate) series: DataStats,
    pub(crate) chunks: DataStats,
    pub(crate) merged_series: AtomicU64,
    pub(crate) merged_chunks: AtomicU64,
    pub(crate) get_all_nanos: AtomicU64,
    pub(crate) merge_nanos: AtomicU64,
}

impl Stats {
    /// The form of the response hints.
    pub(crate) fn to_proto(&self) -> QueryStats {
        let number = |value: &AtomicU64| value.load(Relaxed) as i64;
        let nanos = |value: &AtomicU64| {
            let nanos = value.load(Relaxed);
            Some(prost_types::Duration {
                seconds: (nanos / 1_000_000_000) as i64,
                nanos: (nanos % 1_000_000_000) as i32,
            })
        };
        let downloaded = [&self.postings, &self.series, &self.chunks]
            .iter()
            .map(|data| data.touched.bytes() + data.fetched.bytes())
            .sum::<u64>();
        QueryStats {
            blocks_queried: number(&self.blocks),
            merged_series_count: number(&self.merged_series),
            merged_chunks_count: number(&self.merged_chunks),
            postings_touched: number(&self.postings.touched.count),
            postings_touched_size_sum: number(&self.postings.touched.bytes),
            postings_to_fetch: number(&self.postings_to_fetch),
            postings_fetched: number(&self.postings.fetched.count),
            postings_fetched_size_sum: number(&self.postings.fetched.bytes),
            postings_fetch_count: number(&self.postings.fetches),
            series_touched: number(&self.series.touched.count),
            series_touched_size_sum: number(&self.series.touched.bytes),
            series_fetched: number(&self.series.fetched.count),
            series_fetched_size_sum: number(&self.series.fetched.bytes),
            series_fetch_count: number(&self.series.fetches),
            chunks_touched: number(&self.chunks.touched.count),
            chunks_touched_size_sum: number(&self.chunks.touched.bytes),
            chunks_fetched: number(&self.chunks.fetched.count),
            chunks_fetched_size_sum: number(&self.chunks.fetched.bytes),
            chunks_fetch_count: number(&self.chunks.fetches),
            data_downloaded_size_sum: downloaded as i64,
            get_all_duration: nanos(&self.get_all_nanos),
            merge_duration: nanos(&self.merge_nanos),
        }
    }
}
