//! The increase of native histograms over a window, resets undone.

use model::histogram::{CounterResetHint, FloatHistogram};

use super::rate::{is_start_reset, starts_overlap};
use super::{Env, Notes, note_incompatible, samples::Samples};
use crate::annotations::{Annotation, HistogramOperation};

/// The difference of the last and the first histogram of a window with at least two, plus what was lost in resets. `None` if they do not
/// go together. `starts` is empty or parallel.
pub(super) fn histogram_rate(
    w: &Samples<'_>,
    starts: &[i64],
    counter: bool,
    env: &Env<'_>,
    notes: &mut Notes,
) -> Option<FloatHistogram> {
    use CounterResetHint::Gauge;
    let points = w.histograms;
    let (first, second, last) = (&points[0], &points[1], &points[points.len() - 1]);
    let metric = env.metric();
    // Later findings replace earlier ones when the window is given up half-way, so they are gathered apart.
    let mut own = Notes::new();
    let start_reset = |i: usize| {
        !starts.is_empty()
            && is_start_reset(starts[i - 1], w.histogram_times[i - 1], starts[i], w.histogram_times[i])
    };
    if counter && (first.counter_reset_hint == Gauge || last.counter_reset_hint == Gauge) {
        own.push(Annotation::native_histogram_not_counter(metric, env.pos));
    }
    // After a reset right behind the first sample its layout does not matter: it counts as empty in the layout of the second.
    let empty;
    let mut base: &FloatHistogram = first;
    if counter && (start_reset(1) || second.detect_reset(first)) {
        empty = FloatHistogram {
            schema: second.schema,
            custom_values: second.custom_values.clone(),
            ..Default::default()
        };
        base = &empty;
    }
    let custom = base.uses_custom_buckets();
    if last.uses_custom_buckets() != custom {
        own.push(Annotation::mixed_exponential_custom(metric, env.pos));
        notes.append(&mut own);
        return None;
    }
    let mut schema = last.schema.min(base.schema);
    if counter {
        for h in &points[1..points.len() - 1] {
            if h.counter_reset_hint == Gauge {
                own.push(Annotation::native_histogram_not_counter(metric, env.pos));
            }
            schema = schema.min(h.schema);
            if h.uses_custom_buckets() != custom {
                notes.push(Annotation::mixed_exponential_custom(metric, env.pos));
                return None;
            }
        }
    }
    let mut sum = match last.copy_to_schema(schema) {
        Ok(copy) => copy,
        Err(_) => (**last).clone(),
    };
    match sum.sub(base) {
        Ok(seen) if seen.bounds_reconciled => {
            own.push(Annotation::mismatched_custom_buckets(env.pos, HistogramOperation::Sub))
        }
        Ok(_) => {}
        Err(e) => {
            note_incompatible(&e, metric, env.pos, notes);
            return None;
        }
    }
    if counter {
        let mut overlap = false;
        let mut prev = base;
        for (i, current) in points.iter().enumerate().skip(1) {
            if !overlap
                && !starts.is_empty()
                && starts_overlap(starts[i - 1], w.histogram_times[i - 1], starts[i])
            {
                own.push(Annotation::start_time_overlap(metric, env.pos));
                overlap = true;
            }
            if start_reset(i) || current.detect_reset(prev) {
                match sum.add(prev) {
                    Ok(seen) if seen.bounds_reconciled => {
                        own.push(Annotation::mismatched_custom_buckets(env.pos, HistogramOperation::Add));
                    }
                    Ok(_) => {}
                    Err(e) => {
                        note_incompatible(&e, metric, env.pos, notes);
                        return None;
                    }
                }
            }
            prev = current;
        }
    } else if first.counter_reset_hint != Gauge || last.counter_reset_hint != Gauge {
        own.push(Annotation::native_histogram_not_gauge(metric, env.pos));
    }
    notes.append(&mut own);
    sum.counter_reset_hint = Gauge;
    sum.compact(0);
    Some(sum)
}
