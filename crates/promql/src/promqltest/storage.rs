//! A storage in memory, filled by `load`.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, HistogramError, same_bounds};
use model::labels::Labels;
use model::series::{MemorySamples, MemorySeriesSet, SampleBuffer, SampleRef, SeriesSet, SourceError};
use model::value::is_stale;

use crate::source::{Queryable, SelectParams};

/// Why a sample was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// It is older than the newest one.
    #[error("out of order sample of {0}: {1} is before {2}")]
    OutOfOrder(Labels, i64, i64),
    /// There is another one of that time.
    #[error("duplicate sample of {0} for timestamp {1}")]
    Duplicate(Labels, i64),
    /// The histogram is broken.
    #[error("histogram of {0} at {1}: {2}")]
    Histogram(Labels, i64, HistogramError),
}

/// Series in memory. What is read back is what a Prometheus would give: its counter reset hints, above all, are those
/// of its chunks and not those that were put in.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    series: BTreeMap<Labels, MemorySamples>,
}

impl MemoryStorage {
    /// Makes an empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the series, sorted.
    pub fn series(&self) -> impl Iterator<Item = (&Labels, &SampleBuffer)> {
        self.series.iter().map(|(labels, samples)| (labels, &*samples.0))
    }

    /// Appends a float; times are in ms, `start` is 0 where there is no start timestamp.
    pub fn append_float(
        &mut self,
        labels: &Labels,
        start: i64,
        t: i64,
        value: f64,
    ) -> Result<(), AppendError> {
        let buffer = self.buffer(labels);
        if is_stale(value)
            && let Some(last) = buffer.len().checked_sub(1)
            && let SampleRef::Histogram(h) = buffer.sample(last)
        {
            // A marker takes the type of the series it ends.
            let gauge = h.counter_reset_hint == CounterResetHint::Gauge;
            let hint = if gauge { CounterResetHint::Gauge } else { CounterResetHint::Unknown };
            let stale = FloatHistogram { sum: value, counter_reset_hint: hint, ..Default::default() };
            return self.append_histogram(labels, start, t, stale);
        }
        let same =
            |last: SampleRef<'_>| matches!(last, SampleRef::Float(v) if f64::to_bits(v) == value.to_bits());
        if is_new(buffer, labels, t, same)? {
            buffer.push_float(t, value);
            buffer.set_last_start(start);
        }
        Ok(())
    }

    /// Appends a histogram.
    pub fn append_histogram(
        &mut self,
        labels: &Labels,
        start: i64,
        t: i64,
        mut histogram: FloatHistogram,
    ) -> Result<(), AppendError> {
        if !is_stale(histogram.sum) {
            histogram.validate().map_err(|e| AppendError::Histogram(labels.clone(), t, e))?;
        }
        let buffer = self.buffer(labels);
        let previous = buffer.len().checked_sub(1).and_then(|last| match buffer.sample(last) {
            SampleRef::Histogram(h) => Some(h.clone()),
            SampleRef::Float(_) => None,
        });
        if histogram.counter_reset_hint != CounterResetHint::Gauge {
            let continues = previous.is_some_and(|p| continues_chunk(&p, &histogram));
            histogram.counter_reset_hint =
                if continues { CounterResetHint::NotCounterReset } else { CounterResetHint::Unknown };
        }
        let same = |last: SampleRef<'_>| matches!(last, SampleRef::Histogram(h) if h.equals(&histogram));
        if is_new(buffer, labels, t, same)? {
            buffer.push_histogram(t, Arc::new(histogram));
            buffer.set_last_start(start);
        }
        Ok(())
    }

    fn buffer(&mut self, labels: &Labels) -> &mut SampleBuffer {
        Arc::make_mut(&mut self.series.entry(labels.clone()).or_default().0)
    }
}

/// Whether a sample comes behind the last one. One of the same time may only repeat it.
fn is_new(
    buffer: &SampleBuffer,
    labels: &Labels,
    t: i64,
    same: impl Fn(SampleRef<'_>) -> bool,
) -> Result<bool, AppendError> {
    match buffer.timestamps.last() {
        Some(last) if *last > t => Err(AppendError::OutOfOrder(labels.clone(), t, *last)),
        Some(last) if *last == t && !same(buffer.sample(buffer.len() - 1)) => {
            Err(AppendError::Duplicate(labels.clone(), t))
        }
        Some(last) => Ok(*last < t),
        None => Ok(true),
    }
}

/// Whether a counter histogram goes into the chunk that its predecessor is in. The first of a chunk is read with an
/// unknown hint, all others as no counter reset.
fn continues_chunk(previous: &FloatHistogram, next: &FloatHistogram) -> bool {
    if previous.counter_reset_hint == CounterResetHint::Gauge
        || next.counter_reset_hint == CounterResetHint::CounterReset
    {
        return false;
    }
    if is_stale(next.sum) {
        return true;
    }
    if is_stale(previous.sum)
        || next.count < previous.count
        || next.schema != previous.schema
        || next.zero_threshold != previous.zero_threshold
        || (next.uses_custom_buckets() && !same_bounds(&next.custom_values, &previous.custom_values))
        || next.zero_count < previous.zero_count
    {
        return false;
    }
    covers(previous.positive_iter(), next.positive_iter())
        && covers(previous.negative_iter(), next.negative_iter())
}

/// Whether no bucket has fewer observations than before.
fn covers(
    before: impl Iterator<Item = model::histogram::Bucket>,
    after: impl Iterator<Item = model::histogram::Bucket>,
) -> bool {
    let after: BTreeMap<i32, f64> = after.map(|b| (b.index, b.count)).collect();
    let mut before = before;
    before.all(|b| b.count <= after.get(&b.index).copied().unwrap_or(0.0))
}

impl Queryable for MemoryStorage {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        let selected = self
            .series
            .iter()
            .filter(|(labels, _)| params.matchers.iter().all(|m| m.matches(labels.value(m.name()))))
            .filter(|(_, samples)| !samples.0.range(params.mint, params.maxt).is_empty())
            .map(|(labels, samples)| (labels.clone(), samples.clone()))
            .collect();
        Ok(Box::new(MemorySeriesSet::new(selected)))
    }
}
