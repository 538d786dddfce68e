//! Deduplication of replicas: several series of the same labels, each from another Prometheus of an HA pair, become one.
//!
//! Replicas are decoded to columns first; the algorithms then choose runs of samples and copy these. Before, overlapping
//! chunks of one series are spread over pseudo replicas ([`split_overlaps`]), since a store cannot tell replicas apart
//! whose labels are equal.
//!
//! Behaviour and constants are those of Thanos `pkg/dedup/iter.go` and, for chain, Prometheus `storage/merge.go`.

mod chain;
mod chunks;
mod overlap;
mod penalty;
mod tree;

use model::series::{SampleBuffer, SampleSource, Series, SeriesSet, SourceError};

pub use chain::chain;
pub use chunks::{ReplicaRead, TimedChunk, penalty_of_chunks};
pub use overlap::{ReplicaChunks, split_overlaps};
pub use penalty::penalty;

/// How replicas are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Follows one replica and changes to the other only when there is a gap.
    #[default]
    Penalty,
    /// Takes all samples of all replicas, one for each timestamp.
    Chain,
}

impl std::str::FromStr for Algorithm {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "penalty" => Ok(Self::Penalty),
            "chain" => Ok(Self::Chain),
            other => Err(format!("unknown deduplication algorithm {other:?}")),
        }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Penalty => "penalty",
            Self::Chain => "chain",
        })
    }
}

/// Whether a PromQL function takes its series for counters, whose values must not fall when the replica changes.
pub fn is_counter_function(name: &str) -> bool {
    matches!(name, "increase" | "rate" | "irate" | "resets")
}

/// Appends the deduplicated samples of the replicas, whose order matters, to `out`. `counter`: see
/// [`is_counter_function`]; chain does not need it.
pub fn deduplicate(algorithm: Algorithm, replicas: &[SampleBuffer], counter: bool, out: &mut SampleBuffer) {
    match algorithm {
        Algorithm::Penalty => penalty(replicas, counter, out),
        Algorithm::Chain => chain(replicas, out),
    }
}

/// The replicas of a series as one.
pub struct DedupSource {
    /// In order of preference.
    pub replicas: Vec<Box<dyn SampleSource>>,
    /// How to merge.
    pub algorithm: Algorithm,
    /// Whether values are of a counter.
    pub counter: bool,
}

impl SampleSource for DedupSource {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        if let [one] = self.replicas.as_slice() {
            return one.samples_into(mint, maxt, out);
        }
        let mut decoded = Vec::with_capacity(self.replicas.len());
        for replica in &self.replicas {
            let mut buffer = SampleBuffer::new();
            replica.samples_into(mint, maxt, &mut buffer)?;
            decoded.push(buffer);
        }
        deduplicate(self.algorithm, &decoded, self.counter, out);
        Ok(())
    }
}

/// Joins neighbouring series of equal labels into one each.
pub struct DedupSeriesSet<S> {
    set: S,
    algorithm: Algorithm,
    counter: bool,
    peeked: Option<Series>,
    failed: Option<SourceError>,
}

impl<S: SeriesSet> DedupSeriesSet<S> {
    /// Wraps a set that is sorted by labels, with the replica labels gone. `function` is the PromQL function around the
    /// selector, empty for none.
    pub fn new(set: S, algorithm: Algorithm, function: &str) -> Self {
        Self { set, algorithm, counter: is_counter_function(function), peeked: None, failed: None }
    }
}

impl<S: SeriesSet> SeriesSet for DedupSeriesSet<S> {
    fn next_series(&mut self) -> Option<Result<Series, SourceError>> {
        if let Some(e) = self.failed.take() {
            return Some(Err(e));
        }
        let first = match self.peeked.take() {
            Some(series) => series,
            None => match self.set.next_series()? {
                Ok(series) => series,
                Err(e) => return Some(Err(e)),
            },
        };
        let mut replicas = Vec::new();
        loop {
            match self.set.next_series() {
                Some(Ok(next)) if next.labels == first.labels => replicas.push(next.samples),
                Some(Ok(next)) => {
                    self.peeked = Some(next);
                    break;
                }
                Some(Err(e)) => {
                    self.failed = Some(e);
                    break;
                }
                None => break,
            }
        }
        if replicas.is_empty() {
            return Some(Ok(first));
        }
        replicas.insert(0, first.samples);
        let source = DedupSource { replicas, algorithm: self.algorithm, counter: self.counter };
        Some(Ok(Series { labels: first.labels, samples: Box::new(source) }))
    }

    fn warnings(&mut self) -> Vec<String> {
        self.set.warnings()
    }
}

#[cfg(test)]
mod tests;
