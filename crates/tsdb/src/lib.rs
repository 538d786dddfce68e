//! Immutable blocks: chunk encodings, chunk files, index, index-header, tombstones, meta.json, replica dedup.
//!
//! The formats are those of Prometheus and Thanos, described in `docs/format`. All readers work on borrowed or shared
//! bytes, be they a mapped file or a range that was fetched from a bucket.

pub mod aggregation;
mod bits;
pub mod block;
mod bytes;
pub mod chunk;
pub mod chunkfile;
pub mod dedup;
pub mod downsample;
pub mod error;
mod go_heap;
pub mod index;
pub mod index_header;
mod look;
pub mod merge;
pub mod meta;
pub mod mmap;
pub mod postings;
pub mod tombstones;
pub mod write;
mod writeback;

pub use error::{Error, Problem};
