//! Two vectors whose series match once and for all: column by column.

use rustc_hash::FxHashSet;

use super::super::{EvalSeries, Evaluator, Matrix, Scope, Sink};
use super::element::{arithmetic, comparison};
use super::matching::{Signatures, result_labels};
use crate::ast::{BinaryOp, Cardinality, PosRange, VectorMatching};
use crate::column::{ABSENT, Column, present};
use crate::error::EvalError;
use crate::plan::Binary;

impl Evaluator<'_> {
    pub(super) fn vector_binary(
        &self,
        b: &Binary,
        matching: &VectorMatching,
        pos: PosRange,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let before = self.samples_now();
        let left = self.collect(&b.lhs, scope)?;
        let right = self.collect(&b.rhs, scope)?;
        let signatures = Signatures::new(matching, &left.series, &right.series);
        let out = match self.by_columns(b, matching, &left, &right, &signatures)? {
            Some(out) => out,
            None => self.stepwise(b, matching, &left.series, &right.series, &signatures, pos, scope)?,
        };
        drop((left, right));
        self.settle_samples(before, super::super::sample_count(&out))?;
        if out.is_empty() { Ok(()) } else { sink(out) }
    }

    /// The result, if every series has at most one partner and no two results have the same labels.
    fn by_columns(
        &self,
        b: &Binary,
        matching: &VectorMatching,
        left: &Matrix,
        right: &Matrix,
        signatures: &Signatures,
    ) -> Result<Option<Vec<EvalSeries>>, EvalError> {
        let any_histogram = |m: &Matrix| m.series.iter().any(|s| s.column.has_histograms());
        if b.op.is_trim() || matching.fill.is_set() || any_histogram(left) || any_histogram(right) {
            return Ok(None);
        }
        let swapped = matching.card == Cardinality::OneToMany;
        let (many, many_signatures, one, one_signatures) = if swapped {
            (&right.series, &signatures.right, &left.series, &signatures.left)
        } else {
            (&left.series, &signatures.left, &right.series, &signatures.right)
        };
        let Some(partners) = one_each(one_signatures, signatures.count) else {
            return Ok(None);
        };
        if matching.card == Cardinality::OneToOne && one_each(many_signatures, signatures.count).is_none() {
            return Ok(None);
        }
        let drop_name = b.return_bool && !self.options.delayed_name_removal;
        let mut seen = FxHashSet::default();
        let mut out = Vec::new();
        for (s, signature) in many.iter().zip(many_signatures) {
            let Some(at) = partners[*signature] else { continue };
            let labels = result_labels(b.op, matching, &s.labels, &one[at].labels, drop_name);
            if !seen.insert(labels.clone()) {
                return Ok(None);
            }
            let column = combine(b.op, b.return_bool, &s.column, &one[at].column, swapped);
            if !column.is_empty() {
                out.push(EvalSeries { labels, drop_name: b.return_bool, column });
            }
        }
        Ok(Some(out))
    }
}

/// The series of each signature, if there is at most one.
fn one_each(signatures: &[usize], count: usize) -> Option<Vec<Option<usize>>> {
    let mut of = vec![None; count];
    for (i, signature) in signatures.iter().enumerate() {
        if of[*signature].replace(i).is_some() {
            return None;
        }
    }
    Some(of)
}

fn combine(op: BinaryOp, return_bool: bool, many: &Column, one: &Column, swapped: bool) -> Column {
    let first = many.first.max(one.first);
    let end = many.end().min(one.end());
    if first >= end {
        return Column::default();
    }
    let many = &many.floats[first - many.first..end - many.first];
    let one = &one.floats[first - one.first..end - one.first];
    let pairs = many.iter().zip(one).map(|(m, o)| if swapped { (*o, *m) } else { (*m, *o) });
    let both = |a: f64, b: f64| present(a) && present(b);
    let floats = if op.is_comparison() {
        pairs
            .map(|(a, b)| match (both(a, b), comparison(op, a, b) == Some(true), return_bool) {
                (false, _, _) | (_, false, false) => ABSENT,
                (_, holds, true) => f64::from(u8::from(holds)),
                (_, true, false) => a,
            })
            .collect()
    } else {
        pairs.map(|(a, b)| if both(a, b) { arithmetic(op, a, b) } else { ABSENT }).collect()
    };
    Column { first, floats, histograms: Vec::new() }
}
