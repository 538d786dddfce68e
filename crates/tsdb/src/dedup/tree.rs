//! Penalty deduplication sample by sample, as a tree of merged pairs.
//!
//! For three and more replicas of a counter: when the outer pair changes sides, it lifts the values of both sides of
//! the inner pair, each on its own, so that the inner pair cannot be merged in advance. It is also what the tests hold
//! the merging of runs against.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::series::SampleBuffer;

use super::penalty::INITIAL_PENALTY;

/// A sample that a node stands at.
#[derive(Clone)]
pub(super) struct Sample {
    t: i64,
    value: f64,
    histogram: Option<Arc<FloatHistogram>>,
    start: i64,
}

pub(super) enum Node<'a> {
    Leaf { samples: &'a SampleBuffer, pos: Option<usize>, lift: f64, counter: bool },
    Pair(Box<Pair<'a>>),
}

pub(super) struct Pair<'a> {
    a: Node<'a>,
    b: Node<'a>,
    a_alive: bool,
    b_alive: bool,
    last: Option<i64>,
    last_is_a: bool,
    use_a: bool,
    penalty_a: i64,
    penalty_b: i64,
}

impl<'a> Node<'a> {
    fn leaf(samples: &'a SampleBuffer, counter: bool) -> Self {
        Self::Leaf { samples, pos: None, lift: 0.0, counter }
    }

    fn pair(mut a: Node<'a>, mut b: Node<'a>) -> Self {
        let (a_alive, b_alive) = (a.next(), b.next());
        Self::Pair(Box::new(Pair {
            a,
            b,
            a_alive,
            b_alive,
            last: None,
            last_is_a: true,
            use_a: true,
            penalty_a: 0,
            penalty_b: 0,
        }))
    }

    /// Goes to the next sample; false at the end.
    fn next(&mut self) -> bool {
        match self {
            Self::Leaf { samples, pos, .. } => {
                let next = pos.map_or(0, |p| p + 1);
                *pos = Some(next);
                next < samples.len()
            }
            Self::Pair(pair) => pair.next(),
        }
    }

    /// Goes to the first sample at or after `t`.
    fn seek(&mut self, t: i64) -> bool {
        loop {
            if matches!(self, Self::Leaf { pos: Some(_), .. } | Self::Pair(_))
                && self.time().is_some_and(|at| at >= t)
            {
                return true;
            }
            if !self.next() {
                return false;
            }
        }
    }

    fn time(&self) -> Option<i64> {
        match self {
            Self::Leaf { samples, pos, .. } => samples.timestamps.get((*pos)?).copied(),
            Self::Pair(pair) => {
                if pair.use_a {
                    pair.a.time()
                } else {
                    pair.b.time()
                }
            }
        }
    }

    fn sample(&self) -> Option<Sample> {
        match self {
            Self::Leaf { samples, pos, lift, .. } => {
                let pos = (*pos)?;
                Some(Sample {
                    t: *samples.timestamps.get(pos)?,
                    value: samples.floats.get(pos)? + lift,
                    histogram: samples.histograms.get(pos).cloned().flatten(),
                    start: samples.start_timestamps.get(pos).copied().unwrap_or_default(),
                })
            }
            Self::Pair(pair) => {
                if pair.last_is_a {
                    pair.a.sample()
                } else {
                    pair.b.sample()
                }
            }
        }
    }

    fn float(&self) -> Option<f64> {
        self.sample().filter(|s| s.histogram.is_none()).map(|s| s.value)
    }

    fn lift_to(&mut self, last: f64) {
        match self {
            Self::Leaf { counter: false, .. } => {}
            Self::Leaf { .. } => {
                if let Some(v) = self.float()
                    && last > v
                    && let Self::Leaf { lift, .. } = self
                {
                    *lift += last - v;
                }
            }
            Self::Pair(pair) => pair.lift_to(last),
        }
    }
}

impl Pair<'_> {
    fn next(&mut self) -> bool {
        let alive = if self.use_a { self.a_alive } else { self.b_alive };
        let last_value =
            if alive { if self.last_is_a { self.a.float() } else { self.b.float() } } else { None };
        let used_a = self.use_a;
        let found = self.choose();
        if let Some(value) = last_value
            && self.use_a != used_a
        {
            self.lift_to(value);
        }
        found
    }

    fn choose(&mut self) -> bool {
        // Nothing is later than the end of time.
        if self.last == Some(i64::MAX) {
            (self.a_alive, self.b_alive, self.use_a) = (false, false, false);
            return false;
        }
        let target = |penalty| match self.last {
            Some(last) => last.saturating_add(1).saturating_add(penalty),
            None => i64::MIN,
        };
        let (to_a, to_b) = (target(self.penalty_a), target(self.penalty_b));
        self.a_alive = self.a_alive && self.a.seek(to_a);
        self.b_alive = self.b_alive && self.b.seek(to_b);
        let (ta, tb) = (self.a.time().filter(|_| self.a_alive), self.b.time().filter(|_| self.b_alive));
        let gap = |t: i64, last: Option<i64>| {
            last.map_or(INITIAL_PENALTY, |last| t.wrapping_sub(last).saturating_mul(2))
        };
        let (use_a, t) = match (ta, tb) {
            (None, None) => {
                self.use_a = false;
                return false;
            }
            (None, Some(t)) => (false, t),
            (Some(t), None) => (true, t),
            (Some(ta), Some(tb)) if ta <= tb => {
                self.penalty_b = gap(ta, self.last);
                (true, ta)
            }
            (Some(_), Some(tb)) => {
                self.penalty_a = gap(tb, self.last);
                (false, tb)
            }
        };
        if use_a {
            self.penalty_a = 0;
        } else {
            self.penalty_b = 0;
        }
        (self.use_a, self.last_is_a, self.last) = (use_a, use_a, Some(t));
        true
    }

    fn lift_to(&mut self, last: f64) {
        for (node, alive) in [(&mut self.a, self.a_alive), (&mut self.b, self.b_alive)] {
            // A side at a histogram, or at its end, is left alone.
            if alive && node.float().is_some() {
                node.lift_to(last);
            }
        }
    }
}

/// Merges the replicas of a counter.
pub(super) fn merge_counters(replicas: &[SampleBuffer], out: &mut SampleBuffer) {
    merge(replicas, true, out);
}

/// Merges replicas sample by sample.
pub(super) fn merge(replicas: &[SampleBuffer], counter: bool, out: &mut SampleBuffer) {
    let mut nodes = replicas.iter().map(|r| Node::leaf(r, counter));
    let Some(first) = nodes.next() else { return };
    let mut root = nodes.fold(first, Node::pair);
    while root.next() {
        let Some(sample) = root.sample() else { break };
        match sample.histogram {
            Some(h) => out.push_histogram(sample.t, h),
            None => out.push_float(sample.t, sample.value),
        }
        out.set_last_start(sample.start);
    }
}
