//! Matcher propagation: where two operands are matched by a label, a matcher on it holds for the partner as well, and the partner
//! need not be asked for series that find none.
//!
//! Leaving out series may not take away an error or an annotation that they would have led to, so that
//! - only plain selectors, and their counts, are narrowed: what is computed from series may note something about them;
//! - of arithmetic and comparisons, one side has to be unique by what it is matched by, for Prometheus refuses duplicates there even
//!   if they find no partner, unless the other side is empty;
//! - `or` and filled-in values need all series.
//!
//! Matchers on labels by which the source tells replicas apart and joins them stay where they are: the label is matched and gone.

use model::labels::METRIC_NAME;
use model::matcher::Matcher;

use super::for_each_child;
use crate::ast::{AggregateOp, BinaryOp, Cardinality, FunctionId, VectorMatching};
use crate::plan::{Aggregate, Binary, Kind, Node, Plan, RangeSource, Selector};
use crate::source::SelectParams;

/// Narrows selects by the matchers of what their series are matched with.
pub(super) fn propagate(plan: &mut Plan, replica_labels: &[String]) {
    let mut selects = std::mem::take(&mut plan.selects);
    visit(&mut plan.root, &mut selects, replica_labels);
    (plan.selects, plan.uses) = renumbered(&mut plan.root, &selects);
}

fn visit(node: &mut Node, selects: &mut Vec<SelectParams>, replica_labels: &[String]) {
    for_each_child(node, &mut |child| visit(child, selects, replica_labels));
    let Kind::Binary(b) = &mut node.kind else { return };
    let Some(matching) = b.matching.clone() else { return };
    let (to_left, to_right) = directions(b, &matching);
    let known = |from: &Node| -> Vec<Matcher> {
        let all = known_matchers(from, selects).into_iter();
        all.filter(|m| is_matched(&matching, m.name()) && !replica_labels.iter().any(|l| l == m.name()))
            .collect()
    };
    let left = if to_left { known(&b.rhs) } else { Vec::new() };
    let right = if to_right { known(&b.lhs) } else { Vec::new() };
    narrow(&mut b.lhs, &left, selects);
    narrow(&mut b.rhs, &right, selects);
}

/// Whether the left and the right operand may be narrowed.
fn directions(b: &Binary, matching: &VectorMatching) -> (bool, bool) {
    if matching.fill.is_set() {
        return (false, false);
    }
    match b.op {
        BinaryOp::And => (true, true),
        BinaryOp::Unless => (false, true),
        BinaryOp::Or => (false, false),
        _ => {
            let one = if matching.card == Cardinality::OneToMany { &b.lhs } else { &b.rhs };
            let unique = is_unique(one, matching);
            (unique, unique)
        }
    }
}

/// Whether operands are matched by this label.
fn is_matched(matching: &VectorMatching, label: &str) -> bool {
    label != METRIC_NAME && matching.labels.iter().any(|l| l == label) == matching.on
}

/// Whether no two series of a node are the same in what they are matched by.
fn is_unique(node: &Node, matching: &VectorMatching) -> bool {
    match &node.kind {
        Kind::Invariant(inner) => is_unique(inner, matching),
        Kind::Aggregate(a) => {
            !a.without && keeps_groups(a.op) && a.grouping.iter().all(|label| is_matched(matching, label))
        }
        _ => false,
    }
}

/// Whether an aggregation gives one series for each group, with the labels of the group.
fn keeps_groups(op: AggregateOp) -> bool {
    use AggregateOp as Op;
    !matches!(op, Op::Topk | Op::Bottomk | Op::Limitk | Op::LimitRatio | Op::CountValues)
}

/// Matchers that all series of a node match.
fn known_matchers(node: &Node, selects: &[SelectParams]) -> Vec<Matcher> {
    let of = |selector: &Selector| -> Vec<Matcher> {
        let matchers = selects.get(selector.select).map(|select| select.matchers.as_slice());
        matchers.unwrap_or_default().iter().filter(|m| m.name() != METRIC_NAME).cloned().collect()
    };
    match &node.kind {
        Kind::Selector(selector) => of(selector),
        Kind::Invariant(inner) | Kind::Plus(inner) | Kind::Negate(inner) => known_matchers(inner, selects),
        Kind::Aggregate(a) => known_of_aggregation(a, selects),
        // Functions over a range keep the labels of its series, but for the name.
        Kind::Call(call) if !matches!(call.func, FunctionId::AbsentOverTime) => {
            let ranges = call.args.iter().find_map(|arg| match &arg.kind {
                Kind::Range(range) => Some(range),
                _ => None,
            });
            match ranges.map(|range| &range.source) {
                Some(RangeSource::Series(selector)) => without_metadata(of(selector)),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

fn known_of_aggregation(a: &Aggregate, selects: &[SelectParams]) -> Vec<Matcher> {
    if a.op == AggregateOp::CountValues {
        return Vec::new();
    }
    let inner = known_matchers(&a.expr, selects);
    let whole_series = !keeps_groups(a.op);
    inner
        .into_iter()
        .filter(|m| whole_series || a.grouping.iter().any(|label| label == m.name()) != a.without)
        .collect()
}

/// Type and unit go with the name.
fn without_metadata(matchers: Vec<Matcher>) -> Vec<Matcher> {
    matchers.into_iter().filter(|m| !matches!(m.name(), "__type__" | "__unit__")).collect()
}

/// Adds matchers to the select of a plain selector, or of a count of one by these labels.
fn narrow(node: &mut Node, by: &[Matcher], selects: &mut Vec<SelectParams>) {
    match &mut node.kind {
        Kind::Invariant(inner) => narrow(inner, by, selects),
        Kind::Aggregate(a)
            if matches!(a.op, AggregateOp::Count | AggregateOp::Group)
                && by.iter().all(|m| a.grouping.iter().any(|label| label == m.name()) != a.without) =>
        {
            narrow(&mut a.expr, by, selects);
        }
        Kind::Selector(selector) if !selector.exact => {
            let Some(select) = selects.get(selector.select) else { return };
            let new: Vec<Matcher> =
                by.iter().filter(|matcher| !select.matchers.contains(matcher)).cloned().collect();
            if new.is_empty() {
                return;
            }
            let texts: Vec<String> = new.iter().map(ToString::to_string).collect();
            selector.text = format!("{} and {{{}}}", selector.text, texts.join(","));
            let mut narrowed = select.clone();
            narrowed.matchers.extend(new);
            selector.select = selects.len();
            selects.push(narrowed);
        }
        _ => {}
    }
}

/// The selects that are still used, each once, with the number of their uses; selectors are given their new numbers.
fn renumbered(root: &mut Node, all: &[SelectParams]) -> (Vec<SelectParams>, Vec<usize>) {
    let (mut kept, mut uses): (Vec<SelectParams>, Vec<usize>) = (Vec::new(), Vec::new());
    for_each_selector(root, &mut |selector| {
        let Some(select) = all.get(selector.select) else { return };
        selector.select = match kept.iter().position(|one| is_same(one, select)) {
            Some(at) => {
                uses[at] += 1;
                at
            }
            None => {
                kept.push(select.clone());
                uses.push(1);
                kept.len() - 1
            }
        };
    });
    (kept, uses)
}

/// Whether two selects are the same, in whatever order their matchers stand.
fn is_same(a: &SelectParams, b: &SelectParams) -> bool {
    let rest = |select: &SelectParams| SelectParams { matchers: Vec::new(), ..select.clone() };
    a.matchers.len() == b.matchers.len()
        && a.matchers.iter().all(|m| b.matchers.contains(m))
        && b.matchers.iter().all(|m| a.matchers.contains(m))
        && rest(a) == rest(b)
}

fn for_each_selector(node: &mut Node, f: &mut dyn FnMut(&mut Selector)) {
    match &mut node.kind {
        Kind::Selector(selector) => f(selector),
        Kind::Range(range) => {
            if let RangeSource::Series(selector) = &mut range.source {
                f(selector);
            }
        }
        _ => {}
    }
    for_each_child(node, &mut |child| for_each_selector(child, f));
}
