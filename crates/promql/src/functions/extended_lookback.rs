//! `xrate`, `xincrease` and `xdelta`, Thanos's own: they look at the last sample before the range too, and do not extrapolate.
//!
//! What they give depends on the query they are in: the sample with which a series began, near which `xincrease` counts from
//! zero, is the first one that the query reads. So it is in Thanos, whose windows are kept here in every detail.

use std::collections::VecDeque;

use crate::ast::FunctionId;
use crate::column::{Cell, Column};
use crate::plan::Grid;

/// How far before a range the sample before it may lie, ms.
pub(crate) const LOOKBACK: i64 = 3_600_000;

/// The ranges of the steps: open below, closed above. Times in ms.
pub(crate) struct Windows {
    pub(crate) grid: Grid,
    /// The end of the range of the first step.
    pub(crate) end: i64,
    pub(crate) range: i64,
}

/// The samples of one range, with the one before it.
#[derive(Default)]
struct Buffer {
    samples: VecDeque<(i64, f64)>,
    /// What was read behind the range before, and waits for one that it is in.
    pending: Option<(i64, f64)>,
    /// How many samples have been read.
    read: usize,
}

impl Buffer {
    fn newest(&self) -> i64 {
        self.samples.back().map_or(i64::MIN, |(t, _)| *t)
    }

    /// Moves on to `mint < t <= maxt`.
    fn advance(&mut self, times: &[i64], values: &[f64], mint: i64, maxt: i64) {
        let mut before = self.samples.partition_point(|(t, _)| *t <= mint);
        if before > 0 && self.samples[before - 1].0 >= mint - (LOOKBACK - 1) {
            before -= 1;
        }
        self.samples.drain(..before);
        if self.pending.is_some_and(|(t, _)| t > maxt) {
            return;
        }
        let mut from = mint.max(self.newest().saturating_add(1));
        if let Some(pending) = self.pending.take_if(|(t, _)| *t > from) {
            self.samples.push_back(pending);
            from = from.max(pending.0 + 1);
        }
        let mut has_one_before = !self.samples.is_empty();
        while let (Some(t), Some(value)) = (times.get(self.read), values.get(self.read)) {
            self.read += 1;
            if *t > maxt {
                self.pending = Some((*t, *value));
                return;
            }
            if *t <= from && has_one_before {
                self.samples.pop_back();
            }
            self.samples.push_back((*t, *value));
            has_one_before = true;
        }
    }
}

/// The values of a series at all steps; `count` is told the size of each range.
pub(crate) fn over_series(
    func: FunctionId,
    times: &[i64],
    values: &[f64],
    windows: &Windows,
    mut count: impl FnMut(usize, u64),
) -> Column {
    let mut column = Column::default();
    let Some(appeared) = times.first() else { return column };
    let mut buffer = Buffer::default();
    for step in 0..windows.grid.count {
        let end = windows.end.saturating_add(step as i64 * windows.grid.step);
        buffer.advance(times, values, end.saturating_sub(windows.range), end);
        if buffer.samples.is_empty() {
            continue;
        }
        count(step, buffer.samples.len() as u64);
        let samples = buffer.samples.make_contiguous();
        column.push(step, Cell::Float(value(func, samples, end, windows.range, *appeared)));
    }
    column
}

/// The value of one range, of which there is a sample, or one before it.
fn value(func: FunctionId, samples: &[(i64, f64)], end: i64, range: i64, appeared: i64) -> f64 {
    let counter = func != FunctionId::Xdelta;
    let increase = func == FunctionId::Xincrease;
    let start = end - range;
    let (newest, last) = samples[samples.len() - 1];
    // Whole seconds only.
    let range_seconds = (range / 1000) as f64;
    if increase && samples.windows(2).all(|pair| pair[0].1 == pair[1].1) && end <= range + appeared {
        // The series has just begun: its first value is an increase from zero.
        return samples[0].1;
    }
    let mut first = 0;
    let mut interval = (newest - samples[0].0) as f64;
    let mut average = interval / (samples.len() as f64 - 1.0);
    if !increase && (start - samples[0].0) as f64 > average {
        // The sample before the range is too far from it.
        if samples.len() < 3 {
            return 0.0;
        }
        first = 1;
        interval = (newest - samples[1].0) as f64;
        average = interval / (samples.len() as f64 - 2.0);
    }
    let (mut lost, mut before) = (0.0, 0.0);
    if counter {
        for (_, value) in &samples[first..] {
            if *value < before {
                lost += before;
            }
            before = *value;
        }
    }
    let mut result = last - samples[first].1 + lost;
    if !increase && samples[first].0 <= start && ((end - newest) as f64) < average {
        // From the time between the samples to that of the range.
        result *= range_seconds / (interval / 1000.0);
    }
    if func == FunctionId::Xrate { result / range_seconds } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_steps(
        func: FunctionId,
        samples: &[(i64, f64)],
        range: i64,
        step: i64,
        count: usize,
    ) -> Vec<Option<f64>> {
        let (times, values): (Vec<i64>, Vec<f64>) = samples.iter().copied().unzip();
        let grid = Grid::new(0, step * (count as i64 - 1), step);
        let column = over_series(func, &times, &values, &Windows { grid, end: 0, range }, |_, _| {});
        (0..count)
            .map(|step| match column.get(step) {
                Some(Cell::Float(value)) => Some(value),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_new_counter_increases_from_zero_and_the_sample_before_the_range_counts() {
        let samples: Vec<(i64, f64)> = (0..10).map(|i| (60_000 + i * 30_000, 5.0 + i as f64)).collect();
        let got = at_steps(FunctionId::Xincrease, &samples, 60_000, 60_000, 5);
        assert_eq!(got, [None, Some(5.0), Some(2.0), Some(2.0), Some(2.0)]);
        let got = at_steps(FunctionId::Xrate, &samples, 60_000, 60_000, 4);
        assert_eq!(got, [None, Some(0.0), Some(2.0 / 60.0), Some(2.0 / 60.0)]);
    }

    #[test]
    fn resets_count_for_counters_only() {
        let samples = [(10_000, 10.0), (20_000, 3.0), (30_000, 4.0)];
        assert_eq!(at_steps(FunctionId::Xincrease, &samples, 30_000, 30_000, 2)[1], Some(4.0));
        assert_eq!(at_steps(FunctionId::Xdelta, &samples, 30_000, 30_000, 2)[1], Some(-6.0));
    }
}
