//! Hyperbolic functions and their inverses.

use super::{NAN, exp, ln, ln_1p};

/// Applies `f` to the magnitude and gives the result the sign.
fn odd(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    if x < 0.0 { -f(-x) } else { f(x) }
}

/// Go's `math.Sinh`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
pub fn sinh(x: f64) -> f64 {
    const P: [f64; 4] = [
        -0.6307673640497716991184787251e+6,
        -0.8991272022039509355398013511e+5,
        -0.2894211355989563807284660366e+4,
        -0.2630563213397497062819489e+2,
    ];
    const Q: [f64; 3] = [
        -0.6307673640497716991212077277e+6,
        0.1521517378790019070696485176e+5,
        -0.173678953558233699533450911e+3,
    ];
    odd(x, |x| {
        if x > 21.0 {
            return exp(x) * 0.5;
        }
        if x > 0.5 {
            let e = exp(x);
            return (e - 1.0 / e) * 0.5;
        }
        let sq = x * x;
        let top = (((P[3] * sq + P[2]) * sq + P[1]) * sq + P[0]) * x;
        top / (((sq + Q[2]) * sq + Q[1]) * sq + Q[0])
    })
}

/// Go's `math.Cosh`.
pub fn cosh(x: f64) -> f64 {
    let x = x.abs();
    if x > 21.0 {
        return exp(x) * 0.5;
    }
    let e = exp(x);
    (e + 1.0 / e) * 0.5
}

/// Go's `math.Tanh`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
pub fn tanh(x: f64) -> f64 {
    const P: [f64; 3] = [-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3];
    const Q: [f64; 3] = [1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3];
    const MAX: f64 = 8.8029691931113054295988e+01;
    let z = x.abs();
    if z > 0.5 * MAX {
        return if x < 0.0 { -1.0 } else { 1.0 };
    }
    if z >= 0.625 {
        let s = exp(2.0 * z);
        let z = 1.0 - 2.0 / (s + 1.0);
        return if x < 0.0 { -z } else { z };
    }
    if x == 0.0 {
        return x;
    }
    let s = x * x;
    x + x * s * ((P[0] * s + P[1]) * s + P[2]) / (((s + Q[0]) * s + Q[1]) * s + Q[2])
}

/// From here on the one in a sum of squares does not count.
const LARGE: f64 = (1u64 << 28) as f64;

/// Go's `math.Asinh`.
pub fn asinh(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    odd(x, |x| {
        if x > LARGE {
            ln(x) + std::f64::consts::LN_2
        } else if x > 2.0 {
            ln(2.0 * x + 1.0 / ((x * x + 1.0).sqrt() + x))
        } else if x < 1.0 / LARGE {
            x
        } else {
            ln_1p(x + x * x / (1.0 + (1.0 + x * x).sqrt()))
        }
    })
}

/// Go's `math.Acosh`.
pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        NAN
    } else if x == 1.0 {
        0.0
    } else if x >= LARGE {
        ln(x) + std::f64::consts::LN_2
    } else if x > 2.0 {
        ln(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()))
    } else {
        let t = x - 1.0;
        ln_1p(t + (2.0 * t + t * t).sqrt())
    }
}

/// Go's `math.Atanh`.
pub fn atanh(x: f64) -> f64 {
    if !(-1.0..=1.0).contains(&x) {
        return NAN;
    }
    if x.abs() == 1.0 {
        return f64::INFINITY.copysign(x);
    }
    odd(x, |x| {
        if x < 1.0 / LARGE {
            x
        } else if x < 0.5 {
            let twice = x + x;
            0.5 * ln_1p(twice + twice * x / (1.0 - x))
        } else {
            0.5 * ln_1p((x + x) / (1.0 - x))
        }
    })
}
