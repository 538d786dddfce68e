//! Aggregates of floats.

use model::value::is_stale;

use super::Columns;
use super::windows::{chunk_count, for_each_window, window_end};
use crate::chunk::append::Built;
use crate::chunk::{
    self, AggregateChunk, AggregateKind, ChunkError, Encoding, TOGETHER, aggregate, encode_xor,
};
use crate::error::Error;
use crate::merge::OutChunk;

/// What is taken for the resolution of raw samples, in ms.
const RAW_RESOLUTION: i64 = 60_000;

/// Appends the samples of float chunks, without stale markers and without those that go back in time within their chunk. True when there are
/// other NaNs among them; an error comes with the index of its chunk.
pub(super) fn append_sound(
    chunks: &[(Encoding, &[u8])],
    to: &mut Columns,
) -> Result<bool, (usize, ChunkError)> {
    let mut nans = false;
    let mut at = 0;
    for many in chunks.chunks(*TOGETHER.end()) {
        if append_together(many, to) {
            at += many.len();
            continue;
        }
        for few in many.chunks(*TOGETHER.start()) {
            let whole = few.len() < many.len() && append_together(few, to);
            for (encoding, data) in few {
                if !whole {
                    nans |= append_one(*encoding, data, to).map_err(|error| (at, error))?;
                }
                at += 1;
            }
        }
    }
    Ok(nans)
}

/// Does so with chunks that can be decoded together and of which all samples stay. False, and `to` as it was, when they are others.
fn append_together(chunks: &[(Encoding, &[u8])], to: &mut Columns) -> bool {
    let mut data: [&[u8]; *TOGETHER.end()] = Default::default();
    for (data, (encoding, bytes)) in data.iter_mut().zip(chunks) {
        if *encoding != Encoding::Xor {
            return false;
        }
        *data = bytes;
    }
    let start = to.len();
    if !chunk::decode_together_into(&data[..chunks.len()], to) {
        return false;
    }
    let sound = !descends(&to.timestamps[start..]) && !has_nan(&to.floats[start..]);
    if !sound {
        to.truncate(start);
    }
    sound
}

/// Appends the samples of one chunk.
fn append_one(encoding: Encoding, data: &[u8], to: &mut Columns) -> Result<bool, ChunkError> {
    if encoding.is_histogram() {
        return Err(ChunkError::WrongKind(encoding));
    }
    let start = to.len();
    chunk::decode_into(encoding, data, to)?;
    // Start timestamps have no place in aggregates.
    to.start_timestamps.clear();
    let (ts, vs) = (&mut to.timestamps, &mut to.floats);
    if !descends(&ts[start..]) && !has_nan(&vs[start..]) {
        return Ok(false);
    }
    let (mut kept, mut last) = (start, i64::MIN);
    for i in start..ts.len() {
        if !is_stale(vs[i]) && ts[i] >= last {
            last = ts[i];
            (ts[kept], vs[kept]) = (ts[i], vs[i]);
            kept += 1;
        }
    }
    to.truncate(kept);
    Ok(has_nan(&to.floats[start..]))
}

/// Looks at all of them, which is faster than to stop at the first one.
fn has_nan(values: &[f64]) -> bool {
    let mut found = false;
    for v in values {
        found |= v.is_nan();
    }
    found
}

/// Looks at all of them, too.
fn descends(timestamps: &[i64]) -> bool {
    let mut found = false;
    for (before, after) in timestamps.iter().zip(timestamps.iter().skip(1)) {
        found |= before > after;
    }
    found
}

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
        let mut counter = Counter { total: first_v, last: first_v };
        let mut fresh = true;
        let last_end = for_each_window(ts, to, |end, range| {
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
            self.ends.push(end);
            self.counts.push(values.len() as f64);
            self.sums.push(sum);
            self.mins.push(min);
            self.maxs.push(max);
            self.counter_times.push(end);
            self.counters.push(total);
        });
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
    append_sound(&data, columns).map_err(|(_, source)| Error::Chunk { reference: 0, source })?;
    Ok(())
}

/// An aggregate of windows, as an XOR chunk with the times of its first and last window.
type Aggregated = (Vec<u8>, i64, i64, usize);

/// Aggregates columns of counts, sums, least or greatest values once more.
fn aggregate_column(kind: AggregateKind, columns: &Columns, to: i64) -> Option<Aggregated> {
    let (mut ends, mut values) = (Vec::new(), Vec::new());
    for_each_window(&columns.timestamps, to, |end, range| {
        let window = &columns.floats[range];
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
    for kind in [AggregateKind::Count, AggregateKind::Sum, AggregateKind::Min, AggregateKind::Max] {
        expand(chunks, kind, columns)?;
        parts[kind as usize] = aggregate_column(kind, columns, to);
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
    let mut state: Option<(i64, Counter)> = None;
    for chunk in chunks {
        let Some((encoding, data)) = chunk.get(AggregateKind::Counter) else { continue };
        buffer.clear();
        let wrong = |source| Error::Chunk { reference: 0, source };
        chunk::decode_into(encoding, data, buffer).map_err(wrong)?;
        if buffer.has_histograms() {
            return Err(wrong(ChunkError::WrongKind(encoding)));
        }
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
