//! The blocks of a bucket as one store.

mod api;
mod hints;
mod request;
mod stream;
mod sync;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bucket::fetcher::MetaFetcher;
use bucket::views::BlockViews;
use model::labels::Labels;
use objstore::{Bucket, Provider};
use parking_lot::RwLock;
use prometheus::Registry;
use storeapi::{ComponentType, Info, InfoProvider, StoreDetails, TsdbRange};
use tokio::sync::Semaphore;
use ulid::Ulid;

pub(crate) use self::request::Request;
use crate::{
    block::Block,
    block_set::BlockSet,
    cache::{IndexCache, IndexCacheConfig},
    config::StoreConfig,
    error::Error,
    gate::Gate,
    header::HeaderPool,
    metrics::StoreMetrics,
    ranges,
    series::{self, ChunkPool},
};

/// The blocks that are served.
#[derive(Debug, Default)]
struct Blocks {
    by_id: BTreeMap<Ulid, Arc<Block>>,
    by_labels: HashMap<Labels, BlockSet>,
}

/// Serves the blocks that its fetcher finds in a bucket.
#[derive(Debug)]
pub struct BucketStore {
    bucket: Arc<dyn Bucket>,
    fetcher: MetaFetcher,
    config: StoreConfig,
    blocks: RwLock<Blocks>,
    /// What people are shown of the blocks.
    views: BlockViews,
    headers: Arc<HeaderPool>,
    cache: Arc<IndexCache>,
    metrics: Arc<StoreMetrics>,
    gate: Gate,
    chunk_pool: Arc<ChunkPool>,
    /// Bounds the threads that decode at once.
    computing: Arc<Semaphore>,
    max_gap: u64,
    call_bytes: u64,
}

impl BucketStore {
    /// Prepares a store over the blocks that `fetcher` finds in `bucket`. There are none until [`BucketStore::sync`].
    pub fn new(
        bucket: Arc<dyn Bucket>,
        fetcher: MetaFetcher,
        config: StoreConfig,
        cache: IndexCacheConfig,
        registry: &Registry,
    ) -> Result<Arc<Self>, Error> {
        if config.block_sync_concurrency == 0 {
            let why = "the block sync concurrency must be equal or greater than 1.";
            return Err(Error::Config(why.to_owned()));
        }
        if config.series_batch_size == 0 || config.header.sampling == 0 {
            return Err(Error::Config(
                "series batch size and postings offset sampling must be at least 1".to_owned(),
            ));
        }
        std::fs::create_dir_all(&config.data_dir)
            .map_err(|source| Error::DataDir { path: config.data_dir.clone(), source })?;
        let headers =
            HeaderPool::new(Arc::clone(&bucket), config.data_dir.clone(), config.header.clone(), registry)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let local = bucket.provider() != Provider::S3;
        Ok(Arc::new(BucketStore {
            headers: Arc::new(headers),
            cache: Arc::new(IndexCache::new(cache, registry)?),
            metrics: Arc::new(StoreMetrics::new(registry)?),
            gate: Gate::new(config.series_max_concurrency, registry)?,
            chunk_pool: Arc::new(ChunkPool::new(config.chunk_pool_size)),
            computing: Arc::new(Semaphore::new(2 * cores)),
            max_gap: if local { ranges::LOCAL_GAP } else { ranges::REMOTE_GAP },
            call_bytes: if local { series::LOCAL_CALL_BYTES } else { series::REMOTE_CALL_BYTES },
            blocks: RwLock::default(),
            views: BlockViews::new(),
            bucket,
            fetcher,
            config,
        }))
    }

    /// The bucket.
    pub fn bucket(&self) -> &Arc<dyn Bucket> {
        &self.bucket
    }

    /// How many blocks are served.
    pub fn block_count(&self) -> usize {
        self.blocks.read().by_id.len()
    }

    /// The blocks being served, in the order of their names.
    pub fn block_ids(&self) -> Vec<Ulid> {
        self.blocks.read().by_id.keys().copied().collect()
    }

    /// The blocks of the last synchronization, as people are shown them.
    pub fn views(&self) -> &BlockViews {
        &self.views
    }

    /// Lets go of index-headers that were idle for long.
    pub fn close_idle_headers(&self) {
        let blocks: Vec<Arc<Block>> = self.blocks.read().by_id.values().cloned().collect();
        blocks.iter().for_each(|block| block.header.close_if_idle());
    }

    /// How often [`BucketStore::close_idle_headers`] wants to be called; `None` is never.
    pub fn idle_check_interval(&self) -> Option<std::time::Duration> {
        self.headers.idle_timeout().map(|idle| idle / 10)
    }

    fn clamp(&self, mint: i64, maxt: i64) -> (i64, i64) {
        let now = now_ms();
        (mint.max(self.config.min_time.at(now)), maxt.min(self.config.max_time.at(now)))
    }

    /// First and last time of the data, limited to the times that are served. Without blocks the first is the largest number there is and
    /// the last the smallest.
    pub fn time_range(&self) -> (i64, i64) {
        let blocks = self.blocks.read();
        let mint = blocks.by_id.values().map(|block| block.meta.min_time).min().unwrap_or(i64::MAX);
        let maxt = blocks.by_id.values().map(|block| block.meta.max_time).max().unwrap_or(i64::MIN);
        drop(blocks);
        self.clamp(mint, maxt)
    }

    /// The external label sets, sorted by their text.
    fn label_sets(&self) -> Vec<Labels> {
        let mut sets: Vec<Labels> = self.blocks.read().by_labels.keys().cloned().collect();
        sets.sort_by_cached_key(ToString::to_string);
        sets
    }

    /// Times of the blocks by external labels, adjoining blocks as one.
    fn tsdb_ranges(&self) -> Vec<TsdbRange> {
        let blocks = self.blocks.read();
        let mut by_labels: BTreeMap<&Labels, Vec<(i64, i64)>> = BTreeMap::new();
        for block in blocks.by_id.values() {
            by_labels.entry(&block.labels).or_default().push((block.meta.min_time, block.meta.max_time));
        }
        let mut ranges = Vec::new();
        for (labels, mut times) in by_labels {
            times.sort_unstable();
            let range = |(min_time, max_time)| TsdbRange { labels: labels.clone(), min_time, max_time };
            let mut current: Option<(i64, i64)> = None;
            for (mint, maxt) in times {
                current = match current {
                    // Differs from Thanos: a block within a longer one does not shorten the range.
                    Some((start, end)) if mint <= end => Some((start, end.max(maxt))),
                    Some(ended) => {
                        ranges.push(range(ended));
                        Some((mint, maxt))
                    }
                    None => Some((mint, maxt)),
                };
            }
            ranges.extend(current.map(range));
        }
        ranges
    }
}

impl InfoProvider for BucketStore {
    fn info(&self) -> Info {
        let (min_time, max_time) = self.time_range();
        let store = StoreDetails {
            min_time,
            max_time,
            supports_sharding: true,
            supports_without_replica_labels: true,
            supports_projections: false,
            tsdb_infos: self.tsdb_ranges(),
        };
        Info { label_sets: self.label_sets(), store: Some(store), ..Info::new(ComponentType::Store) }
    }
}

/// The present in ms since 1970.
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
