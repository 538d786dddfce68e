//! One job on blocks: fetch, work, verify, upload, read back, and only then mark the sources.

mod compaction;
mod downsample;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bucket::upload::{HashFunc, UploadOptions};
use futures::StreamExt;
use objstore::{Bucket, IterOptions};
use tokio_util::sync::CancellationToken;
use tsdb::meta::{BlockMeta, Source};
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

    /// Finishes a new block that lies in `parent`: checks it, completes its meta, uploads it, and reads it back.
    async fn publish(
        &self,
        parent: &Path,
        new: BlockMeta,
        plain: Thanos,
        source: Source,
    ) -> Result<BlockMeta> {
        let dir = parent.join(new.ulid.to_string());
        let check_dir = dir.clone();
        let mut meta = new;
        let checked = meta.clone();
        let progress = Progress::default();
        let health = self.blocking(&progress, move |work, p| work.check(&check_dir, &checked, p)).await?;
        let bad = [&health.out_of_order, &health.outside].into_iter().flatten().next().or(
            match self.settings.accept_malformed_index {
                true => None,
                false => health.label_order.as_ref(),
            },
        );
        if let Some(bad) = bad {
            return Err(Error::Critical(format!("resulting block {} is not sound: {bad}", meta.ulid)));
        }
        if (health.series, health.chunks) != (meta.stats.num_series, meta.stats.num_chunks) {
            return Err(Error::Critical(format!(
                "resulting block {} has {} series and {} chunks, its meta says {} and {}",
                meta.ulid, health.series, health.chunks, meta.stats.num_series, meta.stats.num_chunks
            )));
        }
        meta.thanos.version = tsdb::meta::THANOS_VERSION;
        meta.thanos.labels = plain.labels;
        meta.thanos.downsample.resolution = plain.resolution_ms;
        meta.thanos.extensions = plain.extensions;
        meta.thanos.source = source;
        meta.thanos.index_stats = health.index_stats;
        meta.thanos.segment_files = segment_files(&dir)?;
        let (write_dir, written) = (dir.clone(), meta.clone());
        tokio::task::spawn_blocking(move || {
            // Tombstones are applied by now, and are no part of a block in a bucket.
            match std::fs::remove_file(write_dir.join("tombstones")) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
                _ => {}
            }
            written.write_dir(&write_dir).map_err(|error| error.to_string())
        })
        .await
        .map_err(|error| error.to_string())
        .and_then(|done| done)
        .map_err(|why| Error::Retry { what: format!("write meta.json of block {}", meta.ulid), why })?;

        self.refuse_taken(meta.ulid).await?;
        // An upload that is stopped half-way leaves a partial block, which nobody sees and the cleaner removes.
        let options = UploadOptions {
            hash_func: self.settings.hash_func,
            require_labels: true,
            concurrency: self.settings.files_concurrency,
            is_final: true,
        };
        let upload = bucket::upload::upload(self.bucket.as_ref(), &dir, options);
        let uploaded = tokio::select! {
            uploaded = upload => uploaded.map_err(Error::retry(format!("upload block {}", meta.ulid))),
            () = self.stop.cancelled() => return Err(Error::Cancelled),
        };
        let uploaded = match uploaded {
            Ok(uploaded) => uploaded,
            Err(error) => {
                self.remove_partial(meta.ulid).await;
                return Err(error);
            }
        };
        // When the comparison itself fails the block stays: the garbage collection of the next pass inspects it.
        if let Some(why) = crate::verify::read_back(&self.bucket, &dir, &uploaded).await? {
            self.remove(meta.ulid).await;
            return Err(Error::Retry { what: format!("read back block {}", meta.ulid), why });
        }
        Ok(uploaded)
    }

    /// Refuses to write into the folder of a block that is there already, be it only a part of one: no two writers choose the same
    /// name, unless something is badly wrong.
    async fn refuse_taken(&self, id: Ulid) -> Result<()> {
        let what = || format!("look for objects of the new block {id}");
        let first = self.bucket.iter(&id.to_string(), IterOptions::recursive()).next().await;
        match first.transpose().map_err(Error::storage(what()))? {
            None => Ok(()),
            Some(taken) => Err(Error::Retry {
                what: format!("upload block {id}"),
                why: format!("the name is taken: {} is in the bucket", taken.name),
            }),
        }
    }

    /// Removes what a failed upload has left, unless its meta.json has arrived after all. What stays is partial, and the cleaner's.
    async fn remove_partial(&self, id: Ulid) {
        if matches!(self.bucket.exists(&bucket::block::meta(id)).await, Ok(false)) {
            self.remove(id).await;
        }
    }

    async fn remove(&self, id: Ulid) {
        if let Err(error) = bucket::delete::delete(self.bucket.as_ref(), id).await {
            tracing::warn!(block = %id, %error, "failed to remove a block that was not uploaded well");
        }
    }
}

/// What the result of a job takes over from its sources.
struct Thanos {
    labels: std::collections::BTreeMap<String, String>,
    resolution_ms: i64,
    extensions: Option<tsdb::meta::RawJson>,
}

/// The names of a block's chunk files, sorted.
fn segment_files(dir: &Path) -> Result<Vec<String>> {
    let chunks = dir.join(bucket::block::CHUNKS_DIR);
    let what = || format!("list {}", chunks.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&chunks).map_err(Error::local(what()))? {
        names.push(entry.map_err(Error::local(what()))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
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
