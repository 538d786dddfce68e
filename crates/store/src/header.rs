//! Index-headers: fetched from a block's index, kept on disk, mapped while in use.
//!
//! With the lazy reader a header is mapped by the first request that needs it and let go of after some idle time; requests that hold it
//! keep the mapping until they end. A file that cannot be read is fetched again once.

use std::{
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use objstore::Bucket;
use parking_lot::RwLock;
use prometheus::Registry;
use tsdb::index_header::{FILE_NAME, IndexHeader, IndexHeaderWriter, IndexSections};
use ulid::Ulid;

use crate::{config::HeaderConfig, error::Error, metrics::HeaderMetrics};

/// Bytes of an index fetched at once while its header is written.
const FETCH_SIZE: u64 = 8 << 20;

/// What all headers share.
#[derive(Debug)]
pub(crate) struct HeaderPool {
    bucket: Arc<dyn Bucket>,
    data_dir: PathBuf,
    config: HeaderConfig,
    metrics: HeaderMetrics,
    start: Instant,
}

impl HeaderPool {
    pub(crate) fn new(
        bucket: Arc<dyn Bucket>,
        data_dir: PathBuf,
        config: HeaderConfig,
        registry: &Registry,
    ) -> Result<Self, Error> {
        let metrics = HeaderMetrics::new(registry)?;
        Ok(HeaderPool { bucket, data_dir, config, metrics, start: Instant::now() })
    }

    /// The idle time after which headers are let go of, if they are.
    pub(crate) fn idle_timeout(&self) -> Option<std::time::Duration> {
        (self.config.lazy_reader && !self.config.idle_timeout.is_zero()).then_some(self.config.idle_timeout)
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn path(&self, id: Ulid) -> PathBuf {
        self.data_dir.join(id.to_string()).join(FILE_NAME)
    }

    /// Fetches the two parts of a block's index that make its header.
    async fn download(&self, id: Ulid) -> Result<(), String> {
        let start = Instant::now();
        let index = bucket::block::index(id);
        let failed = |error: objstore::Error| format!("write index header: {error}");
        let size = self.bucket.attributes(&index).await.map_err(failed)?.size;
        let head = self.bucket.get_range(&index, IndexSections::head_range(size)).await.map_err(failed)?;
        let tail = self.bucket.get_range(&index, IndexSections::tail_range(size)).await.map_err(failed)?;
        let broken = |error: tsdb::Error| format!("write index header: {index}: {error}");
        let sections = IndexSections::new(size, &head, &tail).map_err(broken)?;
        let path = self.path(id);
        let joined = |error: tokio::task::JoinError| format!("write index header: {error}");
        let create = move || IndexHeaderWriter::create(path, sections);
        // Dropping the writer half-way removes what it wrote.
        let mut writer = tokio::task::spawn_blocking(create).await.map_err(joined)?.map_err(broken)?;
        for range in [sections.symbols_range(), sections.postings_range()] {
            for piece in pieces(range) {
                let len = piece.end - piece.start;
                let bytes = self.bucket.get_range(&index, piece).await.map_err(failed)?;
                if bytes.len() as u64 != len {
                    return Err(format!("write index header: {index}: got {} of {len} bytes", bytes.len()));
                }
                let feed = move || writer.feed(&bytes).map(|()| writer);
                writer = tokio::task::spawn_blocking(feed).await.map_err(joined)?.map_err(broken)?;
            }
        }
        tokio::task::spawn_blocking(move || writer.finish()).await.map_err(joined)?.map_err(broken)?;
        self.metrics.download_duration.observe(start.elapsed().as_secs_f64());
        Ok(())
    }

    async fn open(&self, id: Ulid) -> Result<Arc<IndexHeader>, String> {
        let path = self.path(id);
        let there =
            tokio::fs::try_exists(&path).await.map_err(|error| format!("{}: {error}", path.display()))?;
        if !there {
            self.download(id).await?;
        }
        let header = match self.map(id).await {
            Ok(header) => header,
            Err(error) if there => {
                tracing::warn!(block = %id, error, "failed to read index-header from disk; recreating");
                self.download(id).await?;
                self.map(id).await?
            }
            Err(error) => return Err(error),
        };
        if !self.config.keep_files
            && let Err(error) = tokio::fs::remove_file(&path).await
        {
            // The mapping outlives the name; what is left is overwritten or removed with the block.
            tracing::debug!(block = %id, %error, "index-header stays on disk");
        }
        Ok(Arc::new(header))
    }

    async fn map(&self, id: Ulid) -> Result<IndexHeader, String> {
        let start = Instant::now();
        let (path, sampling) = (self.path(id), self.config.sampling);
        let open = tokio::task::spawn_blocking(move || IndexHeader::open(path, sampling)).await;
        let header = open.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        self.metrics.load_duration.observe(start.elapsed().as_secs_f64());
        Ok(header)
    }
}

fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = range.end;
    range.step_by(FETCH_SIZE as usize).map(move |start| start..end.min(start + FETCH_SIZE))
}

/// The header of one block.
#[derive(Debug)]
pub(crate) struct Header {
    pool: Arc<HeaderPool>,
    id: Ulid,
    open: RwLock<Option<Arc<IndexHeader>>>,
    /// By the pool's clock.
    last_used_ms: AtomicU64,
    loading: tokio::sync::Mutex<()>,
}

impl Header {
    /// Makes a block's header ready as far as the configuration asks for.
    pub(crate) async fn prepare(pool: Arc<HeaderPool>, id: Ulid) -> Result<Self, String> {
        let config = pool.config.clone();
        let header = Header {
            id,
            open: RwLock::new(None),
            last_used_ms: AtomicU64::new(pool.now_ms()),
            loading: tokio::sync::Mutex::new(()),
            pool,
        };
        if !config.lazy_reader {
            let open = header.pool.open(id).await?;
            *header.open.write() = Some(open);
        } else if !config.lazy_download {
            let path = header.pool.path(id);
            if !tokio::fs::try_exists(&path).await.map_err(|error| format!("{}: {error}", path.display()))? {
                header.pool.download(id).await?;
            }
        }
        Ok(header)
    }

    /// The header, mapped now if it is not.
    pub(crate) async fn get(&self) -> Result<Arc<IndexHeader>, storeapi::Error> {
        self.last_used_ms.store(self.pool.now_ms(), Relaxed);
        if let Some(header) = self.open.read().clone() {
            return Ok(header);
        }
        let _loading = self.loading.lock().await;
        if let Some(header) = self.open.read().clone() {
            return Ok(header);
        }
        let start = Instant::now();
        self.pool.metrics.lazy_loads.inc();
        match self.pool.open(self.id).await {
            Ok(header) => {
                self.pool.metrics.lazy_load_duration.observe(start.elapsed().as_secs_f64());
                *self.open.write() = Some(Arc::clone(&header));
                Ok(header)
            }
            Err(error) => {
                self.pool.metrics.lazy_load_failures.inc();
                Err(crate::error::of_data(error).context("lazy load index-header"))
            }
        }
    }

    /// Lets go of the mapping when it was not asked for during the idle time.
    pub(crate) fn close_if_idle(&self) {
        let Some(idle) = self.pool.idle_timeout() else { return };
        let unused_ms = self.pool.now_ms().saturating_sub(self.last_used_ms.load(Relaxed));
        if unused_ms >= idle.as_millis() as u64 && self.open.write().take().is_some() {
            self.pool.metrics.lazy_unloads.inc();
            tracing::debug!(block = %self.id, "closed idle index-header");
        }
    }
}
