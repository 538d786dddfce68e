//! Writing blocks: chunk segments, the index, and a whole block directory.
//!
//! All writers stream; what they keep in memory is stated with each. The bytes are those that Prometheus writes for the
//! same series.

mod chunks;
mod file;
mod index;
mod postings;

pub use chunks::{DEFAULT_SEGMENT_SIZE, SegmentWriter};
pub use index::{IndexWriter, MAX_INDEX_SIZE, WrittenIndex};
