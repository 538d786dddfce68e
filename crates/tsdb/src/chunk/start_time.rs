//! Start timestamps within XOR2 and start-timestamp histogram chunks.
//!
//! The header byte says what there is: its top bit, whether the first sample has one; the other seven, from which
//! sample on one follows each sample (0: none). Up to there the first one holds. What is stored is the distance from
//! the *previous* sample's time (from its own for the first sample), then differences of these distances.
//!
//! Source of the format: Prometheus `tsdb/chunkenc/st.go`, `xor2.go`.

use super::{ChunkError, varbit};
use crate::bits::{BitReader, BitWriter};

/// The low bits of the sample count of start-timestamp histogram chunks; the reset header has the high ones.
pub(super) const SAMPLE_COUNT_MASK: u16 = 0x3fff;

#[derive(Debug, Clone, Copy)]
pub(super) struct StartDecoder {
    first_known: bool,
    changes_from: usize,
    start: i64,
    diff: i64,
}

impl StartDecoder {
    pub(super) fn new(header: u8) -> Self {
        Self { first_known: header & 0x80 != 0, changes_from: usize::from(header & 0x7f), start: 0, diff: 0 }
    }

    /// Whether no sample has a start timestamp.
    pub(super) fn is_none(self) -> bool {
        !self.first_known && self.changes_from == 0
    }

    /// The start timestamp of sample `index`, behind whose value the reader is; 0 for none.
    #[inline]
    pub(super) fn read(
        &mut self,
        r: &mut BitReader<'_>,
        index: usize,
        t: i64,
        prev_t: i64,
    ) -> Result<i64, ChunkError> {
        if index == 0 {
            if self.first_known {
                self.start = t.wrapping_sub(r.read_varint()?);
            }
        } else if self.changes_from > 0 && index >= self.changes_from {
            let v = varbit::read_int(r);
            self.diff = if index == self.changes_from { v } else { self.diff.wrapping_add(v) };
            self.start = prev_t.wrapping_sub(self.diff);
        }
        Ok(self.start)
    }
}

/// The last sample that the header can name as the first one with a change; from it on start timestamps are written
/// whether they change or not.
const MAX_CHANGES_FROM: usize = 0x7f;

/// Writes the start timestamps of a chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct StartEncoder {
    /// Where the header byte is in the chunk.
    header_at: usize,
    changes: bool,
    start: i64,
    diff: i64,
}

impl StartEncoder {
    pub(super) fn new(header_at: usize) -> Self {
        Self { header_at, changes: false, start: 0, diff: 0 }
    }

    /// Writes the start timestamp of sample `index` behind its value; 0 for none.
    pub(super) fn write(&mut self, w: &mut BitWriter, index: usize, t: i64, prev_t: i64, start: i64) {
        if index == 0 {
            if start != 0 {
                w.write_varint(t.wrapping_sub(start));
                w.bytes_mut()[self.header_at] = 0x80;
            }
        } else if self.changes {
            let diff = prev_t.wrapping_sub(start);
            varbit::write_int(w, diff.wrapping_sub(self.diff));
            self.diff = diff;
        } else if start != self.start || index == MAX_CHANGES_FROM {
            // Differs here at the latest, so the index fits.
            self.diff = prev_t.wrapping_sub(start);
            self.changes = true;
            varbit::write_int(w, self.diff);
            w.bytes_mut()[self.header_at] |= index as u8;
        }
        self.start = start;
    }
}
