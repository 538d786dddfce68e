//! Reads the marks of all blocks of a fetch.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use objstore::Bucket;
use parking_lot::Mutex;
use ulid::Ulid;

use super::MetaFilter;
use crate::{
    Error, Result,
    fetcher::{Counts, Metas, State},
    marks::{self, Mark},
};

/// Reads the marks of one kind. One that is no JSON may be half uploaded, and counts as absent with a warning.
pub(super) async fn read_marks<M: Mark>(
    bucket: &Arc<dyn Bucket>,
    metas: &Metas,
    concurrency: usize,
) -> Result<BTreeMap<Ulid, M>> {
    let ids: Vec<Ulid> = metas.keys().copied().collect();
    let mut reads = stream::iter(ids)
        .map(|id| async move { (id, marks::read::<M>(bucket.as_ref(), id).await) })
        .buffer_unordered(concurrency.max(1));
    let mut found = BTreeMap::new();
    while let Some((id, mark)) = reads.next().await {
        match mark {
            Ok(Some(mark)) => {
                found.insert(id, mark);
            }
            Ok(None) => {}
            Err(error @ Error::CorruptMark { .. }) => {
                tracing::warn!(block = %id, %error, "found partial mark; if this happens often for the same block, consider deleting the mark from the object storage");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Gathers the marks of one kind without hiding blocks: which to leave out of compaction, or of downsampling.
#[derive(Debug)]
pub struct MarkGatherer<M> {
    bucket: Arc<dyn Bucket>,
    concurrency: usize,
    state: State,
    found: Mutex<BTreeMap<Ulid, M>>,
}

impl MarkGatherer<marks::NoCompactMark> {
    /// Gathers no-compact marks.
    pub fn no_compact(bucket: Arc<dyn Bucket>, concurrency: usize) -> Self {
        MarkGatherer { bucket, concurrency, state: State::MarkedForNoCompact, found: Mutex::default() }
    }
}

impl MarkGatherer<marks::NoDownsampleMark> {
    /// Gathers no-downsample marks.
    pub fn no_downsample(bucket: Arc<dyn Bucket>, concurrency: usize) -> Self {
        MarkGatherer { bucket, concurrency, state: State::MarkedForNoDownsample, found: Mutex::default() }
    }
}

impl<M: Clone> MarkGatherer<M> {
    /// The marks found by the last fetch.
    pub fn marked(&self) -> BTreeMap<Ulid, M> {
        self.found.lock().clone()
    }
}

#[async_trait]
impl<M: Mark> MetaFilter for MarkGatherer<M> {
    async fn filter(&self, _: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        let found: BTreeMap<Ulid, M> = read_marks(&self.bucket, metas, self.concurrency).await?;
        for _ in &found {
            counts.add(self.state);
        }
        *self.found.lock() = found;
        Ok(())
    }
}
