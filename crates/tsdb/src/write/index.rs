//! Writing an index, version 2.
//!
//! Symbols first, in order; then series in the order of their labels, given by the numbers of their symbols; the rest
//! follows from these. See `docs/format/index.md` and [`crate::index`] for the layout.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::Durability;
use super::file::BufferedFile;
use super::postings;
use crate::bytes::{crc, put_uvarint, put_varint};
use crate::error::Error;
use crate::index::{ChunkMeta, MAGIC, Toc, Version};

/// The largest index there can be, in bytes: series are referred to by a sixteenth of their offset, in 32 bits.
pub const MAX_INDEX_SIZE: u64 = 16 * u32::MAX as u64;
const SERIES_ALIGN: u64 = 16;

/// Writes an index file. Keeps four bytes for each symbol and some 24 for each pair of label name and value in memory,
/// and at most 16 MiB of postings when finishing (or one list, if that is longer).
pub struct IndexWriter {
    file: BufferedFile,
    toc: Toc,
    symbols: SymbolSection,
    /// Labels of the series before, for checking the order.
    last_labels: Vec<(u32, u32)>,
    last_reference: u64,
    series: u64,
    /// Number of series of each name and value, the name in the upper half of the key.
    pairs: FxHashMap<u64, u32>,
    scratch: Vec<u8>,
    largest_series: u64,
    durability: Durability,
}

/// What was written of the symbols.
#[derive(Default)]
struct SymbolSection {
    /// Offset of each symbol in the file.
    offsets: Vec<u32>,
    last: String,
    /// Checksum over the entries, without the count in front of them.
    sum: u32,
    len: u64,
    closed: bool,
}

/// Facts about a finished index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenIndex {
    /// Size of the file in bytes.
    pub size: u64,
    /// Number of series.
    pub series: u64,
    /// Size of the largest series entry in bytes, without length and checksum, as Thanos counts it.
    pub largest_series: u64,
}

impl IndexWriter {
    /// Creates the file.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut file = BufferedFile::create(path.as_ref())?;
        file.write(&MAGIC.to_be_bytes())?;
        file.write(&[Version::V2 as u8])?;
        let start = file.len();
        // Length and number of the symbols, filled in when they are all there.
        file.write(&[0; 8])?;
        let toc = Toc {
            symbols: start,
            series: 0,
            label_indices: 0,
            label_offset_table: 0,
            postings: 0,
            postings_table: 0,
        };
        Ok(Self {
            file,
            toc,
            symbols: SymbolSection::default(),
            last_labels: Vec::new(),
            last_reference: 0,
            series: 0,
            pairs: FxHashMap::default(),
            scratch: Vec::new(),
            largest_series: 0,
            durability: Durability::default(),
        })
    }

    /// Whether the finished file waits for the disk; it does unless this says otherwise.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Adds a symbol, which must sort after the one before; returns its number, counted from 0.
    pub fn add_symbol(&mut self, symbol: &str) -> Result<u32, Error> {
        let symbols = &mut self.symbols;
        let number = symbols.offsets.len() as u32;
        if symbols.closed || (number > 0 && symbol <= symbols.last.as_str()) {
            return Err(refused(self.file.path(), format!("symbol {symbol:?} out of order")));
        }
        symbols.last.clear();
        symbols.last.push_str(symbol);
        let offset =
            u32::try_from(self.file.len()).map_err(|_| too_large(self.file.path(), "symbol table"))?;
        symbols.offsets.push(offset);
        self.scratch.clear();
        put_uvarint(&mut self.scratch, symbol.len() as u64);
        self.scratch.extend_from_slice(symbol.as_bytes());
        symbols.sum = crc32c::crc32c_append(symbols.sum, &self.scratch);
        symbols.len += self.scratch.len() as u64;
        self.file.write(&self.scratch)?;
        Ok(number)
    }

    fn close_symbols(&mut self) -> Result<(), Error> {
        if self.symbols.closed {
            return Ok(());
        }
        self.symbols.closed = true;
        let count = (self.symbols.offsets.len() as u32).to_be_bytes();
        let len =
            u32::try_from(self.symbols.len + 4).map_err(|_| too_large(self.file.path(), "symbol table"))?;
        let mut head = len.to_be_bytes().to_vec();
        head.extend_from_slice(&count);
        self.file.overwrite(self.toc.symbols, &head)?;
        let sum = crc32c::crc32c_combine(crc(&count), self.symbols.sum, self.symbols.len as usize);
        self.file.write(&sum.to_be_bytes())?;
        self.toc.series = self.file.len();
        Ok(())
    }

    /// Adds a series, which must sort after the one before; labels as numbers of their symbols, in order. Chunks must
    /// ascend in time without overlaps, and in their references.
    pub fn add_series(&mut self, labels: &[(u32, u32)], chunks: &[ChunkMeta]) -> Result<(), Error> {
        self.close_symbols()?;
        self.check_series(labels, chunks)?;
        self.file.pad(SERIES_ALIGN)?;

        let mut body = std::mem::take(&mut self.scratch);
        body.clear();
        put_uvarint(&mut body, labels.len() as u64);
        for &(name, value) in labels {
            put_uvarint(&mut body, u64::from(name));
            put_uvarint(&mut body, u64::from(value));
            *self.pairs.entry(pair_key(name, value)).or_default() += 1;
        }
        put_uvarint(&mut body, chunks.len() as u64);
        if let Some(first) = chunks.first() {
            put_varint(&mut body, first.mint);
            put_uvarint(&mut body, first.maxt.wrapping_sub(first.mint) as u64);
            put_uvarint(&mut body, first.reference.0);
        }
        for pair in chunks.windows(2) {
            let (before, chunk) = (&pair[0], &pair[1]);
            put_uvarint(&mut body, chunk.mint.wrapping_sub(before.maxt) as u64);
            put_uvarint(&mut body, chunk.maxt.wrapping_sub(chunk.mint) as u64);
            put_varint(&mut body, chunk.reference.0.wrapping_sub(before.reference.0) as i64);
        }
        self.largest_series = self.largest_series.max(body.len() as u64);
        let (mut length, mut n) = ([0; 10], 0);
        let mut rest = body.len() as u64;
        while rest >= 0x80 {
            length[n] = rest as u8 | 0x80;
            rest >>= 7;
            n += 1;
        }
        length[n] = rest as u8;
        let sum = crc(&body).to_be_bytes();
        let written = self.file.write(&length[..=n]).and_then(|()| {
            self.file.write(&body)?;
            self.file.write(&sum)
        });
        self.scratch = body;
        written?;
        self.check_size()?;

        self.last_labels.clear();
        self.last_labels.extend_from_slice(labels);
        self.last_reference = chunks.last().map_or(self.last_reference, |c| c.reference.0);
        self.series += 1;
        Ok(())
    }

    fn check_series(&self, labels: &[(u32, u32)], chunks: &[ChunkMeta]) -> Result<(), Error> {
        let bad = |what: String| Err(refused(self.file.path(), what));
        // Symbols are sorted, so their numbers compare as they do.
        if (self.series > 0 || labels.is_empty()) && labels <= self.last_labels.as_slice() {
            return bad(format!("series {} is out of order", self.series));
        }
        if let Some((name, value)) =
            labels.iter().find(|(n, v)| (*n).max(*v) as usize >= self.symbols.offsets.len())
        {
            return bad(format!("series {} has unknown symbols {name} and {value}", self.series));
        }
        let (mut reference, mut end) = (self.last_reference, None);
        for chunk in chunks {
            if chunk.reference.0 < reference {
                return bad(format!("unsorted chunk reference {} after {reference}", chunk.reference.0));
            }
            if end.is_some_and(|end| chunk.mint <= end) {
                return bad(format!(
                    "chunk begins at {} and the one before ends at {}",
                    chunk.mint,
                    end.unwrap_or(0)
                ));
            }
            if chunk.maxt < chunk.mint {
                return bad(format!("chunk ends at {}, before it begins at {}", chunk.maxt, chunk.mint));
            }
            (reference, end) = (chunk.reference.0, Some(chunk.maxt));
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), Error> {
        if self.file.len() > MAX_INDEX_SIZE { Err(too_large(self.file.path(), "index")) } else { Ok(()) }
    }

    /// Writes postings and tables and syncs the file, as far as [`Self::durability`] wants it.
    pub fn finish(mut self) -> Result<WrittenIndex, Error> {
        self.close_symbols()?;
        self.toc.label_indices = self.file.len();
        self.toc.postings = self.toc.label_indices;
        self.file.pad(4)?;
        let mut pairs: Vec<(u64, u32)> = std::mem::take(&mut self.pairs).into_iter().collect();
        pairs.sort_unstable();
        let section = self.toc.series..self.toc.label_indices;
        let lists = postings::write_lists(&mut self.file, section, self.series, &pairs)?;
        self.check_size()?;

        self.toc.postings_table = self.file.len();
        self.toc.label_offset_table = self.toc.postings_table;
        postings::write_table(&mut self.file, &self.symbols.offsets, self.toc.series, &pairs, lists)?;
        let toc = self.toc.encode();
        self.file.write(&toc)?;
        self.check_size()?;
        self.file.finish(self.durability)?;
        Ok(WrittenIndex { size: self.file.len(), series: self.series, largest_series: self.largest_series })
    }
}

/// Name and value as one number, which sorts as the pair does.
pub(super) fn pair_key(name: u32, value: u32) -> u64 {
    u64::from(name) << 32 | u64::from(value)
}

fn refused(path: &Path, what: String) -> Error {
    Error::io(path, std::io::Error::new(std::io::ErrorKind::InvalidInput, what))
}

pub(super) fn too_large(path: &Path, what: &str) -> Error {
    Error::io(
        path,
        std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("{what} exceeds what its offsets can hold"),
        ),
    )
}
