//! Aggregations whose groups hold a few numbers per step.

use model::kahan;

use super::super::{EvalSeries, Evaluator, Scope, Sink};
use super::groups::Groups;
use super::histograms::HistogramGroup;
use crate::annotations::{Annotation, Annotations};
use crate::ast::AggregateOp as Op;
use crate::column::{ABSENT, Column, present};
use crate::error::EvalError;
use crate::limits::Reservation;
use crate::plan::Aggregate;

/// One group: columns over all steps.
struct Group {
    drop_name: bool,
    /// The sum, extreme, count, or sum of squared distances; [`ABSENT`] where nothing was seen.
    value: Vec<f64>,
    /// Compensation of `value`, or of the mean.
    compensation: Vec<f64>,
    /// The running mean of a variance; of an average, once its sum overflowed.
    mean: Vec<f64>,
    /// How many floats an average or variance is over.
    count: Vec<f64>,
    /// Steps at which an average runs on its mean; empty while there are none.
    running: Vec<bool>,
    histograms: Option<Box<HistogramGroup>>,
}

impl Group {
    fn new(op: Op, steps: usize) -> Self {
        let when = |needed: bool, v: f64| if needed { vec![v; steps] } else { Vec::new() };
        let variance = matches!(op, Op::Stddev | Op::Stdvar);
        Self {
            drop_name: false,
            value: vec![ABSENT; steps],
            compensation: when(matches!(op, Op::Sum | Op::Avg), 0.0),
            mean: when(variance, 0.0),
            count: when(variance || op == Op::Avg, 0.0),
            running: Vec::new(),
            histograms: None,
        }
    }

    fn heap_size(&self) -> usize {
        8 * (self.value.len() + self.compensation.len() + self.mean.len() + self.count.len())
    }

    fn add(&mut self, op: Op, column: &Column) {
        let (first, floats) = (column.first, column.floats.as_slice());
        let range = first..first + floats.len();
        let value = &mut self.value[range.clone()];
        match op {
            Op::Sum => {
                for ((sum, c), v) in value.iter_mut().zip(&mut self.compensation[range]).zip(floats) {
                    if !present(*v) {
                        continue;
                    }
                    if present(*sum) {
                        (*sum, *c) = kahan::add(*v, *sum, *c);
                    } else {
                        *sum = *v;
                    }
                }
            }
            Op::Avg => self.add_avg(first, floats),
            Op::Count => {
                for (n, v) in value.iter_mut().zip(floats) {
                    if present(*v) {
                        *n = if present(*n) { *n + 1.0 } else { 1.0 };
                    }
                }
            }
            Op::Group => {
                for (n, v) in value.iter_mut().zip(floats) {
                    if present(*v) {
                        *n = 1.0;
                    }
                }
            }
            Op::Max => {
                for (best, v) in value.iter_mut().zip(floats) {
                    // An absent best is NaN too.
                    if present(*v) && (*best < *v || best.is_nan()) {
                        *best = *v;
                    }
                }
            }
            Op::Min => {
                for (best, v) in value.iter_mut().zip(floats) {
                    if present(*v) && (*best > *v || best.is_nan()) {
                        *best = *v;
                    }
                }
            }
            _ => {
                let (mean, count) = (&mut self.mean[range.clone()], &mut self.count[range]);
                for (((aux, mean), count), v) in value.iter_mut().zip(mean).zip(count).zip(floats) {
                    if !present(*v) {
                        continue;
                    }
                    *count += 1.0;
                    if !present(*aux) {
                        *mean = *v;
                        *aux = if v.is_finite() { 0.0 } else { f64::NAN };
                    } else {
                        let delta = v - *mean;
                        *mean += delta / *count;
                        *aux += delta * (v - *mean);
                    }
                }
            }
        }
    }

    fn add_avg(&mut self, first: usize, floats: &[f64]) {
        for (i, v) in floats.iter().enumerate().filter(|(_, v)| present(**v)) {
            let step = first + i;
            self.count[step] += 1.0;
            let count = self.count[step];
            if !present(self.value[step]) {
                self.value[step] = *v;
                continue;
            }
            let running = self.running.get(step).copied().unwrap_or(false);
            if !running {
                let (sum, c) = kahan::add(*v, self.value[step], self.compensation[step]);
                if !sum.is_infinite() {
                    (self.value[step], self.compensation[step]) = (sum, c);
                    continue;
                }
                // The sum would overflow: from here on by a running mean.
                self.running.resize(self.value.len(), false);
                self.mean.resize(self.value.len(), 0.0);
                self.running[step] = true;
                self.mean[step] = self.value[step] / (count - 1.0);
                self.compensation[step] /= count - 1.0;
            }
            let q = (count - 1.0) / count;
            (self.mean[step], self.compensation[step]) =
                kahan::add(v / count, q * self.mean[step], q * self.compensation[step]);
        }
    }

    fn finish(mut self, op: Op) -> Vec<f64> {
        for step in 0..self.value.len() {
            let v = self.value[step];
            if !present(v) {
                continue;
            }
            self.value[step] = match op {
                Op::Sum => v + self.compensation[step],
                Op::Avg if self.running.get(step).copied().unwrap_or(false) => {
                    self.mean[step] + self.compensation[step]
                }
                Op::Avg => v / self.count[step] + self.compensation[step] / self.count[step],
                Op::Stdvar => v / self.count[step],
                Op::Stddev => (v / self.count[step]).sqrt(),
                _ => v,
            };
        }
        self.value
    }
}

/// What aggregations over floats do with histograms.
fn ignores_histograms(op: Op) -> Option<&'static str> {
    match op {
        Op::Stddev | Op::Stdvar | Op::Min | Op::Max => Some(op.as_str()),
        _ => None,
    }
}

impl Evaluator<'_> {
    pub(super) fn aggregate_floats(
        &self,
        a: &Aggregate,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let op = a.op;
        let steps = scope.grid.count;
        let pos = a.expr.pos;
        let mut groups = Groups::new(a);
        let mut states: Vec<Group> = Vec::new();
        let mut held = Reservation::new(&self.ledger);
        let before = self.samples_now();
        // Comes behind all that the inside has to say: of the same text the last one stays.
        let mut noted = Annotations::default();
        self.stream(&a.expr, scope, &mut |batch| {
            for s in batch {
                let at = groups.of(&s.labels);
                if at == states.len() {
                    let state = Group::new(op, steps);
                    held.grow(state.heap_size())?;
                    states.push(state);
                }
                let state = &mut states[at];
                state.drop_name |= s.drop_name;
                state.add(op, &s.column);
                if !s.column.has_histograms() {
                    continue;
                }
                if let Some(name) = ignores_histograms(op) {
                    noted.add(Annotation::histogram_ignored_in_aggregation(name, pos));
                    continue;
                }
                if matches!(op, Op::Count | Op::Group) {
                    // A histogram counts as well as a float.
                    let ones = Column {
                        first: s.column.first,
                        floats: s
                            .column
                            .histograms
                            .iter()
                            .map(|h| if h.is_some() { 1.0 } else { ABSENT })
                            .collect(),
                        histograms: Vec::new(),
                    };
                    state.add(op, &ones);
                    continue;
                }
                let histograms = state
                    .histograms
                    .get_or_insert_with(|| Box::new(HistogramGroup::new(op == Op::Avg, steps)));
                let (grown, notes) = histograms.add(&s, &state.value, pos);
                held.grow(grown)?;
                noted.extend(notes);
            }
            Ok(())
        })?;
        self.merge_notes(noted);
        let mut out = Vec::with_capacity(states.len());
        let mut output = 0;
        for (labels, mut state) in groups.labels.into_iter().zip(states) {
            let (drop_name, histograms) = (state.drop_name, state.histograms.take());
            let floats = state.finish(op);
            let column = match histograms {
                None => Column::from_floats(floats),
                Some(histograms) => {
                    let (column, notes) = histograms.finish(floats, pos);
                    self.annotate_all(notes);
                    column
                }
            };
            if !column.is_empty() {
                output += column.sample_count();
                out.push(EvalSeries { labels, drop_name, column });
            }
        }
        self.settle_samples(before, output)?;
        if out.is_empty() { Ok(()) } else { sink(out) }
    }
}
