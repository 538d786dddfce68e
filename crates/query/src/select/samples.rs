//! The samples of a series as stores sent it: its chunks, decoded when the evaluation asks, replicas joined.

use std::sync::Arc;

use model::labels::Labels;
use model::series::{SampleBuffer, SampleSource, SourceError};
use parking_lot::Mutex;
use promql::limits::Reservation;
use storeapi::{AggrChunk, Chunk};
use tsdb::aggregation::{Aggregation, ChunkSet, Wanted, samples_into};
use tsdb::chunk::{ChunkError, Encoding};
use tsdb::dedup::{Algorithm, ReplicaRead, TimedChunk, deduplicate, penalty_of_chunks, split_overlaps};

/// Why a series' samples cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("decode chunks of series {labels}: {source}")]
struct BadChunks {
    labels: Labels,
    source: ChunkError,
}

/// How the samples of a select's series are made.
#[derive(Debug)]
pub(super) struct Decoding {
    /// What is read of downsampled data.
    pub(super) aggregation: Aggregation,
    /// Whether the function around takes the values as those of a counter.
    pub(super) counter: bool,
    /// How replicas are joined; `None` leaves overlapping chunks to chance, as without deduplication.
    pub(super) deduplication: Option<Algorithm>,
    /// Start of the whole query, ms: the joining of replicas starts there, whatever part is asked for.
    pub(super) mint: i64,
    /// End of the whole query, ms, inclusive.
    pub(super) maxt: i64,
    /// Buffers to decode replicas into, for whoever needs some.
    pub(super) scratch: Mutex<Vec<[SampleBuffer; 2]>>,
}

/// A series with its chunks, decoded when asked.
pub(super) struct ChunkSamples {
    pub(super) labels: Labels,
    pub(super) chunks: Vec<AggrChunk>,
    pub(super) decoding: Arc<Decoding>,
    /// What the chunks hold of the query's memory.
    pub(super) _held: Option<Arc<Reservation>>,
}

impl SampleSource for ChunkSamples {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        let Decoding { counter, deduplication, mint: first, maxt: last, .. } = *self.decoding;
        let (mint, maxt) = (mint.max(first), maxt.min(last));
        let Some(algorithm) = deduplication else {
            return self.replica_into(self.chunks.iter(), self.aggregation_of_one(), mint, maxt, out);
        };
        let replicas = split_overlaps(self.chunks.iter().map(|chunk| (chunk.min_time, chunk.max_time)));
        if replicas.len() == 1 {
            return self.replica_into(self.chunks.iter(), self.aggregation_of_one(), mint, maxt, out);
        }
        // Mostly there is nothing in `out`, and the joined samples need no place of their own.
        let mut apart = SampleBuffer::new();
        let direct = out.is_empty();
        let joined = if direct { &mut *out } else { &mut apart };
        match (algorithm, replicas.as_slice()) {
            (Algorithm::Penalty, [a, b]) => self.pair_into([a.as_slice(), b.as_slice()], joined)?,
            _ => {
                let mut decoded = Vec::with_capacity(replicas.len());
                for replica in &replicas {
                    let mut buffer = SampleBuffer::new();
                    let chunks = replica.iter().map(|at| &self.chunks[*at]);
                    self.replica_into(chunks, self.decoding.aggregation, first, last, &mut buffer)?;
                    decoded.push(buffer);
                }
                deduplicate(algorithm, &decoded, counter, joined);
            }
        }
        let range = joined.range(mint, maxt);
        if direct {
            out.keep(range);
        } else {
            out.extend_from(&apart, range);
        }
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        self.chunks.iter().map(AggrChunk::data_len).sum()
    }
}

impl ChunkSamples {
    /// What is read of the chunks of a series of which there is one copy.
    ///
    /// Differs from Thanos: it removes the resets of raw counters as well, before the function sees them, so that `resets()` finds
    /// none. Here that is done only where a part of the series is downsampled: the counters of such chunks start anew with each
    /// chunk, and mean nothing without it. Copies that are joined keep to Thanos's way, since lifting the values where one takes
    /// over from the other builds on it.
    fn aggregation_of_one(&self) -> Aggregation {
        let raw = self.chunks.iter().all(|chunk| chunk.aggregates.is_none());
        match self.decoding.aggregation {
            Aggregation::Counter if raw => Aggregation::Average,
            aggregation => aggregation,
        }
    }

    /// Appends the joined samples of two replicas, whose chunks are given by their indices.
    fn pair_into(&self, replicas: [&[usize]; 2], out: &mut SampleBuffer) -> Result<(), SourceError> {
        let Decoding { aggregation, counter, mint, maxt, .. } = *self.decoding;
        let chunks = replicas.map(|replica| {
            replica.iter().map(|at| {
                let chunk = &self.chunks[*at];
                let data = wanted(chunk, aggregation)?;
                Ok(TimedChunk { min_time: chunk.min_time, max_time: chunk.max_time, data })
            })
        });
        // Mostly it is the first replica that is followed, and its samples that come out.
        let first = replicas[0].iter().map(|at| &self.chunks[*at]);
        out.reserve(room_for(first.filter(|chunk| chunk.min_time <= maxt)));
        let read = ReplicaRead { aggregation, counter, mint, maxt };
        let mut scratch = self.decoding.scratch.lock().pop().unwrap_or_default();
        let joined = penalty_of_chunks(chunks, read, &mut scratch, out).map_err(|source| self.broken(source));
        self.decoding.scratch.lock().push(scratch);
        joined
    }

    fn broken(&self, source: ChunkError) -> SourceError {
        SourceError::new(BadChunks { labels: self.labels.clone(), source })
    }

    /// Appends the samples of one replica within `[mint, maxt]`.
    fn replica_into<'a>(
        &self,
        chunks: impl Iterator<Item = &'a AggrChunk> + Clone,
        aggregation: Aggregation,
        mint: i64,
        maxt: i64,
        out: &mut SampleBuffer,
    ) -> Result<(), SourceError> {
        // Values of a counter build on all before them, so that chunks before the range count there.
        let needed = |chunk: &&AggrChunk| {
            chunk.min_time <= maxt && (chunk.max_time >= mint || aggregation == Aggregation::Counter)
        };
        // Grown step by step, a buffer for the samples of a month would be copied many times.
        out.reserve(room_for(chunks.clone().filter(needed)));
        let mut broken = None;
        let sets = chunks.filter(needed).map_while(|chunk| match wanted(chunk, aggregation) {
            Ok(wanted) => Some(wanted),
            Err(error) => {
                broken = Some(error);
                None
            }
        });
        let read = samples_into(sets, aggregation, mint, maxt, out);
        broken.map_or(read, Err).map_err(|source| self.broken(source))
    }
}

/// Samples to make room for before these chunks are decoded: half a year of a series, and no more on the word of their headers. Rounded,
/// so that a buffer that did for one series mostly does for the next.
fn room_for<'a>(chunks: impl Iterator<Item = &'a AggrChunk>) -> usize {
    let samples: usize = chunks.map(AggrChunk::most_samples).sum();
    samples.next_multiple_of((samples / 8).next_power_of_two()).min(1 << 20)
}

/// What is read of a chunk.
#[inline]
fn wanted(chunk: &AggrChunk, aggregation: Aggregation) -> Result<Wanted<'_>, ChunkError> {
    fn data(chunk: Option<&Chunk>) -> Result<Option<(Encoding, &[u8])>, ChunkError> {
        chunk.map(|chunk| Ok((Encoding::from_wire(chunk.encoding.to_wire())?, &chunk.data[..]))).transpose()
    }
    let raw = data(chunk.raw.as_ref())?;
    let Some(aggregates) = chunk.aggregates.as_deref() else {
        return Ok(raw.map_or(Wanted::Missing, Wanted::One));
    };
    let set = ChunkSet {
        raw,
        count: data(aggregates.count.as_ref())?,
        sum: data(aggregates.sum.as_ref())?,
        min: data(aggregates.min.as_ref())?,
        max: data(aggregates.max.as_ref())?,
        counter: data(aggregates.counter.as_ref())?,
    };
    Ok(set.wanted(aggregation))
}

#[cfg(test)]
mod tests;
