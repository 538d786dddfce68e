//! Brings a new block into the bucket: checked, whole, and read back.

use std::path::{Path, PathBuf};

use bucket::upload::UploadOptions;
use futures::StreamExt;
use objstore::IterOptions;
use tsdb::meta::{BlockMeta, Source};
use ulid::Ulid;

use super::{Context, Thanos};
use crate::error::{Error, Result};
use crate::progress::Progress;

impl Context {
    /// Finishes a new block that lies in `parent`: checks it, completes its meta, uploads it, and reads it back.
    pub(super) async fn publish(
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
        let check = self.blocking(&progress, move |work, p| work.check(&check_dir, &checked, p));
        let (health, ()) = tokio::try_join!(check, sync_files(dir.clone()))?;
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
            written.write_scratch_dir(&write_dir).map_err(|error| error.to_string())
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

/// Waits until the disk has the files of a block, so that nothing is uploaded that was never written.
async fn sync_files(dir: PathBuf) -> Result<()> {
    let what = format!("flush {} to the disk", dir.display());
    let sync = move || -> std::io::Result<()> {
        let chunks = std::fs::read_dir(dir.join(bucket::block::CHUNKS_DIR))?;
        let chunks = chunks.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        for path in chunks.into_iter().chain([dir.join(bucket::block::INDEX_FILE)]) {
            std::fs::File::open(path)?.sync_all()?;
        }
        Ok(())
    };
    match tokio::task::spawn_blocking(sync).await {
        Ok(done) => done.map_err(Error::local(what)),
        Err(error) => Err(Error::Critical(format!("{what}: {error}"))),
    }
}
