//! Finds the blocks of a bucket and reads their metas: from memory, else from the disk cache, else from the bucket.
//!
//! A block that is half uploaded, or whose meta.json is broken, is *partial*: it is counted and left out, never an error. A meta that
//! could not be read for another reason makes the view *incomplete*: what was read is given all the same, and the caller decides
//! what may be done with it (adding blocks may, dropping blocks may not).

mod cache;
mod lister;
mod metrics;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use futures::StreamExt;
use objstore::Bucket;
use parking_lot::Mutex;
use prometheus::Registry;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use self::{cache::DiskCache, lister::Listed, metrics::FetcherMetrics};
pub use self::{
    lister::Discovery,
    metrics::{Counts, Modified, State},
};
use crate::{Error, Result, block, filters::MetaFilter};

/// Metas by block.
pub type Metas = BTreeMap<Ulid, Arc<BlockMeta>>;

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetcherConfig {
    /// Metas read at once.
    pub concurrency: usize,
    /// The component's data directory, under which `meta-syncer` holds the disk cache; `None` for no disk cache.
    pub data_dir: Option<PathBuf>,
    /// How blocks are found.
    pub discovery: Discovery,
    /// What the metrics' names start with: `thanos_` but for the tools that leave it out.
    pub metrics_prefix: &'static str,
}

impl Default for FetcherConfig {
    fn default() -> Self {
        FetcherConfig {
            concurrency: 32,
            data_dir: None,
            discovery: Discovery::Concurrent,
            metrics_prefix: "thanos_",
        }
    }
}

/// What a fetch gives.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The blocks that passed all filters.
    pub metas: Metas,
    /// The partial blocks, with what is wrong with each.
    pub partial: BTreeMap<Ulid, Error>,
    /// Why metas are missing. Not empty: the view is incomplete, and a block that is not in `metas` may well be in the bucket.
    pub missing: Vec<Error>,
    /// How many blocks came to which end.
    pub counts: Counts,
}

impl Fetched {
    /// True when every block's meta was read, or found to be partial.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The error of an incomplete view, as one text.
    pub fn incomplete(&self) -> Option<String> {
        let first = self.missing.first()?;
        let more = match self.missing.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!("incomplete view: {first}{more}"))
    }
}

/// What is kept in memory between fetches.
#[derive(Default)]
struct Cached {
    metas: HashMap<Ulid, (Arc<BlockMeta>, Option<SystemTime>)>,
}

/// Fetches and filters the metas of a bucket.
pub struct MetaFetcher {
    bucket: Arc<dyn Bucket>,
    config: FetcherConfig,
    disk: Option<DiskCache>,
    cached: Mutex<Cached>,
    /// What the first fetch has read so far; empty afterwards.
    arriving: Mutex<Metas>,
    filters: Vec<Box<dyn MetaFilter>>,
    metrics: FetcherMetrics,
    /// One fetch at a time: two would read the same metas twice.
    running: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for MetaFetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetaFetcher")
            .field("bucket", &self.bucket)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl MetaFetcher {
    /// Prepares a fetcher whose metas go through `filters` in their order.
    pub fn new(
        bucket: Arc<dyn Bucket>,
        config: FetcherConfig,
        filters: Vec<Box<dyn MetaFilter>>,
        registry: &Registry,
    ) -> Result<Self> {
        let disk = match &config.data_dir {
            Some(dir) => Some(DiskCache::open(dir)?),
            None => None,
        };
        let metrics = FetcherMetrics::new(registry, config.metrics_prefix)?;
        Ok(MetaFetcher {
            bucket,
            config,
            disk,
            cached: Mutex::default(),
            arriving: Mutex::default(),
            filters,
            metrics,
            running: tokio::sync::Mutex::new(()),
        })
    }

    /// Fetches all metas now.
    pub async fn fetch(&self) -> Result<Fetched> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
        self.fetch_at(now).await
    }

    /// Fetches all metas, with `now_ms` as the present for the filters. Fails when the bucket cannot be listed or a filter fails.
    pub async fn fetch_at(&self, now_ms: i64) -> Result<Fetched> {
        let _running = self.running.lock().await;
        let start = Instant::now();
        self.metrics.started();
        let outcome = self.fetch_and_filter(now_ms).await;
        self.metrics.finished(start.elapsed(), outcome.as_ref().ok());
        let fetched = outcome?;
        if fetched.is_complete() {
            tracing::info!(
                duration_ms = start.elapsed().as_millis() as u64,
                cached = self.cached.lock().metas.len(),
                returned = fetched.metas.len(),
                partial = fetched.partial.len(),
                "successfully synchronized block metadata"
            );
        }
        Ok(fetched)
    }

    /// Fetches the metas of all blocks as they are, through the same caches but past the filters, and leaves the metrics alone.
    pub async fn fetch_unfiltered(&self) -> Result<Fetched> {
        let _running = self.running.lock().await;
        let mut fetched = self.read_all().await?;
        fetched.counts.set(State::Loaded, fetched.metas.len());
        Ok(fetched)
    }

    /// The metas that the first fetch has read so far, past the filters; none when it is over.
    pub fn arriving(&self) -> Metas {
        self.arriving.lock().clone()
    }

    async fn fetch_and_filter(&self, now_ms: i64) -> Result<Fetched> {
        let mut fetched = self.read_all().await?;
        for filter in &self.filters {
            filter.filter(now_ms, &mut fetched.metas, &mut fetched.counts).await?;
        }
        fetched.counts.set(State::Loaded, fetched.metas.len());
        Ok(fetched)
    }

    async fn read_all(&self) -> Result<Fetched> {
        let first = self.cached.lock().metas.is_empty();
        let fetched = self.read_listed(first).await;
        self.arriving.lock().clear();
        fetched
    }

    async fn read_listed(&self, first: bool) -> Result<Fetched> {
        let mut fetched = Fetched::default();
        let mut modified = HashMap::new();
        let listed = lister::list(&self.bucket, self.config.discovery);
        let mut read = listed
            .map(|listed| async move {
                match listed? {
                    Listed::Partial(id) => Ok::<_, Error>((id, None, Err(Error::NoMeta { id }))),
                    Listed::Active(id, modified) => Ok((id, modified, self.read(id, modified).await)),
                }
            })
            .buffer_unordered(self.config.concurrency.max(1));
        while let Some(outcome) = read.next().await {
            let (id, time, meta): (Ulid, Option<SystemTime>, Result<Arc<BlockMeta>>) = outcome?;
            match meta {
                Ok(meta) => {
                    if first {
                        self.arriving.lock().insert(id, Arc::clone(&meta));
                    }
                    modified.insert(id, time);
                    fetched.metas.insert(id, meta);
                }
                Err(error @ Error::NoMeta { .. }) => {
                    fetched.counts.add(State::NoMeta);
                    fetched.partial.insert(id, error);
                }
                Err(error @ Error::CorruptMeta { .. }) => {
                    fetched.counts.add(State::CorruptedMeta);
                    fetched.partial.insert(id, error);
                }
                Err(error) => {
                    fetched.counts.add(State::Failed);
                    fetched.missing.push(error);
                }
            }
        }
        drop(read);
        // Only a complete view says which blocks are gone.
        if fetched.is_complete() {
            let entry = |(id, meta): (&Ulid, &Arc<BlockMeta>)| {
                (*id, (Arc::clone(meta), modified.remove(id).flatten()))
            };
            self.cached.lock().metas = fetched.metas.iter().map(entry).collect();
            if let Some(disk) = &self.disk {
                disk.retain(&fetched.metas).await;
            }
        }
        Ok(fetched)
    }

    /// Reads one block's meta. `modified` is the time the listing gave, if it gives any.
    async fn read(&self, id: Ulid, modified: Option<SystemTime>) -> Result<Arc<BlockMeta>> {
        let known = self.cached.lock().metas.get(&id).cloned();
        let mut stale = false;
        if let Some((meta, known_time)) = known {
            stale = known_time.is_some() && known_time != modified;
            if !stale {
                return Ok(meta);
            }
            self.metrics.cache_bust();
        }
        if let Some(disk) = self.disk.as_ref().filter(|_| !stale)
            && let Some(meta) = disk.read(id).await
        {
            return Ok(Arc::new(meta));
        }
        let meta = read_meta(self.bucket.as_ref(), id).await?;
        if let Some(disk) = &self.disk {
            disk.write(&meta).await;
        }
        Ok(Arc::new(meta))
    }
}

/// Reads a block's meta.json from the bucket.
pub async fn read_meta(bucket: &dyn Bucket, id: Ulid) -> Result<BlockMeta> {
    let bytes = match bucket.get(&block::meta(id), tsdb::meta::MAX_SIZE).await {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Err(Error::NoMeta { id }),
        Err(error) => return Err(error.into()),
    };
    let mut meta = match BlockMeta::from_json(&bytes) {
        Ok(meta) => meta,
        Err(error @ tsdb::Error::Version(_)) => {
            return Err(Error::MetaVersion { id, why: error.to_string() });
        }
        Err(error) => return Err(Error::CorruptMeta { id, why: error.to_string() }),
    };
    // The folder is the block: a copied meta.json must not make two blocks of one name.
    if meta.ulid != id {
        tracing::warn!(block = %id, ulid = %meta.ulid, "meta.json names another block than its folder");
        meta.ulid = id;
    }
    Ok(meta)
}
