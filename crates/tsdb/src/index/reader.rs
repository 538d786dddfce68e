//! A whole index.

use std::path::Path;

use bytes::Bytes;
use model::labels::{Labels, LabelsWriter};

use super::ALL_POSTINGS;
use super::series::{SeriesEntry, SeriesFrame};
use super::symbols::Symbols;
use super::table::{DEFAULT_SAMPLING, PostingsTable};
use super::toc::{Toc, Version};
use crate::bytes::Cursor;
use crate::error::{Error, Problem};
use crate::postings::{self, PostingsSource};

/// An index of a block, on a mapped file or on other shared bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IndexReader {
    bytes: Bytes,
    version: Version,
    toc: Toc,
    symbols: std::sync::Arc<Symbols>,
    table: std::sync::Arc<PostingsTable>,
}

impl IndexReader {
    /// Maps and opens an index file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::new(crate::mmap::open(path)?).map_err(|e| e.within(path.display()))
    }

    /// Opens an index of which all bytes are at hand.
    pub fn new(bytes: Bytes) -> Result<Self, Error> {
        let version = Version::read(&bytes)?;
        let toc = Toc::read(&bytes, bytes.len() as u64)?;
        let mut symbols = Symbols::open(&bytes, toc.symbols, version)?;
        let table =
            PostingsTable::open(&bytes, toc.postings_table, version, toc.postings_table, DEFAULT_SAMPLING)?;
        symbols.keep(table.names());
        Ok(Self { bytes, version, toc, symbols: symbols.into(), table: table.into() })
    }

    /// Version of the file.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where the sections are.
    pub fn toc(&self) -> &Toc {
        &self.toc
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The postings offset table.
    pub fn table(&self) -> &PostingsTable {
        &self.table
    }

    /// All label names, ascending.
    pub fn label_names(&self) -> Vec<String> {
        self.table.names().map(str::to_owned).collect()
    }

    /// The names of the labels of these series, ascending.
    pub fn label_names_of(&self, references: &[u32]) -> Result<Vec<String>, Error> {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut entry = SeriesEntry::new();
        for reference in references {
            entry.decode_labels_only(self.series_body(*reference)?)?;
            seen.extend(entry.labels.iter().map(|(name, _)| *name));
        }
        let mut names = seen
            .into_iter()
            .map(|s| self.symbols.lookup(s).map(str::to_owned))
            .collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        Ok(names)
    }

    /// The bytes of a series entry, its checksum verified.
    pub fn series_body(&self, reference: u32) -> Result<&[u8], Error> {
        let offset = self.version.series_offset(reference);
        let corrupt = |problem| Error::Corrupt { section: "series", offset, problem };
        let bytes = usize::try_from(offset).ok().and_then(|at| self.bytes.get(at..));
        let bytes = bytes.ok_or_else(|| corrupt(Problem::Truncated))?;
        let frame = SeriesFrame::parse(bytes, true).map_err(corrupt)?;
        Ok(&bytes[frame.body])
    }

    /// Reads a series entry into `entry`, with the chunks that overlap the closed range (ms).
    pub fn series(&self, reference: u32, mint: i64, maxt: i64, entry: &mut SeriesEntry) -> Result<(), Error> {
        entry.decode_range(self.series_body(reference)?, mint, maxt).map_err(|e| match e {
            // Decoding counts from the start of the entry.
            Error::Corrupt { section, offset, problem } => {
                Error::Corrupt { section, offset: self.version.series_offset(reference) + offset, problem }
            }
            other => other,
        })
    }

    /// The labels of an entry; `writer` is scratch memory.
    pub fn labels(&self, entry: &SeriesEntry, writer: &mut LabelsWriter) -> Result<Labels, Error> {
        writer.clear();
        for (name, value) in &entry.labels {
            writer.push(self.symbols.lookup(*name)?, self.symbols.lookup(*value)?);
        }
        Ok(writer.labels_sorted())
    }

    /// The postings at an offset, their checksum verified.
    fn postings_at(
        &self,
        start: u64,
    ) -> Result<impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + Clone + '_, Error> {
        // The table's ranges start behind the length.
        let at = start.saturating_sub(4);
        let c = Cursor::section("postings", &self.bytes, at, true)?;
        let corrupt = |problem| Error::Corrupt { section: "postings", offset: at, problem };
        let list = postings::decode_iter(c.rest()).map_err(corrupt)?;
        if c.rest().len() != 4 + 4 * list.len() {
            let (n, got) = (list.len(), c.rest().len() - 4);
            return Err(corrupt(Problem::Other(format!(
                "unexpected postings length, should be {} bytes for {n} postings, got {got} bytes",
                4 * n
            ))));
        }
        Ok(list)
    }

    /// The merged postings of ranges.
    fn merged(&self, starts: &[u64]) -> Result<Vec<u32>, Error> {
        match starts {
            [] => Ok(Vec::new()),
            [one] => Ok(self.postings_at(*one)?.collect()),
            many => {
                let lists =
                    many.iter().map(|start| self.postings_at(*start)).collect::<Result<Vec<_>, _>>()?;
                Ok(postings::merge_many(lists.iter().cloned()))
            }
        }
    }
}

impl PostingsSource for IndexReader {
    type Ref = u32;
    type Error = Error;

    fn all_postings(&self) -> Result<Vec<u32>, Error> {
        self.postings_for_values(ALL_POSTINGS.0, &[ALL_POSTINGS.1])
    }

    fn postings_for_values(&self, name: &str, values: &[&str]) -> Result<Vec<u32>, Error> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut starts = Vec::new();
        self.table.ranges(name, &sorted, |_, range| starts.push(range.start))?;
        self.merged(&starts)
    }

    fn postings_for_matching(
        &self,
        name: &str,
        prefix: &str,
        accept: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Vec<u32>, Error> {
        let mut starts = Vec::new();
        self.table.for_each_value(name, prefix, |value, range| {
            if accept(value) {
                starts.push(range.start);
            }
        })?;
        self.merged(&starts)
    }

    fn label_values(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut values = Vec::with_capacity(self.table.value_count(name));
        self.table.for_each_value(name, "", |value, _| values.push(value.to_owned()))?;
        Ok(values)
    }
}
