//! Reading the chunks of a series one after the other, as far as they are needed.

use model::series::SampleBuffer;

use super::{Aggregation, ChunkData, CounterResets, Wanted, average};
use crate::chunk::{
    ChunkError, Encoding, TOGETHER, decode_into, decode_together_into, decode_until_into, trim,
};
use crate::look::ascend;

/// What reading the next chunk builds on. Times in ms, closed.
#[derive(Debug)]
pub struct Reader {
    aggregation: Aggregation,
    mint: i64,
    maxt: i64,
    /// Earlier samples were read from chunks before, or are not wanted.
    from: i64,
    resets: CounterResets,
    scratch: (SampleBuffer, SampleBuffer),
    at_end: bool,
}

impl Reader {
    /// Reads the samples with `mint <= t <= maxt`.
    pub fn new(aggregation: Aggregation, mint: i64, maxt: i64) -> Self {
        let (resets, scratch) = Default::default();
        Self { aggregation, mint, maxt, from: mint, resets, scratch, at_end: false }
    }

    /// Whether chunks that follow have no samples that are wanted.
    pub fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// Whether what a chunk gives does not depend on the chunks before, so that these may be left out.
    pub fn may_skip(&self) -> bool {
        self.aggregation != Aggregation::Counter
    }

    /// Appends the samples of the next chunk.
    pub fn read(&mut self, chunk: Wanted<'_>, out: &mut SampleBuffer) -> Result<(), ChunkError> {
        let start = out.len();
        match chunk {
            Wanted::One(one) if self.aggregation == Aggregation::Counter => return self.counter(one, out),
            Wanted::One((encoding, data)) => decode_until_into(encoding, data, self.from, self.maxt, out)?,
            Wanted::Average { count, sum } => self.average(count, sum, out)?,
            Wanted::Missing => return Err(ChunkError::NoValidChunk),
        }
        self.end_chunk(out, start);
        Ok(())
    }

    /// Reads several chunks at once, as many as either end of [`TOGETHER`], if they are such that this gives the same as one after the
    /// other; else nothing is done.
    pub(crate) fn read_together(&mut self, chunks: &[Wanted<'_>], out: &mut SampleBuffer) -> bool {
        let mut data: [&[u8]; *TOGETHER.end()] = Default::default();
        for (data, chunk) in data.iter_mut().zip(chunks) {
            match chunk {
                Wanted::One((Encoding::Xor, bytes)) => *data = bytes,
                _ => return false,
            }
        }
        let Some(data) = data.get(..chunks.len()) else { return false };
        let start = out.len();
        if !decode_together_into(data, out) {
            return false;
        }
        // Nothing is to be left out but before the first and after the last of all.
        let added = &out.timestamps[start..];
        if !ascend(added) {
            out.truncate(start);
            return false;
        }
        if self.aggregation == Aggregation::Counter {
            self.at_end |= out.timestamps[start..].last().is_some_and(|t| *t > self.maxt);
            self.resets.apply_in_place(out, start);
            trim(out, start, self.mint, self.maxt);
            return true;
        }
        if added.first().is_some_and(|first| *first < self.from) {
            trim(out, start, self.from, i64::MAX);
        }
        self.end_chunk(out, start);
        true
    }

    fn average(
        &mut self,
        count: ChunkData<'_>,
        sum: ChunkData<'_>,
        out: &mut SampleBuffer,
    ) -> Result<(), ChunkError> {
        let (counts, sums) = &mut self.scratch;
        counts.clear();
        sums.clear();
        decode_into(count.0, count.1, counts)?;
        decode_into(sum.0, sum.1, sums)?;
        average(counts, sums)?;
        let skip = sums.timestamps.iter().position(|t| *t >= self.from).unwrap_or(sums.len());
        out.extend_from(sums, skip..sums.len());
        Ok(())
    }

    /// Cuts what is after the end; if there was something, that is the end. Else the next chunk goes on behind the last sample.
    fn end_chunk(&mut self, out: &mut SampleBuffer, start: usize) {
        let added = &out.timestamps[start..];
        let Some(&last) = added.last() else { return };
        if last > self.maxt {
            let end = added.iter().position(|t| *t > self.maxt).unwrap_or_default();
            out.truncate(start + end);
            self.at_end = true;
            return;
        }
        match last.checked_add(1) {
            Some(next) => self.from = self.from.max(next),
            None => self.at_end = true,
        }
    }

    /// What is before the range counts for the total, too.
    fn counter(&mut self, (encoding, data): ChunkData<'_>, out: &mut SampleBuffer) -> Result<(), ChunkError> {
        if encoding == Encoding::Xor && !out.has_histograms() && out.start_timestamps.is_empty() {
            let start = out.len();
            decode_until_into(encoding, data, i64::MIN, self.maxt, out)?;
            self.resets.apply_in_place(out, start);
            self.at_end |= out.timestamps[start..].last().is_some_and(|t| *t > self.maxt);
            trim(out, start, self.mint, self.maxt);
            return Ok(());
        }
        let (decoded, totals) = &mut self.scratch;
        decoded.clear();
        totals.clear();
        decode_into(encoding, data, decoded)?;
        self.resets.apply(decoded, totals);
        out.extend_from(totals, totals.range(self.mint, self.maxt));
        self.at_end |= totals.timestamps.last().is_some_and(|t| *t > self.maxt);
        Ok(())
    }
}
