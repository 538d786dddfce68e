//! The index file of a block: which series there are, and where their chunks are.
//!
//! [`IndexReader`] works on a mapped file or on any other shared bytes. Its parts work on fetched ranges as well:
//! [`Toc`], [`Symbols`], [`PostingsTable`], [`SeriesEntry`], [`crate::postings::decode`].
//!
//! Checksums are verified where Prometheus verifies them: of the table of contents, the symbols and the postings table
//! when opened, of series and postings on every read. Source of the format: Prometheus `tsdb/index/index.go`; see
//! `docs/format/index.md`.

mod reader;
mod series;
mod symbols;
mod table;
mod toc;

pub use reader::IndexReader;
pub use series::{ChunkMeta, SeriesEntry, SeriesFrame};
pub use symbols::Symbols;
pub use table::{DEFAULT_SAMPLING, PostingsRange, PostingsTable};
pub use toc::{HEADER_LEN, MAGIC, TOC_LEN, Toc, Version};

/// Name of the file in a block's directory.
pub const FILE_NAME: &str = "index";
/// Label name and value of the postings that list all series.
pub const ALL_POSTINGS: (&str, &str) = ("", "");
