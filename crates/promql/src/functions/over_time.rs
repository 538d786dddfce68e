//! The aggregations over time, one window at a time.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::kahan;

use super::{Env, Notes, Outcome, float, over_time_histogram, quantile as q, samples::Samples};
use crate::annotations::Annotation;
use crate::ast::FunctionId;
use crate::column::Cell;

/// Sum and average do not take floats and histograms together.
fn refuse_mixed(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> bool {
    if w.is_mixed() {
        notes.push(Annotation::mixed_floats_histograms(env.metric(), env.pos));
    }
    w.is_mixed()
}

/// What only takes floats; notes histograms that are left out.
fn only_floats<'a>(w: &Samples<'a>, env: &Env<'_>, notes: &mut Notes) -> Option<&'a [f64]> {
    if w.is_mixed() {
        notes.push(Annotation::histogram_ignored_in_mixed_range(env.metric(), env.pos));
    }
    (!w.floats.is_empty()).then_some(w.floats)
}

pub(super) fn sum(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    if refuse_mixed(w, env, notes) {
        return Ok(None);
    }
    if w.floats.is_empty() {
        return over_time_histogram::sum(w.histograms, env, notes);
    }
    float(sum_of(w.floats))
}

/// The compensated sum.
#[inline]
pub(super) fn sum_of(values: &[f64]) -> f64 {
    let (mut sum, mut c) = (0.0, 0.0);
    for v in values {
        (sum, c) = kahan::add(*v, sum, c);
    }
    if sum.is_infinite() { sum } else { sum + c }
}

pub(super) fn avg(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    if refuse_mixed(w, env, notes) {
        return Ok(None);
    }
    if w.floats.is_empty() {
        return over_time_histogram::avg(w.histograms, env, notes);
    }
    float(avg_of(w.floats))
}

/// The average by the compensated sum, from the sample on at which the sum overflows by a running mean.
#[inline]
pub(super) fn avg_of(values: &[f64]) -> f64 {
    let (mut sum, mut c, mut count) = (values[0], 0.0, 1.0);
    let mut rest = values[1..].iter();
    for v in rest.by_ref() {
        count += 1.0;
        let (next, next_c) = kahan::add(*v, sum, c);
        if next.is_infinite() {
            let before = count - 1.0;
            let (mut mean, mut mean_c) = (sum / before, c / before);
            let mut step = |v: f64, count: f64| {
                let q = (count - 1.0) / count;
                (mean, mean_c) = kahan::add(v / count, q * mean, q * mean_c);
            };
            step(*v, count);
            for v in rest {
                count += 1.0;
                step(*v, count);
            }
            return mean + mean_c;
        }
        (sum, c) = (next, next_c);
    }
    sum / count + c / count
}

/// As [`FloatHistogram::copied`], but what would be equal is shared.
fn copied(h: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
    match h.uses_custom_buckets() && h.zero_count.is_sign_negative() {
        true => Arc::new(h.copied()),
        false => h.clone(),
    }
}

pub(super) fn first(w: &Samples<'_>) -> Outcome {
    Ok(match (w.floats.first(), w.histograms.first()) {
        (Some(v), Some(_)) if w.float_times[0] < w.histogram_times[0] => Some(Cell::Float(*v)),
        (_, Some(h)) => Some(Cell::Histogram(copied(h))),
        (v, None) => v.map(|v| Cell::Float(*v)),
    })
}

pub(super) fn last(w: &Samples<'_>) -> Outcome {
    Ok(match (w.floats.last(), w.histograms.last()) {
        (Some(v), Some(_)) if w.histogram_times.last() < w.float_times.last() => Some(Cell::Float(*v)),
        (_, Some(h)) => Some(Cell::Histogram(copied(h))),
        (v, None) => v.map(|v| Cell::Float(*v)),
    })
}

pub(super) fn ts_of_first(w: &Samples<'_>) -> Outcome {
    let t = w.float_times.first().into_iter().chain(w.histogram_times.first()).min();
    float(t.copied().unwrap_or(0) as f64 / 1000.0)
}

pub(super) fn ts_of_last(w: &Samples<'_>) -> Outcome {
    let t = w.float_times.last().into_iter().chain(w.histogram_times.last()).max();
    float(t.copied().unwrap_or(0).max(0) as f64 / 1000.0)
}

/// `max_over_time`, `min_over_time`, and the times of these. NaN only wins if there is nothing else.
pub(super) fn extreme(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    let Some(values) = only_floats(w, env, notes) else {
        return Ok(None);
    };
    // Of equal values the first one counts, but the last one's time.
    let better: fn(f64, f64) -> bool = match env.func {
        FunctionId::MaxOverTime => |v, best| v > best,
        FunctionId::MinOverTime => |v, best| v < best,
        FunctionId::TsOfMaxOverTime => |v, best| v >= best,
        _ => |v, best| v <= best,
    };
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if better(*v, values[best]) || values[best].is_nan() {
            best = i;
        }
    }
    match env.func {
        FunctionId::MaxOverTime | FunctionId::MinOverTime => float(values[best]),
        _ => float(w.float_times[best] as f64 / 1000.0),
    }
}

pub(super) fn quantile(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    if w.floats.is_empty() {
        return Ok(None);
    }
    let phi = env.scalars[0];
    if !(0.0..=1.0).contains(&phi) {
        notes.push(Annotation::invalid_quantile(phi, env.pos));
    }
    only_floats(w, env, notes);
    float(q::quantile(phi, &mut w.floats.to_vec()))
}

/// The median of the distances from the median.
pub(super) fn mad(w: &Samples<'_>, env: &Env<'_>, notes: &mut Notes) -> Outcome {
    let Some(values) = only_floats(w, env, notes) else {
        return Ok(None);
    };
    if values.iter().any(|v| v.is_nan()) {
        return float(f64::NAN);
    }
    let mut values = values.to_vec();
    let median = q::quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    float(q::quantile(0.5, &mut values))
}

pub(super) fn variance(w: &Samples<'_>, env: &Env<'_>, result: fn(f64) -> f64, notes: &mut Notes) -> Outcome {
    let Some(values) = only_floats(w, env, notes) else {
        return Ok(None);
    };
    let (mut count, mut mean, mut aux) = (0.0, (0.0, 0.0), (0.0, 0.0));
    for v in values {
        count += 1.0;
        let delta = v - (mean.0 + mean.1);
        mean = kahan::add(delta / count, mean.0, mean.1);
        aux = kahan::add(delta * (v - (mean.0 + mean.1)), aux.0, aux.1);
    }
    float(result((aux.0 + aux.1) / count))
}
