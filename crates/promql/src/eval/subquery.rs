//! Subqueries: an expression at steps of its own, its values the samples of a range.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram};
use model::labels::Labels;
use model::series::SampleBuffer;

use super::counts::StepCounts;
use super::select::with_samples;
use super::{Evaluator, Matrix, Scope};
use crate::ast::RangeModifier;
use crate::column::CellRef;
use crate::error::EvalError;
use crate::functions::samples::Samples;
use crate::functions::smoothed::extend;
use crate::limits::Reservation;
use crate::plan::{RangeNode, RangeSource, Subquery};
use crate::value::MatrixSeries;

/// The values of one series of a subquery.
pub(super) struct SubquerySeries {
    pub(super) labels: Labels,
    pub(super) drop_name: bool,
    float_times: Vec<i64>,
    floats: Vec<f64>,
    histogram_times: Vec<i64>,
    histograms: Vec<Arc<FloatHistogram>>,
    _held: Reservation,
}

impl SubquerySeries {
    pub(super) fn samples(&self) -> Samples<'_> {
        Samples {
            float_times: &self.float_times,
            floats: &self.floats,
            histogram_times: &self.histogram_times,
            histograms: &self.histograms,
            ..Default::default()
        }
    }
}

/// Between the steps of a subquery samples are missed or seen twice, so that what hints say about neighbours no longer holds.
fn without_hint(h: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
    match h.counter_reset_hint {
        CounterResetHint::CounterReset | CounterResetHint::NotCounterReset => {
            Arc::new(FloatHistogram { counter_reset_hint: CounterResetHint::Unknown, ..(**h).clone() })
        }
        CounterResetHint::Unknown | CounterResetHint::Gauge => h.clone(),
    }
}

impl Evaluator<'_> {
    /// The samples that windows of `range` over a subquery need.
    pub(super) fn subquery_samples(
        &self,
        subquery: &Subquery,
        range: i64,
        scope: Scope<'_>,
    ) -> Result<Vec<SubquerySeries>, EvalError> {
        let grid = subquery.grid(range, &scope.grid);
        let _room = self.room_for_steps(&grid)?;
        let counts = StepCounts::new(grid, true);
        let Matrix { series, held } = self.collect(&subquery.expr, Scope { grid, counts: &counts })?;
        scope.counts.add_subquery_reads(&counts, subquery.offset, range);
        let mut out = Vec::with_capacity(series.len());
        for s in series {
            let mut samples = SubquerySeries {
                labels: s.labels,
                drop_name: s.drop_name,
                float_times: Vec::new(),
                floats: Vec::new(),
                histogram_times: Vec::new(),
                histograms: Vec::new(),
                _held: Reservation::new(&self.ledger),
            };
            samples._held.grow(16 * s.column.floats.len())?;
            if !s.column.has_histograms() {
                samples.float_times.reserve_exact(s.column.floats.len());
                samples.floats.reserve_exact(s.column.floats.len());
            }
            for (step, cell) in s.column.iter() {
                match cell {
                    CellRef::Float(v) => {
                        samples.float_times.push(grid.at(step));
                        samples.floats.push(v);
                    }
                    CellRef::Histogram(h) => {
                        samples.histogram_times.push(grid.at(step));
                        samples.histograms.push(without_hint(h));
                    }
                }
            }
            out.push(samples);
        }
        drop(held);
        Ok(out)
    }

    /// A range selector or subquery as a value, and whether each series' name is to be dropped.
    pub(super) fn range_vector(
        &self,
        range: &RangeNode,
        scope: Scope<'_>,
    ) -> Result<Vec<(MatrixSeries, bool)>, EvalError> {
        match &range.source {
            RangeSource::Subquery(subquery) => {
                let grid = subquery.grid(range.range, &scope.grid);
                let _room = self.room_for_steps(&grid)?;
                let counts = StepCounts::new(grid, true);
                let Matrix { series, .. } = self.collect(&subquery.expr, Scope { grid, counts: &counts })?;
                scope.counts.add(scope.grid.count.saturating_sub(1), counts.total(), 0);
                scope.counts.add_subquery_reads(&counts, 0, 0);
                Ok(series
                    .into_iter()
                    .map(|s| (MatrixSeries::grid(s.labels, grid.start, grid.step, s.column), s.drop_name))
                    .collect())
            }
            RangeSource::Series(selector) => {
                let out = std::sync::Mutex::new(Vec::new());
                let ts = scope.grid.start;
                let (end, modifier) = (range.reference(ts), range.modifier());
                let start = end.saturating_sub(range.range);
                let per_series = |labels: &Labels,
                                  buffer: &mut SampleBuffer,
                                  worker: &mut super::select::Worker| {
                    let (floats, histograms) = with_samples(buffer, worker, |samples, _| {
                        let (before, after) = match modifier {
                            RangeModifier::None => (0, 0),
                            RangeModifier::Anchored => (self.lookback, 0),
                            RangeModifier::Smoothed => (self.lookback, self.lookback),
                        };
                        let (mint, maxt) = (start.saturating_sub(before), end.saturating_add(after));
                        let within = |times: &[i64]| {
                            times.partition_point(|t| *t <= mint)..times.partition_point(|t| *t <= maxt)
                        };
                        let w = samples.window(within(samples.float_times), within(samples.histogram_times));
                        if modifier != RangeModifier::None {
                            if !w.histograms.is_empty() {
                                let name =
                                    if modifier == RangeModifier::Anchored { "anchored" } else { "smoothed" };
                                return Err(EvalError::Execution(format!(
                                    "{name} modifier is not supported with histograms"
                                )));
                            }
                            let smoothed = modifier == RangeModifier::Smoothed;
                            return Ok((extend(w.float_times, w.floats, start, end, smoothed), Vec::new()));
                        }
                        let floats = w.float_times.iter().copied().zip(w.floats.iter().copied()).collect();
                        let histograms: Vec<_> =
                            w.histogram_times.iter().copied().zip(w.histograms.iter().cloned()).collect();
                        Ok((floats, histograms))
                    })?;
                    let weight = floats.len() as u64
                        + histograms.iter().map(|(_, h)| crate::column::histogram_weight(h)).sum::<u64>();
                    worker.counts.add(0, weight, weight);
                    self.add_samples(weight)?;
                    if weight > 0 {
                        let series = MatrixSeries::raw(labels.clone(), floats, histograms);
                        out.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((series, false));
                    }
                    Ok(None)
                };
                self.for_each_series(selector, scope, &per_series, &mut |_| Ok(()))?;
                Ok(out.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
            }
        }
    }
}
