//! `quantile` and `count_values`, which look at all values of a group.

use rustc_hash::FxHashMap;

use model::labels::{Labels, LabelsBuilder};

use super::super::{EvalSeries, Evaluator, Scope, Sink, merge};
use super::groups::Groups;
use crate::annotations::Annotation;
use crate::column::{CellRef, Column, present};
use crate::error::EvalError;
use crate::functions::quantile::quantile;
use crate::limits::Reservation;
use crate::math;
use crate::plan::{Aggregate, Kind, Node};

impl Evaluator<'_> {
    pub(super) fn aggregate_quantile(
        &self,
        a: &Aggregate,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let Some(param) = &a.param else {
            return Err(EvalError::execution("quantile is called without a parameter"));
        };
        let phis = self.scalar(param, scope)?;
        let steps = scope.grid.count;
        let mut groups = Groups::new(a);
        let mut members: Vec<Vec<Column>> = Vec::new();
        let mut drops: Vec<bool> = Vec::new();
        let mut held = Reservation::new(&self.ledger);
        let before = self.samples_now();
        self.stream(&a.expr, scope, &mut |batch| {
            for s in batch {
                let at = groups.of(&s.labels);
                members.resize_with(groups.len(), Vec::new);
                drops.resize(groups.len(), false);
                drops[at] |= s.drop_name;
                if s.column.has_histograms() {
                    self.annotate(Annotation::histogram_ignored_in_aggregation("quantile", a.expr.pos));
                }
                held.grow(8 * s.column.floats.len() + size_of::<Column>())?;
                members[at].push(Column { histograms: Vec::new(), ..s.column });
            }
            Ok(())
        })?;
        // Behind what the inside had to say: of the same text the last one stays.
        let Extent { least, most, any_nan } = Extent::of(&phis, param);
        if any_nan {
            self.annotate(Annotation::invalid_quantile(f64::NAN, param.pos));
        }
        if most > 1.0 {
            self.annotate(Annotation::invalid_quantile(most, param.pos));
        }
        if least < 0.0 {
            self.annotate(Annotation::invalid_quantile(least, param.pos));
        }
        let mut out = Vec::with_capacity(members.len());
        let mut output = 0;
        let mut values = Vec::new();
        for ((labels, columns), drop_name) in groups.labels.into_iter().zip(members).zip(drops) {
            self.limits.check()?;
            let mut column = Column::default();
            for (step, phi) in phis.iter().enumerate().take(steps) {
                values.clear();
                values.extend(columns.iter().map(|c| c.float(step)).filter(|v| present(*v)));
                if !values.is_empty() {
                    column.push_float(step, quantile(*phi, &mut values));
                }
            }
            if !column.is_empty() {
                output += column.sample_count();
                out.push(EvalSeries { labels, drop_name, column });
            }
        }
        self.settle_samples(before, output)?;
        if out.is_empty() { Ok(()) } else { sink(out) }
    }

    pub(super) fn count_values(
        &self,
        a: &Aggregate,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let Some(Kind::Text(label)) = a.param.as_ref().map(|p| &p.kind) else {
            return Err(EvalError::execution("count_values is called without a label"));
        };
        if label.is_empty() {
            return Err(EvalError::Execution(format!("invalid label name {}", model::quote::quote(label))));
        }
        let mut grouping = a.grouping.clone();
        if !a.without {
            grouping.push(label.clone());
            grouping.sort();
        }
        let mut groups = Groups::with(&grouping, a.without);
        let mut counts: Vec<Vec<f64>> = Vec::new();
        let mut held = Reservation::new(&self.ledger);
        let before = self.samples_now();
        let steps = scope.grid.count;
        let mut builder = LabelsBuilder::default();
        self.stream(&a.expr, scope, &mut |batch| {
            for s in batch {
                // Values repeat over the steps; what they make of the labels is looked up by their bits.
                let mut known: FxHashMap<u64, usize> = FxHashMap::default();
                let mut group_of = |text: String, groups: &mut Groups<'_>| {
                    builder.reset(&s.labels);
                    builder.set(label, &text);
                    let labels: Labels = builder.labels();
                    groups.of(&labels)
                };
                for (step, cell) in s.column.iter() {
                    let at = match cell {
                        CellRef::Float(v) => match known.get(&v.to_bits()) {
                            Some(at) => *at,
                            None => {
                                let at = group_of(model::value::format_float_plain(v), &mut groups);
                                known.insert(v.to_bits(), at);
                                at
                            }
                        },
                        CellRef::Histogram(h) => group_of(h.to_string(), &mut groups),
                    };
                    while counts.len() < groups.len() {
                        held.grow(8 * steps)?;
                        counts.push(vec![0.0; steps]);
                    }
                    counts[at][step] += 1.0;
                }
            }
            Ok(())
        })?;
        let mut out = Vec::with_capacity(counts.len());
        for (labels, counts) in groups.labels.into_iter().zip(counts) {
            let mut column = Column::default();
            for (step, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0.0) {
                column.push_float(step, n);
            }
            out.push(EvalSeries { labels, drop_name: false, column });
        }
        let out = merge::merge_same_labels(out)?;
        self.settle_samples(before, super::super::sample_count(&out))?;
        if out.is_empty() { Ok(()) } else { sink(out) }
    }
}

/// Least and greatest of a parameter over the steps.
pub(super) struct Extent {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) any_nan: bool,
}

impl Extent {
    pub(super) fn of(values: &[f64], param: &Node) -> Self {
        // A literal is what it is; values that were computed start from the finite extremes, and one NaN makes both NaN.
        if let Kind::Number(v) = param.kind {
            return Self { least: v, most: v, any_nan: v.is_nan() };
        }
        Self {
            least: values.iter().copied().fold(f64::MAX, math::min),
            most: values.iter().copied().fold(f64::MIN, math::max),
            any_nan: values.iter().any(|v| v.is_nan()),
        }
    }
}
