//! The last part of an index: postings lists and the table of their offsets.
//!
//! How long each list is was counted while the series were written, so the place of every list is known before its
//! contents. The lists are made in batches of bounded size; for each, the series section is read back once, front to
//! back.

use std::ops::Range;

use super::file::BufferedFile;
use super::index::{pair_key, too_large};
use crate::bytes::{Cursor, crc, put_uvarint, uvarint};
use crate::error::Error;

/// Most references of a batch (16 MiB), unless one list is longer.
const BATCH: usize = 4 << 20;
const SERIES_ALIGN: u64 = 16;
const WINDOW: usize = 1 << 20;

/// Writes the list of all series and that of each pair, in order. Returns the offset of the first one.
pub(super) fn write_lists(
    file: &mut BufferedFile,
    section: Range<u64>,
    series: u64,
    pairs: &[(u64, u32)],
) -> Result<u64, Error> {
    file.flush()?;
    let start = file.len();
    write_all_series(file, section.clone(), series)?;
    let mut rest = pairs;
    while !rest.is_empty() {
        let mut size = 0;
        let fits = |(_, count): &&(u64, u32)| {
            size += *count as usize;
            size <= BATCH
        };
        let (batch, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        write_batch(file, section.clone(), batch)?;
        rest = after;
    }
    Ok(start)
}

fn write_all_series(file: &mut BufferedFile, section: Range<u64>, series: u64) -> Result<(), Error> {
    let count = u32::try_from(series).map_err(|_| too_large(file.path(), "list of series"))?;
    let len = count
        .checked_mul(4)
        .and_then(|n| n.checked_add(4))
        .ok_or_else(|| too_large(file.path(), "list of series"))?;
    let mut out = Vec::with_capacity(WINDOW);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    let mut sum = crc(&out[4..]);
    // Those written since the section was flushed do not disturb: reading is by position.
    let mut walk = SeriesWalk::new(section);
    let mut summed = out.len();
    while let Some((reference, _)) = walk.next(file)? {
        out.extend_from_slice(&reference.to_be_bytes());
        if out.len() >= WINDOW {
            sum = crc32c::crc32c_append(sum, &out[summed..]);
            file.write(&out)?;
            out.clear();
            summed = 0;
        }
    }
    sum = crc32c::crc32c_append(sum, &out[summed..]);
    out.extend_from_slice(&sum.to_be_bytes());
    file.write(&out)
}

/// Writes the lists of a few pairs.
fn write_batch(file: &mut BufferedFile, section: Range<u64>, batch: &[(u64, u32)]) -> Result<(), Error> {
    let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(()) };
    let keys = first.0..=last.0;
    // Where the next reference of each list goes.
    let mut next: rustc_hash::FxHashMap<u64, usize> = Default::default();
    next.reserve(batch.len());
    let mut total = 0;
    for (key, count) in batch {
        next.insert(*key, total);
        total += *count as usize;
    }
    let mut references = vec![0u32; total];
    let mut walk = SeriesWalk::new(section);
    while let Some((reference, body)) = walk.next(file)? {
        let mut c = Cursor::new("series", 0, body);
        for _ in 0..c.uvarint()? {
            let key = pair_key(c.uvarint32()?, c.uvarint32()?);
            if keys.contains(&key)
                && let Some(at) = next.get_mut(&key)
            {
                references[*at] = reference;
                *at += 1;
            }
        }
    }
    let mut out = Vec::new();
    let mut from = 0;
    for (_, count) in batch {
        let list = &references[from..from + *count as usize];
        from += list.len();
        let len = count
            .checked_mul(4)
            .and_then(|n| n.checked_add(4))
            .ok_or_else(|| too_large(file.path(), "postings list"))?;
        out.clear();
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&count.to_be_bytes());
        out.extend(list.iter().flat_map(|r| r.to_be_bytes()));
        let sum = crc(&out[4..]);
        out.extend_from_slice(&sum.to_be_bytes());
        file.write(&out)?;
    }
    Ok(())
}

/// Writes the table that leads from names and values to their lists, of which the first one is at `lists`.
pub(super) fn write_table(
    file: &mut BufferedFile,
    symbols: &[u32],
    symbols_end: u64,
    pairs: &[(u64, u32)],
    lists: u64,
) -> Result<(), Error> {
    file.flush()?;
    let table = SymbolBytes::read(file, symbols, symbols_end)?;
    let start = file.len();
    let count = u32::try_from(pairs.len() + 1).map_err(|_| too_large(file.path(), "postings table"))?;
    let mut out = vec![0; 4];
    out.extend_from_slice(&count.to_be_bytes());
    let mut sum = crc(&out[4..]);
    file.write(&out)?;
    let mut offset = lists;
    // The list of all series has the empty name and value and comes first; its length is in its file.
    let mut head = [0; 4];
    file.read_at(&mut head, lists)?;
    let mut lengths = std::iter::once(u64::from(u32::from_be_bytes(head)))
        .chain(pairs.iter().map(|(_, n)| 4 + 4 * u64::from(*n)));
    let all = std::iter::once(("".as_bytes(), "".as_bytes()));
    let named = pairs.iter().map(|(key, _)| (table.get((*key >> 32) as u32), table.get(*key as u32)));
    for (name, value) in all.chain(named) {
        out.clear();
        out.push(2);
        for text in [name, value] {
            put_uvarint(&mut out, text.len() as u64);
            out.extend_from_slice(text);
        }
        put_uvarint(&mut out, offset);
        sum = crc32c::crc32c_append(sum, &out);
        file.write(&out)?;
        offset += 4 + lengths.next().unwrap_or(0) + 4;
    }
    let len = u32::try_from(file.len() - start - 4).map_err(|_| too_large(file.path(), "postings table"))?;
    file.write(&sum.to_be_bytes())?;
    file.overwrite(start, &len.to_be_bytes())
}

/// The symbol table, read back.
struct SymbolBytes<'a> {
    bytes: bytes::Bytes,
    offsets: &'a [u32],
}

impl<'a> SymbolBytes<'a> {
    fn read(file: &BufferedFile, offsets: &'a [u32], end: u64) -> Result<Self, Error> {
        // Mapped, so that the pages can go again when memory is short.
        let bytes = crate::mmap::open(file.path())?;
        let end = usize::try_from(end).map_err(|_| too_large(file.path(), "symbol table"))?;
        Ok(Self { bytes: bytes.slice(..end), offsets })
    }

    fn get(&self, number: u32) -> &[u8] {
        let at = self.offsets[number as usize] as usize;
        let (len, n) = uvarint(&self.bytes[at..]).expect("symbols were written by this writer");
        &self.bytes[at + n..at + n + len as usize]
    }
}

/// Reads the series section back in windows.
struct SeriesWalk {
    /// Position of the next entry in the file.
    at: u64,
    end: u64,
    window: Vec<u8>,
    /// Position of the window in the file.
    from: u64,
}

impl SeriesWalk {
    fn new(section: Range<u64>) -> Self {
        Self { at: section.start, end: section.end, window: Vec::new(), from: section.start }
    }

    /// The next entry: its reference and its body.
    fn next(&mut self, file: &BufferedFile) -> Result<Option<(u32, &[u8])>, Error> {
        self.at = self.at.next_multiple_of(SERIES_ALIGN);
        if self.at >= self.end {
            return Ok(None);
        }
        // A length takes at most ten bytes; at the end of the section there may be fewer.
        self.ensure(file, 10)?;
        let head = &self.window[(self.at - self.from) as usize..];
        let (len, n) = uvarint(head).expect("series were written by this writer");
        self.ensure(file, n + len as usize)?;
        let reference = (self.at / SERIES_ALIGN) as u32;
        let body = (self.at - self.from) as usize + n;
        self.at += n as u64 + len + 4;
        Ok(Some((reference, &self.window[body..body + len as usize])))
    }

    fn ensure(&mut self, file: &BufferedFile, bytes: usize) -> Result<(), Error> {
        let end = (self.at + bytes as u64).min(self.end);
        if self.at >= self.from && end <= self.from + self.window.len() as u64 {
            return Ok(());
        }
        let len = (self.end - self.at).min(bytes.max(WINDOW) as u64) as usize;
        self.window.resize(len, 0);
        self.from = self.at;
        file.read_at(&mut self.window, self.at)
    }
}
