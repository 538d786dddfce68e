//! Which expressions compute within partitions: the union of what they give over each partition is what they give over all.

use std::collections::BTreeSet;

use model::labels::Labels;

use crate::ast::{AggregateExpr, AggregateOp, BinaryExpr, Call, Expr, FunctionId, VectorSelector};
use crate::value_type::ValueType;

/// Whether an expression computes within partitions. Expressions without selectors do, as they are the same everywhere; left to the
/// engines alone they would come once from each.
pub(super) fn is_partitioned(expr: &Expr, names: &BTreeSet<&str>) -> bool {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::VectorSelector(_) | Expr::MatrixSelector(_) => true,
        Expr::Subquery(s) => is_partitioned(&s.expr, names),
        Expr::Paren(p) => is_partitioned(&p.expr, names),
        Expr::Unary(u) => is_partitioned(&u.expr, names),
        Expr::Aggregate(a) => aggregate(a, names),
        Expr::Binary(b) => binary(b, names),
        Expr::Call(c) => call(c, names),
        Expr::Remote(_) => false,
    }
}

/// Whether an expression reads series.
pub(super) fn has_selector(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= matches!(e, Expr::VectorSelector(_) | Expr::MatrixSelector(_) | Expr::Remote(_));
    });
    found
}

/// Whether an aggregation's parameter is the same for all partitions.
pub(super) fn has_plain_param(a: &AggregateExpr) -> bool {
    a.param.as_deref().is_none_or(|param| !has_selector(param))
}

fn aggregate(a: &AggregateExpr, names: &BTreeSet<&str>) -> bool {
    // The order in which `topk` gives its series gets lost on the way, so that it is always done here once more.
    if matches!(a.op, AggregateOp::Topk | AggregateOp::Bottomk) || !has_plain_param(a) {
        return false;
    }
    if a.op == AggregateOp::CountValues && a.param.as_deref().is_none_or(|label| writes(label, names)) {
        return false;
    }
    let keeps = |name: &&str| a.grouping.iter().any(|label| label == name) != a.without;
    !names.is_empty() && names.iter().all(keeps) && is_partitioned(&a.expr, names)
}

fn binary(b: &BinaryExpr, names: &BTreeSet<&str>) -> bool {
    if !is_partitioned(&b.lhs, names) || !is_partitioned(&b.rhs, names) {
        return false;
    }
    let Some(matching) = &b.matching else {
        // Scalars hold no selectors but below `scalar`, which is not partitioned.
        return true;
    };
    let matched = |name: &&str| {
        matching.labels.iter().any(|label| label == name) == matching.on
            && !matching.include.iter().any(|label| label == name)
    };
    // A side without selectors would be there in every partition, also where it finds no partner.
    has_selector(&b.lhs) && has_selector(&b.rhs) && names.iter().all(matched)
}

fn call(c: &Call, names: &BTreeSet<&str>) -> bool {
    use FunctionId as F;
    let label = |at: usize| c.args.get(at).is_none_or(|label| writes(label, names));
    match c.func.id {
        // One value for all series, or series that are nowhere, or order, which gets lost.
        F::Scalar
        | F::Absent
        | F::AbsentOverTime
        | F::Sort
        | F::SortDesc
        | F::SortByLabel
        | F::SortByLabelDesc => false,
        // The info series may be in another partition.
        F::Info => false,
        F::LabelReplace | F::LabelJoin | F::HistogramQuantiles if label(1) => false,
        _ => c.args.iter().all(|arg| is_partitioned(arg, names)),
    }
}

/// Whether a text names a label that tells partitions apart; so does what is no text.
fn writes(label: &Expr, names: &BTreeSet<&str>) -> bool {
    match label.unwrap_parens() {
        Expr::String(text) => names.contains(text.value.as_str()),
        _ => true,
    }
}

/// The selectors of an expression.
pub(super) fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    let mut found = Vec::new();
    expr.walk(&mut |e| match e {
        Expr::VectorSelector(v) => found.push(v),
        Expr::MatrixSelector(m) => found.push(&m.selector),
        _ => {}
    });
    found
}

/// Whether a selector may find series with these external labels.
pub(super) fn may_match(selector: &VectorSelector, external: &Labels) -> bool {
    selector.matchers.iter().all(|matcher| match external.get(matcher.name()) {
        Some(value) => matcher.matches(value),
        None => true,
    })
}

/// Whether an expression is an instant vector.
pub(super) fn is_vector(expr: &Expr) -> bool {
    expr.value_type() == ValueType::Vector
}
