//! `rate`, `increase` and `delta` over `anchored` and `smoothed` ranges: values at the very ends instead of extrapolation.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, HistogramError};

use super::{Env, Notes, Outcome, float, histogram, note_incompatible, samples::Samples};
use crate::annotations::{Annotation, HistogramOperation};
use crate::ast::{PosRange, RangeModifier};

pub(super) fn extended(
    w: &Samples<'_>,
    env: &Env<'_>,
    counter: bool,
    per_second: bool,
    notes: &mut Notes,
) -> Outcome {
    if w.histograms.is_empty() {
        floats(w, env, counter, per_second)
    } else {
        histograms(w, env, counter, per_second, notes)
    }
}

/// The indices of the samples at or just outside the two ends; `None` if there is nothing within.
fn edges(times: &[i64], start: i64, end: i64, smoothed: bool) -> Option<(usize, usize)> {
    let mut last = times.len() - 1;
    // As Prometheus searches: among all but the last.
    let first = times[..last].partition_point(|t| *t <= start).saturating_sub(1);
    if smoothed {
        last = times[..last].partition_point(|t| *t < end);
    }
    (times[last] > start && !(smoothed && times[first] > end)).then_some((first, last))
}

/// The value at `t` between two samples. A counter that was reset in between is taken to start from zero.
pub(crate) fn interpolate(a: (i64, f64), b: (i64, f64), t: i64, counter: bool) -> f64 {
    let from = if counter && b.1 < a.1 { 0.0 } else { a.1 };
    from + (b.1 - from) * (t - a.0) as f64 / (b.0 - a.0) as f64
}

/// The values at both ends of a range.
pub(super) fn ends(
    times: &[i64],
    values: &[f64],
    at: (usize, usize),
    range: (i64, i64),
    smoothed: bool,
    counter: bool,
) -> (f64, f64) {
    let point = |i: usize| (times[i], values[i]);
    let (first, last) = at;
    let left = if smoothed && times[first] < range.0 && first + 1 < times.len() {
        interpolate(point(first), point(first + 1), range.0, counter)
    } else {
        values[first]
    };
    let right = if smoothed && last > 0 && times[last] > range.1 {
        interpolate(point(last - 1), point(last), range.1, counter)
    } else {
        values[last]
    };
    (left, right)
}

/// The samples of an `anchored` or `smoothed` range selector as a value of its own: those within, and one at each end.
pub(crate) fn extend(times: &[i64], values: &[f64], start: i64, end: i64, smoothed: bool) -> Vec<(i64, f64)> {
    if times.is_empty() {
        return Vec::new();
    }
    let mut last = times.len() - 1;
    let first = times[..last].partition_point(|t| *t <= start).saturating_sub(1);
    if smoothed {
        last = times[..last].partition_point(|t| *t < end);
    }
    if times[last] <= start {
        return Vec::new();
    }
    let (left, right) = ends(times, values, (first, last), (start, end), smoothed, false);
    let from = if times[first] <= start { first + 1 } else { first };
    let to = if times[last] >= end { last } else { last + 1 };
    let mut out = vec![(start, left)];
    if from < to {
        out.extend(times[from..to].iter().copied().zip(values[from..to].iter().copied()));
    }
    out.push((end, right));
    out
}

fn floats(w: &Samples<'_>, env: &Env<'_>, counter: bool, per_second: bool) -> Outcome {
    let smoothed = env.modifier == RangeModifier::Smoothed;
    let times = w.float_times;
    let range = (env.range_start, env.range_end);
    let Some((first, last)) = edges(times, range.0, range.1, smoothed) else {
        return Ok(None);
    };
    let (left, right) = ends(times, w.floats, (first, last), range, smoothed, counter);
    let mut result = right - left;
    if counter {
        // The ends account for resets next to them themselves.
        let from = if times[first] <= range.0 { first + 1 } else { first };
        let to = if times[last] >= range.1 { last } else { last + 1 };
        let mut correction = 0.0;
        let mut prev = left;
        for value in w.floats.get(from..to).unwrap_or_default() {
            if *value < prev {
                correction += prev;
            }
            prev = *value;
        }
        if right < prev {
            correction += prev;
        }
        result += correction;
    }
    float(if per_second { result / env.range_seconds } else { result })
}

/// The histogram at `t` between two; see [`interpolate`].
pub(crate) fn interpolate_histograms(
    a: (i64, &FloatHistogram),
    b: (i64, &FloatHistogram),
    t: i64,
    counter: bool,
    pos: PosRange,
    notes: &mut Notes,
) -> Result<FloatHistogram, HistogramError> {
    if t == a.0 {
        return Ok(a.1.copied());
    }
    if t == b.0 {
        return Ok(b.1.copied());
    }
    let fraction = (t - a.0) as f64 / (b.0 - a.0) as f64;
    let mut result = b.1.clone();
    if counter && b.1.detect_reset(a.1) {
        result.mul(fraction);
        return Ok(result);
    }
    if result.sub(a.1)?.bounds_reconciled {
        notes.push(Annotation::mismatched_custom_buckets(pos, HistogramOperation::Sub));
    }
    result.mul(fraction);
    if result.add(a.1)?.bounds_reconciled {
        notes.push(Annotation::mismatched_custom_buckets(pos, HistogramOperation::Add));
    }
    Ok(result)
}

fn histograms(w: &Samples<'_>, env: &Env<'_>, counter: bool, per_second: bool, notes: &mut Notes) -> Outcome {
    use CounterResetHint::Gauge;
    let smoothed = env.modifier == RangeModifier::Smoothed;
    let (times, points) = (w.histogram_times, w.histograms);
    let (start, end) = (env.range_start, env.range_end);
    let Some((first, last)) = edges(times, start, end, smoothed) else {
        return Ok(None);
    };
    let (metric, pos) = (env.metric(), env.pos);
    let custom = points[first].uses_custom_buckets();
    for h in points.get(first..=last).unwrap_or_default() {
        if h.uses_custom_buckets() != custom {
            notes.push(Annotation::mixed_exponential_custom(metric, pos));
            return Ok(None);
        }
        if counter && h.counter_reset_hint == Gauge {
            notes.push(Annotation::native_histogram_not_counter(metric, pos));
        }
    }
    let point = |i: usize| (times[i], &*points[i]);
    let left = if smoothed && times[first] < start && first + 1 < times.len() {
        interpolate_histograms(point(first), point(first + 1), start, counter, pos, notes)
    } else {
        Ok(points[first].copied())
    };
    let right = if smoothed && last > 0 && times[last] > end {
        interpolate_histograms(point(last - 1), point(last), end, counter, pos, notes)
    } else {
        Ok(points[last].copied())
    };
    let (left, right) = match (left, right) {
        (Ok(left), Ok(right)) => (left, right),
        (Err(e), _) | (_, Err(e)) => {
            note_incompatible(&e, metric, pos, notes);
            return Ok(None);
        }
    };
    if !counter && (left.counter_reset_hint != Gauge || right.counter_reset_hint != Gauge) {
        notes.push(Annotation::native_histogram_not_gauge(metric, pos));
    }
    let mut result = right.clone();
    if !combine(&mut result, &left, HistogramOperation::Sub, env, notes) {
        return Ok(None);
    }
    if counter {
        match correction(points, times, (first, last), (&left, &right), smoothed, env, notes) {
            Err(()) => return Ok(None),
            Ok(Some(lost)) if !combine(&mut result, &lost, HistogramOperation::Add, env, notes) => {
                return Ok(None);
            }
            Ok(_) => {}
        }
    }
    if per_second {
        result.div(env.range_seconds);
    }
    result.counter_reset_hint = Gauge;
    result.compact(0);
    histogram(result)
}

/// Adds or subtracts; notes what comes up. False if the histograms do not go together.
fn combine(
    a: &mut FloatHistogram,
    b: &FloatHistogram,
    operation: HistogramOperation,
    env: &Env<'_>,
    notes: &mut Notes,
) -> bool {
    let combined = if operation == HistogramOperation::Sub { a.sub(b) } else { a.add(b) };
    match combined {
        Ok(seen) => {
            if seen.bounds_reconciled {
                notes.push(Annotation::mismatched_custom_buckets(env.pos, operation));
            }
            true
        }
        Err(e) => {
            note_incompatible(&e, env.metric(), env.pos, notes);
            false
        }
    }
}

/// What was lost in resets between the two ends.
fn correction(
    points: &[Arc<FloatHistogram>],
    times: &[i64],
    (first, last): (usize, usize),
    (left, right): (&FloatHistogram, &FloatHistogram),
    smoothed: bool,
    env: &Env<'_>,
    notes: &mut Notes,
) -> Result<Option<FloatHistogram>, ()> {
    // The first sample is in `left` already. The last one is left out: `right` is it, or inherits its hint, and would find itself reset.
    let mut from = first + 1;
    let mut prev = left;
    if smoothed
        && times[first] < env.range_start
        && from < points.len()
        && points[from].detect_reset(&points[first])
    {
        // The interpolation on the left spanned this reset.
        prev = &points[from];
        from += 1;
    }
    if from > last {
        return Ok(None);
    }
    let mut lost: Option<FloatHistogram> = None;
    for current in points[from..last].iter().map(|h| &**h).chain(std::iter::once(right)) {
        if current.detect_reset(prev) {
            match &mut lost {
                None => lost = Some(prev.clone()),
                Some(sum) => {
                    if !combine(sum, prev, HistogramOperation::Add, env, notes) {
                        return Err(());
                    }
                }
            }
        }
        prev = current;
    }
    Ok(lost)
}
