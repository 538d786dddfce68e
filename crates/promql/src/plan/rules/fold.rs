//! Constant folding: what is computed from numbers alone is computed here.

use super::for_each_child;
use crate::ast::FunctionId;
use crate::eval::scalar_op;
use crate::math;
use crate::plan::{Kind, Node};
use crate::value_type::ValueType;

/// Replaces scalar expressions of numbers by their value. What would be an error is left for evaluation to find.
pub(super) fn fold(node: &mut Node) {
    for_each_child(node, &mut fold);
    if node.ty != ValueType::Scalar {
        return;
    }
    let number = |node: &Node| match node.kind {
        Kind::Number(value) => Some(value),
        _ => None,
    };
    let value = match &node.kind {
        Kind::Plus(inner) | Kind::Invariant(inner) => number(inner),
        Kind::Negate(inner) => number(inner).map(|value| -value),
        Kind::Binary(b) if !b.op.is_trim() => {
            number(&b.lhs).zip(number(&b.rhs)).map(|(l, r)| scalar_op(b.op, l, r))
        }
        Kind::Call(call) => match (call.func, call.args.as_slice()) {
            (FunctionId::Pi, []) => Some(std::f64::consts::PI),
            (FunctionId::MaxOf, [a, b]) => number(a).zip(number(b)).map(|(a, b)| math::max(a, b)),
            (FunctionId::MinOf, [a, b]) => number(a).zip(number(b)).map(|(a, b)| math::min(a, b)),
            _ => None,
        },
        _ => None,
    };
    if let Some(value) = value {
        node.kind = Kind::Number(value);
    }
}
