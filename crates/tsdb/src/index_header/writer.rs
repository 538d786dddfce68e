//! Writing an index-header: from a whole index, or from two ranges of it as they come in from a bucket.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{HEADER_LEN, MAGIC, MAX_SIZE, VERSION};
use crate::bytes::crc;
use crate::error::{Error, Problem};
use crate::index::{self, Toc, Version};

/// Which parts of an index go into its index-header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSections {
    version: Version,
    toc: Toc,
    index_size: u64,
}

impl IndexSections {
    /// The range of an index file to give to [`IndexSections::new`] as `head`.
    pub fn head_range(index_size: u64) -> Range<u64> {
        0..index_size.min(index::HEADER_LEN as u64)
    }

    /// The range of an index file to give to [`IndexSections::new`] as `tail`.
    pub fn tail_range(index_size: u64) -> Range<u64> {
        index_size.saturating_sub(index::TOC_LEN as u64)..index_size
    }

    /// Reads start and end of an index file of `index_size` bytes.
    pub fn new(index_size: u64, head: &[u8], tail: &[u8]) -> Result<Self, Error> {
        let version = Version::read(head)?;
        let toc = Toc::read(tail, index_size)?;
        let sections = Self { version, toc, index_size };
        if sections.header_size() > MAX_SIZE {
            let problem = Problem::Other("index-header exceeding max size of 64GiB".to_owned());
            return Err(Error::Corrupt { section: "index TOC", offset: index_size, problem });
        }
        Ok(sections)
    }

    /// Version of the index.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The first range of the index that goes into the index-header.
    pub fn symbols_range(&self) -> Range<u64> {
        self.toc.symbols_range()
    }

    /// The second range, up to the end of the index.
    pub fn postings_range(&self) -> Range<u64> {
        self.toc.postings_table..self.index_size
    }

    /// Size of the index-header in bytes.
    pub fn header_size(&self) -> u64 {
        let len = |r: Range<u64>| r.end - r.start;
        (HEADER_LEN + super::TOC_LEN) as u64 + len(self.symbols_range()) + len(self.postings_range())
    }

    fn head(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[..4].copy_from_slice(&MAGIC.to_be_bytes());
        out[4] = VERSION;
        out[5] = self.version as u8;
        out[6..].copy_from_slice(&self.toc.postings_table.to_be_bytes());
        out
    }

    fn tail(&self) -> [u8; super::TOC_LEN] {
        let symbols = HEADER_LEN as u64;
        let table = symbols + (self.toc.series - self.toc.symbols);
        let mut out = [0; super::TOC_LEN];
        out[..8].copy_from_slice(&symbols.to_be_bytes());
        out[8..16].copy_from_slice(&table.to_be_bytes());
        let sum = crc(&out[..16]);
        out[16..].copy_from_slice(&sum.to_be_bytes());
        out
    }
}

/// Writes an index-header file piece by piece: first the bytes of [`IndexSections::symbols_range`], then those of
/// [`IndexSections::postings_range`], in pieces of any size. The file has its name only once it is whole; dropping the
/// writer before leaves nothing.
#[derive(Debug)]
pub struct IndexHeaderWriter {
    sections: IndexSections,
    path: PathBuf,
    tmp: PathBuf,
    out: Option<BufWriter<File>>,
    /// Bytes of the two ranges written so far.
    fed: u64,
}

impl IndexHeaderWriter {
    /// Starts the file `path`, creating its directory.
    pub fn create(path: impl AsRef<Path>, sections: IndexSections) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        }
        let mut tmp = path.clone().into_os_string();
        tmp.push(".tmp");
        let tmp = PathBuf::from(tmp);
        let file = File::create(&tmp).map_err(|e| Error::io(&tmp, e))?;
        let mut writer =
            Self { sections, path, tmp, out: Some(BufWriter::with_capacity(64 << 10, file)), fed: 0 };
        writer.write(&sections.head())?;
        Ok(writer)
    }

    /// Adds the next bytes of the two ranges.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.fed += bytes.len() as u64;
        if self.fed > self.expected() {
            return Err(self.wrong_size());
        }
        self.write(bytes)
    }

    /// Ends the file, syncs it, and gives it its name.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.fed != self.expected() {
            return Err(self.wrong_size());
        }
        let tail = self.sections.tail();
        self.write(&tail)?;
        let Some(out) = self.out.take() else { return Ok(()) };
        let done =
            out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        let done = done.and_then(|()| std::fs::rename(&self.tmp, &self.path));
        if let Err(e) = done {
            self.discard();
            return Err(Error::io(&self.tmp, e));
        }
        match self.path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => {
                File::open(dir).and_then(|d| d.sync_all()).map_err(|e| Error::io(dir, e))
            }
            _ => Ok(()),
        }
    }

    fn expected(&self) -> u64 {
        self.sections.header_size() - (HEADER_LEN + super::TOC_LEN) as u64
    }

    fn wrong_size(&self) -> Error {
        let problem = Problem::Other(format!("got {} bytes of index, want {}", self.fed, self.expected()));
        Error::Corrupt { section: "index-header", offset: self.fed, problem }.within(self.path.display())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.out {
            Some(out) => out.write_all(bytes).map_err(|e| Error::io(&self.tmp, e)),
            None => Ok(()),
        }
    }

    fn discard(&self) {
        // Best effort: what is left is overwritten by the next attempt.
        std::fs::remove_file(&self.tmp).ok();
    }
}

impl Drop for IndexHeaderWriter {
    fn drop(&mut self) {
        if self.out.take().is_some() {
            self.discard();
        }
    }
}

/// The index-header of a whole index.
pub fn from_index(index: &[u8]) -> Result<Vec<u8>, Error> {
    let (sections, symbols, postings) = parts(index)?;
    let mut out = Vec::with_capacity(sections.header_size() as usize);
    out.extend_from_slice(&sections.head());
    out.extend_from_slice(symbols);
    out.extend_from_slice(postings);
    out.extend_from_slice(&sections.tail());
    Ok(out)
}

/// Writes the index-header of a whole index to a file: whole or not at all.
pub fn write_file_from_index(index: &[u8], path: impl AsRef<Path>) -> Result<(), Error> {
    let (sections, symbols, postings) = parts(index)?;
    let mut writer = IndexHeaderWriter::create(path, sections)?;
    writer.feed(symbols)?;
    writer.feed(postings)?;
    writer.finish()
}

fn parts(index: &[u8]) -> Result<(IndexSections, &[u8], &[u8]), Error> {
    let sections = IndexSections::new(index.len() as u64, index, index)?;
    // Within bounds: the table of contents was checked against the size.
    let slice = |r: Range<u64>| &index[r.start as usize..r.end as usize];
    Ok((sections, slice(sections.symbols_range()), slice(sections.postings_range())))
}
