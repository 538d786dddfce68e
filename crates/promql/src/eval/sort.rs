//! `sort`, `sort_desc`, `sort_by_label` and `sort_by_label_desc`: the order of an instant query's result.

use super::{EvalSeries, Evaluator, Scope, Sink, quicksort};
use crate::annotations::Annotation;
use crate::ast::FunctionId as F;
use crate::error::EvalError;
use crate::plan::{Call, Kind, Node};

impl Evaluator<'_> {
    pub(super) fn sort(
        &self,
        call: &Call,
        node: &Node,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let mut all = self.collect(&call.args[0], scope)?;
        if !scope.grid.instant {
            // Behind what the inside had to say: of the same text the last one stays.
            self.annotate(Annotation::sort_in_range_query(node.pos));
        }
        let by_value = matches!(call.func, F::Sort | F::SortDesc);
        if by_value {
            for s in all.series.iter_mut().filter(|s| s.column.has_histograms()) {
                s.column.histograms = Vec::new();
            }
            all.series.retain(|s| !s.column.is_empty());
        }
        if scope.grid.instant {
            let labels: Vec<&str> = call.args[1..]
                .iter()
                .filter_map(|a| match &a.kind {
                    Kind::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            match call.func {
                F::Sort => quicksort::sort(&mut all.series, &|a, b| less_by_float(a, b, false)),
                F::SortDesc => quicksort::sort(&mut all.series, &|a, b| less_by_float(a, b, true)),
                F::SortByLabel => {
                    quicksort::sort(&mut all.series, &|a, b| less_by_labels(a, b, &labels, false))
                }
                _ => quicksort::sort(&mut all.series, &|a, b| less_by_labels(a, b, &labels, true)),
            }
        }
        sink(std::mem::take(&mut all.series))
    }
}

/// Ascending or descending; NaN comes last either way.
fn less_by_float(a: &EvalSeries, b: &EvalSeries, descending: bool) -> bool {
    let (a, b) = (a.column.float(0), b.column.float(0));
    b.is_nan() || if descending { b < a } else { b > a }
}

/// In natural order of the given labels, then by all labels; or the other way round.
///
/// This is no order where a label is empty on one side: natural order says "not less" both ways, and so must this.
fn less_by_labels(a: &EvalSeries, b: &EvalSeries, labels: &[&str], descending: bool) -> bool {
    for label in labels {
        let (x, y) = (a.labels.value(label), b.labels.value(label));
        if x != y {
            return natural_less(x, y) != descending;
        }
    }
    if descending { b.labels < a.labels } else { a.labels < b.labels }
}

/// Runs of digits and runs of anything else.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let digits = rest.bytes().next()?.is_ascii_digit();
        let end = rest.bytes().position(|b| b.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (chunk, after) = rest.split_at(end);
        rest = after;
        Some(chunk)
    })
}

/// Natural order: runs of digits compare as numbers where they fit into one, anything else as text; a prefix comes first, except that
/// the empty text is less than nothing.
fn natural_less(a: &str, b: &str) -> bool {
    if a.is_empty() {
        return false;
    }
    let (mut left, mut right) = (chunks(a), chunks(b));
    loop {
        let (x, y) = match (left.next(), right.next()) {
            (None, _) => return true,
            (_, None) => return false,
            (Some(x), Some(y)) => (x, y),
        };
        match (x.parse::<i64>(), y.parse::<i64>()) {
            (Ok(n), Ok(m)) if n != m => return n < m,
            (Ok(_), Ok(_)) => {}
            _ if x != y => return x < y,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn numbers_within_texts_sort_as_numbers() {
        let mut names = vec!["cpu10", "cpu9", "cpu", "10", "9", "b", "cpu10a", "cpu09b"];
        names.sort_by(|a, b| if natural_less(a, b) { Ordering::Less } else { Ordering::Greater });
        assert_eq!(names, ["9", "10", "b", "cpu", "cpu9", "cpu09b", "cpu10", "cpu10a"]);
    }
}
