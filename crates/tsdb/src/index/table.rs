//! The postings offset table: where the postings of each label name and value are.
//!
//! ```text
//! BE32 length, BE32 number of entries
//! each: byte 2, uvarint length and name, uvarint length and value, uvarint offset of the postings in the index
//! BE32 CRC
//! ```
//!
//! In version 2 entries are sorted, and the position of every 32nd value of a name is kept in memory, besides those of
//! the first and the last one. In version 1 they are in no order, and the positions of all are kept, sorted. Names and
//! values themselves stay in the file.

use std::cmp::Ordering;
use std::ops::Range;

use bytes::Bytes;

use super::toc::Version;
use crate::bytes::{Cursor, uvarint};
use crate::error::{Error, Problem};

const SECTION: &str = "postings offset table";
/// Every how many values of a name a position is kept unless asked otherwise; as many as Prometheus and Thanos.
pub const DEFAULT_SAMPLING: usize = 32;

/// Where postings are in an index file, in bytes: from their number of entries to the end of the entries. Without the
/// length in front and the checksum behind. The range of the last postings may be too long, never too short.
pub type PostingsRange = Range<u64>;

/// The table of an index or an index-header.
#[derive(Debug, Clone)]
pub struct PostingsTable {
    /// Contents of the section, from the number of entries on.
    body: Bytes,
    /// Offset of `body` in its file, for errors.
    base: u64,
    /// Label names in order.
    names: Vec<Name>,
    /// Positions of entries in `body`, those of one name together, ascending by value.
    samples: Vec<u32>,
    /// Version 1 only: end of the postings of each sample.
    ends: Vec<u64>,
    /// Offset in the index file behind the last postings.
    last_end: u64,
}

#[derive(Debug, Clone)]
struct Name {
    name: Box<str>,
    /// Into `samples`.
    samples: Range<u32>,
    values: u32,
}

struct Entry<'a> {
    name: &'a [u8],
    value: &'a [u8],
    postings: u64,
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| Problem::Utf8)
}

fn read_entry<'a>(c: &mut Cursor<'a>) -> Result<Entry<'a>, Error> {
    let keys = c.uvarint()?;
    if keys != 2 {
        let problem = format!("unexpected number of keys for postings offset table {keys}");
        return Err(c.corrupt(Problem::Other(problem)));
    }
    let (name, value) = (c.uvarint_str()?.as_bytes(), c.uvarint_str()?.as_bytes());
    Ok(Entry { name, value, postings: c.uvarint()? })
}

/// Walks over the entries from one on, knowing nothing of names.
struct Walk<'a> {
    c: Cursor<'a>,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Result<Option<Entry<'a>>, Error> {
        if self.c.is_empty() { Ok(None) } else { read_entry(&mut self.c).map(Some) }
    }
}

impl PostingsTable {
    /// Reads the table whose section starts at `at` of `file`, and verifies its checksum. `last_end` is the offset in
    /// the index file at which the last postings end at the latest. `sampling`: see [`DEFAULT_SAMPLING`].
    pub fn open(
        file: &Bytes,
        at: u64,
        version: Version,
        last_end: u64,
        sampling: usize,
    ) -> Result<Self, Error> {
        let mut c = Cursor::section(SECTION, file, at, true)?;
        let body = file.slice_ref(c.rest());
        let mut table =
            Self { body, base: at + 4, names: Vec::new(), samples: Vec::new(), ends: Vec::new(), last_end };
        let count = c.be32()?;
        match version {
            Version::V1 => table.load_unsorted(c, count)?,
            Version::V2 => table.load_sorted(c, count, sampling.max(1))?,
        }
        Ok(table)
    }

    fn load_sorted(&mut self, mut c: Cursor<'_>, count: u32, sampling: usize) -> Result<(), Error> {
        let mut last_pos = 0;
        let mut values = 0usize;
        for _ in 0..count {
            // Fewer entries than announced are accepted, as Prometheus does.
            if c.is_empty() {
                break;
            }
            let pos = c.pos() as u32;
            let entry = read_entry(&mut c)?;
            if self.names.last().is_none_or(|n| n.name.as_bytes() != entry.name) {
                self.end_name(last_pos, values);
                values = 0;
                let start = self.samples.len() as u32;
                let name = text(entry.name).map_err(|p| c.corrupt(p))?;
                self.names.push(Name { name: name.into(), samples: start..start, values: 0 });
            }
            if values.is_multiple_of(sampling) {
                self.samples.push(pos);
            }
            values += 1;
            last_pos = pos;
        }
        self.end_name(last_pos, values);
        self.samples.shrink_to_fit();
        if let Some(w) = self.names.windows(2).find(|w| w[0].name >= w[1].name) {
            let problem = Problem::Other(format!("label name {:?} out of order", w[1].name));
            return Err(Error::Corrupt { section: SECTION, offset: self.base, problem });
        }
        Ok(())
    }

    /// Notes the last value of the name that was being read.
    fn end_name(&mut self, last_pos: u32, values: usize) {
        let Some(name) = self.names.last_mut() else { return };
        if self.samples.last() != Some(&last_pos) {
            self.samples.push(last_pos);
        }
        name.samples.end = self.samples.len() as u32;
        name.values = values as u32;
    }

    fn load_unsorted(&mut self, mut c: Cursor<'_>, count: u32) -> Result<(), Error> {
        let mut entries: Vec<(Entry<'_>, u32, u64)> = Vec::new();
        for _ in 0..count {
            if c.is_empty() {
                break;
            }
            let pos = c.pos() as u32;
            let entry = read_entry(&mut c)?;
            if let Some((_, _, end)) = entries.last_mut() {
                *end = entry.postings.saturating_sub(4);
            }
            entries.push((entry, pos, self.last_end.saturating_sub(4)));
        }
        entries.sort_by(|(a, ..), (b, ..)| (a.name, a.value).cmp(&(b.name, b.value)));
        for (i, (entry, pos, end)) in entries.iter().enumerate() {
            if self.names.last().is_none_or(|n| n.name.as_bytes() != entry.name) {
                let name = text(entry.name).map_err(|p| c.corrupt(p))?;
                self.names.push(Name { name: name.into(), samples: i as u32..i as u32, values: 0 });
            }
            if let Some(name) = self.names.last_mut() {
                name.samples.end += 1;
                name.values += 1;
            }
            self.samples.push(*pos);
            self.ends.push(*end);
        }
        Ok(())
    }

    /// All label names, ascending, without that of [`super::ALL_POSTINGS`].
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let skip = usize::from(self.names.first().is_some_and(|n| n.name.is_empty()));
        self.names[skip..].iter().map(|n| &*n.name)
    }

    /// Number of values of a label.
    pub fn value_count(&self, name: &str) -> usize {
        self.name(name).map_or(0, |n| n.values as usize)
    }

    /// Heap memory in bytes.
    pub fn heap_size(&self) -> usize {
        self.samples.capacity() * 4
            + self.ends.capacity() * 8
            + self.names.iter().map(|n| n.name.len() + size_of::<Name>()).sum::<usize>()
    }

    /// Where the postings of a label name and value are; `None` if no series has it.
    pub fn range(&self, name: &str, value: &str) -> Result<Option<PostingsRange>, Error> {
        let mut found = None;
        self.ranges(name, &[value], |_, range| found = Some(range))?;
        Ok(found)
    }

    /// Where the postings of several values of a label name are. `values` must ascend; `found` is called with the index
    /// of each that exists.
    pub fn ranges(
        &self,
        name: &str,
        values: &[&str],
        mut found: impl FnMut(usize, PostingsRange),
    ) -> Result<(), Error> {
        let Some(name) = self.name(name) else { return Ok(()) };
        let samples = &self.samples[name.samples.start as usize..name.samples.end as usize];
        let mut from = 0;
        // The walk behind the last value found, for the next one may be close.
        let mut walk: Option<(usize, Walk<'_>, Option<Entry<'_>>)> = None;
        for (i, value) in values.iter().enumerate() {
            let value = value.as_bytes();
            // The last sample that is not greater.
            let mut failed = None;
            let after = from
                + samples[from..].partition_point(|pos| match self.entry(*pos) {
                    Ok(e) => e.value <= value,
                    Err(e) => {
                        failed = Some(e);
                        false
                    }
                });
            if let Some(e) = failed {
                return Err(e);
            }
            let Some(sample) = after.checked_sub(1) else { continue };
            from = sample;
            if !self.ends.is_empty() {
                let entry = self.entry(samples[sample])?;
                if entry.value == value {
                    let end = self.ends[name.samples.start as usize + sample];
                    found(i, range(entry.postings, end));
                }
                continue;
            }
            let (mut steps, mut current) = match walk.take() {
                Some((at, steps, current)) if at == sample => (steps, current),
                _ => {
                    let mut steps = self.walk(samples[sample])?;
                    let first = steps.next()?;
                    (steps, first)
                }
            };
            // Up to the first value that is not smaller. Names do not matter: samples include the last value of each.
            let mut hit = None;
            while let Some(entry) = &current {
                match entry.value.cmp(value) {
                    Ordering::Less if entry.name == name.name.as_bytes() => current = steps.next()?,
                    Ordering::Equal if entry.name == name.name.as_bytes() => {
                        hit = Some(entry.postings);
                        break;
                    }
                    _ => break,
                }
            }
            if let Some(postings) = hit {
                current = steps.next()?;
                let end = current.as_ref().map_or(self.last_end, |next| next.postings);
                found(i, range(postings, end.saturating_sub(4)));
                // A repeated value has to be found again.
                if values.get(i + 1).is_some_and(|next| next.as_bytes() == value) {
                    current = None;
                }
            }
            walk = current.map(|c| (sample, steps, Some(c)));
        }
        Ok(())
    }

    /// Calls `visit` with each value of a label, ascending, that starts with `prefix`, and where its postings are.
    pub fn for_each_value<'a>(
        &'a self,
        name: &str,
        prefix: &str,
        mut visit: impl FnMut(&'a str, PostingsRange),
    ) -> Result<(), Error> {
        let Some(name) = self.name(name) else { return Ok(()) };
        let (from, to) = (name.samples.start as usize, name.samples.end as usize);
        let samples = &self.samples[from..to];
        let prefix = prefix.as_bytes();
        let start = if prefix.is_empty() {
            0
        } else {
            samples.partition_point(|pos| self.entry(*pos).is_ok_and(|e| e.value < prefix)).saturating_sub(1)
        };
        if !self.ends.is_empty() {
            for (pos, end) in samples[start..].iter().zip(&self.ends[from + start..to]) {
                let entry = self.entry(*pos)?;
                if entry.value.starts_with(prefix) {
                    visit(self.value_text(&entry)?, range(entry.postings, *end));
                } else if entry.value > prefix {
                    break;
                }
            }
            return Ok(());
        }
        let Some(pos) = samples.get(start) else { return Ok(()) };
        let mut steps = self.walk(*pos)?;
        let mut current = steps.next()?;
        while let Some(entry) = current {
            if entry.name != name.name.as_bytes()
                || (entry.value > prefix && !entry.value.starts_with(prefix))
            {
                break;
            }
            current = steps.next()?;
            if entry.value.starts_with(prefix) {
                let end = current.as_ref().map_or(self.last_end, |next| next.postings);
                visit(self.value_text(&entry)?, range(entry.postings, end.saturating_sub(4)));
            }
        }
        Ok(())
    }

    fn value_text<'a>(&self, entry: &Entry<'a>) -> Result<&'a str, Error> {
        text(entry.value).map_err(|problem| Error::Corrupt { section: SECTION, offset: self.base, problem })
    }

    fn name(&self, name: &str) -> Option<&Name> {
        let i = self.names.binary_search_by(|n| (*n.name).cmp(name)).ok()?;
        Some(&self.names[i])
    }

    fn walk(&self, pos: u32) -> Result<Walk<'_>, Error> {
        let mut c = Cursor::new(SECTION, self.base, &self.body);
        c.skip(pos as usize)?;
        Ok(Walk { c })
    }

    /// The entry at a position; names and values were checked when the table was opened, so only their bounds are.
    fn entry(&self, pos: u32) -> Result<Entry<'_>, Error> {
        let read = || {
            let mut rest = self.body.get(pos as usize + 1..)?;
            let mut bytes = || {
                let (len, n) = uvarint(rest)?;
                let end = n.checked_add(usize::try_from(len).ok()?)?;
                let out = rest.get(n..end)?;
                rest = &rest[end..];
                Some(out)
            };
            let (name, value) = (bytes()?, bytes()?);
            let (postings, _) = uvarint(rest)?;
            Some(Entry { name, value, postings })
        };
        read().ok_or(Error::Corrupt {
            section: SECTION,
            offset: self.base + u64::from(pos),
            problem: Problem::Truncated,
        })
    }
}

/// From the offset of postings, where their length is, and their end without the checksum.
fn range(postings: u64, end: u64) -> PostingsRange {
    let start = postings.saturating_add(4);
    start..end.max(start)
}
