//! Penalty deduplication.
//!
//! Two replicas are followed at once. After a sample of time t was taken, both move to t + 1 + their penalty, and the
//! earlier one is taken, the left one when equal. The winner's penalty becomes 0, the loser's twice the distance of
//! this sample from the one before, so that a replica is left only when a sample of it is really missing and samples do
//! not come closer than they were scraped. More than two replicas are merged from left to right.
//!
//! As one replica mostly wins for long, its samples are copied in runs, and the other one is moved only when it may
//! win: its moves are a growing lower bound of time, so that only the largest counts.

use model::series::SampleBuffer;

use super::tree;

/// Penalty of the loser of the first choice in ms, when no distance of samples is known.
pub(super) const INITIAL_PENALTY: i64 = 5000;

/// Appends the merged samples of the replicas to `out`. `counter`: on a change of the replica its values are lifted if
/// they would fall below the last one taken.
pub fn penalty(replicas: &[SampleBuffer], counter: bool, out: &mut SampleBuffer) {
    match replicas {
        [] => {}
        [one] => out.extend_from(one, 0..one.len()),
        [a, b] => merge(a, b, counter, out),
        many if counter => tree::merge_counters(many, out),
        [a, b, rest @ ..] => {
            let mut merged = SampleBuffer::new();
            merge(a, b, false, &mut merged);
            if let Some((last, middle)) = rest.split_last() {
                for next in middle {
                    let mut longer = SampleBuffer::new();
                    merge(&merged, next, false, &mut longer);
                    merged = longer;
                }
                merge(&merged, last, false, out);
            }
        }
    }
}

/// One of the two replicas.
struct Side<'a> {
    samples: &'a SampleBuffer,
    /// Current sample, once it was moved to `target`.
    pos: usize,
    /// Time to which it has to move before it is looked at.
    target: i64,
    penalty: i64,
    /// What is added to its values.
    lift: f64,
}

impl<'a> Side<'a> {
    fn new(samples: &'a SampleBuffer) -> Self {
        Self { samples, pos: 0, target: i64::MIN, penalty: 0, lift: 0.0 }
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
    fn time(&mut self) -> Option<i64> {
        let ts = &self.samples.timestamps;
        while let Some(&t) = ts.get(self.pos) {
            if t >= self.target {
                return Some(t);
            }
            self.pos += 1;
        }
        None
    }

    /// The value of the current sample if it is a float.
    fn float(&self, pos: usize) -> Option<f64> {
        let is_histogram = matches!(self.samples.histograms.get(pos), Some(Some(_)));
        self.samples.floats.get(pos).filter(|_| !is_histogram).map(|v| v + self.lift)
    }

    /// Makes up for the counts that this replica has not seen.
    fn lift_to(&mut self, last: f64) {
        if let Some(v) = self.float(self.pos)
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
fn merge(a: &SampleBuffer, b: &SampleBuffer, counter: bool, out: &mut SampleBuffer) {
    let mut sides = [Side::new(a), Side::new(b)];
    // Index of the side of the last choice. As in Thanos the left one counts as chosen before the first choice.
    let mut used = 0;
    let mut last: Option<i64> = None;
    let mut run = Run { from: 0, end: 0, lift: 0.0 };
    loop {
        // What the choice before ended with, for counters; at first the first sample of the left side.
        let last_value = if counter { sides[used].float(sides[used].pos) } else { None };
        let [left, right] = &mut sides;
        left.aim(last);
        right.aim(last);
        let (winner, loser) = if used == 0 { (left, right) } else { (right, left) };
        let Some(t) = winner.time() else {
            // The rest of the other side, from where its penalty lets it.
            sides[used].samples = &EMPTY;
            let other = 1 - used;
            if sides[other].time().is_none() {
                break;
            }
            if let Some(value) = last_value {
                sides[other].lift_to(value);
            }
            run.copy([a, b][used], out);
            let Side { pos, lift, .. } = sides[other];
            run = Run { from: pos, end: [a, b][other].len(), lift };
            used = other;
            break;
        };
        // The side of the last choice stays it, unless the other one has an earlier sample; the left one also wins ties.
        let stays = if used == 0 { t <= loser.target } else { t < loser.target };
        let t = if stays {
            t
        } else {
            match loser.time() {
                Some(other) if (used == 0 && other < t) || (used == 1 && other <= t) => {
                    run.copy([a, b][used], out);
                    used = 1 - used;
                    if let Some(value) = last_value {
                        for side in &mut sides {
                            if side.time().is_some() {
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
        let pos = sides[used].pos;
        if run.end == run.from {
            run = Run { from: pos, end: pos, lift: sides[used].lift };
        }
        if run.end != pos {
            // Samples of equal times were left out.
            run.copy([a, b][used], out);
            run = Run { from: pos, end: pos, lift: sides[used].lift };
        }
        sides[1 - used].penalty = last.map_or(INITIAL_PENALTY, |last| t.wrapping_sub(last).saturating_mul(2));
        sides[used].penalty = 0;
        let [left, right] = &mut sides;
        let (winner, loser) = if used == 0 { (left, right) } else { (right, left) };
        last = Some(follow(winner, loser, t, used == 0));
        run.end = winner.pos + 1;
    }
    run.copy([a, b][used], out);
}

/// Goes on with the winner of the choice of time `t` as long as no sample of the other side can be earlier. Returns the
/// time of the last sample chosen, at which the winner then stands.
#[inline]
fn follow(winner: &mut Side<'_>, loser: &mut Side<'_>, mut t: i64, wins_ties: bool) -> i64 {
    let ts = &winner.samples.timestamps;
    while let Some(&next) = ts.get(winner.pos + 1) {
        loser.aim(Some(t));
        let chosen = if wins_ties { next <= loser.target } else { next < loser.target };
        if next <= t || !chosen {
            break;
        }
        loser.penalty = (next - t).saturating_mul(2);
        t = next;
        winner.pos += 1;
    }
    t
}

static EMPTY: SampleBuffer = SampleBuffer {
    timestamps: Vec::new(),
    floats: Vec::new(),
    histograms: Vec::new(),
    start_timestamps: Vec::new(),
};
