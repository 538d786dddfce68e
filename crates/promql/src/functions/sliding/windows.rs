//! Windows that slide over the times of a series.

use std::ops::Range;

use crate::plan::Grid;

/// Windows over steps; times in ms.
#[derive(Clone, Copy)]
pub(crate) struct WindowGrid {
    pub(crate) grid: Grid,
    /// The closed end of the first window.
    pub(crate) end: i64,
    /// Windows are open at `end - range`.
    pub(crate) range: i64,
}

/// What the windows held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Samples of all windows.
    pub(crate) total: u64,
    /// Samples, those shared with the window before only once.
    pub(crate) read: u64,
    /// Samples of the widest window.
    pub(crate) widest: u64,
}

/// One window: the step, its end, and the indices of its samples.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) step: usize,
    pub(super) end: i64,
    pub(super) low: usize,
    pub(super) high: usize,
}

/// Windows in a row that are found at once where each lies as many samples behind the one before.
pub(super) const ROW: usize = 8;

/// Such windows. Times in ms.
pub(super) struct Row {
    /// The first step.
    pub(super) step: usize,
    /// The indices of the first and the last sample of the first window; they differ.
    pub(super) first: usize,
    pub(super) last: usize,
    /// How far both move from window to window.
    pub(super) by: usize,
    /// From the first sample of each window to its last, from its start to the first, and from the last to its end.
    pub(super) sampled: [i32; ROW],
    pub(super) to_start: [i32; ROW],
    pub(super) to_end: [i32; ROW],
}

/// One end of the windows among ascending times. Scrapes are regular, so that it moves about as far from step to step: it goes there at
/// once and looks around, at most as far as it went.
#[derive(Default)]
pub(crate) struct Edge {
    /// The index of the first sample behind it.
    pub(crate) at: usize,
    moved: usize,
}

impl Edge {
    /// Moves behind all samples at or before `bound`, which does not fall.
    #[inline(always)]
    pub(crate) fn move_behind(&mut self, times: &[i64], bound: i64) {
        let before = self.at;
        let mut at = (before + self.moved).min(times.len());
        while at > before && times[at - 1] > bound {
            at -= 1;
        }
        while at < times.len() && times[at] <= bound {
            at += 1;
        }
        (self.at, self.moved) = (at, at - before);
    }
}

/// All windows that are not empty, one after the other.
pub(super) struct Windows<'a> {
    times: &'a [i64],
    range: i64,
    step_ms: i64,
    count: usize,
    /// The next step, and the end of its window.
    step: usize,
    end: i64,
    low: Edge,
    high: Edge,
    seen: Seen,
    /// No row is looked for before this step, and how much later the next time if there is none then.
    look_at: usize,
    pause: usize,
}

/// Far from the ends of time differences of times do not overflow.
const FAR: u64 = 1 << 60;

impl<'a> Windows<'a> {
    #[inline(always)]
    pub(super) fn new(times: &'a [i64], w: &WindowGrid) -> Self {
        let last = w.end.saturating_add(w.grid.step.saturating_mul(w.grid.count as i64));
        let bounds = [times.first(), times.last(), Some(&w.end), Some(&last)];
        let near =
            bounds.into_iter().flatten().all(|t| t.unsigned_abs() < FAR) && w.range <= i64::from(i32::MAX);
        Self {
            times,
            range: w.range,
            step_ms: w.grid.step,
            count: w.grid.count,
            step: 0,
            end: w.end,
            low: Edge::default(),
            high: Edge::default(),
            seen: Seen::default(),
            look_at: if near { 2 } else { usize::MAX },
            pause: ROW,
        }
    }

    /// What the windows so far held.
    #[inline(always)]
    pub(super) fn seen(&self) -> Seen {
        self.seen
    }

    /// The next windows if they lie in a row. `fine` is asked first, with the indices from the first sample of all to the last one.
    #[inline(always)]
    pub(super) fn next_row(&mut self, fine: impl FnOnce(Range<usize>) -> bool) -> Option<Row> {
        if self.step < self.look_at || self.count - self.step < ROW {
            return None;
        }
        let by = self.high.moved;
        if !fine(self.low.at + by..(self.high.at + ROW * by).saturating_sub(1)) {
            return None;
        }
        let row = self.find_row();
        if row.is_some() {
            self.pause = ROW;
        } else {
            self.look_at = self.step + self.pause;
            self.pause = (self.pause * 2).min(8 * ROW);
        }
        row
    }

    /// Goes on as far as for the window before, eight times over, and looks at the samples at both sides of each bound.
    #[inline(always)]
    fn find_row(&mut self) -> Option<Row> {
        let by = self.high.moved;
        let (low, high) = (self.low.at + by, self.high.at + by);
        if self.low.moved != by || low == 0 || high - low < 2 || high + (ROW - 1) * by >= self.times.len() {
            return None;
        }
        let (mut sampled, mut to_start, mut to_end) = ([0; ROW], [0; ROW], [0; ROW]);
        let mut signs = 0;
        let mut end = self.end;
        for at in 0..ROW {
            let (low, high) = (low + at * by, high + at * by);
            let [before, first] = *self.times[low - 1..].first_chunk()?;
            let [last, after] = *self.times[high - 1..].first_chunk()?;
            let start = end.wrapping_sub(self.range);
            let (from_start, from_last) = (first.wrapping_sub(start), end.wrapping_sub(last));
            signs |= start.wrapping_sub(before) | from_start.wrapping_sub(1);
            signs |= from_last | after.wrapping_sub(end).wrapping_sub(1) | last.wrapping_sub(first);
            // What does not fit is no difference within a window, which some sign tells.
            (to_start[at], to_end[at]) = (from_start as i32, from_last as i32);
            sampled[at] = last.wrapping_sub(first) as i32;
            end = end.wrapping_add(self.step_ms);
        }
        if signs < 0 {
            return None;
        }
        let row = Row { step: self.step, first: low, last: high - 1, by, sampled, to_start, to_end };
        let held = (high - low) as u64;
        self.seen.total += ROW as u64 * held;
        self.seen.read += ROW as u64 * held.min(by as u64);
        self.seen.widest = self.seen.widest.max(held);
        self.low.at += ROW * by;
        self.high.at += ROW * by;
        self.step += ROW;
        self.end = end;
        Some(row)
    }
}

impl Iterator for Windows<'_> {
    type Item = Window;

    #[inline(always)]
    fn next(&mut self) -> Option<Window> {
        while self.step < self.count {
            let (step, end) = (self.step, self.end);
            let before = self.high.at;
            self.high.move_behind(self.times, end);
            self.low.move_behind(self.times, end.saturating_sub(self.range));
            // Only times that a store sent out of order, for which nothing is promised but a window, get behind the end.
            self.low.at = self.low.at.min(self.high.at);
            let (low, high) = (self.low.at, self.high.at);
            self.step += 1;
            self.end = end.saturating_add(self.step_ms);
            let held = (high - low) as u64;
            if held > 0 {
                self.seen.total += held;
                self.seen.read += (high - before.max(low)) as u64;
                self.seen.widest = self.seen.widest.max(held);
                return Some(Window { step, end, low, high });
            }
        }
        None
    }
}

/// Calls `f` for each window that is not empty; windows move forward.
#[inline(always)]
pub(super) fn windows(times: &[i64], w: &WindowGrid, mut f: impl FnMut(Window)) -> Seen {
    let mut all = Windows::new(times, w);
    for window in all.by_ref() {
        f(window);
    }
    all.seen()
}
