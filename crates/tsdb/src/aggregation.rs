//! Samples out of a list of chunks, raw or aggregated: what a querier makes of the chunks of a series.
//!
//! A chunk of a downsampled block comes as up to five chunks; which of them are read, and how, depends on what the
//! query does with the values. Behaviour is that of Thanos `pkg/query/iter.go` and `pkg/compact/downsample`.

use std::ops::Range;
use std::sync::Arc;

use model::series::SampleBuffer;
use smallvec::SmallVec;

use crate::chunk::{ChunkError, Encoding, TOGETHER};
use crate::look::{WHOLE, ascend, counts};

mod reader;

pub use reader::Reader;

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

    /// What is read of it.
    #[inline(always)]
    pub fn wanted(self, aggregation: Aggregation) -> Wanted<'a> {
        let aggregate = match aggregation {
            Aggregation::Counter => self.counter,
            Aggregation::Count => self.count,
            Aggregation::Sum => self.sum,
            Aggregation::Min => self.min,
            Aggregation::Max => self.max,
            Aggregation::Average => None,
        };
        match (aggregate.or(self.raw), self.count, self.sum) {
            (Some(one), ..) => Wanted::One(one),
            (None, Some(count), Some(sum)) if aggregation == Aggregation::Average => {
                Wanted::Average { count, sum }
            }
            _ => Wanted::Missing,
        }
    }
}

/// What is read of a chunk.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// This.
    One(ChunkData<'a>),
    /// Sums by counts.
    Average {
        /// The counts.
        count: ChunkData<'a>,
        /// The sums, of the same times.
        sum: ChunkData<'a>,
    },
    /// What is not there.
    Missing,
}

/// Appends the samples with `mint <= t <= maxt` (ms, closed) of what is wanted of the chunks, which are sorted by time, ascending. Of
/// overlapping chunks the later ones give what is after the end of the earlier ones.
pub fn samples_into<'a>(
    chunks: impl IntoIterator<Item = Wanted<'a>>,
    aggregation: Aggregation,
    mint: i64,
    maxt: i64,
    out: &mut SampleBuffer,
) -> Result<(), ChunkError> {
    let mut reader = Reader::new(aggregation, mint, maxt);
    let mut chunks = chunks.into_iter();
    let mut group: SmallVec<[Wanted<'a>; *TOGETHER.end()]> = SmallVec::new();
    loop {
        group.clear();
        group.extend(chunks.by_ref().take(*TOGETHER.end()));
        let mut rest = group.as_slice();
        for together in [*TOGETHER.end(), *TOGETHER.start()] {
            if let Some((first, others)) = rest.split_at_checked(together)
                && reader.read_together(first, out)
            {
                rest = others;
            }
        }
        for chunk in rest {
            if reader.is_at_end() {
                break;
            }
            reader.read(*chunk, out)?;
        }
        if group.len() < *TOGETHER.end() || reader.is_at_end() {
            return Ok(());
        }
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

    /// What is added to the values of a block of samples that only counts: those after a counter, later than each other, not falling, and
    /// whole numbers, of which sums and differences are exact. None for others.
    fn count(&mut self, ts: &[i64], vs: &[f64]) -> Option<f64> {
        let (Some(first), Some(t), Some(v)) = (ts.first(), ts.last(), vs.last()) else { return Some(0.0) };
        let (before_t, before_v, total) = match (self.last, self.last_t) {
            (Some((_, last, total)), Some(t)) => (t, last, total),
            (None, None) => (first.checked_sub(1)?, 0.0, 0.0),
            _ => return None,
        };
        let lift = total - before_v;
        let exact = counts(&[before_v, vs[0]]) && counts(&[0.0, total]) && v + lift < WHOLE && counts(vs);
        if !exact || !ascend(&[before_t, *first]) || !ascend(ts) {
            return None;
        }
        self.last = Some((*t, *v, v + lift));
        self.last_t = Some(*t);
        Some(lift)
    }

    /// Does the same, in place, with the samples of the next chunk, which are those from `start` on and all floats. Nearly all blocks of
    /// them only count and are passed without a branch for each sample.
    pub(crate) fn apply_in_place(&mut self, out: &mut SampleBuffer, start: usize) {
        const BLOCK: usize = 64;
        let (ts, vs) = (&mut out.timestamps[start..], &mut out.floats[start..]);
        let mut kept = 0;
        for from in (0..ts.len()).step_by(BLOCK) {
            let end = ts.len().min(from + BLOCK);
            let Some(lift) = self.count(&ts[from..end], &vs[from..end]) else {
                kept = self.apply_each(ts, vs, from..end, kept);
                continue;
            };
            if lift != 0.0 {
                vs[from..end].iter_mut().for_each(|v| *v += lift);
            }
            if kept < from {
                ts.copy_within(from..end, kept);
                vs.copy_within(from..end, kept);
            }
            kept += end - from;
        }
        out.truncate(start + kept);
    }

    /// Applies the samples of `block` one after the other, puts what is kept at `kept`, not behind them, and returns its end.
    fn apply_each(&mut self, ts: &mut [i64], vs: &mut [f64], block: Range<usize>, mut kept: usize) -> usize {
        for i in block {
            let (t, v) = (ts[i], vs[i]);
            if v.is_nan() {
                continue;
            }
            match &mut self.last {
                None => self.last = Some((t, v, v)),
                Some((_, last, total)) if self.last_t.is_none_or(|before| t > before) => {
                    *total += if v >= *last { v - *last } else { v };
                    *last = v;
                }
                Some((_, last, _)) => {
                    if self.last_t == Some(t) {
                        *last = v;
                    }
                    continue;
                }
            }
            self.last_t = Some(t);
            (ts[kept], vs[kept]) = (t, self.last.map_or(v, |(_, _, total)| total));
            kept += 1;
        }
        kept
    }
}

#[cfg(test)]
mod tests;
