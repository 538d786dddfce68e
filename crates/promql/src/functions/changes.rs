//! `changes` and `resets`.

use std::sync::Arc;

use model::histogram::FloatHistogram;

use super::rate::is_start_reset;
use super::{Env, Outcome, float, samples::Samples};
use crate::ast::RangeModifier;

/// A sample of either kind.
#[derive(Clone, Copy)]
enum Point<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

/// The samples of a window in order, with their times and starts. Over an `anchored` range, from the last sample at or before its
/// start; `None` if nothing lies behind the start.
fn points<'a>(w: &Samples<'a>, env: &Env<'_>) -> Option<impl Iterator<Item = (i64, i64, Point<'a>)>> {
    let (mut f, mut h) = (0, 0);
    if env.modifier == RangeModifier::Anchored {
        let floats = w.float_times.partition_point(|t| *t <= env.range_start);
        let histograms = w.histogram_times.partition_point(|t| *t <= env.range_start);
        if floats == w.floats.len() && histograms == w.histograms.len() {
            return None;
        }
        (f, h) = match (floats.checked_sub(1), histograms.checked_sub(1)) {
            (None, None) => (0, 0),
            (Some(at), None) => (at, histograms),
            (Some(at), Some(other)) if w.float_times[at] >= w.histogram_times[other] => (at, histograms),
            (_, Some(at)) => (floats, at),
        };
    }
    let w = *w;
    let starts = env.start_timestamps;
    Some(std::iter::from_fn(move || {
        let start = |list: &[i64], i: usize| if starts { list.get(i).copied().unwrap_or(0) } else { 0 };
        let next_float = match (w.float_times.get(f), w.histogram_times.get(h)) {
            (None, None) => return None,
            (Some(a), Some(b)) => a <= b,
            (a, _) => a.is_some(),
        };
        if next_float {
            f += 1;
            Some((w.float_times[f - 1], start(w.float_starts, f - 1), Point::Float(w.floats[f - 1])))
        } else {
            h += 1;
            Some((
                w.histogram_times[h - 1],
                start(w.histogram_starts, h - 1),
                Point::Histogram(&w.histograms[h - 1]),
            ))
        }
    }))
}

/// Counts the neighbours for which `differs`.
fn count(
    w: &Samples<'_>,
    env: &Env<'_>,
    differs: impl Fn((i64, i64, Point<'_>), (i64, i64, Point<'_>)) -> bool,
) -> Outcome {
    let Some(mut points) = points(w, env) else {
        return Ok(None);
    };
    let Some(mut prev) = points.next() else {
        return Ok(None);
    };
    let mut n = 0u64;
    for point in points {
        n += u64::from(differs(prev, point));
        prev = point;
    }
    float(n as f64)
}

pub(super) fn changes(w: &Samples<'_>, env: &Env<'_>) -> Outcome {
    count(w, env, |a, b| match (a.2, b.2) {
        (Point::Float(a), Point::Float(b)) => a != b && !(a.is_nan() && b.is_nan()),
        (Point::Histogram(a), Point::Histogram(b)) => !b.equals(a),
        _ => true,
    })
}

pub(super) fn resets(w: &Samples<'_>, env: &Env<'_>) -> Outcome {
    count(w, env, |a, b| {
        let start_reset = || is_start_reset(a.1, a.0, b.1, b.0);
        match (a.2, b.2) {
            (Point::Float(x), Point::Float(y)) => y < x || start_reset(),
            (Point::Histogram(x), Point::Histogram(y)) => start_reset() || y.detect_reset(x),
            _ => true,
        }
    })
}
