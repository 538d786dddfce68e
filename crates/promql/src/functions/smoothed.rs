//! `smoothed` instant selectors, and the samples of extended range selectors.

use std::sync::Arc;

use model::histogram::CounterResetHint;
use model::labels::Labels;

use super::extended_rate::{interpolate, interpolate_histograms};
use super::{Notes, note_incompatible, samples::Samples};
use crate::annotations::Annotation;
use crate::ast::PosRange;
use crate::column::Column;
use crate::plan::{Grid, Selector};

pub(crate) use super::extended_rate::extend;

/// The values of a `smoothed` instant selector: between the samples around each step, within the lookback to both sides.
pub(crate) fn instant(
    samples: &Samples<'_>,
    selector: &Selector,
    grid: &Grid,
    lookback: i64,
    labels: &Labels,
    pos: PosRange,
    notes: &mut Notes,
) -> Column {
    let metric = labels.metric_name();
    let mut column = Column::default();
    for step in 0..grid.count {
        let t = selector.reference(grid.at(step));
        let (mint, maxt) = (t.saturating_sub(lookback), t.saturating_add(lookback));
        let within =
            |times: &[i64]| times.partition_point(|x| *x <= mint)..times.partition_point(|x| *x <= maxt);
        let w = samples.window(within(samples.float_times), within(samples.histogram_times));
        if w.is_mixed() {
            notes.push(Annotation::mixed_floats_histograms(metric, pos));
            continue;
        }
        if !w.histograms.is_empty() {
            let i = w.histogram_times.partition_point(|x| *x < t);
            let point = |i: usize| (w.histogram_times[i], &*w.histograms[i]);
            if w.histogram_times.get(i) == Some(&t) {
                column.push_histogram(step, w.histograms[i].clone());
            } else if i > 0 && i < w.histograms.len() {
                let (a, b) = (point(i - 1), point(i));
                if a.1.uses_custom_buckets() != b.1.uses_custom_buckets() {
                    notes.push(Annotation::mixed_exponential_custom(metric, pos));
                    continue;
                }
                let gauge =
                    |h: &model::histogram::FloatHistogram| h.counter_reset_hint == CounterResetHint::Gauge;
                let counter = !(gauge(a.1) && gauge(b.1));
                match interpolate_histograms(a, b, t, counter, pos, notes) {
                    Ok(h) => column.push_histogram(step, Arc::new(h)),
                    Err(e) => note_incompatible(&e, metric, pos, notes),
                }
            } else if i > 0 {
                // Nothing behind: the last one goes on, without a hint, which is about neighbours.
                let mut h = (*w.histograms[i - 1]).clone();
                h.counter_reset_hint = CounterResetHint::Unknown;
                column.push_histogram(step, Arc::new(h));
            }
            continue;
        }
        let i = w.float_times.partition_point(|x| *x < t);
        let point = |i: usize| (w.float_times[i], w.floats[i]);
        if w.float_times.get(i) == Some(&t) {
            column.push_float(step, w.floats[i]);
        } else if i > 0 && i < w.floats.len() {
            column.push_float(step, interpolate(point(i - 1), point(i), t, false));
        } else if i > 0 {
            column.push_float(step, w.floats[i - 1]);
        }
    }
    column
}
