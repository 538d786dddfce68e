//! One block that goes into a merge.

use std::path::Path;

use super::MergeOptions;
use super::symbols::SymbolTable;
use crate::chunkfile::{ChunkReader, ChunkRef};
use crate::error::{Error, Problem};
use crate::index::{ChunkMeta, IndexReader, SeriesEntry};
use crate::postings::PostingsSource;
use crate::tombstones::{Interval, Tombstones, add_interval, covers};

/// A block to be merged.
#[derive(Debug, Clone)]
pub struct MergeInput {
    /// Its index.
    pub index: IndexReader,
    /// Its chunks.
    pub chunks: ChunkReader,
    /// Its deletions.
    pub tombstones: Tombstones,
}

impl MergeInput {
    /// Opens the block in a directory.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        Ok(Self {
            index: IndexReader::open(dir.join(crate::index::FILE_NAME))?,
            chunks: ChunkReader::open(dir.join("chunks")).map_err(|e| e.within(dir.display()))?,
            tombstones: Tombstones::read_dir(dir)?,
        })
    }
}

/// Bytes of chunks that are given back at once.
const RELEASE: u32 = 4 << 20;

/// Walks over the series of an input in the order of their labels.
pub(super) struct SeriesCursor<'a> {
    input: &'a MergeInput,
    table: &'a SymbolTable,
    references: std::vec::IntoIter<u32>,
    entry: SeriesEntry,
    /// Up to where chunks were given back, and where that will be next.
    released: ChunkRef,
    before: ChunkRef,
    /// Labels of the present series by merged symbols.
    pub(super) labels: Vec<(u32, u32)>,
    /// Its chunks that have a part in the range of the result and are not deleted whole.
    pub(super) chunks: Vec<ChunkMeta>,
    /// What is deleted of these chunks.
    pub(super) deleted: Vec<Interval>,
}

impl<'a> SeriesCursor<'a> {
    pub(super) fn new(input: &'a MergeInput, table: &'a SymbolTable) -> Result<Self, Error> {
        let references = input.index.all_postings()?.into_iter();
        Ok(Self {
            input,
            table,
            references,
            entry: SeriesEntry::new(),
            released: ChunkRef(0),
            before: ChunkRef(0),
            labels: Vec::new(),
            chunks: Vec::new(),
            deleted: Vec::new(),
        })
    }

    /// Gives back the memory of chunks that were read, a few MiB at a time.
    fn release_read(&mut self) {
        let Some(at) = self.entry.chunks.first().map(|c| c.reference) else { return };
        if at.segment() == self.before.segment() && at.offset() < self.before.offset().saturating_add(RELEASE)
        {
            return;
        }
        // What is still in work lies behind by less than a step; should it be further, it is read from the file again.
        if at > self.before {
            self.input.chunks.release(self.released, self.before);
            (self.released, self.before) = (self.before, at);
        }
    }

    /// Goes to the next series that has something to give.
    pub(super) fn next(&mut self, options: &MergeOptions) -> Result<bool, Error> {
        let (mint, maxt) = (options.mint, options.maxt - 1);
        for reference in self.references.by_ref() {
            self.input.index.series(reference, mint, maxt, &mut self.entry)?;
            let deleted = self.input.tombstones.get(u64::from(reference));
            self.chunks.clear();
            self.chunks.extend(
                self.entry.chunks.iter().filter(|c| deleted.is_empty() || !covers(deleted, c.mint, c.maxt)),
            );
            let (Some(first), Some(last)) = (self.chunks.first(), self.chunks.iter().map(|c| c.maxt).max())
            else {
                continue;
            };
            self.deleted.clear();
            self.deleted.extend_from_slice(deleted);
            if first.mint < mint || self.chunks.iter().any(|c| c.mint < mint) {
                add_interval(&mut self.deleted, Interval { mint: i64::MIN, maxt: mint - 1 });
            }
            if last > maxt {
                add_interval(&mut self.deleted, Interval { mint: maxt + 1, maxt: i64::MAX });
            }
            self.labels.clear();
            for &(name, value) in &self.entry.labels {
                let (Some(n), Some(v)) = (self.table.get(name), self.table.get(value)) else {
                    let unknown = if self.table.get(name).is_none() { name } else { value };
                    let offset = self.input.index.version().series_offset(reference);
                    let problem = Problem::UnknownSymbol(unknown);
                    return Err(Error::Corrupt { section: "series", offset, problem });
                };
                self.labels.push((n, v));
            }
            self.release_read();
            return Ok(true);
        }
        Ok(false)
    }
}
