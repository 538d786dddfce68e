//! Range functions over a whole series of floats at once: the window slides, and what it holds is not looked at again.
//!
//! Only what can be kept up exactly is here: results equal those over each window by itself to the bit. Sums are not among it, for a
//! float sum cannot be taken back; they scan each window, without anything else on the way.

use std::ops::Range;

use model::{kahan, wide};
use smallvec::SmallVec;

use super::over_time::{avg_of, sum_of};
use super::samples::Samples;
use crate::ast::FunctionId;
use crate::column::Column;

mod rates;
mod windows;

use rates::{RateWindow, Rates};
pub(crate) use windows::{Edge, Seen, WindowGrid};
use windows::{Windows, windows};

/// The values of a function over a series of floats, if it is one of those that slide.
pub(crate) fn slide(
    func: FunctionId,
    samples: &Samples<'_>,
    w: &WindowGrid,
    range_seconds: f64,
) -> Option<(Column, Seen)> {
    use FunctionId as F;
    let (times, values) = (samples.float_times, samples.floats);
    let mut column = Column::default();
    if w.grid.count > 1 {
        column.floats = SmallVec::with_capacity(w.grid.count);
    }
    let out = &mut column;
    let seen = match func {
        F::Rate => rate(times, values, w, Some(range_seconds), true, out),
        F::Increase => rate(times, values, w, None, true, out),
        F::Delta => rate(times, values, w, None, false, out),
        F::CountOverTime => windows(times, w, |x| out.push_float(x.step, (x.high - x.low) as f64)),
        F::PresentOverTime | F::AbsentOverTime => windows(times, w, |x| out.push_float(x.step, 1.0)),
        F::LastOverTime => windows(times, w, |x| out.push_float(x.step, values[x.high - 1])),
        F::FirstOverTime => windows(times, w, |x| out.push_float(x.step, values[x.low])),
        F::TsOfLastOverTime => {
            windows(times, w, |x| out.push_float(x.step, times[x.high - 1].max(0) as f64 / 1000.0))
        }
        F::TsOfFirstOverTime => windows(times, w, |x| out.push_float(x.step, times[x.low] as f64 / 1000.0)),
        F::SumOverTime => windows(times, w, |x| out.push_float(x.step, sum_of(&values[x.low..x.high]))),
        F::AvgOverTime => windows(times, w, |x| out.push_float(x.step, avg_of(&values[x.low..x.high]))),
        F::MaxOverTime => extreme(times, values, w, |new, old| new > old, out),
        F::MinOverTime => extreme(times, values, w, |new, old| new < old, out),
        F::Changes => neighbours(times, values, w, |a, b| a != b && !(a.is_nan() && b.is_nan()), out),
        F::Resets => neighbours(times, values, w, |a, b| b < a, out),
        F::StddevOverTime => {
            windows(times, w, |x| out.push_float(x.step, variance(&values[x.low..x.high]).sqrt()))
        }
        F::StdvarOverTime => windows(times, w, |x| out.push_float(x.step, variance(&values[x.low..x.high]))),
        F::Irate | F::Idelta => windows(times, w, |x| {
            if x.high - x.low < 2 || times[x.high - 1] == times[x.high - 2] {
                return;
            }
            let (a, b) = (values[x.high - 2], values[x.high - 1]);
            let value = if func == F::Irate {
                let increase = if b < a { b } else { b - a };
                increase / ((times[x.high - 1] - times[x.high - 2]) as f64 / 1000.0)
            } else {
                b - a
            };
            out.push_float(x.step, value);
        }),
        _ => return None,
    };
    if column.floats.spilled() && column.floats.len() * 2 < column.floats.capacity() {
        column.floats.shrink_to_fit();
    }
    Some((column, seen))
}

/// The indices of the samples before a reset. Blocks without one, nearly all, are passed without a branch for each sample.
#[inline(always)]
fn resets(values: &[f64]) -> SmallVec<[usize; 32]> {
    const BLOCK: usize = 64;
    let mut found = SmallVec::new();
    let Some((_, after)) = values.split_first() else { return found };
    let blocks = values[..after.len()].chunks(BLOCK).zip(after.chunks(BLOCK));
    for (at, (before, after)) in blocks.enumerate() {
        if before.iter().zip(after).fold(false, |any, (a, b)| any | (b < a)) {
            let within = before.iter().zip(after).enumerate().filter(|(_, (a, b))| b < a);
            found.extend(within.map(|(i, _)| at * BLOCK + i));
        }
    }
    found
}

wide! {
    /// Rate, increase or delta. Resets are few: their places are kept, and each window adds those within it.
    fn rate(
        times: &[i64],
        values: &[f64],
        w: &WindowGrid,
        per_seconds: Option<f64>,
        counter: bool,
        out: &mut Column,
    ) -> Seen {
        let resets = if counter { resets(values) } else { SmallVec::new() };
        let mut next_reset = 0;
        let mut rates = Rates::new(counter, per_seconds);
        let mut all = Windows::new(times, w);
        loop {
            let without_reset = |held: Range<usize>| {
                let next = resets[next_reset..].iter().find(|reset| **reset >= held.start);
                next.is_none_or(|reset| *reset >= held.end)
            };
            if let Some(row) = all.next_row(without_reset) {
                rates.add_row(&row, values, out);
                continue;
            }
            let Some(x) = all.next() else { break };
            let last = x.high - 1;
            while next_reset < resets.len() && resets[next_reset] < x.low {
                next_reset += 1;
            }
            if x.low == last {
                continue;
            }
            let first = values[x.low];
            let mut increase = values[last] - first;
            for at in &resets[next_reset..] {
                if *at >= last {
                    break;
                }
                increase += values[*at];
            }
            let window = RateWindow {
                step: x.step,
                first,
                increase,
                range: (x.end - w.range, x.end),
                samples: (times[x.low], times[last]),
                intervals: last - x.low,
            };
            rates.add(window, out);
        }
        rates.finish(out);
        all.seen()
    }
}

/// Maximum or minimum with a monotonic queue: it holds, in order, the samples that nothing behind them beats. NaN never beats, and is
/// beaten by all, so that of only NaN the last one stays; of equals the first one counts.
fn extreme(
    times: &[i64],
    values: &[f64],
    w: &WindowGrid,
    beats: impl Fn(f64, f64) -> bool,
    out: &mut Column,
) -> Seen {
    let mut queue: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    let mut next = 0;
    windows(times, w, |x| {
        next = next.max(x.low);
        while next < x.high {
            while queue
                .back()
                .is_some_and(|last| beats(values[next], values[*last]) || values[*last].is_nan())
            {
                queue.pop_back();
            }
            queue.push_back(next);
            next += 1;
        }
        while queue.front().is_some_and(|first| *first < x.low) {
            queue.pop_front();
        }
        // A NaN behind the best of all is kept for windows to come; before it nothing is.
        let best = queue.front().map_or(f64::NAN, |first| values[*first]);
        out.push_float(x.step, best);
    })
}

/// Counts neighbours within each window that differ.
fn neighbours(
    times: &[i64],
    values: &[f64],
    w: &WindowGrid,
    differs: impl Fn(f64, f64) -> bool,
    out: &mut Column,
) -> Seen {
    // count[i]: differing pairs up to sample i.
    let mut counts: Vec<u32> = Vec::with_capacity(values.len());
    let mut n = 0;
    counts.push(0);
    for pair in values.windows(2) {
        n += u32::from(differs(pair[0], pair[1]));
        counts.push(n);
    }
    windows(times, w, |x| out.push_float(x.step, f64::from(counts[x.high - 1] - counts[x.low])))
}

fn variance(values: &[f64]) -> f64 {
    let (mut count, mut mean, mut aux) = (0.0, (0.0, 0.0), (0.0, 0.0));
    for v in values {
        count += 1.0;
        let delta = v - (mean.0 + mean.1);
        mean = kahan::add(delta / count, mean.0, mean.1);
        aux = kahan::add(delta * (v - (mean.0 + mean.1)), aux.0, aux.1);
    }
    (aux.0 + aux.1) / count
}

#[cfg(test)]
mod tests;
