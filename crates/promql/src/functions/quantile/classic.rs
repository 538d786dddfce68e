//! Quantiles and fractions of classic histograms.

/// One bucket: its upper bound and the cumulated count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClassicBucket {
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

/// Differences below this, relative, are taken for inaccuracies of floats.
const SMALL_DELTA: f64 = 1e-12;

/// How counts had to be changed so as not to go down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forced {
    pub(crate) min_bucket: f64,
    pub(crate) max_bucket: f64,
    pub(crate) max_diff: f64,
}

/// The quantile of buckets sorted by their bounds, and what had to be forced.
pub(crate) fn bucket_quantile(phi: f64, buckets: &mut Vec<ClassicBucket>) -> (f64, Option<Forced>) {
    if phi.is_nan() {
        return (f64::NAN, None);
    }
    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return (f64::NAN, None);
    }
    coalesce(buckets);
    let forced = make_monotonic(buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 {
        return (f64::NAN, forced);
    }
    let mut rank = phi * observations;
    // Counts with NaN have no order, so that Prometheus's very probes decide.
    let at = crate::math::search(last, |i| buckets[i].count >= rank);
    if at == last {
        return (buckets[last - 1].upper, forced);
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return (buckets[0].upper, forced);
    }
    let (mut start, end, mut count) = (0.0, buckets[at].upper, buckets[at].count);
    if at > 0 {
        start = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    (start + (end - start) * (rank / count), forced)
}

/// What Prometheus leaves of the buckets for the next quantile of the same histogram: those added up and made monotonic in front, and
/// behind them as many as were there before.
pub(crate) fn left_by_quantile(phi: f64, buckets: &mut [ClassicBucket]) {
    if !(0.0..=1.0).contains(&phi) || buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return;
    }
    let mut rest = buckets.to_vec();
    coalesce(&mut rest);
    make_monotonic(&mut rest);
    buckets[..rest.len()].copy_from_slice(&rest);
}

/// The share of observations between two values.
pub(crate) fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<ClassicBucket>) -> f64 {
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return f64::NAN;
    }
    coalesce(buckets);
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let mut start = if buckets[0].upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    let mut ranks = [None, None];
    for b in buckets.iter() {
        for (slot, value) in ranks.iter_mut().zip([lower, upper]) {
            if slot.is_some() {
                continue;
            }
            if start >= value {
                *slot = Some(rank);
            } else if start < value && b.upper > value {
                *slot = Some(if start == f64::NEG_INFINITY {
                    b.count
                } else {
                    rank + (b.count - rank) * (value - start) / (b.upper - start)
                });
            }
        }
        if ranks.iter().all(Option::is_some) {
            break;
        }
        rank = b.count;
        start = b.upper;
    }
    let [lower, upper] = ranks.map(|r| r.map_or(count, |r| if r > count { count } else { r }));
    (upper - lower) / count
}

/// Adds up buckets of the same bound.
fn coalesce(buckets: &mut Vec<ClassicBucket>) {
    buckets.dedup_by(|b, kept| {
        let same = b.upper == kept.upper;
        if same {
            kept.count += b.count;
        }
        same
    });
}

/// Makes counts never go down; differences too small to mean anything are not reported.
fn make_monotonic(buckets: &mut [ClassicBucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut prev = buckets[0].count;
    for b in &mut buckets[1..] {
        let current = b.count;
        if current == prev {
            continue;
        }
        if almost_equal(prev, current, SMALL_DELTA) {
            b.count = prev;
            continue;
        }
        if current < prev {
            b.count = prev;
            let f = forced.get_or_insert(Forced {
                min_bucket: f64::INFINITY,
                max_bucket: f64::NEG_INFINITY,
                max_diff: 0.0,
            });
            if b.upper < f.min_bucket {
                f.min_bucket = b.upper;
            }
            if b.upper > f.max_bucket {
                f.max_bucket = b.upper;
            }
            if prev - current > f.max_diff {
                f.max_diff = prev - current;
            }
            continue;
        }
        prev = current;
    }
    forced
}

/// Prometheus's comparison with a relative tolerance (`util/almost`).
pub(crate) fn almost_equal(a: f64, b: f64, epsilon: f64) -> bool {
    use model::value::is_stale;
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let diff = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < epsilon * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < epsilon
}
