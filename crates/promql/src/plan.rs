//! The logical plan: the syntax tree with all times, ranges and selects resolved for one query.
//!
//! Built once per query ([`build`]), it holds everything evaluation needs and nothing that has to be looked up: durations are
//! numbers, `start()` and `end()` are times, each selector knows its select, and parts that give the same at every step are
//! marked to be evaluated once.

mod build;
pub mod distribute;
mod duration;
pub(crate) mod explain;
pub(crate) mod rules;
mod selects;
mod stats_decoding;

use crate::ast::{AggregateOp, BinaryOp, FunctionId, PosRange, RangeModifier, VectorMatching};
use crate::source::SelectParams;
use crate::value_type::ValueType;

pub(crate) use build::{BuildOptions, build};
pub use explain::ExplainNode;

/// A plan.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) root: Node,
    /// Distinct selects; selectors refer to them by index.
    pub(crate) selects: Vec<SelectParams>,
    /// How many selectors use each select.
    pub(crate) uses: Vec<usize>,
    /// Height of the tree.
    pub(crate) depth: usize,
}

/// The times of an evaluation: `count` steps from `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// First step, ms.
    pub(crate) start: i64,
    /// Step, ms; not 0.
    pub(crate) step: i64,
    /// Number of steps; 0 if the end is before the start.
    pub(crate) count: usize,
    /// Start and end are the same time. (A range that ends before its second step has one step too, but is no instant.)
    pub(crate) instant: bool,
}

impl Grid {
    /// The steps from `start` to at most `end`.
    pub(crate) fn new(start: i64, end: i64, step: i64) -> Self {
        let step = step.max(1);
        let count = if end < start { 0 } else { (end.saturating_sub(start) / step) as usize + 1 };
        Self { start, step, count, instant: start == end }
    }

    /// The time of a step.
    #[inline]
    pub(crate) fn at(&self, step: usize) -> i64 {
        self.start + step as i64 * self.step
    }

    /// The time of the last step.
    pub(crate) fn last(&self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }
}

/// A node: what to do, and where it stood.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) pos: PosRange,
    pub(crate) ty: ValueType,
}

/// What a node does.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Number(f64),
    Text(String),
    Selector(Selector),
    /// A range selector or subquery; only as argument of a range function or as the whole query.
    Range(RangeNode),
    Aggregate(Box<Aggregate>),
    Binary(Box<Binary>),
    Call(Box<Call>),
    Plus(Box<Node>),
    Negate(Box<Node>),
    /// The same at every step.
    Invariant(Box<Node>),
}

/// Which samples of which series.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    /// Index of the select.
    pub(crate) select: usize,
    /// The selector as text, for explaining.
    pub(crate) text: String,
    /// What is subtracted from the evaluation time, ms.
    pub(crate) offset: i64,
    /// The time of `@`, ms.
    pub(crate) at: Option<i64>,
    pub(crate) modifier: RangeModifier,
    /// Only count and sum of histograms are needed.
    pub(crate) stats_only: bool,
    /// Samples are those of the very steps: nothing is looked back for.
    pub(crate) exact: bool,
}

impl Selector {
    /// The time that an evaluation at `ts` refers to.
    #[inline]
    pub(crate) fn reference(&self, ts: i64) -> i64 {
        self.at.unwrap_or(ts).saturating_sub(self.offset)
    }
}

/// The samples of a range.
#[derive(Clone, Debug)]
pub(crate) struct RangeNode {
    /// The range, ms.
    pub(crate) range: i64,
    /// The range, seconds, as exact as it was written.
    pub(crate) range_seconds: f64,
    pub(crate) source: RangeSource,
}

/// Where a range's samples come from.
#[derive(Clone, Debug)]
pub(crate) enum RangeSource {
    Series(Selector),
    Subquery(Box<Subquery>),
}

impl RangeNode {
    /// The end of the range for an evaluation at `ts`.
    #[inline]
    pub(crate) fn reference(&self, ts: i64) -> i64 {
        match &self.source {
            RangeSource::Series(s) => s.reference(ts),
            RangeSource::Subquery(s) => s.at.unwrap_or(ts).saturating_sub(s.offset),
        }
    }

    /// Whether the range is the same at every step.
    pub(crate) fn is_fixed(&self) -> bool {
        match &self.source {
            RangeSource::Series(s) => s.at.is_some(),
            RangeSource::Subquery(s) => s.at.is_some(),
        }
    }

    pub(crate) fn modifier(&self) -> RangeModifier {
        match &self.source {
            RangeSource::Series(s) => s.modifier,
            RangeSource::Subquery(_) => RangeModifier::None,
        }
    }
}

/// An expression at steps of its own.
#[derive(Clone, Debug)]
pub(crate) struct Subquery {
    pub(crate) expr: Node,
    /// ms
    pub(crate) step: i64,
    /// ms
    pub(crate) offset: i64,
    /// ms
    pub(crate) at: Option<i64>,
}

impl Subquery {
    /// The steps that windows of `range` ending at the steps of `outer` need.
    pub(crate) fn grid(&self, range: i64, outer: &Grid) -> Grid {
        Self::steps(self.step, self.offset, self.at, range, outer)
    }

    /// The steps of a subquery with these times, all in ms.
    pub(crate) fn steps(step: i64, offset: i64, at: Option<i64>, range: i64, outer: &Grid) -> Grid {
        let (first, last) = match at {
            // Under a function that is evaluated anew at each step (`predict_linear`) Prometheus lets the steps of the subquery go on as far
            // as those around it: nobody sees the values, but what they give rise to is noted.
            Some(at) => (at, at.saturating_add(outer.last().saturating_sub(outer.start))),
            None => (outer.start, outer.last()),
        };
        let step = step.max(1);
        let lower = first.saturating_sub(offset).saturating_sub(range);
        // Steps are multiples of the step; the first one lies behind the open lower end. Division truncates, as in Prometheus.
        let mut start = step * (lower / step);
        if start <= lower {
            start += step;
        }
        Grid::new(start, last.saturating_sub(offset), step)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) expr: Node,
    pub(crate) param: Option<Node>,
    /// Sorted; may hold repeats.
    pub(crate) grouping: Vec<String>,
    pub(crate) without: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Node,
    pub(crate) rhs: Node,
    /// Present exactly where both sides are vectors.
    pub(crate) matching: Option<VectorMatching>,
    pub(crate) return_bool: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) func: FunctionId,
    pub(crate) name: &'static str,
    pub(crate) args: Vec<Node>,
    /// The labels that `absent` and `absent_over_time` give their result.
    pub(crate) absent_labels: model::labels::Labels,
    /// What `info` selects.
    pub(crate) info: Option<InfoSelect>,
}

/// The data labels that `info` adds and the time at which it looks for info series.
#[derive(Clone, Debug)]
pub(crate) struct InfoSelect {
    /// The matchers of the second argument, `None` if there is none.
    pub(crate) matchers: Option<Vec<model::matcher::Matcher>>,
    pub(crate) at: Option<i64>,
    pub(crate) offset: i64,
}
