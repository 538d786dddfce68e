//! The symbol table: every label name and value of a block once, sorted.
//!
//! ```text
//! BE32 length, BE32 number of symbols; each: uvarint length, bytes; BE32 CRC
//! ```
//!
//! Of every 32nd symbol the position is kept in memory, the others are found by walking from there.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::toc::{HEADER_LEN, Version};
use crate::bytes::{Cursor, uvarint};
use crate::error::{Error, Problem};

const SECTION: &str = "symbols";
const STRIDE: u32 = 32;
/// Positions in the index file, to which references of version 1 are made, start here for the section's contents.
const V1_BASE: u32 = HEADER_LEN as u32 + 4;

/// The symbols of an index or an index-header.
#[derive(Debug, Clone)]
pub struct Symbols {
    version: Version,
    /// Contents of the section, from the number of symbols on.
    body: Bytes,
    /// Offset of `body` in its file, for errors.
    base: u64,
    count: u32,
    /// Positions in `body` of every [`STRIDE`]th symbol.
    samples: Vec<u32>,
    /// Positions of symbols that are looked up all the time, by reference.
    hot: FxHashMap<u32, u32>,
}

impl Symbols {
    /// Reads the table whose section starts at `at` of `file`; verifies its checksum.
    pub fn open(file: &Bytes, at: u64, version: Version) -> Result<Self, Error> {
        let mut c = Cursor::section(SECTION, file, at, true)?;
        let base = at + 4;
        let body = file.slice_ref(c.rest());
        let count = c.be32()?;
        let mut samples =
            Vec::with_capacity((count / STRIDE + 1).min(body.len() as u32 / STRIDE + 1) as usize);
        for i in 0..count {
            if i % STRIDE == 0 {
                samples.push(c.pos() as u32);
            }
            // Checked once here, so that nothing is lost when a lookup of bad text fails later.
            c.uvarint_str()?;
        }
        Ok(Self { version, body, base, count, samples, hot: FxHashMap::default() })
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Heap memory in bytes.
    pub fn heap_size(&self) -> usize {
        self.samples.capacity() * 4 + self.hot.capacity() * 9
    }

    /// The symbol of a reference, as series entries have them.
    pub fn lookup(&self, reference: u32) -> Result<&str, Error> {
        let unknown = || self.corrupt(0, Problem::UnknownSymbol(reference));
        let pos = match self.hot.get(&reference) {
            Some(pos) => *pos as usize,
            None => match self.version {
                Version::V1 => reference.checked_sub(V1_BASE).ok_or_else(unknown)? as usize,
                Version::V2 => self.position(reference).ok_or_else(unknown)?,
            },
        };
        let (symbol, _) = self.at(pos).ok_or_else(unknown)?;
        std::str::from_utf8(symbol).map_err(|_| self.corrupt(pos, Problem::Utf8))
    }

    /// The reference of a symbol, if it is there.
    pub fn find(&self, symbol: &str) -> Option<u32> {
        let symbol = symbol.as_bytes();
        let after =
            self.samples.partition_point(|pos| self.at(*pos as usize).is_some_and(|(s, _)| s <= symbol));
        let first = after.checked_sub(1)?;
        let mut pos = self.samples[first] as usize;
        let mut number = first as u32 * STRIDE;
        while number < self.count {
            let (s, next) = self.at(pos)?;
            if s >= symbol {
                return (s == symbol).then_some(match self.version {
                    Version::V1 => pos as u32 + V1_BASE,
                    Version::V2 => number,
                });
            }
            number += 1;
            pos = next;
        }
        None
    }

    /// All symbols with their references, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut pos = 4;
        (0..self.count).map_while(move |number| {
            let (symbol, next) = self.at(pos)?;
            let reference = match self.version {
                Version::V1 => pos as u32 + V1_BASE,
                Version::V2 => number,
            };
            pos = next;
            Some((reference, std::str::from_utf8(symbol).ok()?))
        })
    }

    /// Keeps the positions of these symbols in memory; for label names, which are half of all lookups.
    pub(crate) fn keep<'a>(&mut self, symbols: impl Iterator<Item = &'a str>) {
        for symbol in symbols {
            if let Some(reference) = self.find(symbol)
                && let Some(pos) = self.position_of(reference)
            {
                self.hot.insert(reference, pos as u32);
            }
        }
    }

    fn position_of(&self, reference: u32) -> Option<usize> {
        match self.version {
            Version::V1 => reference.checked_sub(V1_BASE).map(|p| p as usize),
            Version::V2 => self.position(reference),
        }
    }

    /// Position of the symbol of that number.
    fn position(&self, number: u32) -> Option<usize> {
        if number >= self.count {
            return None;
        }
        let mut pos = *self.samples.get((number / STRIDE) as usize)? as usize;
        for _ in 0..number % STRIDE {
            let (len, n) = uvarint(self.body.get(pos..)?)?;
            pos = pos.checked_add(n)?.checked_add(len as usize)?;
        }
        Some(pos)
    }

    /// The symbol at a position, and the position behind it.
    fn at(&self, pos: usize) -> Option<(&[u8], usize)> {
        let rest = self.body.get(pos..)?;
        let (len, n) = uvarint(rest)?;
        let end = n.checked_add(usize::try_from(len).ok()?)?;
        Some((rest.get(n..end)?, pos + end))
    }

    fn corrupt(&self, pos: usize, problem: Problem) -> Error {
        Error::Corrupt { section: SECTION, offset: self.base + pos as u64, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(symbols: &[String]) -> Bytes {
        let mut body = (symbols.len() as u32).to_be_bytes().to_vec();
        for s in symbols {
            crate::bytes::put_uvarint(&mut body, s.len() as u64);
            body.extend_from_slice(s.as_bytes());
        }
        let mut file = vec![0; HEADER_LEN];
        file.extend_from_slice(&(body.len() as u32).to_be_bytes());
        file.extend_from_slice(&body);
        file.extend_from_slice(&crate::bytes::crc(&body).to_be_bytes());
        Bytes::from(file)
    }

    #[test]
    fn symbols_are_found_both_ways_in_both_versions() {
        let mut symbols: Vec<String> = (0..200).map(|i| format!("s{i}é")).collect();
        symbols.push(String::new());
        symbols.push("x".repeat(300));
        symbols.sort();
        let file = file(&symbols);
        for version in [Version::V1, Version::V2] {
            let mut table = Symbols::open(&file, HEADER_LEN as u64, version).unwrap();
            table.keep(["s7é", "none"].into_iter());
            assert_eq!(table.len(), symbols.len());
            let listed: Vec<_> = table.iter().collect();
            for (i, s) in symbols.iter().enumerate() {
                assert_eq!(listed[i].1, s);
                assert_eq!(table.find(s), Some(listed[i].0));
                assert_eq!(table.lookup(listed[i].0).unwrap(), s);
            }
            assert_eq!(table.find("s7"), None);
            assert_eq!(table.find("zzz"), None);
            assert!(table.lookup(u32::MAX).is_err());
        }
        assert_eq!(
            Symbols::open(&file, 5, Version::V2).unwrap().lookup(202).unwrap_err().to_string(),
            "symbols at offset 9: unknown symbol offset 202"
        );
    }

    #[test]
    fn empty_table_has_nothing() {
        let table = Symbols::open(&file(&[]), 5, Version::V2).unwrap();
        assert!(table.is_empty());
        assert_eq!(table.find(""), None);
        assert!(table.lookup(0).is_err());
    }

    #[test]
    fn more_symbols_than_bytes_is_an_error() {
        let mut body = u32::MAX.to_be_bytes().to_vec();
        body.push(0);
        let mut bytes = vec![0, 0, 0, 5];
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&crate::bytes::crc(&body).to_be_bytes());
        assert!(Symbols::open(&Bytes::from(bytes), 0, Version::V2).is_err());
    }
}
