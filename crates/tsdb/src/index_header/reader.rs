//! Reading an index-header.

use std::path::Path;

use bytes::Bytes;

use super::{HEADER_LEN, MAGIC, TOC_LEN, VERSION};
use crate::bytes::{Cursor, crc};
use crate::error::{Error, Problem};
use crate::index::{PostingsRange, PostingsTable, Symbols, Version};

/// An index-header on a mapped file or other shared bytes. Keeps the position of every 32nd symbol and of every n-th
/// value of a label in memory.
#[derive(Debug, Clone)]
pub struct IndexHeader {
    version: Version,
    size: u64,
    symbols: Symbols,
    table: PostingsTable,
}

impl IndexHeader {
    /// Maps and opens an index-header file. `sampling`: of every how many values of a label the position is kept;
    /// Thanos's default is 32.
    pub fn open(path: impl AsRef<Path>, sampling: usize) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::new(crate::mmap::open(path)?, sampling).map_err(|e| e.within(path.display()))
    }

    /// Opens an index-header of which all bytes are at hand.
    pub fn new(bytes: Bytes, sampling: usize) -> Result<Self, Error> {
        let mut c = Cursor::new("index header's header", 0, &bytes);
        let magic = c.be32()?;
        if magic != MAGIC {
            return Err(Error::Corrupt {
                section: "index header's header",
                offset: 0,
                problem: Problem::Magic(magic),
            });
        }
        let version = c.u8()?;
        if version != VERSION {
            return Err(Error::Version(format!("unknown index header file version {version}")));
        }
        let index_version = Version::from_byte(c.u8()?)?;
        // The postings end where the postings offset table starts.
        let last_end = c.be64()?;
        debug_assert_eq!(c.pos(), HEADER_LEN);

        let offset = bytes.len().saturating_sub(TOC_LEN) as u64;
        let corrupt = |problem| Error::Corrupt { section: "index header TOC", offset, problem };
        let toc = bytes.last_chunk::<TOC_LEN>().ok_or_else(|| corrupt(Problem::Truncated))?;
        let (body, sum) = toc.split_at(TOC_LEN - 4);
        if crc(body).to_be_bytes() != sum {
            return Err(corrupt(Problem::Checksum));
        }
        let mut toc = Cursor::new("index header TOC", offset, body);
        let (symbols_at, table_at) = (toc.be64()?, toc.be64()?);

        let mut symbols = Symbols::open(&bytes, symbols_at, index_version)?;
        let table = PostingsTable::open(&bytes, table_at, index_version, last_end, sampling)?;
        symbols.keep(table.names());
        Ok(Self { version: index_version, size: bytes.len() as u64, symbols, table })
    }

    /// Version of the index.
    pub fn index_version(&self) -> Version {
        self.version
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Heap memory in bytes.
    pub fn heap_size(&self) -> usize {
        self.symbols.heap_size() + self.table.heap_size()
    }

    /// The symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The symbol of a reference in a series entry of the index.
    pub fn lookup_symbol(&self, reference: u32) -> Result<&str, Error> {
        self.symbols.lookup(reference)
    }

    /// Where the postings of a label name and value are in the index; `None` if no series has it.
    pub fn postings_range(&self, name: &str, value: &str) -> Result<Option<PostingsRange>, Error> {
        self.table.range(name, value)
    }

    /// Where the postings of several values of a label are. `values` must ascend.
    pub fn postings_ranges(&self, name: &str, values: &[&str]) -> Result<Vec<Option<PostingsRange>>, Error> {
        let mut out = vec![None; values.len()];
        self.table.ranges(name, values, |i, range| out[i] = Some(range))?;
        Ok(out)
    }

    /// Calls `visit` with each value of a label that starts with `prefix`, ascending, and where its postings are.
    pub fn for_each_value<'a>(
        &'a self,
        name: &str,
        prefix: &str,
        visit: impl FnMut(&'a str, PostingsRange),
    ) -> Result<(), Error> {
        self.table.for_each_value(name, prefix, visit)
    }

    /// All values of a label, ascending.
    pub fn label_values(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut values = Vec::with_capacity(self.table.value_count(name));
        self.table.for_each_value(name, "", |value, _| values.push(value.to_owned()))?;
        Ok(values)
    }

    /// All label names, ascending.
    pub fn label_names(&self) -> Vec<String> {
        self.table.names().map(str::to_owned).collect()
    }
}
