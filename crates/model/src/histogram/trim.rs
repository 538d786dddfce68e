//! Trimming: keeping only the observations below or above a value, estimated within the bucket that the value cuts.

use super::{Bucket, FloatHistogram};

/// Which observations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trim {
    /// Those below the value (operator `</`).
    Below,
    /// Those above the value (operator `>/`).
    Above,
}

impl FloatHistogram {
    /// Drops the observations on the other side of `at`. Count and sum are estimated anew, from the middles of buckets, if anything
    /// was dropped.
    pub fn trim(&mut self, at: f64, keep: Trim) -> &mut Self {
        let linear = self.uses_custom_buckets();
        let (mut count, mut sum, mut trimmed) = (0.0, 0.0, false);
        let mut populated = [false; 2];
        for positive in [true, false] {
            let buckets: Vec<Bucket> =
                if positive { self.positive_iter().collect() } else { self.negative_iter().collect() };
            for (i, b) in buckets.iter().enumerate() {
                if b.count == 0.0 {
                    continue;
                }
                populated[usize::from(positive)] = true;
                let (whole, cut) = match keep {
                    Trim::Below => (b.upper <= at, b.lower < at),
                    Trim::Above => (b.lower >= at, b.upper > at),
                };
                let kept = if whole {
                    count += b.count;
                    sum += middle(b.lower, b.upper, positive, linear) * b.count;
                    continue;
                } else if cut {
                    let (kept, mid) = cut_bucket(b, at, keep, positive, linear);
                    count += kept;
                    sum += mid * kept;
                    kept
                } else {
                    0.0
                };
                if kept != b.count || !cut {
                    let side = if positive { &mut self.positive_buckets } else { &mut self.negative_buckets };
                    side[i] = kept;
                    trimmed = true;
                }
            }
        }
        if self.zero_count > 0.0 {
            let (kept, mid) = cut_zero_bucket(&self.zero_bucket(), at, populated[0], populated[1], keep);
            trimmed |= self.zero_count != kept;
            self.zero_count = kept;
            sum += mid * kept;
            count += kept;
        }
        if trimmed {
            self.count = count;
            self.sum = sum;
            self.compact(0);
        }
        self
    }
}

/// What is kept of a bucket that `at` cuts, and the middle of that.
fn cut_bucket(b: &Bucket, at: f64, keep: Trim, positive: bool, linear: bool) -> (f64, f64) {
    if b.lower == f64::NEG_INFINITY || b.upper == f64::INFINITY {
        return cut_open_bucket(b, at, keep);
    }
    let below = if at <= b.lower {
        0.0
    } else if at >= b.upper {
        b.count
    } else {
        b.count * b.fraction_below(at, linear)
    };
    match keep {
        Trim::Below => (below, middle(b.lower, at, positive, linear)),
        Trim::Above => (b.count - below, middle(at, b.upper, positive, linear)),
    }
}

/// A bucket with an infinite bound holds no information on where its observations lie: it is kept or dropped whole, except that a
/// first custom bucket is taken to start at zero.
fn cut_open_bucket(b: &Bucket, at: f64, keep: Trim) -> (f64, f64) {
    let finite = |v: f64| if v.is_infinite() { 0.0 } else { v };
    if b.lower == f64::NEG_INFINITY {
        return match keep {
            Trim::Below if at >= b.upper => (b.count, 0.0),
            Trim::Below if at > 0.0 && b.upper > 0.0 && b.upper != f64::INFINITY => {
                (b.count * at / b.upper, at / 2.0)
            }
            Trim::Below if b.upper <= 0.0 => (b.count, at),
            Trim::Above if at <= b.lower => (b.count, 0.0),
            Trim::Above if at >= 0.0 && b.upper > at && b.upper != f64::INFINITY => {
                (b.count * (1.0 - at / b.upper), (at + b.upper) / 2.0)
            }
            Trim::Below | Trim::Above => (0.0, finite(b.upper)),
        };
    }
    match keep {
        Trim::Above if at >= b.lower => (b.count, at),
        Trim::Below | Trim::Above => (0.0, finite(b.lower)),
    }
}

/// The zero bucket is taken to reach only to the side on which there are observations.
fn cut_zero_bucket(zero: &Bucket, at: f64, has_negative: bool, has_positive: bool, keep: Trim) -> (f64, f64) {
    let upper = if has_negative && !has_positive { 0.0 } else { zero.upper };
    let lower = if has_positive && !has_negative { 0.0 } else { zero.lower };
    let whole = (zero.count, (lower + upper) / 2.0);
    match keep {
        Trim::Below if at <= lower => (0.0, 0.0),
        Trim::Below if at >= upper => whole,
        Trim::Below => (zero.count * ((at - lower) / (upper - lower)), (lower + at) / 2.0),
        Trim::Above if at <= lower => whole,
        Trim::Above if at >= upper => (0.0, 0.0),
        Trim::Above => (zero.count * ((upper - at) / (upper - lower)), (at + upper) / 2.0),
    }
}

/// The middle of an interval: arithmetic if linear, else geometric; of a half-open one its finite end (or half of it above zero).
fn middle(lower: f64, upper: f64, positive: bool, linear: bool) -> f64 {
    if lower.is_infinite() {
        return match upper {
            u if u.is_infinite() => 0.0,
            u if u > 0.0 => u / 2.0,
            u => u,
        };
    }
    if upper.is_infinite() {
        return lower;
    }
    if linear {
        return (lower + upper) / 2.0;
    }
    let mean = (lower * upper).abs().sqrt();
    if positive { mean } else { -mean }
}
