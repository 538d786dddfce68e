//! Penalty deduplication.
//!
//! Two replicas are followed at once. After a sample of time t was taken, both move to t + 1 + their penalty, and the
//! earlier one is taken, the left one when equal. The winner's penalty becomes 0, the loser's twice the distance of
//! this sample from the one before, so that a replica is left only when a sample of it is really missing and samples do
//! not come closer than they were scraped. More than two replicas are merged from left to right.
//!
//! As one replica mostly wins for long, its samples are copied in runs, and the other one is moved only when it may
//! win: its moves are a growing lower bound of time, so that only the largest counts.

use std::convert::Infallible;

use model::series::SampleBuffer;
use model::wide;

use super::tree;

/// A replica, loaded as it is needed: of the one that is not followed, mostly nothing is.
pub(super) trait Replica {
    type Error;

    /// The samples loaded so far. What is there stays at its index.
    fn samples(&self) -> &SampleBuffer;

    /// Loads more samples; false when there are none. Of those before `target` any may be left out.
    fn load(&mut self, target: i64) -> Result<bool, Self::Error>;

    /// No sample that is not loaded is earlier than this.
    fn next_load(&mut self) -> i64;
}

/// A replica that is there.
impl Replica for &SampleBuffer {
    type Error = Infallible;

    fn samples(&self) -> &SampleBuffer {
        self
    }

    fn load(&mut self, _target: i64) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn next_load(&mut self) -> i64 {
        i64::MAX
    }
}

/// Penalty of the loser of the first choice in ms, when no distance of samples is known.
pub(super) const INITIAL_PENALTY: i64 = 5000;

/// Appends the merged samples of the replicas to `out`. `counter`: on a change of the replica its values are lifted if
/// they would fall below the last one taken.
pub fn penalty(replicas: &[SampleBuffer], counter: bool, out: &mut SampleBuffer) {
    match replicas {
        [] => {}
        [one] => out.extend_from(one, 0..one.len()),
        [a, b] => merge_loaded(a, b, counter, out),
        many if counter => tree::merge_counters(many, out),
        [a, b, rest @ ..] => {
            let mut merged = SampleBuffer::new();
            merge_loaded(a, b, false, &mut merged);
            if let Some((last, middle)) = rest.split_last() {
                for next in middle {
                    let mut longer = SampleBuffer::new();
                    merge_loaded(&merged, next, false, &mut longer);
                    merged = longer;
                }
                merge_loaded(&merged, last, false, out);
            }
        }
    }
}

fn merge_loaded(a: &SampleBuffer, b: &SampleBuffer, counter: bool, out: &mut SampleBuffer) {
    let Ok(()) = merge(a, b, counter, out);
}

/// One of the two replicas.
struct Side<R> {
    replica: R,
    /// Current sample, once it was moved to `target`.
    pos: usize,
    /// Time to which it has to move before it is looked at.
    target: i64,
    penalty: i64,
    /// What is added to its values.
    lift: f64,
}

impl<R: Replica> Side<R> {
    fn new(replica: R) -> Self {
        Self { replica, pos: 0, target: i64::MIN, penalty: 0, lift: 0.0 }
    }

    /// Asks for the first sample at or after `last` + 1 + penalty.
    #[inline(always)]
    fn aim(&mut self, last: Option<i64>) {
        if let Some(last) = last {
            self.target = self.target.max(last.saturating_add(1).saturating_add(self.penalty));
        }
    }

    /// Time of the sample asked for.
    #[inline(always)]
    fn time(&mut self) -> Result<Option<i64>, R::Error> {
        loop {
            while let Some(&t) = self.replica.samples().timestamps.get(self.pos) {
                if t >= self.target {
                    return Ok(Some(t));
                }
                self.pos += 1;
            }
            if !self.replica.load(self.target)? {
                return Ok(None);
            }
        }
    }

    /// The sample asked for is not earlier than this; found out without loading it.
    #[inline(always)]
    fn earliest(&mut self) -> i64 {
        if self.pos < self.replica.samples().len() {
            return self.target;
        }
        self.target.max(self.replica.next_load())
    }

    /// The value of the current sample if it is a float.
    fn float(&self) -> Option<f64> {
        let samples = self.replica.samples();
        let is_histogram = matches!(samples.histograms.get(self.pos), Some(Some(_)));
        samples.floats.get(self.pos).filter(|_| !is_histogram).map(|v| v + self.lift)
    }

    /// Makes up for the counts that this replica has not seen.
    fn lift_to(&mut self, last: f64) {
        if let Some(v) = self.float()
            && last > v
        {
            self.lift += last - v;
        }
    }
}

/// Samples of one side that are to be copied together.
struct Run {
    from: usize,
    end: usize,
    lift: f64,
}

impl Run {
    fn copy(&self, side: &SampleBuffer, out: &mut SampleBuffer) {
        let start = out.len();
        out.extend_from(side, self.from..self.end);
        if self.lift != 0.0 {
            for i in start..out.len() {
                if !matches!(out.histograms.get(i), Some(Some(_))) {
                    out.floats[i] += self.lift;
                }
            }
        }
    }
}

/// Merges two replicas.
pub(super) fn merge<R: Replica>(a: R, b: R, counter: bool, out: &mut SampleBuffer) -> Result<(), R::Error> {
    let mut sides = [Side::new(a), Side::new(b)];
    // Index of the side of the last choice. As in Thanos the left one counts as chosen before the first choice.
    let mut used = 0;
    let mut last: Option<i64> = None;
    let mut run = Run { from: 0, end: 0, lift: 0.0 };
    sides[used].time()?;
    loop {
        // What the choice before ended with, for counters; at first the first sample of the left side.
        let last_value = if counter { sides[used].float() } else { None };
        let [left, right] = &mut sides;
        left.aim(last);
        right.aim(last);
        let (winner, loser) = if used == 0 { (left, right) } else { (right, left) };
        let Some(t) = winner.time()? else {
            // The rest of the other side, from where its penalty lets it.
            if loser.time()?.is_none() {
                break;
            }
            if let Some(value) = last_value {
                loser.lift_to(value);
            }
            run.copy(winner.replica.samples(), out);
            while loser.replica.load(i64::MIN)? {}
            run = Run { from: loser.pos, end: loser.replica.samples().len(), lift: loser.lift };
            used = 1 - used;
            break;
        };
        // The side of the last choice stays it, unless the other one has an earlier sample; the left one also wins ties.
        let stays = if used == 0 { t <= loser.earliest() } else { t < loser.earliest() };
        let t = if stays {
            t
        } else {
            match loser.time()? {
                Some(other) if (used == 0 && other < t) || (used == 1 && other <= t) => {
                    run.copy(winner.replica.samples(), out);
                    used = 1 - used;
                    if let Some(value) = last_value {
                        for side in &mut sides {
                            if side.time()?.is_some() {
                                side.lift_to(value);
                            }
                        }
                    }
                    let Side { pos, lift, .. } = sides[used];
                    run = Run { from: pos, end: pos, lift };
                    other
                }
                _ => t,
            }
        };
        let Side { pos, lift, .. } = sides[used];
        if run.end == run.from {
            run = Run { from: pos, end: pos, lift };
        }
        if run.end != pos {
            // Samples of equal times were left out.
            run.copy(sides[used].replica.samples(), out);
            run = Run { from: pos, end: pos, lift };
        }
        sides[1 - used].penalty = last.map_or(INITIAL_PENALTY, |last| t.wrapping_sub(last).saturating_mul(2));
        sides[used].penalty = 0;
        let [left, right] = &mut sides;
        let (winner, loser) = if used == 0 { (left, right) } else { (right, left) };
        let chosen = follow(winner, loser, t, used == 0);
        last = Some(chosen);
        run.end = winner.pos + 1;
        // Nothing is later than the end of time.
        if chosen == i64::MAX {
            break;
        }
    }
    run.copy(sides[used].replica.samples(), out);
    Ok(())
}

/// Goes on with the winner of the choice of time `t` as long as no sample of the other side can be earlier. Returns the
/// time of the last sample chosen, at which the winner then stands.
#[inline]
fn follow<R: Replica>(winner: &mut Side<R>, loser: &mut Side<R>, mut t: i64, wins_ties: bool) -> i64 {
    let ts = &winner.replica.samples().timestamps;
    let mut steps = 0;
    while let Some(&next) = ts.get(winner.pos + 1) {
        loser.aim(Some(t));
        let chosen = if wins_ties { next <= loser.target } else { next < loser.target };
        if next <= t || !chosen {
            break;
        }
        loser.penalty = (next - t).saturating_mul(2);
        t = next;
        winner.pos += 1;
        steps += 1;
        // Where samples come irregularly, looking ahead would cost more than it saves.
        if steps % REGULAR == 1 {
            let end = winner.pos + regular(ts, winner.pos);
            if end > winner.pos {
                // Of the bounds on the way the last is the largest.
                loser.penalty = (ts[end - 1] - ts[end - 2]) * 2;
                loser.aim(Some(ts[end - 1]));
                loser.penalty = (ts[end] - ts[end - 1]) * 2;
                (t, winner.pos) = (ts[end], end);
            }
        }
    }
    t
}

/// Samples that are looked at together.
const REGULAR: usize = 16;

/// How many samples behind the one at `at`, which is not the first, are chosen for sure since they come regularly: each distance is
/// at most twice the one before, which is what the penalty allows, and at least two thirds of it, so that bounds of the other side
/// only grow. Found out without a branch for each.
fn regular(ts: &[i64], at: usize) -> usize {
    // Far from the ends of time, and in steps below 2^32, nothing overflows.
    if ts[at].unsigned_abs() >= 1 << 61 {
        return 0;
    }
    regular_blocks(&ts[at - 1..]) * REGULAR
}

wide! {
    /// The number of blocks of [`REGULAR`] distances that are so, of the distances behind the first one.
    fn regular_blocks(ts: &[i64]) -> usize {
        let mut blocks = 0;
        while let Some(block) = ts[blocks * REGULAR..].first_chunk::<{ REGULAR + 2 }>() {
            let (mut bad, mut wide) = (0, 0);
            for i in 0..REGULAR {
                let before = block[i + 1].wrapping_sub(block[i]);
                let next = block[i + 2].wrapping_sub(block[i + 1]);
                let at_most = (before << 1).wrapping_sub(next);
                let at_least = (next << 1).wrapping_add(next).wrapping_sub(before << 1);
                bad |= at_most | at_least | next.wrapping_sub(1);
                wide |= before | next;
            }
            if bad < 0 || wide >> 32 != 0 || block[REGULAR + 1] >= 1 << 61 {
                break;
            }
            blocks += 1;
        }
        blocks
    }
}
