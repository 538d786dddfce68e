//! Arithmetic as Go does it, where it differs from Rust's own.

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
pub(crate) const GO_NAN: u64 = 0x7ff8_0000_0000_0001;

macro_rules! of_std {
    ($($name:ident $method:ident)*) => {
        $(pub(crate) fn $name(x: f64) -> f64 {
            x.$method()
        })*
    };
}

of_std! {
    exp exp
    ln ln
    log10 log10
    sin sin
    cos cos
    tan tan
    asin asin
    acos acos
    atan atan
    sinh sinh
    cosh cosh
    tanh tanh
    asinh asinh
    acosh acosh
    atanh atanh
}

/// Go's `math.Pow`.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// Go's `math.Atan2`.
pub(crate) fn atan2(y: f64, x: f64) -> f64 {
    y.atan2(x)
}

/// Go's `math.Log2`.
pub(crate) fn log2(x: f64) -> f64 {
    x.log2()
}

/// Go's `math.Exp2`.
pub(crate) fn exp2(x: f64) -> f64 {
    x.exp2()
}

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
