//! Quantiles and fractions of native histograms.

use model::histogram::{Bucket, FloatHistogram};

use crate::annotations::Annotation;
use crate::ast::PosRange;
use crate::functions::Notes;
use crate::math;

/// The quantile: from the end that is nearer, interpolated within the bucket it falls in — linearly in custom and zero buckets, in the
/// logarithm elsewhere.
pub(crate) fn histogram_quantile(
    phi: f64,
    h: &FloatHistogram,
    metric: &str,
    pos: PosRange,
    notes: &mut Notes,
) -> f64 {
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    if h.count == 0.0 || phi.is_nan() {
        return f64::NAN;
    }
    // With NaN observations, which are in the count but in no bucket, only counting from below is right.
    let ascending = h.sum.is_nan() || phi < 0.5;
    let mut rank = if ascending { phi * h.count } else { (1.0 - phi) * h.count };
    let (mut up, mut down) = (h.all_iter(), h.all_reverse_iter());
    let mut next = || if ascending { up.next() } else { down.next() };
    let mut bucket = Bucket::default();
    let mut count = 0.0;
    while let Some(b) = next() {
        bucket = b;
        if b.count == 0.0 {
            continue;
        }
        count += b.count;
        if count >= rank {
            break;
        }
    }
    if !h.uses_custom_buckets() && bucket.lower < 0.0 && bucket.upper > 0.0 {
        if h.negative_buckets.is_empty() && !h.positive_buckets.is_empty() {
            bucket.lower = 0.0;
        } else if h.positive_buckets.is_empty() && !h.negative_buckets.is_empty() {
            bucket.upper = 0.0;
        }
    } else if h.uses_custom_buckets() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return bucket.upper;
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return bucket.lower;
        }
    }
    if count > h.count {
        count = h.count;
    }
    if count < rank {
        if h.sum.is_nan() {
            notes.push(Annotation::quantile_nan_result(metric, pos));
            return f64::NAN;
        }
        return bucket.upper;
    }
    rank = if ascending { rank - (count - bucket.count) } else { count - rank };
    if h.sum.is_nan() {
        while let Some(b) = next() {
            bucket = b;
            count += b.count;
        }
        if count < h.count {
            notes.push(Annotation::quantile_nan_skew(metric, pos));
        }
    }
    let fraction = rank / bucket.count;
    if h.uses_custom_buckets() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    let (lower, upper) = (math::log2(bucket.lower.abs()), math::log2(bucket.upper.abs()));
    if bucket.lower > 0.0 {
        math::exp2(lower + (upper - lower) * fraction)
    } else {
        -math::exp2(upper + (lower - upper) * (1.0 - fraction))
    }
}

/// The share of observations between two values.
pub(crate) fn histogram_fraction(
    lower: f64,
    upper: f64,
    h: &FloatHistogram,
    metric: &str,
    pos: PosRange,
    notes: &mut Notes,
) -> f64 {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (mut count, mut rank) = (0.0, 0.0);
    let mut ranks = [None, None];
    let mut buckets = h.all_iter();
    for mut b in buckets.by_ref() {
        count += b.count;
        let zero = b.lower <= 0.0 && b.upper >= 0.0;
        if zero {
            if h.negative_buckets.is_empty() && !h.positive_buckets.is_empty() {
                b.lower = 0.0;
            } else if h.positive_buckets.is_empty() && !h.negative_buckets.is_empty() {
                b.upper = 0.0;
            }
        }
        for (slot, value) in ranks.iter_mut().zip([lower, upper]) {
            if slot.is_none() && b.lower >= value {
                *slot = Some(rank);
            }
        }
        if ranks.iter().all(Option::is_some) {
            break;
        }
        for (slot, value) in ranks.iter_mut().zip([lower, upper]) {
            if slot.is_none() && b.lower < value && b.upper > value {
                let linear = h.uses_custom_buckets() || zero;
                *slot = Some(if linear && b.lower == f64::NEG_INFINITY {
                    // Nothing is known about where in the bucket they are.
                    b.count
                } else {
                    rank + b.count * math::fraction_below(&b, value, linear)
                });
            }
        }
        if ranks.iter().all(Option::is_some) {
            break;
        }
        rank += b.count;
    }
    if h.sum.is_nan() {
        count += buckets.map(|b| b.count).sum::<f64>();
        if count < h.count {
            notes.push(Annotation::fraction_nans(metric, pos));
        }
    } else {
        count = h.count;
    }
    let [lower, upper] = ranks.map(|r| r.map_or(count, |r| if r > count { count } else { r }));
    (upper - lower) / h.count
}
