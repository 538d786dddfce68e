//! Tombstones: time ranges of series that were deleted but are still in the chunks.
//!
//! ```text
//! BE32 0x0130BA30, byte 1; then entries: uvarint series reference, varint mint, varint maxt; BE32 CRC over the entries
//! ```
//!
//! Both ends of an interval are deleted. Source of the format: Prometheus `tsdb/tombstones/tombstones.go`; see
//! `docs/format/tombstones.md`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bytes::{Cursor, crc, put_uvarint, put_varint};
use crate::error::{Error, Problem};

/// Name of the file in a block's directory.
pub const FILE_NAME: &str = "tombstones";
const MAGIC: u32 = 0x0130_BA30;
const VERSION: u8 = 1;
const SECTION: &str = "tombstones";

/// A deleted time range, closed on both ends, in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First deleted time.
    pub mint: i64,
    /// Last deleted time.
    pub maxt: i64,
}

impl Interval {
    /// Whether `t` is deleted.
    pub fn contains(self, t: i64) -> bool {
        self.mint <= t && t <= self.maxt
    }
}

/// Adds an interval to a sorted list, joining those that overlap or touch. One that ends before it starts is empty.
pub fn add_interval(list: &mut Vec<Interval>, new: Interval) {
    if new.mint > new.maxt {
        return;
    }
    let first = list.partition_point(|i| i.maxt < new.mint.saturating_sub(1));
    let end = first + list[first..].partition_point(|i| i.mint <= new.maxt.saturating_add(1));
    let mut joined = new;
    if let (Some(a), Some(b)) = (list[first..end].first(), list[first..end].last()) {
        joined = Interval { mint: a.mint.min(new.mint), maxt: b.maxt.max(new.maxt) };
    }
    list.splice(first..end, [joined]);
}

/// Whether one of the intervals covers the whole closed range.
pub fn covers(list: &[Interval], mint: i64, maxt: i64) -> bool {
    list.iter().any(|i| i.mint <= mint && maxt <= i.maxt)
}

/// The deletions of a block, by series reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tombstones {
    by_series: BTreeMap<u64, Vec<Interval>>,
}

impl Tombstones {
    /// Reads the file of a block's directory; without one there are no deletions.
    pub fn read_dir(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let path = dir.as_ref().join(FILE_NAME);
        match std::fs::read(&path) {
            Ok(bytes) => Self::decode(&bytes).map_err(|e| e.within(path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Error::io(path, e)),
        }
    }

    /// Reads the contents of a tombstones file.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let corrupt = |offset, problem| Error::Corrupt { section: SECTION, offset, problem };
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or_else(|| corrupt(0, Problem::Truncated))?;
        let mut head = Cursor::new(SECTION, 0, body);
        let magic = head.be32()?;
        if magic != MAGIC {
            return Err(corrupt(0, Problem::Magic(magic)));
        }
        let version = head.u8()?;
        let entries = head.rest();
        if crc(entries) != u32::from_be_bytes(*sum) {
            return Err(corrupt(0, Problem::Checksum));
        }
        if version != VERSION {
            return Err(Error::Version(format!("invalid tombstone format {version:x}")));
        }
        let mut out = Self::default();
        let mut c = Cursor::new(SECTION, 5, entries);
        while !c.is_empty() {
            let reference = c.uvarint()?;
            let mint = c.varint()?;
            let maxt = c.varint()?;
            out.add(reference, Interval { mint, maxt });
        }
        Ok(out)
    }

    /// The contents of a tombstones file, series in ascending order.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_be_bytes().to_vec();
        out.push(VERSION);
        for (reference, intervals) in &self.by_series {
            for i in intervals {
                put_uvarint(&mut out, *reference);
                put_varint(&mut out, i.mint);
                put_varint(&mut out, i.maxt);
            }
        }
        let sum = crc(&out[5..]);
        out.extend_from_slice(&sum.to_be_bytes());
        out
    }

    /// Deletes an interval of a series.
    pub fn add(&mut self, reference: u64, interval: Interval) {
        if interval.mint > interval.maxt {
            return;
        }
        add_interval(self.by_series.entry(reference).or_default(), interval);
    }

    /// The deleted intervals of a series, ascending and apart.
    pub fn get(&self, reference: u64) -> &[Interval] {
        self.by_series.get(&reference).map_or(&[], Vec::as_slice)
    }

    /// Number of intervals of all series.
    pub fn total(&self) -> usize {
        self.by_series.values().map(Vec::len).sum()
    }

    /// Whether nothing is deleted.
    pub fn is_empty(&self) -> bool {
        self.by_series.is_empty()
    }

    /// All series with deletions in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[Interval])> {
        self.by_series.iter().map(|(reference, list)| (*reference, list.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval(mint: i64, maxt: i64) -> Interval {
        Interval { mint, maxt }
    }

    #[test]
    fn overlapping_and_touching_intervals_join() {
        let mut list = Vec::new();
        for (mint, maxt) in [(10, 20), (30, 40), (1, 2)] {
            add_interval(&mut list, interval(mint, maxt));
        }
        assert_eq!(list, [interval(1, 2), interval(10, 20), interval(30, 40)]);
        add_interval(&mut list, interval(21, 25));
        assert_eq!(list, [interval(1, 2), interval(10, 25), interval(30, 40)]);
        add_interval(&mut list, interval(24, 29));
        assert_eq!(list, [interval(1, 2), interval(10, 40)]);
        add_interval(&mut list, interval(i64::MIN, i64::MAX));
        assert_eq!(list, [interval(i64::MIN, i64::MAX)]);
    }

    proptest! {
        #[test]
        fn intervals_delete_what_was_added(added in prop::collection::vec((0i64..60, 0i64..6), 0..12)) {
            let mut list = Vec::new();
            for (mint, len) in &added {
                add_interval(&mut list, interval(*mint, mint + len));
            }
            for t in -2..70 {
                let want = added.iter().any(|(mint, len)| interval(*mint, mint + len).contains(t));
                prop_assert_eq!(list.iter().any(|i| i.contains(t)), want);
            }
            prop_assert!(list.windows(2).all(|w| w[0].maxt + 1 < w[1].mint));
        }
    }

    #[test]
    fn file_comes_back() {
        let mut t = Tombstones::default();
        t.add(300, interval(-5, 1 << 40));
        t.add(2, interval(1, 1));
        t.add(2, interval(5, 6));
        let bytes = t.encode();
        assert_eq!(Tombstones::decode(&bytes).unwrap(), t);
        for len in 0..bytes.len() {
            Tombstones::decode(&bytes[..len]).unwrap_err();
        }
        for i in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[i] ^= 0x40;
            Tombstones::decode(&bad).unwrap_err();
        }
    }
}
