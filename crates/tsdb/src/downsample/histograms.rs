//! Aggregates of native histograms: count, sum and counter of each window.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram};
use model::series::SampleBuffer;
use model::value::is_stale;

use super::floats::{FloatColumns, expand, join};
use super::windows::{chunk_count, for_each_window, window_end};
use crate::chunk::append::{Built, HistogramBuilder, Incoming};
use crate::chunk::{
    self, AggregateChunk, AggregateKind, ChunkError, CounterResetHeader, Encoding, encode_xor,
};
use crate::error::{Error, Problem};
use crate::merge::OutChunk;

const RAW_RESOLUTION: i64 = 60_000;

/// A sample.
pub(super) type Sample = (i64, Arc<FloatHistogram>);

/// Appends the samples of a chunk, without stale markers and those that go back in time.
pub(super) fn append_sound(encoding: Encoding, data: &[u8], to: &mut Vec<Sample>) -> Result<(), ChunkError> {
    let mut buffer = SampleBuffer::new();
    chunk::decode_into(encoding, data, &mut buffer)?;
    let mut last = i64::MIN;
    for (t, histogram) in buffer.timestamps.iter().zip(&buffer.histograms) {
        let Some(histogram) = histogram else { return Err(ChunkError::WrongKind(encoding)) };
        if !is_stale(histogram.sum) && *t >= last {
            to.push((*t, histogram.clone()));
            last = *t;
        }
    }
    Ok(())
}

/// Downsamples the raw samples of a series.
pub(super) fn raw<'a>(samples: &[Sample], to: i64, out: &mut Vec<OutChunk<'a>>) -> Result<(), Error> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Ok(()) };
    let count = chunk_count(first.0, last.0, RAW_RESOLUTION, to, samples.len());
    let size = samples.len() / count + 1;
    let mut rest = samples;
    while !rest.is_empty() {
        let mut end = size.min(rest.len());
        let window = window_end(rest[end - 1].0, to);
        end += rest[end..].iter().take_while(|(t, _)| *t <= window).count();
        let batch: Vec<Sample> = rest[..end].iter().filter(|(_, h)| !h.sum.is_nan()).cloned().collect();
        rest = &rest[end..];
        batch_chunks(&batch, to, out)?;
    }
    Ok(())
}

fn batch_chunks<'a>(batch: &[Sample], to: i64, out: &mut Vec<OutChunk<'a>>) -> Result<(), Error> {
    let gauge = is_gauge(batch);
    let mut aggregator = Aggregator::new(batch);
    let mut windows = Windows::default();
    for_each(batch, to, |end, samples| {
        let mut sum = None;
        for sample in samples {
            aggregator.add_to_counter(sample)?;
            aggregator.add_to_sum(&mut sum, sample)?;
        }
        windows.push(end, Some(samples.len() as f64), aggregator.counter(gauge), sum);
        Ok(())
    })?;
    windows.encode(out);
    Ok(())
}

fn is_gauge(samples: &[Sample]) -> bool {
    samples.first().is_some_and(|(_, h)| h.counter_reset_hint == CounterResetHint::Gauge)
}

/// Calls `each` with the samples of every window.
fn for_each(
    samples: &[Sample],
    to: i64,
    mut each: impl FnMut(i64, &[Sample]) -> Result<(), Error>,
) -> Result<(), Error> {
    let timestamps: Vec<i64> = samples.iter().map(|(t, _)| *t).collect();
    let mut result = Ok(());
    for_each_window(&timestamps, to, |end, range| {
        if result.is_ok() {
            result = each(end, &samples[range]);
        }
    });
    result
}

/// Adds histograms up at the coarsest resolution of a batch.
struct Aggregator {
    schema: i32,
    counter: Option<FloatHistogram>,
    previous: Option<Arc<FloatHistogram>>,
}

impl Aggregator {
    fn new(batch: &[Sample]) -> Self {
        Self { schema: batch.iter().map(|(_, h)| h.schema).min().unwrap_or(0), counter: None, previous: None }
    }

    fn coarse(&self, histogram: &Arc<FloatHistogram>) -> Result<Arc<FloatHistogram>, Error> {
        if histogram.schema > self.schema {
            histogram.copy_to_schema(self.schema).map(Arc::new).map_err(failed)
        } else {
            Ok(histogram.clone())
        }
    }

    /// Adds what came since the sample before, or all of it after a reset. A finer resolution than before counts as one.
    fn add_to_counter(&mut self, (_, original): &Sample) -> Result<(), Error> {
        let histogram = self.coarse(original)?;
        match (&mut self.counter, &self.previous) {
            (Some(counter), Some(previous)) => {
                let gauge = histogram.counter_reset_hint == CounterResetHint::Gauge;
                if !gauge && original.detect_reset(previous) {
                    counter.add(&histogram).map_err(failed)?;
                } else {
                    let mut delta = (*histogram).clone();
                    delta.sub(previous).map_err(failed)?;
                    counter.add(&delta).map_err(failed)?;
                }
            }
            _ => self.counter = Some((*histogram).clone()),
        }
        self.previous = Some(histogram);
        Ok(())
    }

    fn add_to_sum(&self, sum: &mut Option<FloatHistogram>, (_, original): &Sample) -> Result<(), Error> {
        let histogram = self.coarse(original)?;
        match sum {
            Some(sum) => {
                sum.add(&histogram).map_err(failed)?;
            }
            None => *sum = Some((*histogram).clone()),
        }
        // Sums of windows go up and down.
        if let Some(sum) = sum {
            sum.counter_reset_hint = CounterResetHint::Gauge;
        }
        Ok(())
    }

    fn counter(&mut self, gauge: bool) -> Option<FloatHistogram> {
        if gauge && let Some(counter) = &mut self.counter {
            counter.counter_reset_hint = CounterResetHint::Gauge;
        }
        self.counter.clone()
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Corrupt { section: "histograms", offset: 0, problem: Problem::Other(error.to_string()) }
}

/// The aggregates of windows, by time.
#[derive(Default)]
struct Windows {
    rows: Vec<Row>,
}

struct Row {
    end: i64,
    count: Option<f64>,
    counter: Option<FloatHistogram>,
    sum: Option<FloatHistogram>,
}

impl Windows {
    fn push(
        &mut self,
        end: i64,
        count: Option<f64>,
        counter: Option<FloatHistogram>,
        sum: Option<FloatHistogram>,
    ) {
        self.rows.push(Row { end, count, counter, sum });
    }

    /// The row of a window, which is made if there is none.
    fn row(&mut self, end: i64) -> &mut Row {
        let at = self.rows.partition_point(|row| row.end < end);
        if self.rows.get(at).is_none_or(|row| row.end != end) {
            self.rows.insert(at, Row { end, count: None, counter: None, sum: None });
        }
        &mut self.rows[at]
    }

    /// Makes chunks: one, unless a histogram does not fit those before.
    fn encode<'a>(self, out: &mut Vec<OutChunk<'a>>) {
        let mut open = OpenChunk::default();
        for row in self.rows {
            let counter = row.counter.map(|h| Incoming::float(row.end, &h));
            let sum = row.sum.map(|h| Incoming::float(row.end, &h));
            let fits = counter.as_ref().is_none_or(|h| open.counter.fits(h))
                && sum.as_ref().is_none_or(|h| open.sum.fits(h));
            if !fits {
                out.extend(std::mem::take(&mut open).close());
            }
            open.push(row.end, row.count, counter, sum);
        }
        out.extend(open.close());
    }
}

#[derive(Default)]
struct OpenChunk {
    bounds: Option<(i64, i64)>,
    times: Vec<i64>,
    counts: Vec<f64>,
    counter: HistogramBuilder<f64>,
    sum: HistogramBuilder<f64>,
}

impl OpenChunk {
    fn push(
        &mut self,
        end: i64,
        count: Option<f64>,
        counter: Option<Incoming<f64>>,
        sum: Option<Incoming<f64>>,
    ) {
        self.bounds = Some((self.bounds.map_or(end, |b| b.0), end));
        if let Some(count) = count {
            self.times.push(end);
            self.counts.push(count);
        }
        for (builder, incoming) in [(&mut self.counter, counter), (&mut self.sum, sum)] {
            let Some(incoming) = incoming else { continue };
            let first = builder.is_empty();
            let closed = builder.append(incoming);
            debug_assert!(closed.is_none(), "what fits closes no chunk");
            // Thanos names the chunk itself as the one before, against which there is no reset.
            if first && builder.header() == CounterResetHeader::Unknown {
                builder.set_header(CounterResetHeader::NotCounterReset);
            }
        }
    }

    fn close<'a>(mut self) -> Option<OutChunk<'a>> {
        let (mint, maxt) = self.bounds?;
        let mut count = Vec::new();
        encode_xor(&self.times, &self.counts, &mut count).expect("a chunk has few hundred windows");
        let count = (!self.times.is_empty()).then_some((Encoding::Xor, count.as_slice()));
        let (sum, counter) = (self.sum.close(), self.counter.close());
        let parts = [count, part(&sum), None, None, part(&counter)];
        Some(join(parts, mint, maxt, self.times.len()))
    }
}

fn part(built: &Option<Built>) -> Option<(Encoding, &[u8])> {
    built.as_ref().map(|b| (b.encoding, b.data.as_slice()))
}

/// Downsamples a group of aggregate chunks.
pub(super) fn again<'a>(
    chunks: &[&AggregateChunk<'_>],
    to: i64,
    columns: &mut FloatColumns,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    let samples = |kind| {
        let mut samples = Vec::new();
        for chunk in chunks {
            if let Some((encoding, data)) = chunk.get(kind) {
                append_sound(encoding, data, &mut samples)
                    .map_err(|source| Error::Chunk { reference: 0, source })?;
            }
        }
        Ok::<_, Error>(samples)
    };
    let mut windows = Windows::default();
    let counters = samples(AggregateKind::Counter)?;
    let gauge = is_gauge(&counters);
    let mut aggregator = Aggregator::new(&counters);
    for_each(&counters, to, |end, samples| {
        samples.iter().try_for_each(|sample| aggregator.add_to_counter(sample))?;
        windows.row(end).counter = aggregator.counter(gauge);
        Ok(())
    })?;
    let sums = samples(AggregateKind::Sum)?;
    let aggregator = Aggregator::new(&sums);
    for_each(&sums, to, |end, samples| {
        let mut sum = None;
        samples.iter().try_for_each(|sample| aggregator.add_to_sum(&mut sum, sample))?;
        windows.row(end).sum = sum;
        Ok(())
    })?;
    expand(chunks, AggregateKind::Count, columns)?;
    for_each_window(columns.timestamps(), to, |end, range| {
        windows.row(end).count = Some(columns.values()[range].iter().fold(0.0, |sum, v| sum + v));
    });
    windows.encode(out);
    Ok(())
}
