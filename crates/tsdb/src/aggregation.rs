//! Samples out of a list of chunks, raw or aggregated: what a querier makes of the chunks of a series.
//!
//! A chunk of a downsampled block comes as up to five chunks; which of them are read, and how, depends on what the
//! query does with the values. Behaviour is that of Thanos `pkg/query/iter.go` and `pkg/compact/downsample`.

use std::sync::Arc;

use model::series::SampleBuffer;

use smallvec::SmallVec;

use crate::chunk::{ChunkError, Encoding, TOGETHER};

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

    pub(crate) fn first(self, wanted: Option<ChunkData<'a>>) -> Result<ChunkData<'a>, ChunkError> {
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
    let mut reader = Reader::new(aggregation, mint, maxt);
    let mut chunks = chunks.into_iter();
    let mut group: SmallVec<[ChunkSet<'a>; *TOGETHER.end()]> = SmallVec::new();
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

    /// Passes a block of samples whose values stay what they are: those after a counter without resets, growing, later than each
    /// other, and whole numbers, whose differences add up to themselves. Without a branch for each sample.
    fn pass_whole(&mut self, ts: &[i64], vs: &[f64]) -> Option<usize> {
        const BLOCK: usize = 64;
        // Adding this to a lower number rounds that to a whole one. Sums and differences of whole numbers below are exact.
        const ROUNDING: f64 = (1u64 << 52) as f64;
        let (ts, vs) = (ts.first_chunk::<BLOCK>()?, vs.first_chunk::<BLOCK>()?);
        let (mut before_t, mut before_v) = match (self.last, self.last_t) {
            (Some((_, last, total)), Some(t)) if last == total => (t, last),
            (None, None) => (ts[0].checked_sub(1)?, 0.0),
            _ => return None,
        };
        // Bits of which the highest tells: times that fall, those so large that differences overflow, values below zero.
        let mut signs = (before_t ^ before_t << 1) as u64 | before_v.to_bits();
        let mut fine = (before_v + ROUNDING) - ROUNDING == before_v;
        for (&t, &v) in ts.iter().zip(vs) {
            signs |= (t ^ t << 1) as u64 | t.wrapping_sub(before_t).wrapping_sub(1) as u64 | v.to_bits();
            fine &= (v >= before_v) & (v < ROUNDING) & ((v + ROUNDING) - ROUNDING == v);
            (before_t, before_v) = (t, v);
        }
        if !fine || signs >> 63 != 0 {
            return None;
        }
        self.last = Some((before_t, before_v, before_v));
        self.last_t = Some(before_t);
        Some(BLOCK)
    }

    /// Does the same, in place, with the samples of the next chunk, which are those from `start` on and all floats.
    pub(crate) fn apply_in_place(&mut self, out: &mut SampleBuffer, start: usize) {
        let (ts, vs) = (&mut out.timestamps[start..], &mut out.floats[start..]);
        let mut kept = 0;
        let mut from = 0;
        while let Some(counted) = self.pass_whole(&ts[from..], &vs[from..]) {
            from += counted;
        }
        kept += from;
        for i in from..ts.len() {
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
        out.truncate(start + kept);
    }
}

#[cfg(test)]
mod tests;
