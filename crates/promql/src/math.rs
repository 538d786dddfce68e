//! Arithmetic as Go does it, where it differs from Rust's own.

use model::gomath;
use model::histogram::Bucket;

/// Go's `math.Max`: NaN if any is NaN, except that +Inf wins; 0 over -0.
pub(crate) fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// Go's `math.Min`: NaN if any is NaN, except that -Inf wins; -0 over 0.
pub(crate) fn min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { a } else { b }
    } else if a < b {
        a
    } else {
        b
    }
}

/// Bits of Go's `math.NaN()`.
pub(crate) const GO_NAN: u64 = gomath::NAN.to_bits();

pub(crate) use model::gomath::{
    acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, exp, exp2, ln, log2, log10, pow, sin, sinh, tan,
    tanh,
};

/// The share of a bucket below a value within it.
pub(crate) fn fraction_below(b: &Bucket, v: f64, linear: bool) -> f64 {
    b.fraction_below(v, linear)
}

/// The least `i < n` for which `f(i)` holds, or `n`, with the probes of Go's `sort.Search`; these matter where `f` is not monotonic.
pub(crate) fn search(n: usize, f: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if f(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Go's conversion of a float to an integer on amd64: what does not fit becomes the least integer.
pub(crate) fn to_i64(v: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&v) { v as i64 } else { i64::MIN }
}
