//! Calls of functions: which way each is evaluated.

use super::{EvalSeries, Evaluator, Scope, Sink, dates};
use crate::ast::FunctionId as F;
use crate::column::{Column, present};
use crate::error::EvalError;
use crate::math;
use crate::plan::{Call, Kind, Node};

/// A function of one float.
fn unary(func: F) -> Option<fn(f64) -> f64> {
    Some(match func {
        F::Abs => f64::abs,
        F::Ceil => f64::ceil,
        F::Floor => f64::floor,
        F::Exp => math::exp,
        F::Sqrt => f64::sqrt,
        F::Ln => math::ln,
        F::Log2 => math::log2,
        F::Log10 => math::log10,
        F::Sin => math::sin,
        F::Cos => math::cos,
        F::Tan => math::tan,
        F::Asin => math::asin,
        F::Acos => math::acos,
        F::Atan => math::atan,
        F::Sinh => math::sinh,
        F::Cosh => math::cosh,
        F::Tanh => math::tanh,
        F::Asinh => math::asinh,
        F::Acosh => math::acosh,
        F::Atanh => math::atanh,
        F::Rad => |v| v * std::f64::consts::PI / 180.0,
        F::Deg => |v| v * 180.0 / std::f64::consts::PI,
        F::Sgn => |v| {
            if v < 0.0 {
                -1.0
            } else if v > 0.0 {
                1.0
            } else {
                v
            }
        },
        _ => return None,
    })
}

/// A function of one histogram.
fn of_histogram(func: F) -> Option<fn(&model::histogram::FloatHistogram) -> f64> {
    Some(match func {
        F::HistogramCount => |h| h.count,
        F::HistogramSum => |h| h.sum,
        F::HistogramAvg => |h| h.sum / h.count,
        F::HistogramStddev => |h| super::histogram_quantile::variance(h).sqrt(),
        F::HistogramStdvar => super::histogram_quantile::variance,
        _ => return None,
    })
}

fn by_name_only(labels: &model::labels::Labels) -> model::labels::Labels {
    labels.without(&[model::labels::METRIC_NAME])
}

impl Evaluator<'_> {
    pub(super) fn call(
        &self,
        call: &Call,
        node: &Node,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        if let Some(at) = call.args.iter().position(|a| matches!(a.kind, Kind::Range(_))) {
            if call.func == F::AbsentOverTime {
                return self.absent_over_time(call, at, scope, sink);
            }
            return self.range_call(call, at, scope, sink);
        }
        if let Some(f) = unary(call.func) {
            return self.map_columns(&call.args[0], scope, &mut |c| map(c, f), sink);
        }
        if let Some(f) = of_histogram(call.func) {
            let apply = &mut |c: &mut Column| {
                let mut out = Column::default();
                for (i, h) in c.histograms.iter().enumerate() {
                    if let Some(h) = h {
                        out.push_float(c.first + i, f(h));
                    }
                }
                *c = out;
                Ok(())
            };
            return self.map_columns_dropping(&call.args[0], scope, by_name_only, apply, sink);
        }
        if let Some(part) = dates::part(call.func) {
            return self.date_call(call, part, scope, sink);
        }
        match call.func {
            F::Clamp | F::ClampMin | F::ClampMax => self.clamp(call, scope, sink),
            F::Round => self.round(call, scope, sink),
            F::Timestamp | F::StartTimestamp => self.timestamp(call, scope, sink),
            F::Sort | F::SortDesc | F::SortByLabel | F::SortByLabelDesc => self.sort(call, node, scope, sink),
            F::HistogramQuantile => self.histogram_quantile(call, scope, sink),
            F::HistogramQuantiles => self.histogram_quantiles(call, scope, sink),
            F::HistogramFraction => self.histogram_fraction(call, scope, sink),
            F::Absent => self.absent(call, scope, sink),
            F::LabelReplace => self.label_replace(call, scope, sink),
            F::LabelJoin => self.label_join(call, scope, sink),
            F::Info => self.info(call, scope, sink),
            F::Vector => {
                let values = self.scalar(&call.args[0], scope)?;
                sink(vec![EvalSeries {
                    labels: Default::default(),
                    drop_name: false,
                    column: Column::from_floats(values),
                }])
            }
            F::Time | F::Pi | F::Scalar | F::MaxOf | F::MinOf => {
                let values = self.scalar_call(call, scope)?;
                sink(vec![EvalSeries {
                    labels: Default::default(),
                    drop_name: false,
                    column: Column::from_floats(values),
                }])
            }
            other => Err(EvalError::execution(format!("{other:?} cannot be called here"))),
        }
    }

    /// Functions whose value is a scalar.
    pub(super) fn scalar_call(&self, call: &Call, scope: Scope<'_>) -> Result<Vec<f64>, EvalError> {
        let grid = scope.grid;
        let pairs = |f: fn(f64, f64) -> f64| -> Result<Vec<f64>, EvalError> {
            let (a, b) = (self.scalar(&call.args[0], scope)?, self.scalar(&call.args[1], scope)?);
            Ok(a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect())
        };
        match call.func {
            F::Time => Ok((0..grid.count).map(|step| grid.at(step) as f64 / 1000.0).collect()),
            F::Pi => Ok(vec![std::f64::consts::PI; grid.count]),
            F::MaxOf => pairs(math::max),
            F::MinOf => pairs(math::min),
            F::Scalar => {
                // The one float of each step; NaN where there are none or several.
                let mut values = vec![crate::column::ABSENT; grid.count];
                let mut several = vec![false; grid.count];
                let before = self.samples_now();
                self.stream(&call.args[0], scope, &mut |batch| {
                    for s in &batch {
                        for (i, v) in s.column.floats.iter().enumerate().filter(|(_, v)| present(**v)) {
                            let step = s.column.first + i;
                            several[step] |= present(values[step]);
                            values[step] = *v;
                        }
                    }
                    Ok(())
                })?;
                self.settle_samples(before, grid.count as u64)?;
                for (v, several) in values.iter_mut().zip(several) {
                    if several || !present(*v) {
                        *v = f64::from_bits(math::GO_NAN);
                    }
                }
                Ok(values)
            }
            other => Err(EvalError::execution(format!("{other:?} gives no scalar"))),
        }
    }

    fn clamp(&self, call: &Call, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let bound = |at: usize| self.scalar(&call.args[at], scope);
        let steps = scope.grid.count;
        let (low, high) = match call.func {
            F::ClampMin => (bound(1)?, vec![f64::INFINITY; steps]),
            F::ClampMax => (vec![f64::NEG_INFINITY; steps], bound(1)?),
            _ => (bound(1)?, bound(2)?),
        };
        let clamp = &mut |c: &mut Column| {
            c.histograms = Vec::new();
            for (i, v) in c.floats.iter_mut().enumerate() {
                let (low, high) = (low[c.first + i], high[c.first + i]);
                if high < low {
                    *v = crate::column::ABSENT;
                } else if present(*v) {
                    *v = math::max(low, math::min(high, *v));
                }
            }
            Ok(())
        };
        self.map_columns(&call.args[0], scope, clamp, sink)
    }

    fn round(&self, call: &Call, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let nearest = match call.args.get(1) {
            Some(arg) => self.scalar(arg, scope)?,
            None => vec![1.0; scope.grid.count],
        };
        let round = &mut |c: &mut Column| {
            c.histograms = Vec::new();
            for (i, v) in c.floats.iter_mut().enumerate() {
                if present(*v) {
                    // The inverse makes for less inaccuracy.
                    let inverse = 1.0 / nearest[c.first + i];
                    *v = (*v * inverse + 0.5).floor() / inverse;
                }
            }
            Ok(())
        };
        self.map_columns(&call.args[0], scope, round, sink)
    }

    fn date_call(
        &self,
        call: &Call,
        part: fn(i64) -> f64,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        if let Some(arg) = call.args.first() {
            return self.map_columns(arg, scope, &mut |c| map(c, |v| part(math::to_i64(v))), sink);
        }
        // Without an argument: of the evaluation time.
        let grid = scope.grid;
        let values = (0..grid.count).map(|step| part(grid.at(step) / 1000)).collect();
        sink(vec![EvalSeries {
            labels: Default::default(),
            drop_name: false,
            column: Column::from_floats(values),
        }])
    }
}

fn map(column: &mut Column, f: impl Fn(f64) -> f64) -> Result<(), EvalError> {
    column.map_floats(f);
    Ok(())
}
