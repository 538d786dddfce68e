//! Marking, and deleting: blocks whose mark is old enough, partial uploads that nobody goes on with.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bucket::block;
use bucket::marks::{self, DeletionMark};
use objstore::{Bucket, IterOptions};
use ulid::Ulid;

use crate::error::{Error, Result};
use crate::leases::Leases;
use crate::metrics::Metrics;
use crate::view::{Partial, View};

/// A partial block that has not been touched for this time in ms is given up: its upload is not going on.
const PARTIAL_UPLOAD_AGE_MS: i64 = 2 * 24 * 3_600_000;

/// Does the marking and deleting.
#[derive(Clone)]
pub struct Cleaner {
    /// The bucket.
    pub bucket: Arc<dyn Bucket>,
    /// Blocks that jobs work on.
    pub leases: Leases,
    /// Metrics.
    pub metrics: Metrics,
    /// From mark to deletion, in ms.
    pub delete_delay_ms: i64,
}

impl Cleaner {
    /// Marks a block for deletion.
    pub async fn mark_for_deletion(&self, id: Ulid, details: &str, now_ms: i64) -> Result<()> {
        let mark = DeletionMark {
            id,
            version: marks::VERSION,
            details: details.to_owned(),
            deletion_time: now_ms.div_euclid(1000),
        };
        let written = marks::write(self.bucket.as_ref(), id, &mark)
            .await
            .map_err(Error::retry(format!("mark block {id} for deletion")))?;
        if written {
            self.metrics.blocks_marked.with_label_values(&["deletion-mark.json", ""]).inc();
        }
        Ok(())
    }

    /// Deletes the blocks whose mark is older than the delay. Failures are counted and logged, and tried again the next time.
    pub async fn delete_marked(&self, view: &View, now_ms: i64) {
        for (id, mark) in &view.deletion {
            let age_ms = now_ms.saturating_sub(mark.deletion_time.saturating_mul(1000));
            if age_ms <= self.delete_delay_ms || self.leases.is_held(*id) {
                continue;
            }
            self.delete(*id, "deleted block marked for deletion").await;
        }
        self.metrics.cleanup_loops.inc();
    }

    async fn delete(&self, id: Ulid, done: &str) {
        match bucket::delete::delete(self.bucket.as_ref(), id).await {
            Ok(()) => {
                self.metrics.blocks_cleaned.inc();
                tracing::info!(block = %id, "{done}");
            }
            Err(error) => {
                self.metrics.cleanup_failures.inc();
                tracing::warn!(block = %id, %error, "failed to delete block; trying again the next time");
            }
        }
    }

    /// Deletes partial blocks that nobody has written to for two days.
    ///
    /// Differs from Thanos: a block whose meta.json is there but cannot be read is left alone, since its data may be whole and
    /// the meta can be mended.
    pub async fn delete_partial(&self, view: &View, now_ms: i64) {
        for (id, why) in &view.partial {
            if *why == Partial::CorruptMeta {
                tracing::warn!(block = %id, "meta.json cannot be read; the block is left alone until somebody looks at it");
                continue;
            }
            // One that is marked is in the middle of being deleted: the cleaner goes on with it by its mark.
            let marked = match marks::read::<DeletionMark>(self.bucket.as_ref(), *id).await {
                Ok(mark) => mark,
                Err(error) => {
                    tracing::warn!(block = %id, %error, "failed to read deletion mark of partial block");
                    continue;
                }
            };
            let last = match self.last_modified(*id).await {
                Ok(last) => last,
                Err(error) => {
                    tracing::warn!(block = %id, %error, "failed to list partial block");
                    continue;
                }
            };
            let old = now_ms.saturating_sub(last) > PARTIAL_UPLOAD_AGE_MS;
            let due = marked.is_some_and(|mark| {
                now_ms.saturating_sub(mark.deletion_time.saturating_mul(1000)) > self.delete_delay_ms
            });
            if !old && !due {
                continue;
            }
            self.metrics.partial_deletion_attempts.inc();
            tracing::info!(block = %id, "found partially uploaded block; deleting");
            self.delete(*id, "deleted aborted partial upload").await;
        }
    }

    /// Removes what broken uploads have left that no listing shows: a kill within the first upload of a block leaves no more than that.
    pub async fn tidy(&self) {
        let age = Duration::from_millis(PARTIAL_UPLOAD_AGE_MS.unsigned_abs());
        match self.bucket.tidy("", age).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed what aborted uploads have left"),
            Err(error) => tracing::warn!(%error, "failed to remove what aborted uploads have left"),
        }
    }

    /// When any object of the block was last written, in ms; the block's own time when the bucket cannot tell.
    async fn last_modified(&self, id: Ulid) -> std::result::Result<i64, objstore::Error> {
        let options = IterOptions::recursive().with_last_modified();
        let entries = self.bucket.list(&id.to_string(), options).await?;
        let newest: Option<SystemTime> = entries.into_iter().filter_map(|e| e.last_modified).max();
        Ok(newest
            .and_then(|t| t.duration_since(UNIX_EPOCH).ok())
            .and_then(|d| i64::try_from(d.as_millis()).ok())
            .unwrap_or_else(|| block::created_ms(id)))
    }
}
