//! Rates of many windows at once: what is gathered of each is turned into values by arithmetic without a branch, which the compiler
//! does for several windows in one instruction. Nearly all of it is divisions.

use crate::column::Column;
use crate::functions::rate::{factor, seconds_to_zero};

/// Windows gathered before they are turned into values.
const BATCH: usize = 32;
/// Windows turned into values at once: an instant query has but one.
const GROUP: usize = 8;

/// What a rate builds on, window by window.
pub(super) struct Rates {
    counter: bool,
    /// The range in seconds where the increase is to be divided by it.
    per_seconds: Option<f64>,
    len: usize,
    step: [usize; BATCH],
    /// The first value.
    first: [f64; BATCH],
    /// The last value less the first, resets of counters made up for.
    increase: [f64; BATCH],
    /// From the first sample to the last, ms.
    sampled: [f64; BATCH],
    /// From the start of the window to the first sample, ms.
    to_start: [f64; BATCH],
    /// From the last sample to the end of the window, ms.
    to_end: [f64; BATCH],
    intervals: [f64; BATCH],
}

/// A window with at least two samples.
pub(super) struct RateWindow {
    pub(super) step: usize,
    pub(super) first: f64,
    pub(super) increase: f64,
    /// Times in ms: start and end of the window, first and last sample.
    pub(super) range: (i64, i64),
    pub(super) samples: (i64, i64),
    pub(super) intervals: usize,
}

impl Rates {
    pub(super) fn new(counter: bool, per_seconds: Option<f64>) -> Self {
        let none = [0.0; BATCH];
        Self {
            counter,
            per_seconds,
            len: 0,
            step: [0; BATCH],
            first: none,
            increase: none,
            sampled: none,
            to_start: none,
            to_end: none,
            intervals: none,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, w: RateWindow, out: &mut Column) {
        let at = self.len % BATCH;
        self.step[at] = w.step;
        self.first[at] = w.first;
        self.increase[at] = w.increase;
        self.sampled[at] = (w.samples.1 - w.samples.0) as f64;
        self.to_start[at] = (w.samples.0 - w.range.0) as f64;
        self.to_end[at] = (w.range.1 - w.samples.1) as f64;
        self.intervals[at] = w.intervals as f64;
        self.len = at + 1;
        if self.len == BATCH {
            self.finish(out);
        }
    }

    /// Appends the values of the windows since the last time.
    pub(super) fn finish(&mut self, out: &mut Column) {
        for start in (0..self.len).step_by(GROUP) {
            let mut values = match self.counter {
                true => self.factors(start, seconds_to_zero),
                false => self.factors(start, |_, _, _, to_start| to_start),
            };
            if let Some(seconds) = self.per_seconds {
                values.iter_mut().for_each(|factor| *factor /= seconds);
            }
            let end = self.len.min(start + GROUP);
            let windows = self.step[start..end].iter().zip(&self.increase[start..end]);
            for ((step, increase), factor) in windows.zip(values) {
                out.push_float(*step, increase * factor);
            }
        }
        self.len = 0;
    }

    /// The factors of the group that begins at `start`; of windows that are not there, anything.
    #[inline(always)]
    fn factors(&self, start: usize, to_zero: impl Fn(f64, f64, f64, f64) -> f64) -> [f64; GROUP] {
        fn group(of: &[f64; BATCH], start: usize) -> [f64; GROUP] {
            of[start..].first_chunk().copied().unwrap_or_default()
        }
        let (first, increase) = (group(&self.first, start), group(&self.increase, start));
        let (sampled, intervals) = (group(&self.sampled, start), group(&self.intervals, start));
        let (to_start, to_end) = (group(&self.to_start, start), group(&self.to_end, start));
        std::array::from_fn(|at| {
            factor([sampled[at], to_start[at], to_end[at]], intervals[at], |sampled, to_start| {
                to_zero(first[at], increase[at], sampled, to_start)
            })
        })
    }
}
