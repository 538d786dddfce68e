//! Which resolutions the chunks of a query had.

use std::sync::atomic::{AtomicU8, Ordering};

use storeapi::AggrChunk;

/// Resolutions that blocks have, ms.
const RESOLUTIONS: [i64; 3] = [0, 300_000, 3_600_000];

/// The resolutions seen so far. No message of the StoreAPI names them, so they are read off the chunks.
#[derive(Debug, Default)]
pub(super) struct Resolutions(AtomicU8);

impl Resolutions {
    /// Takes note of a chunk.
    pub(super) fn note(&self, chunk: &AggrChunk) {
        if let Some(at) = position(chunk) {
            let bit = 1 << at;
            // Mostly known already, and then the line of memory stays shared among the threads.
            if self.0.load(Ordering::Relaxed) & bit == 0 {
                self.0.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// The resolutions seen, ms, ascending; 0 is raw data.
    pub(super) fn seen(&self) -> Vec<i64> {
        let bits = self.0.load(Ordering::Relaxed);
        (0..RESOLUTIONS.len()).filter(|at| bits & (1 << at) != 0).map(|at| RESOLUTIONS[at]).collect()
    }
}

/// The index in [`RESOLUTIONS`] of a chunk's; `None` where it has too few samples to tell.
fn position(chunk: &AggrChunk) -> Option<usize> {
    let Some(aggregates) = chunk.aggregates.as_deref() else { return chunk.raw.is_some().then_some(0) };
    // A counter chunk has its last sample twice.
    let twice = u64::from(aggregates.counter.is_some());
    let (_, first) = chunk.chunks().last()?;
    let samples = first.samples().saturating_sub(twice);
    if samples < 2 {
        return None;
    }
    // Samples stand at the last millisecond of their windows, but for the last ones of a block.
    let hour = RESOLUTIONS[2];
    let at_end_of_hour = chunk.min_time.rem_euclid(hour) == hour - 1;
    let apart = (i128::from(chunk.max_time) - i128::from(chunk.min_time)) / i128::from(samples - 1);
    Some(if at_end_of_hour && apart > i128::from(hour / 2) { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proto::series::{Aggregates, Chunk, ChunkEncoding};

    use super::*;

    fn chunk(samples: u16, counter: bool, min_time: i64, max_time: i64) -> AggrChunk {
        let encoded = |samples: u16| {
            Some(Chunk::new(ChunkEncoding::Xor, Bytes::copy_from_slice(&samples.to_be_bytes()), 0))
        };
        let mut aggregates = Aggregates { count: encoded(samples), ..Aggregates::default() };
        if counter {
            aggregates.counter = encoded(samples + 1);
        }
        AggrChunk { min_time, max_time, raw: None, aggregates: Some(Box::new(aggregates)) }
    }

    #[test]
    fn resolutions_are_read_off_the_windows() {
        const HOUR: i64 = 3_600_000;
        let seen = Resolutions::default();
        assert!(seen.seen().is_empty());
        // One sample tells nothing; nor does a counter whose only sample stands twice.
        seen.note(&chunk(1, true, HOUR - 1, HOUR - 1));
        assert!(seen.seen().is_empty());
        seen.note(&chunk(3, true, HOUR - 1, 3 * HOUR - 1));
        assert_eq!(seen.seen(), [HOUR]);
        // Windows of five minutes, of a series with a sample in every other hour.
        seen.note(&chunk(3, false, 299_999, 4 * HOUR + 299_999));
        assert_eq!(seen.seen(), [300_000, HOUR]);
        seen.note(&AggrChunk { raw: Some(Chunk::default()), ..AggrChunk::default() });
        assert_eq!(seen.seen(), [0, 300_000, HOUR]);
    }
}
