//! Quantiles: of values, of classic buckets, of native histograms.

mod classic;
mod native;

pub(crate) use classic::{ClassicBucket, Forced, bucket_fraction, bucket_quantile, left_by_quantile};
pub(crate) use native::{histogram_fraction, histogram_quantile};

/// The quantile of values, interpolated between ranks; sorts them, NaN first.
pub(crate) fn quantile(phi: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    let n = values.len() as f64;
    let rank = phi * (n - 1.0);
    let lower = rank.floor().max(0.0);
    let upper = (lower + 1.0).min(n - 1.0);
    let weight = rank - rank.floor();
    let order = |a: &f64, b: &f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal),
    };
    // Only two neighbouring ranks matter.
    let (_, low, above) = values.select_nth_unstable_by(lower as usize, order);
    let low = *low;
    let high = if upper > lower { above.iter().copied().min_by(order).unwrap_or(low) } else { low };
    low * (1.0 - weight) + high * weight
}
