//! The index-header: what the store gateway keeps of an index on its disk, symbols and postings offset table.
//!
//! ```text
//! BE32 0xBAAAD792, byte 1, byte version of the index, BE64 offset of the postings offset table in the index
//! the bytes of the index from the symbols to the series
//! the bytes of the index from the postings offset table to its end
//! BE64 offset of the symbols in this file, BE64 offset of the table in this file, BE32 CRC of these 16 bytes
//! ```
//!
//! The same file as Thanos's, so that either program goes on with the other's data folder. Source of the format: Thanos
//! `pkg/block/indexheader/binary_reader.go`; see `docs/format/index-header.md`.

mod reader;
mod writer;

pub use reader::IndexHeader;
pub use writer::{IndexHeaderWriter, IndexSections, from_index, write_file_from_index};

/// Name of the file in a block's directory.
pub const FILE_NAME: &str = "index-header";
/// First bytes of an index-header.
pub const MAGIC: u32 = 0xBAAA_D792;
/// The only version of the format.
pub const VERSION: u8 = 1;
/// Length of the header in bytes.
pub const HEADER_LEN: usize = 4 + 1 + 1 + 8;
/// Length of the table of contents in bytes, the end of the file.
pub const TOC_LEN: usize = 2 * 8 + 4;
/// The largest index-header.
pub const MAX_SIZE: u64 = 16 * u32::MAX as u64;
