//! What the engines answered, as a source of series for the evaluation of the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::labels::Labels;
use model::series::{MemorySamples, MemorySeriesSet, SampleBuffer, SeriesSet, SourceError};

use super::Owned;
use crate::error::EvalError;
use crate::limits::{Ledger, Reservation};
use crate::source::{Queryable, SelectParams};

/// Whether a warning of an engine says that it left out a group for what is in it. Data of other engines could be left out with the
/// group or not, which the answer does not tell: such a query is to be evaluated over all data.
pub fn left_out_a_group(warning: &str) -> bool {
    [
        "encountered a mix of histograms and floats for aggregation",
        "vector contains a mix of histograms with exponential and custom buckets",
    ]
    .iter()
    .any(|text| warning.contains(text))
}

/// The value of a leaf, put together from the answers of its engines.
#[derive(Clone, Debug, Default)]
pub struct LeafValue {
    series: BTreeMap<Labels, Vec<(i64, RemoteSample)>>,
}

/// A value that an engine computed.
#[derive(Clone, Debug)]
pub enum RemoteSample {
    /// A float.
    Float(f64),
    /// A histogram.
    Histogram(Arc<FloatHistogram>),
}

impl LeafValue {
    /// Adds a series of an answer, as far as it counts. Times are ms.
    pub fn add(
        &mut self,
        owned: &Owned,
        labels: Labels,
        samples: impl IntoIterator<Item = (i64, RemoteSample)>,
    ) {
        let times = owned.of(&labels);
        let counts =
            |t: i64| times.is_none_or(|times| times.iter().any(|(first, last)| *first <= t && t <= *last));
        let mut samples = samples.into_iter().filter(|(t, _)| counts(*t)).peekable();
        if samples.peek().is_some() {
            self.series.entry(labels).or_default().extend(samples);
        }
    }

    fn into_series(self) -> Vec<(Labels, MemorySamples)> {
        self.series
            .into_iter()
            .map(|(labels, mut samples)| {
                samples.sort_by_key(|(t, _)| *t);
                samples.dedup_by_key(|(t, _)| *t);
                let mut buffer = SampleBuffer::new();
                for (t, sample) in samples {
                    match sample {
                        RemoteSample::Float(value) => buffer.push_float(t, value),
                        RemoteSample::Histogram(histogram) => buffer.push_histogram(t, histogram),
                    }
                }
                (labels, MemorySamples::new(buffer))
            })
            .collect()
    }
}

/// A storage, and the values of the leaves beside it.
pub struct WithLeaves<Q> {
    storage: Q,
    leaves: Vec<Vec<(Labels, MemorySamples)>>,
    /// What the leaves weigh in the account of the query.
    _held: Reservation,
}

impl<Q> WithLeaves<Q> {
    /// Puts the values of the leaves, in their order, beside a storage; they count against the query's memory.
    pub fn new(storage: Q, leaves: Vec<LeafValue>, memory: &Arc<Ledger>) -> Result<Self, EvalError> {
        let leaves: Vec<_> = leaves.into_iter().map(LeafValue::into_series).collect();
        let mut held = Reservation::new(memory);
        let series = leaves.iter().flatten();
        held.grow(series.map(|(labels, samples)| labels.heap_size() + samples.0.heap_size()).sum())?;
        Ok(Self { storage, leaves, _held: held })
    }

    /// The storage.
    pub fn storage(&self) -> &Q {
        &self.storage
    }
}

impl<Q: Queryable> Queryable for WithLeaves<Q> {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        match params.remote {
            None => self.storage.select(params),
            Some(leaf) => match self.leaves.get(leaf) {
                Some(series) => Ok(Box::new(MemorySeriesSet::new(series.clone()))),
                None => Err(SourceError::new(format!("remote expression {leaf} has no value"))),
            },
        }
    }
}
