//! Marks the blocks whose retention has passed.

use bucket::block;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use super::Compactor;
use crate::coverage::{Expiry, RESOLUTIONS_MS, Retention};
use crate::error::Result;
use crate::inspect::Depth;
use crate::view::View;

impl Compactor {
    /// Marks what has passed its retention, and what is to be kept at a coarser resolution only once the blocks there are known to be whole.
    /// A block that fails does not stop the others; the first error is returned at the end.
    pub(super) async fn apply_retention(&self, view: &View) -> Result<()> {
        let (mut held, mut first_error) = (0u64, None);
        for expiry in self.expired(view, self.now_ms()) {
            let marked = match expiry {
                Expiry::Delete(id) => self.mark_expired(view, id).await,
                Expiry::DeleteCovered(id, by) => match self.first_broken(view, &by).await {
                    Ok(None) => self.mark_expired(view, id).await,
                    Ok(Some(why)) => {
                        tracing::error!(block = %id, why, "retention has passed, but the downsampled copy is broken; block is kept");
                        held += 1;
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
                Expiry::DownsampleFirst(id) => {
                    tracing::debug!(block = %id, "retention has passed; block is kept until it is downsampled");
                    held += 1;
                    Ok(())
                }
            };
            if let Err(error) = marked {
                tracing::warn!(%error, "failed to apply retention to a block");
                first_error.get_or_insert(error);
            }
        }
        self.context.metrics.retention_held_blocks.set(held as i64);
        if held > 0 {
            tracing::warn!(
                blocks = held,
                "blocks past their retention are kept until their downsampled copies are there"
            );
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn mark_expired(&self, view: &View, id: Ulid) -> Result<()> {
        if view.deletion.contains_key(&id) || self.context.leases.is_held(id) {
            return Ok(());
        }
        let keep_ms = view.metas.get(&id).map_or(0, |meta| self.config.retention.keep_of(meta));
        let keep = model::duration::format_go(keep_ms.saturating_mul(1_000_000));
        tracing::info!(block = %id, retention = %keep, "applying retention: marking block for deletion");
        let details = format!("block exceeding retention of {keep}");
        self.cleaner().mark_for_deletion(id, &details, self.now_ms()).await
    }

    /// What is wrong with the first of the blocks that is not whole.
    async fn first_broken(&self, view: &View, ids: &[Ulid]) -> Result<Option<String>> {
        for id in ids {
            let Some(meta) = view.metas.get(id) else {
                return Ok(Some(format!("{} is not there any more", block::meta(*id))));
            };
            if let Some(why) = self.soundness(meta, Depth::Files).await? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }
}

impl Retention {
    fn keep_of(&self, meta: &BlockMeta) -> i64 {
        let level = RESOLUTIONS_MS.iter().position(|r| *r == meta.thanos.downsample.resolution);
        level.map_or(0, |level| self.keep_ms[level])
    }
}
