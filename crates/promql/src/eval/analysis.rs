//! What each operator of a query took: measured where series are handed from one to the next.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::{Evaluator, Scope, Sink};
use crate::error::EvalError;
use crate::plan::explain::describe;
use crate::plan::{Kind, Node, RangeSource};
use crate::stats::AnalysisNode;

#[derive(Clone, Copy, Default)]
struct Measured {
    took: Duration,
    samples: u64,
    peak: u64,
}

/// Measurements by operator. Operators are told apart by their place in the plan, which does not move while it is evaluated.
#[derive(Default)]
pub(super) struct Recorder {
    by_operator: Mutex<FxHashMap<Place, Measured>>,
}

/// Address and size: the first part of an operator may lie where the operator does.
type Place = (usize, usize);

fn place<T>(operator: &T) -> Place {
    (std::ptr::from_ref(operator) as usize, size_of::<T>())
}

impl Recorder {
    fn add(&self, operator: Place, new: Measured) {
        let mut by_operator = self.by_operator.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = by_operator.entry(operator).or_default();
        sum.took += new.took;
        sum.samples += new.samples;
        sum.peak = sum.peak.max(new.peak);
    }

    fn of<T>(&self, operator: &T) -> Option<Measured> {
        self.by_operator.lock().unwrap_or_else(PoisonError::into_inner).get(&place(operator)).copied()
    }

    /// The tree of operators with what was measured. An operator that measures nothing itself has the sums of those below.
    pub(super) fn tree(&self, node: &Node) -> AnalysisNode {
        let (name, below) = describe(node);
        let children: Vec<AnalysisNode> = below.into_iter().map(|child| self.tree(child)).collect();
        let measured = match &node.kind {
            // A range function does its work while its selector reads.
            Kind::Range(range) => match &range.source {
                RangeSource::Series(selector) => self.of(selector),
                RangeSource::Subquery(_) => None,
            },
            _ => self.of(node),
        };
        let measured = measured.unwrap_or_else(|| Measured {
            took: children.iter().map(|child| child.execution_time).sum(),
            samples: children.iter().map(|child| child.total_samples).sum(),
            peak: 0,
        });
        let below = children.iter().map(|child| child.peak_samples).max().unwrap_or(0);
        AnalysisNode {
            name,
            execution_time: measured.took,
            peak_samples: measured.peak.max(below),
            total_samples: measured.samples,
            children,
        }
    }
}

impl Evaluator<'_> {
    /// Runs `work` as the operator, its batches going on to `sink`, whose time is not the operator's.
    pub(super) fn measured<T>(
        &self,
        operator: &T,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
        work: impl FnOnce(&mut Sink<'_>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        let Some(recorder) = &self.recorder else {
            return work(sink);
        };
        let (before, held, begun) = (scope.counts.total(), self.samples_now(), Instant::now());
        let mut elsewhere = Duration::ZERO;
        let mut peak = 0;
        let result = work(&mut |batch| {
            peak = peak.max(self.samples_now().saturating_sub(held));
            let handed_on = Instant::now();
            let result = sink(batch);
            elsewhere += handed_on.elapsed();
            result
        });
        recorder.add(
            place(operator),
            Measured {
                took: begun.elapsed().saturating_sub(elsewhere),
                samples: scope.counts.total() - before,
                peak: peak.max(self.samples_now().saturating_sub(held)),
            },
        );
        result
    }

    /// The same for what gives scalars.
    pub(super) fn measured_scalar(
        &self,
        node: &Node,
        scope: Scope<'_>,
        work: impl FnOnce() -> Result<Vec<f64>, EvalError>,
    ) -> Result<Vec<f64>, EvalError> {
        let Some(recorder) = &self.recorder else {
            return work();
        };
        let (before, begun) = (scope.counts.total(), Instant::now());
        let result = work();
        let samples = scope.counts.total() - before;
        recorder.add(place(node), Measured { took: begun.elapsed(), samples, peak: 0 });
        result
    }
}
