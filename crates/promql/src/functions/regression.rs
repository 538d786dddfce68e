//! `deriv`, `predict_linear` and `double_exponential_smoothing`.

use model::kahan;

use super::{Env, Notes, Outcome, float, samples::Samples};
use crate::annotations::Annotation;
use crate::ast::FunctionId;
use crate::error::EvalError;

/// Least squares over samples at ms: slope per second, and the value at `at`.
fn least_squares(times: &[i64], values: &[f64], at: i64) -> (f64, f64) {
    let first = values[0];
    if values.iter().all(|v| *v == first) || (values.len() == 1) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let (mut x, mut y, mut xy, mut x2) = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0));
    let mut n = 0.0;
    for (t, v) in times.iter().zip(values) {
        n += 1.0;
        let dx = (t - at) as f64 / 1e3;
        x = kahan::add(dx, x.0, x.1);
        y = kahan::add(*v, y.0, y.1);
        xy = kahan::add(dx * v, xy.0, xy.1);
        x2 = kahan::add(dx * dx, x2.0, x2.1);
    }
    let [x, y, xy, x2] = [x, y, xy, x2].map(|(sum, c)| sum + c);
    let covariance = xy - x * y / n;
    let variance = x2 - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// Histograms next to floats are left out, which is noted where a result would have been possible.
fn note_ignored(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) {
    if !w.histograms.is_empty() && !w.floats.is_empty() {
        notes.push(Annotation::histogram_ignored_in_mixed_range(env.metric(), env.pos));
    }
}

pub(super) fn linear(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    note_ignored(w, env, notes);
    if w.floats.len() < 2 {
        return Ok(None);
    }
    if env.func == FunctionId::PredictLinear {
        let (slope, intercept) = least_squares(w.float_times, w.floats, env.ts);
        return float(slope * env.scalars[0] + intercept);
    }
    // Near the samples, so as not to lose precision.
    float(least_squares(w.float_times, w.floats, w.float_times[0]).0)
}

pub(super) fn double_exponential(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    let (smoothing, trend) = (env.scalars[0], env.scalars[1]);
    for (name, value, symbol) in [("smoothing", smoothing, "sf"), ("trend", trend, "tf")] {
        if value <= 0.0 || value >= 1.0 {
            let text = format!("invalid {name} factor. Expected: 0 < {symbol} < 1, got: {}", fixed6(value));
            return Err(EvalError::Execution(text));
        }
    }
    note_ignored(w, env, notes);
    if w.floats.len() < 2 {
        return Ok(None);
    }
    let (mut before, mut smoothed) = (0.0, w.floats[0]);
    let mut slope = w.floats[1] - w.floats[0];
    for (i, value) in w.floats.iter().enumerate().skip(1) {
        let x = smoothing * value;
        if i > 1 {
            slope = trend * (smoothed - before) + (1.0 - trend) * slope;
        }
        let y = (1.0 - smoothing) * (smoothed + slope);
        (before, smoothed) = (smoothed, x + y);
    }
    float(smoothed)
}

/// Go's `%f`.
fn fixed6(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { model::value::format_float_plain(value) }
}
