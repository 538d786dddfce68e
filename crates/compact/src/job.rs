//! One job on blocks: fetch, work, verify, upload, read back, and only then mark the sources.

mod compaction;
mod downsample;
mod publish;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bucket::upload::HashFunc;
use objstore::{Bucket, IterOptions};
use tokio_util::sync::CancellationToken;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

pub use compaction::{CompactionJob, Outcome};
pub use downsample::{Downsampled, run_downsample};

use crate::clean::Cleaner;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::leases::Leases;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::work::{BlockWork, Merge};

/// What every job needs.
#[derive(Clone)]
pub struct Context {
    /// The bucket.
    pub bucket: Arc<dyn Bucket>,
    /// The work on local blocks.
    pub work: Arc<dyn BlockWork>,
    /// Marks sources.
    pub cleaner: Cleaner,
    /// Blocks in use.
    pub leases: Leases,
    /// Metrics.
    pub metrics: Metrics,
    /// The present.
    pub clock: Clock,
    /// Where jobs put their files.
    pub dir: PathBuf,
    /// Settings.
    pub settings: Settings,
    /// Cancelled when the program stops.
    pub stop: CancellationToken,
}

/// Settings of the jobs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How overlapping samples are merged.
    pub merge: Merge,
    /// Overlapping blocks are merged instead of refused.
    pub vertical: bool,
    /// Blocks fetched at once in a job.
    pub fetch_concurrency: usize,
    /// Files of a block moved at once.
    pub files_concurrency: usize,
    /// Hashes in meta.json.
    pub hash_func: HashFunc,
    /// Labels out of order are let pass.
    pub accept_malformed_index: bool,
    /// Blocks with chunks out of order are marked and left out instead of stopping their group.
    pub skip_out_of_order: bool,
}

impl Context {
    /// Runs blocking work on a thread of its own; stops it when the program stops.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        progress: &Progress,
        work: impl FnOnce(&dyn BlockWork, &Progress) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (engine, theirs) = (self.work.clone(), progress.clone());
        let mut handle = tokio::task::spawn_blocking(move || work(engine.as_ref(), &theirs));
        let joined = tokio::select! {
            joined = &mut handle => joined,
            () = self.stop.cancelled() => {
                progress.cancel();
                handle.await
            }
        };
        match joined {
            Ok(result) => result,
            Err(error) => Err(Error::Critical(format!("work on blocks panicked: {error}"))),
        }
    }

    /// Refuses a job that the disk cannot hold, before anything is fetched.
    fn check_disk(&self, what: &str, need: u64) -> Result<()> {
        let statistics = rustix::fs::statvfs(&self.dir).map_err(|error| {
            Error::local(format!("ask for the free space of {}", self.dir.display()))(error.into())
        })?;
        let free = statistics.f_bavail.saturating_mul(statistics.f_frsize);
        tracing::info!(job = what, need_bytes = need, free_bytes = free, "disk space for job");
        if need > free {
            return Err(Error::Disk {
                what: what.to_owned(),
                dir: self.dir.display().to_string(),
                need,
                free,
            });
        }
        Ok(())
    }
}

/// What the result of a job takes over from its sources.
struct Thanos {
    labels: std::collections::BTreeMap<String, String>,
    resolution_ms: i64,
    extensions: Option<tsdb::meta::RawJson>,
}

/// Bytes of the blocks' files: as their metas tell them, else as the bucket does.
async fn block_bytes(context: &Context, metas: &[Arc<BlockMeta>]) -> Result<u64> {
    let mut total = 0u64;
    for meta in metas {
        let told = meta.thanos.files.iter().filter_map(|f| u64::try_from(f.size_bytes).ok()).sum();
        total = total.saturating_add(match told {
            0 => stored_bytes(context.bucket.as_ref(), meta.ulid)
                .await
                .map_err(Error::storage(format!("ask for the size of block {}", meta.ulid)))?,
            told => told,
        });
    }
    Ok(total)
}

/// Bytes of a block's objects in the bucket.
async fn stored_bytes(bucket: &dyn Bucket, id: Ulid) -> objstore::Result<u64> {
    let mut total = 0u64;
    for entry in bucket.list(&id.to_string(), IterOptions::recursive()).await? {
        total = total.saturating_add(bucket.attributes(&entry.name).await?.size);
    }
    Ok(total)
}

/// A new, empty directory; what an earlier try has left is removed.
pub(crate) async fn fresh_dir(dir: &Path) -> Result<()> {
    match tokio::fs::remove_dir_all(dir).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::local(format!("remove {}", dir.display()))(error));
        }
        _ => {}
    }
    tokio::fs::create_dir_all(dir).await.map_err(Error::local(format!("create {}", dir.display())))
}

/// Removes a working directory; what cannot be removed is only a warning.
pub(crate) async fn remove_dir(dir: &Path) {
    if let Err(error) = tokio::fs::remove_dir_all(dir).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(dir = %dir.display(), %error, "failed to remove working directory");
    }
}

/// Ids for a message.
fn list(ids: &[Ulid]) -> String {
    ids.iter().map(Ulid::to_string).collect::<Vec<_>>().join(" ")
}
