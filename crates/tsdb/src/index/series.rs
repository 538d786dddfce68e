//! Series entries: labels and chunks of one series.
//!
//! ```text
//! uvarint length; uvarint number of labels, each: uvarint symbol of the name, uvarint symbol of the value
//! uvarint number of chunks; the first: varint mint, uvarint maxt - mint, uvarint reference
//! each other: uvarint mint - maxt before, uvarint maxt - mint, varint reference - reference before
//! BE32 CRC over what is between length and CRC
//! ```

use std::ops::Range;

use crate::bytes::{Cursor, crc, uvarint};
use crate::chunkfile::ChunkRef;
use crate::error::{Error, Problem};

const SECTION: &str = "series";

/// A chunk as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkMeta {
    /// Time of its first sample in ms.
    pub mint: i64,
    /// Time of its last sample in ms.
    pub maxt: i64,
    /// Where it is.
    pub reference: ChunkRef,
}

impl ChunkMeta {
    /// Whether it has a part in the closed range.
    pub fn overlaps(&self, mint: i64, maxt: i64) -> bool {
        self.mint <= maxt && mint <= self.maxt
    }
}

/// An entry as it lies in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesFrame {
    /// What to give to [`SeriesEntry::decode`], relative to the start of the frame.
    pub body: Range<usize>,
    /// Length of the whole frame in bytes, without padding.
    pub len: usize,
}

impl SeriesFrame {
    /// Length of the frame that starts at `bytes`, as far as one can tell: `None` when not even the length is there.
    pub fn len_of(bytes: &[u8]) -> Option<u64> {
        let (len, n) = uvarint(bytes)?;
        len.checked_add(n as u64 + 4)
    }

    /// Takes the frame at the start of `bytes` apart; `verify` checks the checksum.
    pub fn parse(bytes: &[u8], verify: bool) -> Result<Self, Problem> {
        let (len, n) = uvarint(bytes).ok_or(Problem::Truncated)?;
        let len = usize::try_from(len).map_err(|_| Problem::Truncated)?;
        let end = n.checked_add(len).ok_or(Problem::Truncated)?;
        let sum = bytes.get(end..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Problem::Truncated)?;
        if verify && crc(&bytes[n..end]) != u32::from_be_bytes(*sum) {
            return Err(Problem::Checksum);
        }
        Ok(Self { body: n..end, len: end + 4 })
    }
}

/// A decoded entry. Made to be reused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesEntry {
    /// Symbol references of each label's name and value, in the order of the names.
    pub labels: Vec<(u32, u32)>,
    /// Chunks by time.
    pub chunks: Vec<ChunkMeta>,
}

impl SeriesEntry {
    /// An empty entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an entry with all chunks.
    pub fn decode(&mut self, body: &[u8]) -> Result<(), Error> {
        self.decode_range(body, i64::MIN, i64::MAX)
    }

    /// Reads an entry, keeping the chunks that overlap the closed range (ms).
    pub fn decode_range(&mut self, body: &[u8], mint: i64, maxt: i64) -> Result<(), Error> {
        let chunks = self.decode_labels(body)?;
        self.decode_chunks(chunks, |chunk| (chunk.overlaps(mint, maxt), true))
    }

    /// Reads the chunks of an entry up to and with the first one that `last` says yes to. What is behind is not even looked at; labels are
    /// passed over.
    pub fn decode_chunks_until(
        &mut self,
        body: &[u8],
        last: impl Fn(&ChunkMeta) -> bool,
    ) -> Result<(), Error> {
        self.labels.clear();
        let mut c = Cursor::new(SECTION, 0, body);
        let labels = c.uvarint()?;
        c.skip_uvarints(labels.saturating_mul(2))?;
        self.decode_chunks(c, |chunk| (true, !last(chunk)))
    }

    /// Reads chunks; `f` says of each whether it is kept, and whether to go on.
    fn decode_chunks(
        &mut self,
        mut c: Cursor<'_>,
        f: impl Fn(&ChunkMeta) -> (bool, bool),
    ) -> Result<(), Error> {
        self.chunks.clear();
        let n = c.uvarint()?;
        let (mut end, mut reference) = (0i64, 0i64);
        for i in 0..n {
            let from = if i == 0 { c.varint()? } else { end.wrapping_add_unsigned(c.uvarint()?) };
            let to = from.wrapping_add_unsigned(c.uvarint()?);
            reference = if i == 0 { c.uvarint()? as i64 } else { reference.wrapping_add(c.varint()?) };
            end = to;
            let chunk = ChunkMeta { mint: from, maxt: to, reference: ChunkRef(reference as u64) };
            let (keep, go_on) = f(&chunk);
            if keep {
                self.chunks.push(chunk);
            }
            if !go_on {
                break;
            }
        }
        Ok(())
    }

    /// Reads the labels of an entry and leaves the chunks as they are.
    pub fn decode_labels_only(&mut self, body: &[u8]) -> Result<(), Error> {
        self.decode_labels(body).map(|_| ())
    }

    fn decode_labels<'a>(&mut self, body: &'a [u8]) -> Result<Cursor<'a>, Error> {
        self.labels.clear();
        let mut c = Cursor::new(SECTION, 0, body);
        let n = c.uvarint()?;
        for _ in 0..n {
            let name = c.uvarint32()?;
            let value = c.uvarint32()?;
            self.labels.push((name, value));
        }
        Ok(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{put_uvarint, put_varint};

    fn body(chunks: &[(i64, i64, u64)]) -> Vec<u8> {
        let mut out = Vec::new();
        put_uvarint(&mut out, 2);
        for s in [1, 2, 3, 300] {
            put_uvarint(&mut out, s);
        }
        put_uvarint(&mut out, chunks.len() as u64);
        let mut before: Option<(i64, i64, u64)> = None;
        for &(mint, maxt, reference) in chunks {
            match before {
                None => put_varint(&mut out, mint),
                Some((_, end, _)) => put_uvarint(&mut out, (mint - end) as u64),
            }
            put_uvarint(&mut out, (maxt - mint) as u64);
            match before {
                None => put_uvarint(&mut out, reference),
                Some((.., r)) => put_varint(&mut out, reference as i64 - r as i64),
            }
            before = Some((mint, maxt, reference));
        }
        out
    }

    #[test]
    fn entry_comes_back_and_range_selects_chunks() {
        // The second chunk starts before the end of the first: a difference below zero, written as a huge one.
        let chunks = [(-50, 10, 8), (5, 20, 900), (30, 40, 1 << 32 | 8), (41, 41, 100)];
        let body = body(&chunks);
        let mut entry = SeriesEntry::new();
        entry.decode(&body).unwrap();
        assert_eq!(entry.labels, [(1, 2), (3, 300)]);
        let got: Vec<_> = entry.chunks.iter().map(|c| (c.mint, c.maxt, c.reference.0)).collect();
        assert_eq!(got, chunks);
        entry.decode_range(&body, 15, 30).unwrap();
        assert_eq!(entry.chunks.iter().map(|c| c.mint).collect::<Vec<_>>(), [5, 30]);
        entry.decode_chunks_until(&body, |chunk| chunk.mint > 10).unwrap();
        assert_eq!(entry.chunks.iter().map(|c| c.mint).collect::<Vec<_>>(), [-50, 5, 30]);
        assert!(entry.labels.is_empty());
        entry.decode_labels_only(&body).unwrap();
        assert_eq!((entry.labels.as_slice(), entry.chunks.len()), (&[(1, 2), (3, 300)][..], 3));
        for len in 0..body.len() {
            entry.decode(&body[..len]).unwrap_err();
            entry.decode_chunks_until(&body[..len], |_| false).unwrap_err();
        }
    }

    /// Whatever their number and the lengths of their integers.
    #[test]
    fn labels_are_passed_over() {
        for labels in 0..40u32 {
            let mut body = Vec::new();
            put_uvarint(&mut body, u64::from(labels));
            for at in 0..labels {
                put_uvarint(&mut body, u64::from(at % 5 * 40));
                put_uvarint(&mut body, u64::from(1u32 << (at * 7 % 32)));
            }
            // A number of two bytes.
            put_uvarint(&mut body, 200);
            put_varint(&mut body, -7);
            put_uvarint(&mut body, 9);
            put_uvarint(&mut body, 300);
            for _ in 1..200 {
                put_uvarint(&mut body, 5);
                put_uvarint(&mut body, 9);
                put_varint(&mut body, 300);
            }
            let (mut all, mut chunks) = (SeriesEntry::new(), SeriesEntry::new());
            all.decode(&body).unwrap();
            chunks.decode_chunks_until(&body, |_| false).unwrap();
            assert_eq!((all.labels.len(), &all.chunks), (labels as usize, &chunks.chunks));
        }
    }

    #[test]
    fn counts_beyond_the_bytes_allocate_nothing() {
        let mut entry = SeriesEntry::new();
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        entry.decode(&most).unwrap_err();
        entry.decode_chunks_until(&most, |_| false).unwrap_err();
        assert!(entry.labels.capacity() < 100);
    }

    #[test]
    fn frame_has_length_and_checksum() {
        let body = body(&[(1, 2, 3)]);
        let mut frame = vec![body.len() as u8];
        frame.extend_from_slice(&body);
        frame.extend_from_slice(&crc(&body).to_be_bytes());
        assert_eq!(SeriesFrame::len_of(&frame[..1]), Some(frame.len() as u64));
        let parsed = SeriesFrame::parse(&frame, true).unwrap();
        assert_eq!(frame[parsed.body.clone()], body);
        assert_eq!(parsed.len, frame.len());
        frame[3] ^= 1;
        assert_eq!(SeriesFrame::parse(&frame, true), Err(Problem::Checksum));
        assert_eq!(SeriesFrame::parse(&frame[..5], true), Err(Problem::Truncated));
    }
}
