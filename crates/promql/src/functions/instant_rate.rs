//! `irate` and `idelta`: the difference of the last two samples.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, HistogramError};

use super::rate::is_start_reset;
use super::{Env, Notes, Outcome, float, histogram, samples::Samples};
use crate::annotations::{Annotation, HistogramOperation};

#[derive(Clone, Copy)]
struct Point<'a> {
    t: i64,
    float: f64,
    histogram: Option<&'a Arc<FloatHistogram>>,
    start: i64,
}

/// The last two samples of a window, whatever their kinds.
fn last_two<'a>(w: &Samples<'a>, starts: bool) -> Option<(Point<'a>, Point<'a>)> {
    let start = |list: &[i64], i: usize| if starts { list.get(i).copied().unwrap_or(0) } else { 0 };
    let floats = (0..w.floats.len()).rev().take(2).map(|i| Point {
        t: w.float_times[i],
        float: w.floats[i],
        histogram: None,
        start: start(w.float_starts, i),
    });
    let histograms = (0..w.histograms.len()).rev().take(2).map(|i| Point {
        t: w.histogram_times[i],
        float: 0.0,
        histogram: Some(&w.histograms[i]),
        start: start(w.histogram_starts, i),
    });
    let mut points: Vec<Point<'_>> = floats.chain(histograms).collect();
    points.sort_by_key(|p| p.t);
    let last = points.pop()?;
    Some((points.pop()?, last))
}

pub(super) fn instant(w: &Samples<'_>, env: &Env<'_>, rate: bool, notes: &mut Notes) -> Outcome {
    use CounterResetHint::Gauge;
    let Some((a, b)) = last_two(w, env.start_timestamps) else {
        return Ok(None);
    };
    if a.t == b.t {
        return Ok(None);
    }
    let seconds = (b.t - a.t) as f64 / 1000.0;
    let start_reset = || is_start_reset(a.start, a.t, b.start, b.t);
    match (a.histogram, b.histogram) {
        (None, None) => {
            // After a reset the last value alone is the increase.
            let reset = rate && (b.float < a.float || start_reset());
            let difference = if reset { b.float } else { b.float - a.float };
            float(if rate { difference / seconds } else { difference })
        }
        (Some(ha), Some(hb)) => {
            let (metric, pos) = (env.metric(), env.args_pos);
            let gauges = [ha, hb].map(|h| h.counter_reset_hint == Gauge);
            if rate && (gauges[0] || gauges[1]) {
                notes.push(Annotation::native_histogram_not_counter(metric, pos));
            }
            if !rate && gauges != [true, true] {
                notes.push(Annotation::native_histogram_not_gauge(metric, pos));
            }
            let mut result = (**hb).clone();
            if !rate || !(start_reset() || hb.detect_reset(ha)) {
                match result.sub(ha) {
                    Err(HistogramError::IncompatibleSchemas) => {
                        notes.push(Annotation::mixed_exponential_custom(metric, pos));
                        return Ok(None);
                    }
                    Ok(seen) if seen.bounds_reconciled => {
                        notes.push(Annotation::mismatched_custom_buckets(pos, HistogramOperation::Sub))
                    }
                    _ => {}
                }
            }
            result.counter_reset_hint = Gauge;
            result.compact(0);
            if rate {
                result.div(seconds);
            }
            histogram(result)
        }
        _ => {
            notes.push(Annotation::mixed_floats_histograms(env.metric(), env.args_pos));
            Ok(None)
        }
    }
}
