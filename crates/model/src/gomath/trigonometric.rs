//! Trigonometric functions and their inverses.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::NAN;

#[allow(clippy::excessive_precision, reason = "the constants as published")]
const SIN: [f64; 6] = [
    1.58962301576546568060e-10,
    -2.50507477628578072866e-8,
    2.75573136213857245213e-6,
    -1.98412698295895385996e-4,
    8.33333333332211858878e-3,
    -1.66666666666666307295e-1,
];
#[allow(clippy::excessive_precision, reason = "the constants as published")]
const COS: [f64; 6] = [
    -1.13585365213876817300e-11,
    2.08757008419747316778e-9,
    -2.75573141792967388112e-7,
    2.48015872888517045348e-5,
    -1.38888888888730564116e-3,
    4.16666666666665929218e-2,
];

fn series(c: &[f64; 6], zz: f64) -> f64 {
    ((((c[0] * zz + c[1]) * zz + c[2]) * zz + c[3]) * zz + c[4]) * zz + c[5]
}

fn sin_series(z: f64, zz: f64) -> f64 {
    z + z * zz * series(&SIN, zz)
}

fn cos_series(zz: f64) -> f64 {
    1.0 - 0.5 * zz + zz * zz * series(&COS, zz)
}

/// Reduces `x >= 0` to an octant (even, 0 to 7 at least modulo 8) and the angle from its start.
fn reduce(x: f64) -> (u64, f64) {
    /// From here on the three-part pi loses too much.
    const THRESHOLD: f64 = (1u64 << 29) as f64;
    #[allow(clippy::excessive_precision, reason = "the constants as published")]
    const PI4: [f64; 3] = [7.85398125648498535156e-1, 3.77489470793079817668e-8, 2.69515142907905952645e-15];
    if x >= THRESHOLD {
        return reduce_large(x);
    }
    let mut octant = (x * (4.0 / PI)) as u64;
    let mut y = octant as f64;
    if octant & 1 == 1 {
        octant += 1;
        y += 1.0;
    }
    (octant & 7, ((x - y * PI4[0]) - y * PI4[1]) - y * PI4[2])
}

/// Payne-Hanek reduction with the binary digits of 4/pi.
fn reduce_large(x: f64) -> (u64, f64) {
    const FOUR_OVER_PI: [u64; 20] = [
        0x0000000000000001,
        0x45f306dc9c882a53,
        0xf84eafa3ea69bb81,
        0xb6c52b3278872083,
        0xfca2c757bd778ac3,
        0x6e48dc74849ba5c0,
        0x0c925dd413a32439,
        0xfc3bd63962534e7d,
        0xd1046bea5d768909,
        0xd338e04d68befc82,
        0x7323ac7306a673e9,
        0x3908bf177bf25076,
        0x3ff12fffbc0b301f,
        0xde5e2316b414da3e,
        0xda6cfd9e4f96136e,
        0x9e8c7ecd3cbfd45a,
        0xea4f758fd7cbe2f6,
        0x7a0e73ef14a525d4,
        0xd7f6bf623f1aba10,
        0xac06608df8f6d757,
    ];
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1023 - 52;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let (digit, shift) = ((exponent + 61) as usize / 64, (exponent + 61) as u32 % 64);
    let word = |i: usize| {
        let high = FOUR_OVER_PI[digit + i] << shift;
        if shift == 0 { high } else { high | FOUR_OVER_PI[digit + i + 1] >> (64 - shift) }
    };
    let wide = |a: u64| u128::from(a) * u128::from(mantissa);
    let product = (u128::from(word(0).wrapping_mul(mantissa)) << 64)
        .wrapping_add(wide(word(1)))
        .wrapping_add(wide(word(2)) >> 64);
    let (high, low) = ((product >> 64) as u64, product as u64);
    let mut octant = high >> 61;
    let high = high << 3 | low >> 61;
    let zeros = high.leading_zeros();
    let e = u64::from(1023 - (zeros + 1));
    let fraction = high.checked_shl(zeros + 1).unwrap_or(0) | low.checked_shr(64 - (zeros + 1)).unwrap_or(0);
    let mut z = f64::from_bits(fraction >> 12 | e << 52);
    if octant & 1 == 1 {
        octant = (octant + 1) & 7;
        z -= 1.0;
    }
    (octant, z * FRAC_PI_4)
}

/// Go's `math.Sin`.
pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return NAN;
    }
    let (mut octant, z) = reduce(x.abs());
    let mut negative = x < 0.0;
    if octant > 3 {
        negative = !negative;
        octant -= 4;
    }
    let zz = z * z;
    let y = if octant == 1 || octant == 2 { cos_series(zz) } else { sin_series(z, zz) };
    if negative { -y } else { y }
}

/// Go's `math.Cos`.
pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return NAN;
    }
    let (mut octant, z) = reduce(x.abs());
    let mut negative = false;
    if octant > 3 {
        octant -= 4;
        negative = !negative;
    }
    if octant > 1 {
        negative = !negative;
    }
    let zz = z * z;
    let y = if octant == 1 || octant == 2 { sin_series(z, zz) } else { cos_series(zz) };
    if negative { -y } else { y }
}

/// Go's `math.Tan`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
pub fn tan(x: f64) -> f64 {
    const P: [f64; 3] = [-1.30936939181383777646e4, 1.15351664838587416140e6, -1.79565251976484877988e7];
    const Q: [f64; 4] = [
        1.36812963470692954678e4,
        -1.32089234440210967447e6,
        2.50083801823357915839e7,
        -5.38695755929454629881e7,
    ];
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return NAN;
    }
    let (octant, z) = reduce(x.abs());
    let zz = z * z;
    let mut y = z;
    if zz > 1e-14 {
        y = z + z
            * (zz * ((P[0] * zz + P[1]) * zz + P[2]) / ((((zz + Q[0]) * zz + Q[1]) * zz + Q[2]) * zz + Q[3]));
    }
    if octant & 2 == 2 {
        y = -1.0 / y;
    }
    if x < 0.0 { -y } else { y }
}

/// The arctangent between 0 and 0.66.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
fn atan_small(x: f64) -> f64 {
    const P: [f64; 5] = [
        -8.750608600031904122785e-01,
        -1.615753718733365076637e+01,
        -7.500855792314704667340e+01,
        -1.228866684490136173410e+02,
        -6.485021904942025371773e+01,
    ];
    const Q: [f64; 5] = [
        2.485846490142306297962e+01,
        1.650270098316988542046e+02,
        4.328810604912902668951e+02,
        4.853903996359136964868e+02,
        1.945506571482613964425e+02,
    ];
    let z = x * x;
    let z = z * ((((P[0] * z + P[1]) * z + P[2]) * z + P[3]) * z + P[4])
        / (((((z + Q[0]) * z + Q[1]) * z + Q[2]) * z + Q[3]) * z + Q[4]);
    x * z + x
}

/// The arctangent of `x >= 0`.
#[allow(clippy::excessive_precision, reason = "the constants as published")]
fn atan_positive(x: f64) -> f64 {
    /// What pi/2 lacks as a float.
    const MORE_BITS: f64 = 6.123233995736765886130e-17;
    const TAN_3PI_8: f64 = 2.41421356237309504880;
    if x <= 0.66 {
        atan_small(x)
    } else if x > TAN_3PI_8 {
        FRAC_PI_2 - atan_small(1.0 / x) + MORE_BITS
    } else {
        FRAC_PI_4 + atan_small((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
    }
}

/// Go's `math.Atan`.
pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        x
    } else if x > 0.0 {
        atan_positive(x)
    } else {
        -atan_positive(-x)
    }
}

/// Go's `math.Asin`.
pub fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let a = x.abs();
    if a > 1.0 {
        return NAN;
    }
    let side = (1.0 - a * a).sqrt();
    let y = if a > 0.7 { FRAC_PI_2 - atan_positive(side / a) } else { atan_positive(a / side) };
    if x < 0.0 { -y } else { y }
}

/// Go's `math.Acos`.
pub fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

/// Go's `math.Atan2`.
pub fn atan2(y: f64, x: f64) -> f64 {
    if y.is_nan() || x.is_nan() {
        return NAN;
    }
    if y == 0.0 {
        return if x >= 0.0 && !x.is_sign_negative() { y } else { PI.copysign(y) };
    }
    if x == 0.0 {
        return FRAC_PI_2.copysign(y);
    }
    if x.is_infinite() {
        return match (x > 0.0, y.is_infinite()) {
            (true, true) => FRAC_PI_4.copysign(y),
            (true, false) => 0f64.copysign(y),
            (false, true) => (3.0 * FRAC_PI_4).copysign(y),
            (false, false) => PI.copysign(y),
        };
    }
    if y.is_infinite() {
        return FRAC_PI_2.copysign(y);
    }
    let q = atan(y / x);
    if x >= 0.0 {
        q
    } else if q <= 0.0 {
        q + PI
    } else {
        q - PI
    }
}
