//! `rate`, `increase` and `delta`: the difference over a window, extrapolated to its ends.

use super::histogram_rate::histogram_rate;
use super::{Env, Notes, Outcome, extended_rate, float, histogram, note_incompatible, samples::Samples};
use crate::annotations::{Annotation, HistogramOperation};
use crate::ast::RangeModifier;

/// Whether the start timestamp of a sample says that the counter was reset after the sample before. Times in ms, 0 for no start.
pub(super) fn is_start_reset(prev_start: i64, prev: i64, start: i64, t: i64) -> bool {
    // Unset, invalid, or OpenTelemetry's "unknown" (start = time): no reset.
    if start == 0 || start >= t || start < prev {
        return false;
    }
    if start > prev {
        return true;
    }
    // The start is the sample before: a delta, or a cumulative series of unknown start, which its own start tells apart.
    prev_start <= prev && prev_start != 0 && prev_start != prev
}

/// Whether a sample's start lies before the sample before without being that one's start.
pub(super) fn starts_overlap(prev_start: i64, prev: i64, start: i64) -> bool {
    start != 0 && start < prev && start != prev_start
}

/// The extrapolation of a difference between a first and a last sample to the ends of a window; times in ms.
pub(super) struct Extrapolation {
    pub(super) range_start: i64,
    pub(super) range_end: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Samples between which there are intervals, less one.
    pub(super) intervals: usize,
}

impl Extrapolation {
    /// What the difference is multiplied with. `to_zero` gives, for the sampled interval, how long ago the counter was at zero.
    pub(super) fn factor(&self, to_zero: impl FnOnce(f64, f64) -> f64) -> f64 {
        let [sampled, to_start, to_end] =
            [self.last - self.first, self.first - self.range_start, self.range_end - self.last];
        factor([sampled as f64, to_start as f64, to_end as f64], self.intervals as f64, to_zero)
    }

    /// The factor when the counter is known to have been zero at `start`, within the window.
    fn factor_from_start(&self, start: i64) -> f64 {
        let average = match self.intervals {
            0 => 0.0,
            n => (self.last - self.first) as f64 / 1000.0 / n as f64,
        };
        let to_end = near((self.range_end - self.last) as f64 / 1000.0, average);
        stretch((self.last - start) as f64 / 1000.0, 0.0, to_end)
    }
}

/// What a difference is multiplied with that was sampled over the first of `ms`, the second after the start of the window and the third
/// before its end, in so many intervals. Without a branch, so that it may be done for several windows at once.
#[inline(always)]
pub(super) fn factor(ms: [f64; 3], intervals: f64, to_zero: impl FnOnce(f64, f64) -> f64) -> f64 {
    let [sampled, to_start, to_end] = ms.map(|ms| ms / 1000.0);
    let average = sampled / intervals;
    let to_start = near(to_start, average);
    // Counters are not extrapolated below zero.
    let zero = to_zero(sampled, to_start);
    let to_start = if zero < to_start { zero } else { to_start };
    stretch(sampled, to_start, near(to_end, average))
}

/// How far to extrapolate to an end of the window: half an interval where samples are missing there.
#[inline(always)]
fn near(to_end: f64, average: f64) -> f64 {
    if to_end >= average * 1.1 { average / 2.0 } else { to_end }
}

#[inline(always)]
fn stretch(sampled: f64, to_start: f64, to_end: f64) -> f64 {
    let stretched = (sampled + to_start + to_end) / sampled;
    if sampled == 0.0 { 1.0 } else { stretched }
}

/// How long ago a counter was at zero if it grew by `increase` to `first`… within `sampled` seconds; `otherwise` if that cannot be told.
#[inline(always)]
pub(super) fn seconds_to_zero(first: f64, increase: f64, sampled: f64, otherwise: f64) -> f64 {
    let zero = sampled * (first / increase);
    if (increase > 0.0) & (first >= 0.0) { zero } else { otherwise }
}

pub(super) fn extrapolated(
    w: &Samples<'_>,
    env: &Env<'_>,
    counter: bool,
    per_second: bool,
    notes: &mut Notes,
) -> Outcome {
    if w.is_mixed() {
        notes.push(Annotation::mixed_floats_histograms(env.metric(), env.pos));
        return Ok(None);
    }
    if env.modifier != RangeModifier::None {
        return extended_rate::extended(w, env, counter, per_second, notes);
    }
    let scale = |factor: f64| if per_second { factor / env.range_seconds } else { factor };
    let (times, all_starts) = if w.histograms.is_empty() {
        (w.float_times, w.float_starts)
    } else {
        (w.histogram_times, w.histogram_starts)
    };
    let starts = if env.start_timestamps && counter { all_starts } else { &[] };
    let extrapolation = Extrapolation {
        range_start: env.range_start,
        range_end: env.range_end,
        first: times[0],
        last: times[times.len() - 1],
        intervals: times.len() - 1,
    };
    // A start within the window before its first sample stands for a sample of zero.
    let zero_at = starts.first().copied().filter(|s| *s != 0 && *s > env.range_start && *s < times[0]);
    if w.histograms.is_empty() {
        let mut increase = w.floats[w.floats.len() - 1] - w.floats[0];
        if counter {
            increase = add_resets(increase, w, starts, env, notes);
        }
        let factor = match zero_at {
            Some(start) => {
                increase += w.floats[0];
                extrapolation.factor_from_start(start)
            }
            None if extrapolation.intervals == 0 => return Ok(None),
            None => extrapolation.factor(|sampled, to_start| {
                if counter { seconds_to_zero(w.floats[0], increase, sampled, to_start) } else { to_start }
            }),
        };
        return float(increase * scale(factor));
    }
    let first = &w.histograms[0];
    let mut result = match w.histograms.len() {
        1 => None,
        _ => match histogram_rate(w, starts, counter, env, notes) {
            Some(h) => Some(h),
            None => return Ok(None),
        },
    };
    let factor = match (zero_at, &mut result) {
        (Some(start), result) => {
            match result {
                None => *result = Some((**first).clone()),
                Some(h) => match h.add(first) {
                    Ok(seen) if seen.bounds_reconciled => {
                        notes.push(Annotation::mismatched_custom_buckets(env.pos, HistogramOperation::Add))
                    }
                    Ok(_) => {}
                    Err(e) => {
                        note_incompatible(&e, env.metric(), env.pos, notes);
                        return Ok(None);
                    }
                },
            }
            extrapolation.factor_from_start(start)
        }
        (None, None) => return Ok(None),
        (None, Some(h)) => extrapolation.factor(|sampled, to_start| {
            if counter && h.count > 0.0 && first.count >= 0.0 {
                sampled * (first.count / h.count)
            } else {
                to_start
            }
        }),
    };
    match result {
        None => Ok(None),
        Some(mut h) => {
            h.mul(scale(factor));
            histogram(h)
        }
    }
}

/// Adds to an increase what the counter had before each reset.
fn add_resets(mut increase: f64, w: &Samples<'_>, starts: &[i64], env: &Env<'_>, notes: &mut Notes) -> f64 {
    if starts.is_empty() {
        for pair in w.floats.windows(2) {
            if pair[1] < pair[0] {
                increase += pair[0];
            }
        }
        return increase;
    }
    let mut overlap = false;
    for i in 1..w.floats.len() {
        if !overlap && starts_overlap(starts[i - 1], w.float_times[i - 1], starts[i]) {
            notes.push(Annotation::start_time_overlap(env.metric(), env.pos));
            overlap = true;
        }
        let reset = || is_start_reset(starts[i - 1], w.float_times[i - 1], starts[i], w.float_times[i]);
        if w.floats[i] < w.floats[i - 1] || reset() {
            increase += w.floats[i - 1];
        }
    }
    increase
}
