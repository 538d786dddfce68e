//! Sum and average of native histograms in a group.

use std::sync::Arc;

use model::histogram::{FloatHistogram, HistogramError};

use super::super::EvalSeries;
use crate::annotations::{Annotation, HistogramOperation};
use crate::ast::PosRange;
use crate::column::{Column, present};
use crate::functions::{Mean, Notes, Seen};

/// The histograms of a group, step by step.
pub(super) struct HistogramGroup {
    average: bool,
    steps: Vec<Option<Box<Step>>>,
}

struct Step {
    total: Total,
    seen: Seen,
    /// Histograms came that do not go together; the step has no result. Floats that come later do not count any more.
    incompatible: bool,
    /// A float came before that.
    float_before: bool,
}

enum Total {
    /// A float came first: there will be no result, and histograms are not looked at.
    Nothing,
    Sum {
        value: FloatHistogram,
        compensation: Option<FloatHistogram>,
    },
    Average(Mean),
}

impl HistogramGroup {
    pub(super) fn new(average: bool, steps: usize) -> Self {
        Self { average, steps: (0..steps).map(|_| None).collect() }
    }

    /// Adds the histograms of a series; gives the bytes that are held newly.
    pub(super) fn add(&mut self, s: &EvalSeries, floats: &[f64], pos: PosRange) -> (usize, Notes) {
        let mut notes = Notes::new();
        let mut grown = 0;
        for (i, h) in s.column.histograms.iter().enumerate() {
            let Some(h) = h else { continue };
            let at = s.column.first + i;
            let slot = &mut self.steps[at];
            let Some(step) = slot else {
                if present(floats[at]) {
                    let step = Step {
                        total: Total::Nothing,
                        seen: Seen::default(),
                        incompatible: false,
                        float_before: true,
                    };
                    *slot = Some(Box::new(step));
                    continue;
                }
                grown += 2 * h.size();
                let mut seen = Seen::default();
                seen.hint(h.counter_reset_hint);
                let total = match self.average {
                    true => Total::Average(Mean::new(h)),
                    false => Total::Sum { value: h.copied(), compensation: None },
                };
                *slot = Some(Box::new(Step { total, seen, incompatible: false, float_before: false }));
                continue;
            };
            if step.incompatible {
                continue;
            }
            step.seen.hint(h.counter_reset_hint);
            let added = match &mut step.total {
                Total::Nothing => continue,
                Total::Sum { value, compensation } => {
                    value.add_compensated(h, compensation).map(|c| c.bounds_reconciled)
                }
                Total::Average(mean) => mean.add(h),
            };
            match added {
                Ok(true) => notes.push(Annotation::mismatched_custom_buckets(pos, HistogramOperation::Agg)),
                Ok(false) => {}
                Err(e) => {
                    if e == HistogramError::IncompatibleSchemas {
                        notes.push(Annotation::mixed_exponential_custom(s.labels.metric_name(), pos));
                    }
                    step.incompatible = true;
                    step.float_before = present(floats[at]);
                }
            }
        }
        (grown, notes)
    }

    /// The group's values: floats where there were only floats, histograms where there were only histograms.
    pub(super) fn finish(self, floats: Vec<f64>, pos: PosRange) -> (Column, Notes) {
        let mut notes = Notes::new();
        let mut column = Column::default();
        for (i, (step, v)) in self.steps.into_iter().zip(floats).enumerate() {
            let Some(step) = step else {
                if present(v) {
                    column.push_float(i, v);
                }
                continue;
            };
            if if step.incompatible { step.float_before } else { present(v) } {
                notes.push(Annotation::mixed_floats_histograms_aggregation(pos));
                continue;
            }
            if step.incompatible {
                continue;
            }
            let mut h = match step.total {
                Total::Nothing => continue,
                Total::Average(mean) => mean.finish(),
                Total::Sum { mut value, compensation } => {
                    if let Some(c) = compensation {
                        // A compensation has the kind of what it belongs to, so that this cannot fail.
                        let _ = value.add(&c);
                    }
                    value
                }
            };
            h.compact(0);
            if step.seen.reset && step.seen.no_reset {
                notes.push(Annotation::histogram_counter_reset_collision(pos, HistogramOperation::Agg));
            }
            column.push_histogram(i, Arc::new(h));
        }
        (column, notes)
    }
}
