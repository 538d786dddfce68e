//! Marks the blocks whose data others hold, once the others are known to be sound.
//!
//! Differs from Thanos: there, a block is marked as soon as some block lists its sources, be that one marked for deletion itself or half of it
//! lost. Here it has to be unmarked and whole; one that is not whole, and whose sources are all still there, is deleted, so that the
//! next plan makes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tsdb::meta::BlockMeta;
use ulid::Ulid;

use super::Compactor;
use crate::error::{Error, Result};
use crate::inspect::{Depth, inspect};
use crate::view::View;

/// What a collection did.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Blocks were deleted: the view is out of date.
    pub(super) changed: bool,
    /// The first error; the other blocks were looked at all the same.
    pub(super) error: Option<Error>,
}

impl Compactor {
    /// Marks the duplicates of the view that a sound block covers.
    pub(super) async fn collect_garbage(&self, view: &View) -> Collected {
        let (started, mut collected) = (Instant::now(), Collected::default());
        for (cover, duplicates) in covers(view) {
            let unmarked: Vec<Ulid> = duplicates
                .iter()
                .map(|meta| meta.ulid)
                .filter(|id| !view.deletion.contains_key(id) && !self.context.leases.is_held(*id))
                .collect();
            if unmarked.is_empty() {
                continue;
            }
            let done = match self.soundness(&cover, Depth::Index).await {
                Ok(None) => self.mark_outdated(&unmarked).await,
                Ok(Some(why)) => self.take_back(view, &cover, &duplicates, why, &mut collected.changed).await,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                self.context.metrics.garbage_collection_failures.inc();
                tracing::warn!(block = %cover.ulid, %error, "failed to collect the blocks that this one outdates");
                collected.error.get_or_insert(error);
            }
        }
        if collected.error.is_none() {
            self.context.metrics.garbage_collections.inc();
            self.context.metrics.garbage_collection_seconds.observe(started.elapsed().as_secs_f64());
        }
        collected
    }

    /// What is wrong with a block in the bucket, if anything. One that was found sound is not looked at again.
    pub(super) async fn soundness(&self, meta: &Arc<BlockMeta>, depth: Depth) -> Result<Option<String>> {
        if self.memory.is_sound(meta.ulid, depth) {
            return Ok(None);
        }
        let found = inspect(&self.context, meta, depth).await?;
        if found.is_none() {
            self.memory.found_sound(meta.ulid, depth);
        }
        Ok(found)
    }

    async fn mark_outdated(&self, ids: &[Ulid]) -> Result<()> {
        for id in ids {
            tracing::info!(block = %id, "marking outdated block for deletion");
            self.cleaner().mark_for_deletion(*id, "outdated block", self.now_ms()).await?;
            self.context.metrics.garbage_collected.inc();
        }
        Ok(())
    }

    /// Deletes a broken block when all of its data are in unmarked duplicates of it; else somebody has to look at it.
    async fn take_back(
        &self,
        view: &View,
        cover: &BlockMeta,
        duplicates: &[Arc<BlockMeta>],
        why: String,
        changed: &mut bool,
    ) -> Result<()> {
        let id = cover.ulid;
        let there: BTreeSet<Ulid> = duplicates
            .iter()
            .filter(|meta| !view.deletion.contains_key(&meta.ulid))
            .flat_map(|meta| meta.compaction.sources.iter().copied())
            .collect();
        if cover.compaction.sources.iter().all(|source| there.contains(source)) {
            tracing::error!(block = %id, why, "block is broken and its sources are all there; deleting it");
            bucket::delete::delete(self.context.bucket.as_ref(), id)
                .await
                .map_err(Error::retry(format!("delete broken block {id}")))?;
            *changed = true;
            return Ok(());
        }
        let why = format!("block {id} is broken, and other blocks hold only a part of its data: {why}");
        Err(Error::Retry { what: "collect garbage".to_owned(), why })
    }
}

/// The unmarked blocks that others are outdated by, with those others. Blocks that name no sources are never outdated: nothing says that
/// their data are anywhere else.
fn covers(view: &View) -> Vec<(Arc<BlockMeta>, Vec<Arc<BlockMeta>>)> {
    let mut covers: BTreeMap<Ulid, (Arc<BlockMeta>, Vec<Arc<BlockMeta>>)> = BTreeMap::new();
    for duplicate in &view.duplicates {
        let sources = &duplicate.compaction.sources;
        let key = duplicate.group_key();
        let cover = view.metas.values().find(|meta| {
            !view.deletion.contains_key(&meta.ulid)
                && !sources.is_empty()
                && sources.iter().all(|source| meta.compaction.sources.contains(source))
                && meta.group_key() == key
        });
        if let Some(cover) = cover {
            let (_, list) = covers.entry(cover.ulid).or_insert_with(|| (cover.clone(), Vec::new()));
            list.push(duplicate.clone());
        }
    }
    covers.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(n: u128, sources: &[u128]) -> Arc<BlockMeta> {
        let mut meta = BlockMeta::new(Ulid(n), 0, 7_200_000);
        meta.compaction.sources = sources.iter().map(|s| Ulid(*s)).collect();
        Arc::new(meta)
    }

    #[test]
    fn only_an_unmarked_block_outdates_others() {
        let cover = meta(9, &[1, 2]);
        let mut view = View {
            metas: [(cover.ulid, cover)].into(),
            duplicates: vec![meta(1, &[1]), meta(2, &[2]), meta(3, &[])],
            ..View::default()
        };
        let found = covers(&view);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.iter().map(|m| m.ulid.0).collect::<Vec<_>>(), [1, 2], "no sources, no garbage");
        let mark =
            bucket::marks::DeletionMark { id: Ulid(9), version: 1, details: String::new(), deletion_time: 0 };
        view.deletion.insert(Ulid(9), mark);
        assert!(covers(&view).is_empty());
    }
}
