//! The work on blocks that lie on the local disk, behind a trait: `tsdb` does it, and tests put something in its place that fails at
//! will or knows nothing but metas.

mod health;
mod tsdb;

use std::path::{Path, PathBuf};

pub use self::tsdb::TsdbWork;
use ::tsdb::meta::{BlockMeta, IndexStats};

use crate::error::Result;
use crate::progress::Progress;

/// How overlapping samples are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Equal samples once, of different ones at the same time one; every time stays.
    Chain,
    /// The penalty algorithm: of replicas that scrape the same target one is followed while it has no gap.
    Penalty,
}

/// What a block looks like inside.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Sizes for the result's meta.
    pub index_stats: IndexStats,
    /// Series in the index.
    pub series: u64,
    /// Chunks in the index.
    pub chunks: u64,
    /// Series whose chunks are out of order or overlap, and an example.
    pub out_of_order: Option<String>,
    /// Chunks that lie wholly outside of the block, and an example.
    pub outside: Option<String>,
    /// Chunks that begin where the block ends, as the defect "issue 347" leaves them, and an example.
    pub issue_347: Option<String>,
    /// Labels out of order, and an example.
    pub label_order: Option<String>,
}

/// What was counted in a block, whatever its meta says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Series with chunks.
    pub series: u64,
    /// Samples, those behind the end of the block left out; deleted ones are counted.
    pub samples: u64,
    /// Something is deleted by tombstones.
    pub tombstones: bool,
}

/// Work on local blocks. All calls block for as long as the work takes and stop early when `progress` is cancelled.
pub trait BlockWork: Send + Sync + 'static {
    /// Reads the whole index and says what is odd. An index that cannot be read is an error.
    fn check(&self, dir: &Path, meta: &BlockMeta, progress: &Progress) -> Result<Health>;

    /// Counts series and samples.
    fn count(&self, dir: &Path, meta: &BlockMeta, progress: &Progress) -> Result<Counts>;

    /// Merges the blocks in `inputs` into a new one under `parent`. `None` when the result would have no samples.
    fn merge(
        &self,
        inputs: &[PathBuf],
        parent: &Path,
        merge: Merge,
        progress: &Progress,
    ) -> Result<Option<BlockMeta>>;

    /// Writes the block in `input` at the resolution `to_ms` as a new block under `parent`. `None` when the result would have no samples.
    fn downsample(
        &self,
        input: &Path,
        parent: &Path,
        to_ms: i64,
        progress: &Progress,
    ) -> Result<Option<BlockMeta>>;
}
