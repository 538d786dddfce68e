//! Rates of many windows at once: what is gathered of each is turned into values by arithmetic without a branch, which the compiler
//! does for several windows in one instruction. Nearly all of it is divisions.

use super::windows::{ROW, Row};
use crate::column::Column;
use crate::functions::rate::{factor, seconds_to_zero};

/// Windows gathered before they are turned into values.
const BATCH: usize = 4 * ROW;

/// What a rate builds on, window by window.
pub(super) struct Rates {
    counter: bool,
    /// The range in seconds where the increase is to be divided by it.
    per_seconds: Option<f64>,
    len: usize,
    step: [usize; BATCH],
    /// The first value.
    first: [f64; BATCH],
    /// The last value less the first, resets of counters made up for; then the value of the window.
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

    #[inline(always)]
    pub(super) fn add(&mut self, w: RateWindow, out: &mut Column) {
        if self.len == BATCH {
            self.finish(out);
        }
        let at = self.len % BATCH;
        self.step[at] = w.step;
        self.first[at] = w.first;
        self.increase[at] = w.increase;
        self.sampled[at] = (w.samples.1 - w.samples.0) as f64;
        self.to_start[at] = (w.samples.0 - w.range.0) as f64;
        self.to_end[at] = (w.range.1 - w.samples.1) as f64;
        self.intervals[at] = w.intervals as f64;
        self.len = at + 1;
    }

    /// Adds windows that lie in a row and hold no reset.
    #[inline(always)]
    pub(super) fn add_row(&mut self, row: &Row, values: &[f64], out: &mut Column) {
        if self.len + ROW > BATCH {
            self.finish(out);
        }
        let places = self.len..self.len + ROW;
        for (at, place) in places.clone().enumerate() {
            let first = values[row.first + at * row.by];
            self.step[place] = row.step + at;
            self.first[place] = first;
            self.increase[place] = values[row.last + at * row.by] - first;
        }
        self.sampled[places.clone()].copy_from_slice(&row.sampled.map(f64::from));
        self.to_start[places.clone()].copy_from_slice(&row.to_start.map(f64::from));
        self.to_end[places.clone()].copy_from_slice(&row.to_end.map(f64::from));
        self.intervals[places.clone()].fill((row.last - row.first) as f64);
        self.len = places.end;
    }

    /// Appends the values of the windows since the last time.
    #[inline(always)]
    pub(super) fn finish(&mut self, out: &mut Column) {
        match self.counter {
            true => self.values(seconds_to_zero),
            false => self.values(|_, _, _, to_start| to_start),
        }
        let (steps, values) = (&self.step[..self.len], &self.increase[..self.len]);
        match (steps.first(), steps.last()) {
            (Some(first), Some(last)) if last - first + 1 == values.len() => out.push_floats(*first, values),
            _ => steps.iter().zip(values).for_each(|(step, value)| out.push_float(*step, *value)),
        }
        self.len = 0;
    }

    /// Turns the increases into the values.
    #[inline(always)]
    fn values(&mut self, to_zero: impl Fn(f64, f64, f64, f64) -> f64) {
        let seconds = self.per_seconds.unwrap_or(1.0);
        let gathered = self.sampled.iter().zip(&self.to_start).zip(&self.to_end).zip(&self.intervals);
        let windows = self.increase.iter_mut().zip(&self.first).zip(gathered);
        // Of a number that is not known here, so that it stays a loop.
        for ((increase, first), (((sampled, to_start), to_end), intervals)) in windows.take(self.len) {
            let factor = factor([*sampled, *to_start, *to_end], *intervals, |sampled, to_start| {
                to_zero(*first, *increase, sampled, to_start)
            });
            // By one it stays what it is.
            *increase *= factor / seconds;
        }
    }
}
