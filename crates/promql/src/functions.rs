//! The functions over ranges of samples, each over one window at a time or, where that is cheaper, over a whole series at once.

pub(crate) mod histogram_stats;
pub(crate) mod quantile;
pub(crate) mod samples;
pub(crate) mod smoothed;

mod changes;
pub(crate) mod extended_lookback;
mod extended_rate;
mod histogram_rate;
mod instant_rate;
mod over_time;
mod over_time_histogram;
mod rate;
mod regression;
mod sliding;

use std::sync::Arc;

use model::histogram::{FloatHistogram, HistogramError};
use model::labels::Labels;

use crate::annotations::Annotation;
use crate::ast::{FunctionId, PosRange, RangeModifier};
use crate::column::Cell;
use crate::error::EvalError;
use samples::Samples;

pub(crate) use over_time_histogram::{Mean, Seen};
pub(crate) use sliding::{Edge, WindowGrid, slide};

/// What a range function is told besides its samples. Times in ms.
pub(crate) struct Env<'a> {
    pub(crate) func: FunctionId,
    /// The evaluation time.
    pub(crate) ts: i64,
    /// The open lower end of the range, without what `anchored` and `smoothed` add.
    pub(crate) range_start: i64,
    /// The closed upper end.
    pub(crate) range_end: i64,
    pub(crate) range_seconds: f64,
    pub(crate) modifier: RangeModifier,
    /// The series.
    pub(crate) labels: &'a Labels,
    /// Where the first argument stands.
    pub(crate) pos: PosRange,
    /// Where the range stands, among the arguments.
    pub(crate) args_pos: PosRange,
    /// The scalar arguments at this step.
    pub(crate) scalars: &'a [f64],
    /// Whether start timestamps are used.
    pub(crate) start_timestamps: bool,
}

impl Env<'_> {
    fn metric(&self) -> &str {
        self.labels.metric_name()
    }
}

/// Where range functions leave annotations.
pub(crate) type Notes = Vec<Annotation>;

type Outcome = Result<Option<Cell>, EvalError>;

fn float(value: f64) -> Outcome {
    Ok(Some(Cell::Float(value)))
}

fn histogram(h: FloatHistogram) -> Outcome {
    Ok(Some(Cell::Histogram(Arc::new(h))))
}

/// Calls a range function on one window, which is not empty.
pub(crate) fn call(window: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    use FunctionId as F;
    match env.func {
        F::Rate => rate::extrapolated(window, env, true, true, notes),
        F::Increase => rate::extrapolated(window, env, true, false, notes),
        F::Delta => rate::extrapolated(window, env, false, false, notes),
        F::Irate => instant_rate::instant(window, env, true, notes),
        F::Idelta => instant_rate::instant(window, env, false, notes),
        F::Changes => changes::changes(window, env),
        F::Resets => changes::resets(window, env),
        F::Deriv | F::PredictLinear => regression::linear(window, env, notes),
        F::DoubleExponentialSmoothing => regression::double_exponential(window, env, notes),
        F::SumOverTime => over_time::sum(window, env, notes),
        F::AvgOverTime => over_time::avg(window, env, notes),
        F::CountOverTime => float((window.floats.len() + window.histograms.len()) as f64),
        F::PresentOverTime | F::AbsentOverTime => float(1.0),
        F::FirstOverTime => over_time::first(window),
        F::LastOverTime => over_time::last(window),
        F::MaxOverTime | F::MinOverTime | F::TsOfMaxOverTime | F::TsOfMinOverTime => {
            over_time::extreme(window, env, notes)
        }
        F::TsOfFirstOverTime => over_time::ts_of_first(window),
        F::TsOfLastOverTime => over_time::ts_of_last(window),
        F::MadOverTime => over_time::mad(window, env, notes),
        F::QuantileOverTime => over_time::quantile(window, env, notes),
        F::StddevOverTime => over_time::variance(window, env, f64::sqrt, notes),
        F::StdvarOverTime => over_time::variance(window, env, |v| v, notes),
        other => Err(EvalError::execution(format!("{other:?} is no function over a range"))),
    }
}

/// Notes why two histograms did not combine.
fn note_incompatible(error: &HistogramError, metric: &str, pos: PosRange, notes: &mut Notes) {
    if *error == HistogramError::IncompatibleSchemas {
        notes.push(Annotation::mixed_exponential_custom(metric, pos));
    }
}
