//! Header and table of contents of an index file.

use std::ops::Range;

use crate::bytes::{Cursor, crc};
use crate::error::{Error, Problem};

/// First bytes of an index file.
pub const MAGIC: u32 = 0xBAAA_D700;
/// Length of the header in bytes: magic number and version.
pub const HEADER_LEN: usize = 5;
/// Length of the table of contents in bytes, the end of the file.
pub const TOC_LEN: usize = 6 * 8 + 4;

/// Version of an index file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Symbols are referred to by position, series by offset; the postings table is in no order.
    V1 = 1,
    /// Symbols are referred to by number, series by a sixteenth of their offset; the postings table is sorted.
    V2 = 2,
}

impl Version {
    /// The version of a version byte.
    pub fn from_byte(byte: u8) -> Result<Self, Error> {
        match byte {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err(Error::Version(format!("unknown index file version {byte}"))),
        }
    }

    /// Reads the header at the start of an index file.
    pub fn read(file: &[u8]) -> Result<Self, Error> {
        let mut c = Cursor::new("index header", 0, file);
        let magic = c.be32()?;
        if magic != MAGIC {
            return Err(Error::Corrupt {
                section: "index header",
                offset: 0,
                problem: Problem::Magic(magic),
            });
        }
        Self::from_byte(c.u8()?)
    }

    /// Offset in bytes of a series in the file.
    pub fn series_offset(self, reference: u32) -> u64 {
        match self {
            Self::V1 => u64::from(reference),
            Self::V2 => u64::from(reference) * 16,
        }
    }
}

/// Where the sections of an index file start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Toc {
    pub symbols: u64,
    pub series: u64,
    pub label_indices: u64,
    pub label_offset_table: u64,
    pub postings: u64,
    pub postings_table: u64,
}

impl Toc {
    /// Reads the table of contents from the last [`TOC_LEN`] bytes of `tail`, which is the end of an index file of
    /// `file_len` bytes. Sections must lie within the file.
    pub fn read(tail: &[u8], file_len: u64) -> Result<Self, Error> {
        let offset = file_len.saturating_sub(TOC_LEN as u64);
        let corrupt = |problem| Error::Corrupt { section: "index TOC", offset, problem };
        let toc = tail.last_chunk::<TOC_LEN>().ok_or_else(|| corrupt(Problem::Truncated))?;
        let (body, sum) = toc.split_at(TOC_LEN - 4);
        if crc(body).to_be_bytes() != sum {
            return Err(corrupt(Problem::Checksum));
        }
        let mut c = Cursor::new("index TOC", offset, body);
        let toc = Self {
            symbols: c.be64()?,
            series: c.be64()?,
            label_indices: c.be64()?,
            label_offset_table: c.be64()?,
            postings: c.be64()?,
            postings_table: c.be64()?,
        };
        if toc.symbols > toc.series
            || [toc.series, toc.postings, toc.postings_table].iter().any(|at| *at > offset)
        {
            return Err(corrupt(Problem::Other("section outside of the file".to_owned())));
        }
        Ok(toc)
    }

    /// The table of contents as it is written.
    pub fn encode(&self) -> [u8; TOC_LEN] {
        let mut out = [0; TOC_LEN];
        let fields = [
            self.symbols,
            self.series,
            self.label_indices,
            self.label_offset_table,
            self.postings,
            self.postings_table,
        ];
        for (slot, field) in out.chunks_exact_mut(8).zip(fields) {
            slot.copy_from_slice(&field.to_be_bytes());
        }
        let sum = crc(&out[..TOC_LEN - 4]);
        out[TOC_LEN - 4..].copy_from_slice(&sum.to_be_bytes());
        out
    }

    /// Where the symbols are, with their checksum and padding.
    pub fn symbols_range(&self) -> Range<u64> {
        self.symbols..self.series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toc_comes_back_and_bad_ones_do_not() {
        let toc = Toc {
            symbols: 5,
            series: 64,
            label_indices: 100,
            label_offset_table: 200,
            postings: 100,
            postings_table: 200,
        };
        let bytes = toc.encode();
        assert_eq!(Toc::read(&bytes, 300).unwrap(), toc);
        assert!(Toc::read(&bytes, 200).is_err());
        assert!(Toc::read(&bytes[1..], 300).is_err());
        for i in 0..TOC_LEN {
            let mut bad = bytes;
            bad[i] ^= 1;
            assert!(Toc::read(&bad, 300).is_err());
        }
    }

    #[test]
    fn foreign_files_are_refused() {
        assert_eq!(Version::read(b"\xba\xaa\xd7\x00\x02").unwrap(), Version::V2);
        assert_eq!(
            Version::read(b"\xba\xaa\xd7\x00\x09").unwrap_err().to_string(),
            "unknown index file version 9"
        );
        assert!(Version::read(b"\xba\xaa\xd7\x00").is_err());
        assert!(Version::read(b"hello").is_err());
    }
}
