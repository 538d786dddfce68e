//! Binary operations.
//!
//! Series are matched once by their labels, then whole columns are combined ([`columns`]). Where a match is not one to one for all
//! steps, or values are filled in, or histograms are involved, the operation goes step by step ([`stepwise`]), which finds the error
//! that Prometheus finds.

mod columns;
mod element;
mod matching;
mod scalar;
mod set;
mod stepwise;

use super::{Evaluator, Scope, Sink};
use crate::ast::BinaryOp;
use crate::error::EvalError;
use crate::plan::{Binary, Node};
use crate::value_type::ValueType;

pub(crate) use element::scalar_op;

impl Evaluator<'_> {
    pub(super) fn binary(
        &self,
        b: &Binary,
        node: &Node,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        match (b.lhs.ty, b.rhs.ty) {
            (ValueType::Scalar, ValueType::Scalar) => {
                let column = crate::column::Column::from_floats(self.scalar(node, scope)?);
                sink(vec![super::EvalSeries { labels: Default::default(), drop_name: false, column }])
            }
            (ValueType::Scalar, _) => self.scalar_binary(b, &b.rhs, &b.lhs, true, node.pos, scope, sink),
            (_, ValueType::Scalar) => self.scalar_binary(b, &b.lhs, &b.rhs, false, node.pos, scope, sink),
            _ => {
                let Some(matching) = &b.matching else {
                    return Err(EvalError::execution("two vectors are combined without a matching"));
                };
                match b.op {
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => {
                        self.set_operation(b, matching, scope, sink)
                    }
                    _ => self.vector_binary(b, matching, node.pos, scope, sink),
                }
            }
        }
    }
}
