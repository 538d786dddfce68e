//! Aggregate chunks of floats under construction.

use std::ops::Range;

use super::join;
use crate::chunk::{AggregateKind, ChunkFull, Encoding, encode_xor_at};
use crate::merge::OutChunk;

/// The parts of an aggregate chunk, encoded into memory that is used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Parts {
    room: Vec<u8>,
    end: usize,
    parts: [Option<Range<usize>>; 5],
}

impl Parts {
    /// Encodes a part. Fails for more than 65535 windows.
    pub(super) fn put(
        &mut self,
        kind: AggregateKind,
        samples: impl ExactSizeIterator<Item = (i64, f64)>,
    ) -> Result<(), ChunkFull> {
        let end = encode_xor_at(samples, &mut self.room, self.end)?;
        self.parts[kind as usize] = Some(self.end..end);
        self.end = end;
        Ok(())
    }

    /// The chunk of the parts that were put since the last one; `mint` and `maxt` in ms, closed, `samples` the number of windows.
    pub(super) fn take<'a>(&mut self, mint: i64, maxt: i64, samples: usize) -> OutChunk<'a> {
        let Self { room, end, parts } = self;
        *end = 0;
        let parts = parts.each_mut().map(Option::take);
        join(parts.map(|part| part.map(|range| (Encoding::Xor, &room[range]))), mint, maxt, samples)
    }
}
