//! Aggregations.
//!
//! What can be kept up series by series ([`sums`]) takes each batch into its groups' columns and forgets it. What picks series
//! ([`pick`]) or lists values ([`values`]) needs more. Order matters: floats are added in the order of the series.

mod floats;
mod groups;
mod histograms;
mod pick;
mod values;

use super::{Evaluator, Scope, Sink};
use crate::ast::AggregateOp as Op;
use crate::error::EvalError;
use crate::plan::{Aggregate, Node};

impl Evaluator<'_> {
    pub(super) fn aggregate(
        &self,
        a: &Aggregate,
        node: &Node,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        match a.op {
            Op::Sum | Op::Avg | Op::Count | Op::Min | Op::Max | Op::Group | Op::Stddev | Op::Stdvar => {
                self.aggregate_floats(a, scope, sink)
            }
            Op::Quantile => self.aggregate_quantile(a, scope, sink),
            Op::CountValues => self.count_values(a, scope, sink),
            Op::Topk | Op::Bottomk | Op::Limitk | Op::LimitRatio => self.pick(a, node, scope, sink),
        }
    }
}
