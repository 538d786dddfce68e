//! What each operator of a query took: measured where series are handed from one to the next.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::{Evaluator, Scope, Sink};
use crate::error::EvalError;
use crate::plan::explain::describe;
use crate::plan::{Call, Kind, Node, Plan, RangeSource};
use crate::source::SelectParams;
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
    /// Selects that a function makes while it runs.
    by_call: Mutex<FxHashMap<Place, Vec<SelectParams>>>,
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

    /// A function selects something that was not planned.
    pub(super) fn select(&self, call: &Call, params: &SelectParams) {
        let mut by_call = self.by_call.lock().unwrap_or_else(PoisonError::into_inner);
        by_call.entry(place(call)).or_default().push(params.clone());
    }

    /// What an operator reads from the storage.
    fn selects(&self, node: &Node, plan: &Plan) -> Vec<SelectParams> {
        let planned = |select: usize| plan.selects.get(select).cloned().into_iter().collect();
        match &node.kind {
            Kind::Selector(selector) => planned(selector.select),
            Kind::Range(range) => match &range.source {
                RangeSource::Series(selector) => planned(selector.select),
                RangeSource::Subquery(_) => Vec::new(),
            },
            Kind::Call(call) => {
                let by_call = self.by_call.lock().unwrap_or_else(PoisonError::into_inner);
                by_call.get(&place::<Call>(call)).cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn of<T>(&self, operator: &T) -> Option<Measured> {
        self.by_operator.lock().unwrap_or_else(PoisonError::into_inner).get(&place(operator)).copied()
    }

    /// The tree of operators with what was measured. An operator that measures nothing itself has the sums of those below.
    pub(super) fn tree(&self, plan: &Plan) -> AnalysisNode {
        self.node(&plan.root, plan)
    }

    fn node(&self, node: &Node, plan: &Plan) -> AnalysisNode {
        let (name, below) = describe(node);
        let children: Vec<AnalysisNode> = below.into_iter().map(|child| self.node(child, plan)).collect();
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
            selects: self.selects(node, plan),
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
