//! Which series of two vectors belong together.

use model::labels::{Labels, LabelsBuilder, METRIC_NAME};
use rustc_hash::FxHashMap;

use super::super::{EvalSeries, merge};
use super::element::changes_metric;
use crate::ast::{BinaryOp, Cardinality, VectorMatching};

/// The signatures of the series of both sides as numbers; equal numbers match.
pub(super) struct Signatures {
    pub(super) left: Vec<usize>,
    pub(super) right: Vec<usize>,
    /// How many there are.
    pub(super) count: usize,
}

impl Signatures {
    pub(super) fn new(matching: &VectorMatching, left: &[EvalSeries], right: &[EvalSeries]) -> Self {
        let names: Vec<&str> = match matching.on {
            true => matching.labels.iter().map(String::as_str).collect(),
            false => matching.labels.iter().map(String::as_str).chain([METRIC_NAME]).collect(),
        };
        let mut numbers: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut of = |series: &[EvalSeries]| -> Vec<usize> {
            series
                .iter()
                .map(|s| {
                    let signature =
                        if matching.on { s.labels.only(&names) } else { s.labels.without(&names) };
                    let next = numbers.len();
                    *numbers.entry(signature).or_insert(next)
                })
                .collect()
        };
        let (left, right) = (of(left), of(right));
        Self { left, right, count: numbers.len() }
    }
}

/// The labels by which a series matches, as errors and fill values have them.
pub(super) fn match_labels(matching: &VectorMatching, labels: &Labels) -> Labels {
    if matching.on {
        return labels.only(&matching.labels);
    }
    let names: Vec<&str> = matching.labels.iter().map(String::as_str).chain([METRIC_NAME]).collect();
    labels.without(&names)
}

/// The labels of a result; `many` is the side that may have several.
pub(super) fn result_labels(
    op: BinaryOp,
    matching: &VectorMatching,
    many: &Labels,
    one: &Labels,
    drop_name: bool,
) -> Labels {
    let base = if drop_name || changes_metric(op) { merge::without_metadata(many) } else { many.clone() };
    let base = match matching.card {
        Cardinality::OneToOne if matching.on => base.only(&matching.labels),
        Cardinality::OneToOne => base.without(&matching.labels),
        _ => base,
    };
    if matching.include.is_empty() {
        return base;
    }
    let mut builder = LabelsBuilder::new(&base);
    for name in &matching.include {
        builder.set(name, one.value(name));
    }
    builder.labels()
}
