//! Aggregates of floats.

mod read;

use super::Columns;
use super::windows::{chunk_count, for_each_window, window_end};
use crate::chunk::append::Built;
use crate::chunk::{AggregateChunk, AggregateKind, ChunkError, Encoding, aggregate, encode_xor};
use crate::error::Error;
use crate::merge::OutChunk;

pub(super) use read::append_sound;
use read::{append_all, has_nan};

/// What is taken for the resolution of raw samples, in ms.
const RAW_RESOLUTION: i64 = 60_000;

/// Downsamples the raw samples of a series, among which may be NaNs if `nans` says so.
pub(super) fn raw<'a>(samples: &Columns, nans: bool, to: i64, out: &mut Vec<OutChunk<'a>>) {
    let (ts, vs) = (samples.timestamps.as_slice(), samples.floats.as_slice());
    let (Some(first), Some(last)) = (ts.first(), ts.last()) else { return };
    let count = chunk_count(*first, *last, RAW_RESOLUTION, to, ts.len());
    let size = ts.len() / count + 1;
    let (mut from, mut batch) = (0, Batch::default());
    let (mut kept_ts, mut kept_vs) = (Vec::new(), Vec::new());
    while from < ts.len() {
        let mut end = (from + size).min(ts.len());
        // The rest of the window in which the batch ends comes with it.
        let window = window_end(ts[end - 1], to);
        end += ts[end..].iter().take_while(|t| **t <= window).count();
        let (part_ts, part_vs) = (&ts[from..end], &vs[from..end]);
        from = end;
        if nans && has_nan(part_vs) {
            kept_ts.clear();
            kept_vs.clear();
            for (t, v) in part_ts.iter().zip(part_vs).filter(|(_, v)| !v.is_nan()) {
                kept_ts.push(*t);
                kept_vs.push(*v);
            }
            out.extend(batch.chunk(&kept_ts, &kept_vs, to));
        } else {
            out.extend(batch.chunk(part_ts, part_vs, to));
        }
    }
}

/// The columns of a chunk under construction.
#[derive(Default)]
struct Batch {
    ends: Vec<i64>,
    counts: Vec<f64>,
    sums: Vec<f64>,
    mins: Vec<f64>,
    maxs: Vec<f64>,
    counter_times: Vec<i64>,
    counters: Vec<f64>,
}

/// The counter of a series with its resets removed.
struct Counter {
    total: f64,
    last: f64,
}

impl Batch {
    fn clear(&mut self) {
        self.ends.clear();
        for column in [&mut self.counts, &mut self.sums, &mut self.mins, &mut self.maxs, &mut self.counters] {
            column.clear();
        }
        self.counter_times.clear();
    }

    /// The chunk of a batch of samples, none of which is NaN.
    fn chunk<'a>(&mut self, ts: &[i64], vs: &[f64], to: i64) -> Option<OutChunk<'a>> {
        let (first_t, first_v, last_v) = (*ts.first()?, *vs.first()?, *vs.last()?);
        self.clear();
        // The first raw value comes first, and the last one at the end, for resets between chunks to be seen.
        self.counter_times.push(first_t);
        self.counters.push(first_v);
        let last_end =
            if adds_up(vs) { self.windows_of_counts(ts, vs, to) } else { self.windows(ts, vs, to) };
        self.counter_times.push(last_end);
        self.counters.push(last_v);
        let (mint, maxt) = (*self.ends.first()?, *self.ends.last()?);
        let columns =
            [&self.counts, &self.sums, &self.mins, &self.maxs].map(|values| xor(&self.ends, values));
        let counter = xor(&self.counter_times, &self.counters);
        let [count, sum, min, max] = columns;
        let parts = [count, sum, min, max, counter];
        Some(join(parts.each_ref().map(|p| Some((Encoding::Xor, p.as_slice()))), mint, maxt, self.ends.len()))
    }

    /// Appends the aggregates of all windows; returns the end of the last one.
    fn windows(&mut self, ts: &[i64], vs: &[f64], to: i64) -> i64 {
        let first = vs.first().copied().unwrap_or_default();
        let mut counter = Counter { total: first, last: first };
        let mut fresh = true;
        for_each_window(ts, to, |end, range| {
            let (mut sum, mut min, mut max) = (0.0, f64::MAX, -f64::MAX);
            let values = &vs[range.clone()];
            let Counter { mut total, mut last } = counter;
            // The first sample of all sets the counter and adds nothing to it.
            let skip = usize::from(std::mem::take(&mut fresh));
            for v in &values[..skip] {
                sum += v;
                min = if *v < min { *v } else { min };
                max = if *v > max { *v } else { max };
            }
            for v in &values[skip..] {
                total += if *v < last { *v } else { *v - last };
                last = *v;
                sum += v;
                min = if *v < min { *v } else { min };
                max = if *v > max { *v } else { max };
            }
            counter = Counter { total, last };
            self.push(end, values.len(), [sum, min, max, total]);
        })
    }

    /// Does so where values [add up](adds_up): what [`windows`](Self::windows) would find, bit for bit.
    fn windows_of_counts(&mut self, ts: &[i64], vs: &[f64], to: i64) -> i64 {
        for_each_window(ts, to, |end, range| {
            let values = &vs[range];
            let [.., last] = values else { return };
            let (fours, rest) = values.as_chunks::<4>();
            let sums = fours.iter().fold([0.0; 4], |[a, b, c, d], [e, f, g, h]| [a + e, b + f, c + g, d + h]);
            let sum: f64 = sums.iter().chain(rest).sum();
            self.push(end, values.len(), [sum, values[0], *last, *last]);
        })
    }

    /// Appends the aggregates of a window.
    fn push(&mut self, end: i64, count: usize, [sum, min, max, counter]: [f64; 4]) {
        self.ends.push(end);
        self.counts.push(count as f64);
        self.sums.push(sum);
        self.mins.push(min);
        self.maxs.push(max);
        self.counter_times.push(end);
        self.counters.push(counter);
    }
}

/// Whether the values never fall and are whole numbers, so small that all sums of them and differences between them are exact in any order: the
/// values of most counters.
fn adds_up(vs: &[f64]) -> bool {
    /// Whole numbers are exact up to twice this, and adding it to a smaller number rounds that to a whole one.
    const ROUNDING: f64 = (1u64 << 52) as f64;
    let (Some(first), Some(last)) = (vs.first(), vs.last()) else { return false };
    // Zeros with a sign are no counts.
    if first.is_sign_negative() || last * vs.len() as f64 > ROUNDING {
        return false;
    }
    let mut fine = (first + ROUNDING) - ROUNDING == *first;
    for (before, v) in vs.iter().zip(&vs[1..]) {
        fine &= (v >= before) & ((v + ROUNDING) - ROUNDING == *v);
    }
    fine
}

fn xor(ts: &[i64], vs: &[f64]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_xor(ts, vs, &mut out).expect("a chunk has few hundred windows");
    out
}

/// Puts an aggregate chunk together.
pub(super) fn join<'a>(
    parts: [Option<(Encoding, &[u8])>; 5],
    mint: i64,
    maxt: i64,
    samples: usize,
) -> OutChunk<'a> {
    let data = aggregate::encode(parts);
    OutChunk::built(Built { encoding: Encoding::Aggregate, data, mint, maxt, samples })
}

/// Decodes an aggregate of all chunks into columns.
pub(super) fn expand(
    chunks: &[&AggregateChunk<'_>],
    kind: AggregateKind,
    columns: &mut Columns,
) -> Result<(), Error> {
    columns.clear();
    let data: Vec<_> = chunks.iter().filter_map(|chunk| chunk.get(kind)).collect();
    append_sound(&data, columns).map(drop).map_err(|(_, source)| wrong(source))
}

fn wrong(source: ChunkError) -> Error {
    Error::Chunk { reference: 0, source }
}

/// An aggregate of windows, as an XOR chunk with the times of its first and last window.
type Aggregated = (Vec<u8>, i64, i64, usize);

/// Aggregates columns of counts, sums, least or greatest values once more.
fn aggregate_column(kind: AggregateKind, ts: &[i64], vs: &[f64], to: i64) -> Option<Aggregated> {
    let (mut ends, mut values) = (Vec::new(), Vec::new());
    for_each_window(ts, to, |end, range| {
        let window = &vs[range];
        ends.push(end);
        values.push(match kind {
            AggregateKind::Min => window.iter().fold(f64::MAX, |min, v| if *v < min { *v } else { min }),
            AggregateKind::Max => window.iter().fold(-f64::MAX, |max, v| if *v > max { *v } else { max }),
            _ => window.iter().fold(0.0, |sum, v| sum + v),
        });
    });
    Some((xor(&ends, &values), *ends.first()?, *ends.last()?, ends.len()))
}

/// Downsamples a group of aggregate chunks into one.
pub(super) fn again<'a>(
    chunks: &[&AggregateChunk<'_>],
    to: i64,
    (columns, buffer): (&mut Columns, &mut Columns),
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    let mut parts: [Option<Aggregated>; 5] = Default::default();
    // All of them at once, as there are few chunks of each.
    let kinds = [AggregateKind::Count, AggregateKind::Sum, AggregateKind::Min, AggregateKind::Max];
    let data: Vec<_> =
        kinds.iter().flat_map(|kind| chunks.iter().filter_map(|chunk| chunk.get(*kind))).collect();
    columns.clear();
    let read = append_sound(&data, columns).map_err(|(_, source)| wrong(source))?;
    let (mut from, mut ends) = (0, read.ends.iter());
    for kind in kinds {
        let there = chunks.iter().filter(|chunk| chunk.get(kind).is_some());
        let end = there.zip(&mut ends).last().map_or(from, |(_, end)| *end);
        let (ts, vs) = (&columns.timestamps[from..end], &columns.floats[from..end]);
        parts[kind as usize] = aggregate_column(kind, ts, vs, to);
        from = end;
    }
    parts[AggregateKind::Counter as usize] = counter(chunks, to, columns, buffer)?;
    let Some(mint) = parts.iter().flatten().map(|p| p.1).min() else { return Ok(()) };
    let maxt = parts.iter().flatten().map(|p| p.2).max().unwrap_or(mint);
    let samples = parts[AggregateKind::Count as usize].as_ref().map_or(0, |p| p.3);
    out.push(join(
        parts.each_ref().map(|p| p.as_ref().map(|p| (Encoding::Xor, p.0.as_slice()))),
        mint,
        maxt,
        samples,
    ));
    Ok(())
}

/// The counters of several chunks as one: resets removed within and between them.
fn counter(
    chunks: &[&AggregateChunk<'_>],
    to: i64,
    columns: &mut Columns,
    buffer: &mut Columns,
) -> Result<Option<Aggregated>, Error> {
    columns.clear();
    buffer.clear();
    let data: Vec<_> = chunks.iter().filter_map(|chunk| chunk.get(AggregateKind::Counter)).collect();
    append_all(&data, buffer).map_err(|(_, source)| wrong(source))?;
    let mut state: Option<(i64, Counter)> = None;
    for (t, v) in buffer.timestamps.iter().zip(&buffer.floats).filter(|(_, v)| !v.is_nan()) {
        match &mut state {
            None => state = Some((*t, Counter { total: *v, last: *v })),
            Some((last_t, counter)) if t > last_t => {
                counter.total += if *v >= counter.last { *v - counter.last } else { *v };
                counter.last = *v;
                *last_t = *t;
            }
            Some((last_t, counter)) => {
                // The same time again: the raw value at the end of a chunk.
                if t == last_t {
                    counter.last = *v;
                }
                continue;
            }
        }
        if let Some((t, counter)) = &state {
            columns.push_float(*t, counter.total);
        }
    }
    let Some((_, end)) = state else { return Ok(None) };
    let (mut times, mut values) = (vec![columns.timestamps[0]], vec![columns.floats[0]]);
    let mut counter = Counter { total: columns.floats[0], last: columns.floats[0] };
    let mut fresh = true;
    let mut bounds: Option<(i64, i64)> = None;
    let last_end = for_each_window(&columns.timestamps, to, |window, range| {
        for v in &columns.floats[range] {
            if std::mem::take(&mut fresh) {
                continue;
            }
            counter.total += if *v < counter.last { *v } else { *v - counter.last };
            counter.last = *v;
        }
        times.push(window);
        values.push(counter.total);
        bounds = Some((bounds.map_or(window, |b| b.0), window));
    });
    times.push(last_end);
    values.push(end.last);
    let count = times.len();
    Ok(bounds.map(|(mint, maxt)| (xor(&times, &values), mint, maxt, count)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aggregates(batch: &Batch) -> Vec<Vec<u64>> {
        let columns = [&batch.counts, &batch.sums, &batch.mins, &batch.maxs, &batch.counters];
        columns.iter().map(|column| column.iter().map(|v| v.to_bits()).collect()).collect()
    }

    proptest! {
        #[test]
        fn counts_are_aggregated_as_all_values_are(
            steps in prop::collection::vec((1..40_000i64, 0..1u64 << 30), 1..400),
            start in 0..1u64 << 40,
        ) {
            let (mut t, mut v) = (1_700_000_000_000, start);
            let (ts, vs): (Vec<i64>, Vec<f64>) = steps
                .iter()
                .map(|(step, more)| {
                    t += step;
                    v += more;
                    (t, v as f64)
                })
                .unzip();
            prop_assert!(adds_up(&vs));
            let (mut one, mut other) = (Batch::default(), Batch::default());
            prop_assert_eq!(one.windows(&ts, &vs, 300_000), other.windows_of_counts(&ts, &vs, 300_000));
            prop_assert_eq!(&one.ends, &other.ends);
            prop_assert_eq!(&one.counter_times, &other.counter_times);
            prop_assert_eq!(aggregates(&one), aggregates(&other));
        }
    }

    #[test]
    fn other_values_do_not_add_up() {
        let fine: &[f64] = &[0.0, 1.0, 1.0, 7e12];
        assert!(adds_up(fine));
        for other in
            [&[-0.0, 1.0], &[1.0, 0.0], &[0.5, 1.0], &[1.0, 1.5], &[1.0, 4e15], &[1.0, f64::INFINITY]]
        {
            assert!(!adds_up(other), "{other:?}");
        }
        assert!(!adds_up(&[1.0, f64::NAN, 2.0]) && !adds_up(&[f64::NAN]) && !adds_up(&[-1.0, 1.0]));
    }
}
