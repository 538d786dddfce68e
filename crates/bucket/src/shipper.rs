//! Uploads the blocks of a Prometheus data folder, oldest first.
//!
//! A block is hard-linked into `thanos/upload/<ULID>` of the data folder, so that what Prometheus does to its own folder
//! meanwhile does not matter; its meta.json gets the Thanos section there; then it is uploaded, meta.json last, and the
//! links are removed. A block counts as uploaded when its meta.json is in the bucket. The state file (see [`State`]) only
//! spares asking the bucket; nothing is lost with it.
//!
//! A crash at any point leaves a partial block at most, which nobody sees and which the next pass overwrites.

mod files;
mod metrics;
mod overlap;
mod state;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::labels::Labels;
use objstore::Bucket;
use tracing::{debug, error, info, warn};
use tsdb::meta::{BlockMeta, Source};
use ulid::Ulid;

use crate::upload::{HashFunc, UploadOptions, blocking, upload};
use crate::{Error as BucketError, block};

pub use metrics::ShipperMetrics;
pub use overlap::Overlap;
pub use state::{DEFAULT_STATE_FILE, State, StateError};

use overlap::OverlapChecker;

/// Gives the present external labels.
pub type LabelsFn = Arc<dyn Fn() -> Labels + Send + Sync>;

/// Settings of a shipper.
#[derive(Clone, Debug)]
pub struct ShipperConfig {
    /// The data folder.
    pub dir: PathBuf,
    /// Name of the state file in it.
    pub state_file: String,
    /// What goes into meta.json as the source.
    pub source: Source,
    /// The hash that goes into meta.json for every file.
    pub hash_func: HashFunc,
    /// Upload blocks above level 1 as well, if they overlap no block of the same labels in the bucket.
    pub upload_compacted: bool,
    /// Go on with the next block after one that could not be uploaded. Compaction in the bucket may then see newer blocks
    /// before older ones.
    pub allow_out_of_order_uploads: bool,
    /// Leave out blocks whose meta.json cannot be read.
    pub skip_corrupted_blocks: bool,
    /// Chunk files of one block that are uploaded at once; 0 is 1.
    pub upload_concurrency: usize,
}

/// Why a pass ended early.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct SyncError {
    /// Blocks that were uploaded before.
    pub uploaded: usize,
    /// The cause.
    pub cause: SyncErrorCause,
}

/// The causes of a [`SyncError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncErrorCause {
    /// A block of the data folder, or the folder, cannot be read.
    #[error(transparent)]
    Local(BucketError),
    /// The bucket does not say whether it has the block.
    #[error("check exists: {0}")]
    Exists(objstore::Error),
    /// A compacted block overlaps what is in the bucket.
    #[error(
        "Found overlap or error during sync, cannot upload compacted block, details: shipping compacted block {id} is \
         blocked; overlap spotted: {overlap}"
    )]
    Overlap {
        /// The block.
        id: Ulid,
        /// What it overlaps.
        overlap: Overlap,
    },
    /// The blocks in the bucket cannot be read to check for overlap.
    #[error(
        "Found overlap or error during sync, cannot upload compacted block, details: get all block meta.: {0}"
    )]
    OverlapCheck(BucketError),
    /// A block could not be uploaded.
    #[error("upload {id}: {cause}")]
    Upload {
        /// The block.
        id: Ulid,
        /// Why.
        cause: BucketError,
    },
    /// The pass went through, but not all blocks were uploaded.
    #[error("failed to sync {failed}/{corrupted} blocks")]
    Blocks {
        /// Blocks that could not be uploaded.
        failed: usize,
        /// Blocks that could not be read.
        corrupted: usize,
    },
}

/// Uploads blocks; see the module.
pub struct Shipper {
    bucket: Arc<dyn Bucket>,
    config: ShipperConfig,
    labels: LabelsFn,
    metrics: ShipperMetrics,
    /// Left-overs of a former process were removed.
    cleaned: bool,
}

impl Shipper {
    /// A shipper that labels the blocks with `labels`, asked for each of them.
    pub fn new(
        bucket: Arc<dyn Bucket>,
        config: ShipperConfig,
        labels: LabelsFn,
        metrics: ShipperMetrics,
    ) -> Shipper {
        Shipper { bucket, config, labels, metrics, cleaned: false }
    }

    /// Path of the state file.
    pub fn state_path(&self) -> PathBuf {
        self.config.dir.join(&self.config.state_file)
    }

    /// Whether every block of the data folder stands in the state file.
    pub async fn are_all_blocks_uploaded(&self) -> Result<bool, SyncErrorCause> {
        let (metas, _) = self.local_blocks().await.map_err(SyncErrorCause::Local)?;
        if metas.is_empty() {
            return Ok(true);
        }
        let uploaded =
            State::read(&self.state_path()).map(|state| state.uploaded.into_iter().collect::<HashSet<_>>());
        Ok(uploaded.is_ok_and(|uploaded| metas.iter().all(|meta| uploaded.contains(&meta.ulid))))
    }

    /// One pass: uploads what is not in the bucket yet, and returns the number of blocks uploaded.
    ///
    /// The first block that fails ends the pass (unless out-of-order uploads are allowed), so that blocks arrive oldest
    /// first. Not to be run twice at once over one folder.
    pub async fn sync(&mut self) -> Result<usize, SyncError> {
        let mut uploaded = 0;
        let outcome = self.pass(&mut uploaded).await;
        match &outcome {
            // A pass that went through to its end counts as done, whatever became of single blocks.
            Ok(()) | Err(SyncErrorCause::Blocks { .. }) => self.metrics.dir_syncs.inc(),
            Err(_) => self.metrics.dir_sync_failures.inc(),
        }
        outcome.map(|()| uploaded).map_err(|cause| SyncError { uploaded, cause })
    }

    async fn pass(&mut self, uploaded: &mut usize) -> Result<(), SyncErrorCause> {
        let path = self.state_path();
        let known: HashSet<Ulid> = match State::read(&path) {
            Ok(state) => state.uploaded.into_iter().collect(),
            Err(err) if err.is_not_found() => {
                info!("no meta file found, creating empty meta data to write later");
                HashSet::new()
            }
            Err(err) => {
                error!(%err, "failed to read meta file, creating empty meta data to write later");
                HashSet::new()
            }
        };
        if !self.cleaned {
            self.clean().await;
            self.cleaned = true;
        }
        let (metas, corrupted) = self.local_blocks().await.map_err(SyncErrorCause::Local)?;
        // Only blocks that are still on the disk are kept in the list.
        let mut state = State::default();
        let mut checker = OverlapChecker::default();
        let mut failed = 0;
        for meta in metas {
            let id = meta.ulid;
            if known.contains(&id) {
                state.uploaded.push(id);
                continue;
            }
            if meta.stats.num_samples == 0 {
                debug!(block = %id, "ignoring empty block");
                continue;
            }
            let compacted = meta.compaction.level > 1;
            if compacted && !self.config.upload_compacted {
                continue;
            }
            if self.bucket.exists(&block::meta(id)).await.map_err(SyncErrorCause::Exists)? {
                state.uploaded.push(id);
                continue;
            }
            if compacted && !self.config.allow_out_of_order_uploads {
                self.check_overlap(&mut checker, &meta).await?;
            }
            match self.upload(&meta).await {
                Ok(shipped) => {
                    checker.add(&shipped);
                    state.uploaded.push(id);
                    *uploaded += 1;
                    self.metrics.uploads.inc();
                }
                Err(cause) if self.config.allow_out_of_order_uploads => {
                    // Only logged: the next pass tries again.
                    error!(block = %id, err = %cause, "shipping failed");
                    failed += 1;
                }
                Err(cause) => return Err(SyncErrorCause::Upload { id, cause }),
            }
        }
        if let Err(err) = state.write(&path) {
            warn!(%err, "updating meta file failed");
        }
        if failed > 0 || corrupted > 0 {
            self.metrics.upload_failures.inc_by(failed as u64);
            self.metrics.corrupted_blocks.inc_by(corrupted as u64);
            return Err(SyncErrorCause::Blocks { failed, corrupted });
        }
        self.metrics.uploaded_compacted.set(i64::from(self.config.upload_compacted));
        Ok(())
    }

    async fn check_overlap(
        &self,
        checker: &mut OverlapChecker,
        meta: &BlockMeta,
    ) -> Result<(), SyncErrorCause> {
        if !checker.is_loaded() {
            info!(id = %meta.ulid, "gathering all existing blocks from the remote bucket for check");
            checker
                .load(self.bucket.as_ref(), &(self.labels)())
                .await
                .map_err(SyncErrorCause::OverlapCheck)?;
        }
        match checker.overlap(meta) {
            None => Ok(()),
            Some(overlap) => Err(SyncErrorCause::Overlap { id: meta.ulid, overlap }),
        }
    }

    /// Metas of the blocks in the data folder by their start, and the number of those that cannot be read.
    async fn local_blocks(&self) -> Result<(Vec<BlockMeta>, usize), BucketError> {
        let (dir, skip) = (self.config.dir.clone(), self.config.skip_corrupted_blocks);
        blocking(Ulid::nil(), move || files::blocks_from_oldest(&dir, skip)).await
    }

    fn upload_dir(&self) -> PathBuf {
        self.config.dir.join("thanos").join("upload")
    }

    /// Removes the links that a former process has left: they keep disk space of deleted blocks.
    async fn clean(&self) {
        let dir = self.upload_dir();
        let cleaned = blocking(Ulid::nil(), move || files::clean(&dir)).await;
        if let Err(err) = cleaned {
            error!(%err, "failed to clean upload directory");
        }
    }

    async fn upload(&self, meta: &BlockMeta) -> Result<BlockMeta, BucketError> {
        let id = meta.ulid;
        info!(%id, "upload new block");
        let link_dir = self.upload_dir().join(id.to_string());
        let shipped = self.upload_linked(meta, &link_dir).await;
        let removed = blocking(id, move || files::remove(&link_dir)).await;
        if let Err(err) = removed {
            error!(%err, "failed to clean upload directory");
        }
        shipped
    }

    async fn upload_linked(&self, meta: &BlockMeta, link_dir: &Path) -> Result<BlockMeta, BucketError> {
        let id = meta.ulid;
        let mut meta = meta.clone();
        for (name, value) in (self.labels)().iter() {
            meta.thanos.labels.insert(name.to_string(), value.to_string());
        }
        meta.thanos.source = self.config.source.clone();
        let (from, to) = (self.config.dir.join(id.to_string()), link_dir.to_path_buf());
        blocking(id, move || {
            files::link_block(&from, &to)?;
            meta.thanos.segment_files = files::segment_files(&to)?;
            meta.write_dir(&to).map_err(|error| BucketError::block(id, error))
        })
        .await?;
        let options = UploadOptions {
            hash_func: self.config.hash_func,
            require_labels: true,
            concurrency: self.config.upload_concurrency,
            // Prometheus's own files: the bucket gets copies.
            is_final: false,
        };
        upload(self.bucket.as_ref(), link_dir, options).await
    }
}

#[cfg(test)]
mod tests;
