//! How much a query read and held.

use std::time::Duration;

use crate::source::SelectParams;

/// Counts of samples as Prometheus's `stats` has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleStats {
    /// Samples that all steps looked at: a range function counts its whole window at every step.
    pub total_queryable: u64,
    /// Samples read: those that several windows share count once.
    pub read: u64,
    /// The most samples held at once.
    pub peak: u64,
    /// `total_queryable` per step, where asked for.
    pub total_per_step: Option<Vec<u64>>,
    /// `read` per step, where asked for.
    pub read_per_step: Option<Vec<u64>>,
}

/// How long the parts of a query took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// From text to plan, and starting the selects.
    pub prepare: Duration,
    /// Evaluation.
    pub inner_eval: Duration,
    /// Sorting the result.
    pub result_sort: Duration,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct QueryStats {
    /// Counts of samples.
    pub samples: SampleStats,
    /// Times.
    pub timings: Timings,
    /// The most bytes held at once, as the memory budget counts them.
    pub peak_bytes: u64,
    /// What each operator took, where asked for.
    pub analysis: Option<AnalysisNode>,
    /// Time of the first step, ms.
    pub start: i64,
    /// Step, ms; of an instant query 1.
    pub step: i64,
}

/// What one operator of a query took, and those below it. Figures include what is below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnalysisNode {
    /// The operator's name, as in the explanation.
    pub name: String,
    /// Time spent in it; what it hands series to does not count.
    pub execution_time: Duration,
    /// The most samples held while it ran.
    pub peak_samples: u64,
    /// Samples that it looked at in all steps.
    pub total_samples: u64,
    /// What it reads from the storage itself.
    pub selects: Vec<SelectParams>,
    /// What feeds it.
    pub children: Vec<AnalysisNode>,
}
