//! Samples out of a list of chunks, raw or aggregated: what a querier makes of the chunks of a series.
//!
//! A chunk of a downsampled block comes as up to five chunks; which of them are read, and how, depends on what the
//! query does with the values. Behaviour is that of Thanos `pkg/query/iter.go` and `pkg/compact/downsample`.

use std::sync::Arc;

use model::series::SampleBuffer;

use crate::chunk::{ChunkError, Encoding, decode_into, decode_range_into};

/// What is read of aggregated chunks. Raw chunks are read as they are, but that counters have their resets removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// Number of samples.
    Count,
    /// Sum of the values.
    Sum,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The counter, with resets removed, also across chunks.
    Counter,
    /// Sum by count.
    Average,
}

/// Encoding and data of a chunk.
pub type ChunkData<'a> = (Encoding, &'a [u8]);

/// A chunk of a series as it comes from a store: either `raw` or some of the aggregates.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct ChunkSet<'a> {
    pub raw: Option<ChunkData<'a>>,
    pub count: Option<ChunkData<'a>>,
    pub sum: Option<ChunkData<'a>>,
    pub min: Option<ChunkData<'a>>,
    pub max: Option<ChunkData<'a>>,
    pub counter: Option<ChunkData<'a>>,
}

impl<'a> ChunkSet<'a> {
    /// A raw chunk.
    pub fn raw(encoding: Encoding, data: &'a [u8]) -> Self {
        Self { raw: Some((encoding, data)), ..Self::default() }
    }

    fn first(self, wanted: Option<ChunkData<'a>>) -> Result<ChunkData<'a>, ChunkError> {
        wanted.or(self.raw).ok_or(ChunkError::NoValidChunk)
    }
}

/// Appends the samples with `mint <= t <= maxt` (ms, closed) of the chunks, which are sorted by time, ascending. Of
/// overlapping chunks the later ones give what is after the end of the earlier ones.
pub fn samples_into<'a>(
    chunks: impl IntoIterator<Item = ChunkSet<'a>>,
    aggregation: Aggregation,
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    if aggregation == Aggregation::Counter {
        return counter_into(chunks, mint, maxt, out);
    }
    let mut scratch = (SampleBuffer::new(), SampleBuffer::new());
    let start = out.len();
    let mut from = mint;
    for chunk in chunks {
        let wanted = match aggregation {
            Aggregation::Count => chunk.first(chunk.count)?,
            Aggregation::Sum => chunk.first(chunk.sum)?,
            Aggregation::Min => chunk.first(chunk.min)?,
            Aggregation::Max => chunk.first(chunk.max)?,
            Aggregation::Counter | Aggregation::Average => match chunk.raw {
                Some(raw) => raw,
                None => {
                    let (sum, count) = (chunk.sum, chunk.count);
                    let (counts, sums) = &mut scratch;
                    counts.clear();
                    sums.clear();
                    decode(count.ok_or(ChunkError::NoValidChunk)?, counts)?;
                    decode(sum.ok_or(ChunkError::NoValidChunk)?, sums)?;
                    average(counts, sums)?;
                    let skip = sums.timestamps.iter().position(|t| *t >= from).unwrap_or(sums.len());
                    out.extend_from(sums, skip..sums.len());
                    if end_chunk(out, start, maxt, &mut from) {
                        break;
                    }
                    continue;
                }
            },
        };
        decode_range_into(wanted.0, wanted.1, from, i64::MAX, out)?;
        if end_chunk(out, start, maxt, &mut from) {
            break;
        }
    }
    Ok(())
}

fn decode((encoding, data): ChunkData<'_>, out: &mut SampleBuffer) -> Result<(), ChunkError> {
    decode_into(encoding, data, out)
}

/// Cuts what is after `maxt`; if there was something, that is the end. Moves `from` behind the last sample.
fn end_chunk(out: &mut SampleBuffer, start: usize, maxt: i64, from: &mut i64) -> bool {
    let Some(&last) = out.timestamps[start..].last() else { return false };
    if last > maxt {
        let end = out.timestamps[start..].iter().position(|t| *t > maxt).unwrap_or_default();
        out.truncate(start + end);
        return true;
    }
    match last.checked_add(1) {
        Some(next) => {
            *from = (*from).max(next);
            false
        }
        None => true,
    }
}

/// Divides the sums, in place, by the counts. Fails when they are not of the same times.
pub fn average(counts: &SampleBuffer, sums: &mut SampleBuffer) -> Result<(), ChunkError> {
    if counts.timestamps != sums.timestamps {
        return Err(ChunkError::NotAligned);
    }
    for (sum, count) in sums.floats.iter_mut().zip(&counts.floats) {
        *sum /= count;
    }
    if sums.has_histograms() {
        for (i, (h, count)) in sums.histograms.iter_mut().zip(&counts.floats).enumerate() {
            if let Some(h) = h {
                Arc::make_mut(h).div(*count);
                // A histogram's place among the floats holds 0.
                sums.floats[i] = 0.0;
            }
        }
    }
    Ok(())
}

/// Removes the resets of a counter from chunks that follow each other.
///
/// A value that is lower than the one before is taken for the growth since a reset. The last sample of an aggregated
/// chunk has the time of the one before it and the raw value at the chunk's end, which only serves to find a reset
/// between this chunk and the next. NaN, and so stale markers, are left out. Histograms are handed on as they are.
#[derive(Debug, Clone, Default)]
pub struct CounterResets {
    /// Time and raw value of the last float sample, and the total so far.
    last: Option<(i64, f64, f64)>,
    last_t: Option<i64>,
}

impl CounterResets {
    /// Appends the samples of the next chunk.
    pub fn apply(&mut self, chunk: &SampleBuffer, out: &mut SampleBuffer) {
        for i in 0..chunk.len() {
            let t = chunk.timestamps[i];
            let later = self.last_t.is_none_or(|last| t > last);
            if let Some(Some(h)) = chunk.histograms.get(i) {
                if later {
                    out.push_histogram(t, h.clone());
                    self.last_t = Some(t);
                }
                continue;
            }
            let v = chunk.floats[i];
            if v.is_nan() {
                continue;
            }
            match &mut self.last {
                None => {
                    self.last = Some((t, v, v));
                    self.last_t = Some(t);
                    out.push_float(t, v);
                }
                Some((_, last, total)) if later => {
                    *total += if v >= *last { v - *last } else { v };
                    *last = v;
                    self.last_t = Some(t);
                    out.push_float(t, *total);
                }
                Some((_, last, _)) => {
                    if self.last_t == Some(t) {
                        *last = v;
                    }
                }
            }
        }
    }
}

fn counter_into<'a>(
    chunks: impl IntoIterator<Item = ChunkSet<'a>>,
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    let mut resets = CounterResets::default();
    let mut decoded = SampleBuffer::new();
    let mut totals = SampleBuffer::new();
    for chunk in chunks {
        decoded.clear();
        totals.clear();
        decode(chunk.first(chunk.counter)?, &mut decoded)?;
        resets.apply(&decoded, &mut totals);
        // What is before `mint` counts for the total, too.
        let range = totals.range(mint, maxt);
        out.extend_from(&totals, range);
        if totals.timestamps.last().is_some_and(|t| *t > maxt) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
