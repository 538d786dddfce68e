//! Exponentials and logarithms.

use super::{NAN, frexp, ldexp};

const LN2_HI: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN2_LO: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);
/// Coefficients of the logarithm's series, by the odd powers.
const L: [f64; 7] = [
    f64::from_bits(0x3fe5_5555_5555_5593),
    f64::from_bits(0x3fd9_9999_9997_fa04),
    f64::from_bits(0x3fd2_4924_9422_9359),
    f64::from_bits(0x3fcc_71c5_1d8e_78af),
    f64::from_bits(0x3fc7_4664_96cb_03de),
    f64::from_bits(0x3fc3_9a09_d078_c69f),
    f64::from_bits(0x3fc2_f112_df3e_5244),
];

/// Go's `math.Exp`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
pub fn exp(x: f64) -> f64 {
    const LN2_UPPER: f64 = 0.69314718055966295651160180568695068359375;
    const LN2_LOWER: f64 = 0.28235290563031577122588448175013436025525412068e-12;
    const OVERFLOW: f64 = 7.09782712893384e+02;
    if x.is_nan() {
        return x;
    }
    if x > OVERFLOW {
        return f64::INFINITY;
    }
    if x == f64::NEG_INFINITY {
        return 0.0;
    }
    let rounded = (x * std::f64::consts::LOG2_E).round_ties_even();
    // The conversion to 32 bits; what does not fit is far below anything representable.
    if rounded < -2000.0 {
        return 0.0;
    }
    let exponent = rounded as i32;
    let r = (-rounded).mul_add(LN2_UPPER, x);
    let r = (-rounded).mul_add(LN2_LOWER, r) * 0.0625;
    let mut y = 2.4801587301587301587e-5f64;
    for c in [
        1.9841269841269841270e-4,
        1.3888888888888888889e-3,
        8.3333333333333333333e-3,
        4.1666666666666666667e-2,
        1.6666666666666666667e-1,
        0.5,
        1.0,
    ] {
        y = r.mul_add(y, c);
    }
    // e^x - 1, squared up four times.
    let mut z = r * y;
    for _ in 0..3 {
        z *= z + 2.0;
    }
    let z = (z + 2.0).mul_add(z, 1.0);
    let biased = exponent + 0x3ff;
    if biased >= 0x7ff {
        f64::INFINITY
    } else if biased > 0 {
        z * f64::from_bits((biased as u64) << 52)
    } else if biased < -52 {
        0.0
    } else {
        z * f64::from_bits(((biased + 0x3fe) as u64) << 52) * f64::from_bits(1 << 52)
    }
}

/// Go's `math.Exp2`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
pub fn exp2(x: f64) -> f64 {
    const P: [f64; 5] = [
        1.66666666666666657415e-01,
        -2.77777777770155933842e-03,
        6.61375632143793436117e-05,
        -1.65339022054652515390e-06,
        4.13813679705723846039e-08,
    ];
    if x.is_nan() {
        return x;
    }
    if x > 1.0239999999999999e+03 {
        return f64::INFINITY;
    }
    if x < -1.0740e+03 {
        return 0.0;
    }
    let k = if x > 0.0 { (x + 0.5) as i64 } else { (x - 0.5) as i64 };
    let t = x - k as f64;
    let (hi, lo) = (t * LN2_HI, -t * LN2_LO);
    let r = hi - lo;
    let t = r * r;
    let c = r - t * (P[0] + t * (P[1] + t * (P[2] + t * (P[3] + t * P[4]))));
    let y = 1.0 - ((lo - (r * c) / (2.0 - c)) - hi);
    ldexp(y, k)
}

/// Go's `math.Log`.
pub fn ln(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_sign_negative() {
        return NAN;
    }
    if !x.is_finite() {
        return x;
    }
    // Subnormal numbers are not normalised, as in Go's assembly.
    let bits = x.to_bits();
    let mut f = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 0.5f64.to_bits());
    let mut k = (bits >> 52) as f64 - 1022.0;
    if f < std::f64::consts::FRAC_1_SQRT_2 {
        k -= 1.0;
        f *= 2.0;
    }
    let f = f - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let t1 = s2 * (L[0] + s4 * (L[2] + s4 * (L[4] + s4 * L[6])));
    let t2 = s4 * (L[1] + s4 * (L[3] + s4 * L[5]));
    let r = t1 + t2;
    let half = 0.5 * f * f;
    k * LN2_HI - ((half - (s * (half + r) + k * LN2_LO)) - f)
}

/// Go's `math.Log2`.
pub fn log2(x: f64) -> f64 {
    let (fraction, exponent) = frexp(x);
    if fraction == 0.5 {
        return (exponent - 1) as f64;
    }
    ln(fraction) * std::f64::consts::LOG2_E + exponent as f64
}

/// Go's `math.Log10`.
pub fn log10(x: f64) -> f64 {
    ln(x) * std::f64::consts::LOG10_E
}

/// Go's `math.Log1p`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
pub fn ln_1p(x: f64) -> f64 {
    const SQRT2_M1: f64 = 4.142135623730950488017e-01;
    const SQRT2_HALF_M1: f64 = -2.928932188134524755992e-01;
    const TWO53: f64 = 9_007_199_254_740_992.0;
    if x < -1.0 || x.is_nan() {
        return NAN;
    }
    if x == -1.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let abs = x.abs();
    // log(1+x) = k ln2 + log(1+f), with c for what 1+x lost. `zero`: f is so small that its series ends early.
    let (mut k, mut f, mut c, mut zero) = (0i64, x, 0.0, false);
    let mut whole = true;
    if abs < SQRT2_M1 {
        if abs < 1.0 / (1u64 << 29) as f64 {
            return if abs < 1.0 / (1u64 << 54) as f64 { x } else { x - x * x * 0.5 };
        }
        whole = x <= SQRT2_HALF_M1;
    }
    if whole {
        let u = if abs < TWO53 { 1.0 + x } else { x };
        let mut bits = u.to_bits();
        k = (bits >> 52) as i64 - 1023;
        if abs < TWO53 {
            c = if k > 0 { 1.0 - (u - x) } else { x - (u - 1.0) } / u;
        }
        bits &= 0x000f_ffff_ffff_ffff;
        let u = if bits < 0x0006_a09e_667f_3bcd {
            f64::from_bits(bits | 0x3ff0_0000_0000_0000)
        } else {
            k += 1;
            let u = f64::from_bits(bits | 0x3fe0_0000_0000_0000);
            bits = (0x0010_0000_0000_0000 - bits) >> 2;
            u
        };
        zero = bits == 0;
        f = u - 1.0;
    }
    let k = k as f64;
    let half = 0.5 * f * f;
    if zero {
        if f == 0.0 {
            return if k == 0.0 { 0.0 } else { k * LN2_HI + (c + k * LN2_LO) };
        }
        let r = half * (1.0 - 0.66666666666666666 * f);
        return if k == 0.0 { f - r } else { k * LN2_HI - ((r - (k * LN2_LO + c)) - f) };
    }
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (L[0] + z * (L[1] + z * (L[2] + z * (L[3] + z * (L[4] + z * (L[5] + z * L[6]))))));
    if k == 0.0 {
        f - (half - s * (half + r))
    } else {
        k * LN2_HI - ((half - (s * (half + r) + (k * LN2_LO + c))) - f)
    }
}
