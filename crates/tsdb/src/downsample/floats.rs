//! Aggregates of floats.

mod build;
mod columns;
mod read;

use build::Parts;
pub(super) use columns::FloatColumns;
use read::append_all;
pub(super) use read::append_sound;

use super::windows::{chunk_count, for_each_window, window_end};
use crate::chunk::append::Built;
use crate::chunk::{AggregateChunk, AggregateKind, ChunkError, Encoding, aggregate};
use crate::error::{Error, Problem};
use crate::look::{adds_up, has_nan};
use crate::merge::OutChunk;

/// What is taken for the resolution of raw samples, in ms.
const RAW_RESOLUTION: i64 = 60_000;

/// Memory that is used again for every series.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Samples as they were read.
    pub(super) read: FloatColumns,
    /// What is left of them.
    left: FloatColumns,
    batch: Batch,
}

/// Downsamples the raw samples of a series that were read, among which may be NaNs if `nans` says so.
pub(super) fn raw<'a>(
    Scratch { read, left, batch }: &mut Scratch,
    nans: bool,
    to: i64,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    let (ts, vs) = (read.timestamps(), read.values());
    let (Some(first), Some(last)) = (ts.first(), ts.last()) else { return Ok(()) };
    let count = chunk_count(*first, *last, RAW_RESOLUTION, to, ts.len());
    let size = ts.len() / count + 1;
    let mut from = 0;
    while from < ts.len() {
        let mut end = (from + size).min(ts.len());
        // The rest of the window in which the batch ends comes with it.
        let window = window_end(ts[end - 1], to);
        end += ts[end..].iter().take_while(|t| **t <= window).count();
        let (part_ts, part_vs) = (&ts[from..end], &vs[from..end]);
        from = end;
        if nans && has_nan(part_vs) {
            left.clear();
            for (t, v) in part_ts.iter().zip(part_vs).filter(|(_, v)| !v.is_nan()) {
                left.push(*t, *v);
            }
            out.extend(batch.chunk(left.timestamps(), left.values(), to)?);
        } else {
            out.extend(batch.chunk(part_ts, part_vs, to)?);
        }
    }
    Ok(())
}

/// The aggregates of a window.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// Its last millisecond.
    end: i64,
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
    counter: f64,
}

/// A chunk under construction.
#[derive(Debug, Default)]
struct Batch {
    /// The first and the last one have nothing but a counter: the first and the last raw value, for resets between chunks to be seen.
    windows: Vec<Window>,
    parts: Parts,
}

/// The counter of a series with its resets removed.
struct Counter {
    total: f64,
    last: f64,
}

impl Batch {
    /// The chunk of a batch of samples, none of which is NaN.
    fn chunk<'a>(&mut self, ts: &[i64], vs: &[f64], to: i64) -> Result<Option<OutChunk<'a>>, Error> {
        let (Some(first_t), Some(first_v), Some(last_v)) = (ts.first(), vs.first(), vs.last()) else {
            return Ok(None);
        };
        self.windows.clear();
        self.windows.push(Window { end: *first_t, counter: *first_v, ..Window::default() });
        let end = if adds_up(vs) { self.windows_of_counts(ts, vs, to) } else { self.windows(ts, vs, to) };
        self.windows.push(Window { end, counter: *last_v, ..Window::default() });
        let Self { windows, parts } = self;
        let [_, whole @ .., _] = windows.as_slice() else { return Ok(None) };
        let (Some(first), Some(last)) = (whole.first(), whole.last()) else { return Ok(None) };
        put(parts, AggregateKind::Count, whole, |window| window.count)?;
        put(parts, AggregateKind::Sum, whole, |window| window.sum)?;
        put(parts, AggregateKind::Min, whole, |window| window.min)?;
        put(parts, AggregateKind::Max, whole, |window| window.max)?;
        put(parts, AggregateKind::Counter, windows, |window| window.counter)?;
        Ok(Some(parts.take(first.end, last.end, whole.len())))
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
            self.windows.push(Window { end, count: values.len() as f64, sum, min, max, counter: total });
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
            let count = values.len() as f64;
            self.windows.push(Window { end, count, sum, min: values[0], max: *last, counter: *last });
        })
    }
}

/// Puts an aggregate of all windows among the parts of a chunk. Fails when there are more windows than a chunk can take.
fn put(
    parts: &mut Parts,
    kind: AggregateKind,
    windows: &[Window],
    aggregate: impl Fn(&Window) -> f64,
) -> Result<(), Error> {
    parts.put(kind, windows.iter().map(|window| (window.end, aggregate(window)))).map_err(|_| {
        let problem = Problem::Other("more windows in a chunk than it can take".to_owned());
        Error::Corrupt { section: "downsampling", offset: 0, problem }
    })
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
    columns: &mut FloatColumns,
) -> Result<(), Error> {
    columns.clear();
    let data: Vec<_> = chunks.iter().filter_map(|chunk| chunk.get(kind)).collect();
    append_sound(&data, columns).map(drop).map_err(|(_, source)| wrong(source))
}

fn wrong(source: ChunkError) -> Error {
    Error::Chunk { reference: 0, source }
}

/// First and last time of an aggregate's windows, and their number.
type Span = (i64, i64, usize);

/// Aggregates columns of counts, sums, least or greatest values once more, and puts them among the parts.
fn put_aggregated(
    kind: AggregateKind,
    (ts, vs): (&[i64], &[f64]),
    to: i64,
    Batch { windows, parts }: &mut Batch,
) -> Result<Option<Span>, Error> {
    windows.clear();
    for_each_window(ts, to, |end, range| {
        let window = &vs[range];
        let value = match kind {
            AggregateKind::Min => window.iter().fold(f64::MAX, |min, v| if *v < min { *v } else { min }),
            AggregateKind::Max => window.iter().fold(-f64::MAX, |max, v| if *v > max { *v } else { max }),
            _ => window.iter().fold(0.0, |sum, v| sum + v),
        };
        windows.push(Window { end, sum: value, ..Window::default() });
    });
    let [first, ..] = windows.as_slice() else { return Ok(None) };
    let last = windows.last().unwrap_or(first);
    put(parts, kind, windows, |window| window.sum)?;
    Ok(Some((first.end, last.end, windows.len())))
}

/// Downsamples a group of aggregate chunks into one.
pub(super) fn again<'a>(
    chunks: &[&AggregateChunk<'_>],
    to: i64,
    Scratch { read, left, batch }: &mut Scratch,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    // All of them at once, as there are few chunks of each.
    let kinds = [AggregateKind::Count, AggregateKind::Sum, AggregateKind::Min, AggregateKind::Max];
    let data: Vec<_> =
        kinds.iter().flat_map(|kind| chunks.iter().filter_map(|chunk| chunk.get(*kind))).collect();
    read.clear();
    let sound = append_sound(&data, read).map_err(|(_, source)| wrong(source))?;
    let (mut from, mut ends) = (0, sound.ends.iter());
    let mut spans: [Option<Span>; 5] = Default::default();
    for kind in kinds {
        let there = chunks.iter().filter(|chunk| chunk.get(kind).is_some());
        let end = there.zip(&mut ends).last().map_or(from, |(_, end)| *end);
        let columns = (&read.timestamps()[from..end], &read.values()[from..end]);
        spans[kind as usize] = put_aggregated(kind, columns, to, batch)?;
        from = end;
    }
    spans[AggregateKind::Counter as usize] = put_counter(chunks, to, (read, left), batch)?;
    let Some(mint) = spans.iter().flatten().map(|span| span.0).min() else { return Ok(()) };
    let maxt = spans.iter().flatten().map(|span| span.1).max().unwrap_or(mint);
    let samples = spans[AggregateKind::Count as usize].map_or(0, |span| span.2);
    out.push(batch.parts.take(mint, maxt, samples));
    Ok(())
}

/// Puts the counters of several chunks among the parts as one: resets removed within and between them.
fn put_counter(
    chunks: &[&AggregateChunk<'_>],
    to: i64,
    (read, left): (&mut FloatColumns, &mut FloatColumns),
    Batch { windows, parts }: &mut Batch,
) -> Result<Option<Span>, Error> {
    read.clear();
    left.clear();
    let data: Vec<_> = chunks.iter().filter_map(|chunk| chunk.get(AggregateKind::Counter)).collect();
    append_all(&data, read).map_err(|(_, source)| wrong(source))?;
    let mut state: Option<(i64, Counter)> = None;
    for (t, v) in read.timestamps().iter().zip(read.values()).filter(|(_, v)| !v.is_nan()) {
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
            left.push(*t, counter.total);
        }
    }
    let Some((_, end)) = state else { return Ok(None) };
    let (times, totals) = (left.timestamps(), left.values());
    windows.clear();
    windows.push(Window { end: times[0], counter: totals[0], ..Window::default() });
    let mut counter = Counter { total: totals[0], last: totals[0] };
    let mut fresh = true;
    let last_end = for_each_window(times, to, |end, range| {
        for v in &totals[range] {
            if std::mem::take(&mut fresh) {
                continue;
            }
            counter.total += if *v < counter.last { *v } else { *v - counter.last };
            counter.last = *v;
        }
        windows.push(Window { end, counter: counter.total, ..Window::default() });
    });
    windows.push(Window { end: last_end, counter: end.last, ..Window::default() });
    put(parts, AggregateKind::Counter, windows, |window| window.counter)?;
    Ok(Some((windows[1].end, last_end, windows.len())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aggregates(batch: &Batch) -> Vec<(i64, [u64; 5])> {
        let parts = |w: &Window| [w.count, w.sum, w.min, w.max, w.counter].map(f64::to_bits);
        batch.windows.iter().map(|window| (window.end, parts(window))).collect()
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
            prop_assert_eq!(aggregates(&one), aggregates(&other));
        }
    }
}
