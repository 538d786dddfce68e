//! Filters take blocks out of a fetch, or change their metas, before a component sees them.
//!
//! The store gateway's order: [`TimePartition`], [`LabelSharding`], [`ConsistencyDelay`], [`DeletionMarks`], [`Deduplicate`]. The
//! compactor's: the same, with [`ReplicaLabelRemover`] before [`Deduplicate`] and [`MarkGatherer`]s at the end.

mod consistency;
mod deduplicate;
mod deletion;
mod gather;
mod replica;
mod sharding;
mod time;

use async_trait::async_trait;

pub use self::{
    consistency::ConsistencyDelay,
    deduplicate::Deduplicate,
    deletion::DeletionMarks,
    gather::MarkGatherer,
    replica::ReplicaLabelRemover,
    sharding::{BLOCK_ID_LABEL, LabelSharding, parse_selector},
    time::{TimeOrDuration, TimePartition},
};
use crate::{
    Result,
    fetcher::{Counts, Metas},
};

/// One step between a fetch and its user.
#[async_trait]
pub trait MetaFilter: Send + Sync + 'static {
    /// Takes blocks out of `metas` or changes them, and counts what it did. `now_ms` is the present.
    async fn filter(&self, now_ms: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()>;
}

#[async_trait]
impl<F: MetaFilter> MetaFilter for std::sync::Arc<F> {
    async fn filter(&self, now_ms: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        self.as_ref().filter(now_ms, metas, counts).await
    }
}
