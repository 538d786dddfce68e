//! What the parts of one request share: its question, its limits, its statistics, and the store's means.

use std::sync::Arc;

use objstore::Bucket;
use storeapi::{Aggr, Error, LimitViolated, Limiter, MAX_SAMPLES_PER_CHUNK};
use tokio::sync::Semaphore;

use super::BucketStore;
use crate::{
    cache::{IndexCache, Item},
    error::blocking,
    metrics::{DEFAULT_TENANT, StoreMetrics},
    series::ChunkPool,
    stats::Stats,
};

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) bucket: Arc<dyn Bucket>,
    pub(crate) cache: Arc<IndexCache>,
    pub(crate) metrics: Arc<StoreMetrics>,
    pub(crate) chunk_pool: Arc<ChunkPool>,
    pub(super) computing: Arc<Semaphore>,
    pub(crate) stats: Stats,
    pub(crate) tenant: String,
    /// Whether series entries go through the cache. Those of local files do not: the system keeps them in memory already.
    pub(crate) cache_series: bool,
    /// Bytes of chunks that all blocks together may have under way.
    pub(crate) call_bytes: u64,
    pub(crate) max_gap: u64,
    pub(crate) batch_size: usize,
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
    pub(crate) skip_chunks: bool,
    pub(crate) aggregates: Vec<Aggr>,
    /// Replica labels to take off.
    pub(crate) without: Vec<String>,
    pub(crate) limit: Option<u64>,
    pub(super) series_limit: Limiter,
    pub(super) chunks_limit: Limiter,
    pub(super) bytes_limit: Limiter,
}

impl Request {
    pub(super) fn new(store: &BucketStore, tenant: Option<String>, mint: i64, maxt: i64) -> Self {
        let tenant = tenant.unwrap_or_else(|| DEFAULT_TENANT.to_owned());
        let limiter = |limit: u64, reason: &str| {
            Limiter::new(limit, store.metrics.queries_dropped.with_label_values(&[reason, &tenant]))
        };
        let limits = store.config.limits;
        Request {
            bucket: Arc::clone(&store.bucket),
            cache: Arc::clone(&store.cache),
            metrics: Arc::clone(&store.metrics),
            chunk_pool: Arc::clone(&store.chunk_pool),
            computing: Arc::clone(&store.computing),
            stats: Stats::default(),
            cache_series: store.max_gap == crate::ranges::REMOTE_GAP && store.cache.keeps(Item::Series),
            call_bytes: store.call_bytes,
            max_gap: store.max_gap,
            batch_size: store.config.series_batch_size,
            mint,
            maxt,
            skip_chunks: true,
            aggregates: Vec::new(),
            without: Vec::new(),
            limit: None,
            series_limit: limiter(limits.series, "series"),
            chunks_limit: limiter(limits.samples / MAX_SAMPLES_PER_CHUNK, "chunks"),
            bytes_limit: limiter(limits.bytes, "bytes"),
            tenant,
        }
    }

    /// Counts series against the limit.
    pub(crate) fn reserve_series(&self, series: u64) -> Result<(), Error> {
        let exceeded =
            |violated: LimitViolated| Error::resource_exhausted(format!("exceeded series limit: {violated}"));
        self.series_limit.reserve(series).map_err(exceeded)
    }

    /// Counts chunks against the limit.
    pub(crate) fn reserve_chunks(&self, chunks: u64) -> Result<(), Error> {
        let exceeded =
            |violated: LimitViolated| Error::resource_exhausted(format!("exceeded chunks limit: {violated}"));
        self.chunks_limit.reserve(chunks).map_err(exceeded)
    }

    /// Counts bytes against the limit.
    pub(crate) fn reserve_bytes(&self, bytes: u64, doing: &str) -> Result<(), Error> {
        // Nothing is never too much, even when others have used up the limit.
        if bytes == 0 {
            return Ok(());
        }
        let exceeded = |violated: LimitViolated| {
            Error::resource_exhausted(format!("exceeded bytes limit while {doing}: {violated}"))
        };
        self.bytes_limit.reserve(bytes).map_err(exceeded)
    }

    /// Runs work on a computing thread, of which only so many run at once.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // The semaphore is never closed; if it were, there would be no bound and no harm.
        let permit = Arc::clone(&self.computing).acquire_owned().await.ok();
        blocking(move || {
            let _permit = permit;
            work()
        })
        .await
    }
}
