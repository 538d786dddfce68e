//! Settings of the store gateway: plain data, from the flags.

use std::{path::PathBuf, time::Duration};

use bucket::{fetcher::Discovery, filters::TimeOrDuration};
use model::relabel::RelabelConfig;

use crate::cache::IndexCacheConfig;

/// Settings of the running gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// HTTP server.
    pub http: server::http::Config,
    /// gRPC server.
    pub grpc: server::grpc::Config,
    /// How often the bucket is looked through (`--sync-block-duration`).
    pub sync_interval: Duration,
    /// How blocks are found (`--block-discovery-strategy`).
    pub discovery: Discovery,
    /// Metas fetched at once (`--block-meta-fetch-concurrency`).
    pub meta_fetch_concurrency: usize,
    /// Age below which a block is not served, ms (`--consistency-delay`).
    pub consistency_delay_ms: i64,
    /// How long a block marked for deletion is still served, ms (`--ignore-deletion-marks-delay`).
    pub ignore_deletion_marks_delay_ms: i64,
    /// Rules over external labels and `__block_id` (`--selector.relabel-config`).
    pub selector: Vec<RelabelConfig>,
    /// The index cache.
    pub index_cache: IndexCacheConfig,
    /// The store itself.
    pub store: StoreConfig,
}

/// Settings of the store behind the APIs.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Directory for index-headers and metas (`--data-dir`).
    pub data_dir: PathBuf,
    /// Index-headers.
    pub header: HeaderConfig,
    /// Blocks loaded at once (`--block-sync-concurrency`); at least 1.
    pub block_sync_concurrency: usize,
    /// Oldest time served (`--min-time`).
    pub min_time: TimeOrDuration,
    /// Newest time served (`--max-time`).
    pub max_time: TimeOrDuration,
    /// Limits of a Series call.
    pub limits: Limits,
    /// Series calls that run at once; others wait; 0 sets no limit (`--store.grpc.series-max-concurrency`).
    pub series_max_concurrency: usize,
    /// Series read from a block's index at a time (`--debug.series-batch-size`).
    pub series_batch_size: usize,
    /// Bytes fetched for one series entry at first (`--debug.estimated-max-series-size`).
    pub estimated_max_series_size: u64,
    /// Bytes fetched for one chunk at first (`--debug.estimated-max-chunk-size`).
    pub estimated_max_chunk_size: u64,
    /// Most bytes of chunks that all calls together hold while fetching (`--chunk-pool-size`); 0 sets no limit.
    pub chunk_pool_size: u64,
    /// End all Series answers with hints: the queried blocks, and statistics when asked for. Thanos's binary never sends
    /// them; with `false` they go to those only that ask for statistics.
    pub series_response_hints: bool,
}

impl StoreConfig {
    /// Thanos's defaults, over a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        StoreConfig {
            data_dir: data_dir.into(),
            header: HeaderConfig::default(),
            block_sync_concurrency: 20,
            min_time: TimeOrDuration::Time(-62_167_219_200_000),
            max_time: TimeOrDuration::Time(253_402_300_799_000),
            limits: Limits::default(),
            series_max_concurrency: 20,
            series_batch_size: 10_000,
            estimated_max_series_size: 64 * 1024,
            estimated_max_chunk_size: 16_000,
            chunk_pool_size: 2 << 30,
            series_response_hints: false,
        }
    }
}

/// How index-headers are kept.
#[derive(Debug, Clone)]
pub struct HeaderConfig {
    /// Every how many-th value of a label has its postings offset in memory
    /// (`--store.index-header-posting-offsets-in-mem-sampling`).
    pub sampling: usize,
    /// Map an index-header when a request needs it (`--store.enable-index-header-lazy-reader`).
    pub lazy_reader: bool,
    /// Idle time after which a lazily mapped one is let go; zero never (`--store.index-header-lazy-reader-idle-timeout`).
    pub idle_timeout: Duration,
    /// Fetch an index-header when its block is first queried (`--store.index-header-lazy-download-strategy=lazy`).
    pub lazy_download: bool,
    /// Keep them on disk (`--cache-index-header`).
    pub keep_files: bool,
}

impl Default for HeaderConfig {
    fn default() -> Self {
        HeaderConfig {
            sampling: tsdb::index::DEFAULT_SAMPLING,
            lazy_reader: false,
            idle_timeout: Duration::from_secs(300),
            lazy_download: false,
            keep_files: true,
        }
    }
}

/// Limits of one Series call; 0 sets none. Those of series and samples hold for what is selected in the blocks and again for what is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Series (`--store.limits.request-series`, by its older name `--store.grpc.touched-series-limit`).
    pub series: u64,
    /// Samples, counted as 120 per chunk (`--store.limits.request-samples`, by its older name `--store.grpc.series-sample-limit`).
    pub samples: u64,
    /// Bytes it may fetch or take from caches (`--store.grpc.downloaded-bytes-limit`).
    pub bytes: u64,
}
