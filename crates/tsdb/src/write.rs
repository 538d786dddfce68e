//! Writing blocks: chunk segments, the index, and a whole block directory.
//!
//! All writers stream; what they keep in memory is stated with each. The bytes are those that Prometheus writes for the
//! same series.

mod chunks;
mod file;
mod index;
mod postings;

pub use chunks::{DEFAULT_SEGMENT_SIZE, SegmentWriter};
/// Whether what is written waits for the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// A finished file is on the disk.
    #[default]
    Synced,
    /// The writing to the disk has begun. For who syncs the files later, beside other work, before anything relies on them.
    Begun,
}

pub use index::{IndexWriter, MAX_INDEX_SIZE, WrittenIndex};
