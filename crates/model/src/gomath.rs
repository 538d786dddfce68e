//! Elementary functions with Go's results.
//!
//! Go's `math` package has algorithms of its own (Cephes, FreeBSD's msun, SLEEF for `exp` on amd64), whose last bits differ from
//! those of other libraries. Query results show these bits, so the same polynomials are evaluated here in the same order, as Go does
//! on amd64 with fused multiply-add.

mod exponential;
mod hyperbolic;
mod power;
mod trigonometric;

pub use exponential::{exp, exp2, ln, ln_1p, log2, log10};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use power::pow;
pub use trigonometric::{acos, asin, atan, atan2, cos, sin, tan};

/// Go's `math.NaN()`.
pub const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Splits into a fraction in `[0.5, 1)` and a power of two.
fn frexp(x: f64) -> (f64, i64) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * (1u64 << 52) as f64, -52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1022 + shift;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

/// `x * 2^exponent` with one rounding.
fn ldexp(x: f64, exponent: i64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let (fraction, own) = frexp(x);
    // Of the form 1.f × 2^e.
    let e = exponent.saturating_add(own) - 1;
    let with = |e: i64| f64::from_bits(fraction.to_bits() & !(0x7ff << 52) | ((e + 1023) as u64) << 52);
    if e < -1075 {
        0f64.copysign(x)
    } else if e > 1023 {
        f64::INFINITY.copysign(x)
    } else if e < -1022 {
        with(e + 53) * (1.0 / (1u64 << 53) as f64)
    } else {
        with(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [f64; 11] = [0.3, -0.9, 0.7312, 1.7, 40.7, -33.3, 123456.789, 3e9, 1e-9, 700.5, -720.25];
    /// What Go 1.26 gives for these on amd64.
    #[rustfmt::skip]
    #[allow(clippy::type_complexity, reason = "a table")]
    const BITS: [(fn(f64) -> f64, [u64; 11]); 18] = [
        (exp, [0x3ff599058c8c1a96, 0x3fda053cc0086e1e, 0x40009ede2c504db6, 0x4015e552770df8a7, 0x439a500e08ae2013, 0x3cef165bb9b59d94, 0x7ff0000000000000, 0x7ff0000000000000, 0x3ff000000044b830, 0x7f18625c7d4f56c3, 0x000000077564144f]),
        (exp2, [0x3ff3b2c47bff8329, 0x3fe125fbee250664, 0x3ffa8f70612363b7, 0x4009fdf8bcce533d, 0x4279fdf8bcce534c, 0x3dd9fdf8bcce534c, 0x7ff0000000000000, 0x7ff0000000000000, 0x3ff00000002fa1f9, 0x6bb6a09e667f3bcc, 0x12eae89f995ad3ae]),
        (ln, [0xbff34378fcbda721, 0x7ff8000000000001, 0xbfd4094f7349253f, 0x3fe0fae81914a991, 0x400da65aea04a9f4, 0x7ff8000000000001, 0x40277281cad8a844, 0x4035d2669ad6cfe9, 0xc034b927f32bffb8, 0x401a3509950c84a7, 0x7ff8000000000001]),
        (ln_1p, [0x3fd0ca937be1b9dc, 0xc0026bb1bbb55516, 0x3fe18fe41362fbaf, 0x3fefc8b7f138bdea, 0x400dd810f9cf4294, 0x7ff8000000000001, 0x40277282daa2d8a9, 0x4035d2669ad83e6a, 0x3e112e0be801f1d9, 0x401a367f8a1bfec7, 0x7ff8000000000001]),
        (log2, [0xbffbca9c6f53897a, 0x7ff8000000000001, 0xbfdce807d60247b7, 0x3fe87f42b972949d, 0x40156348aab4044d, 0x7ff8000000000001, 0x4030e9e4bf2a1cb2, 0x403f7b7904e2d3b6, 0xc03de5b8eaa8d7e0, 0x4022e78c29f31b0d, 0x7ff8000000000001]),
        (log10, [0xbfe0bb6c34d81502, 0x7ff8000000000001, 0xbfc167432a50e930, 0x3fcd7f59aa5becb9, 0x3ff9c0e6113725ef, 0x7ff8000000000001, 0x40145db61a282513, 0x4022f4493cb27eb0, 0xc022000000000000, 0x4006c36557bb951b, 0x7ff8000000000001]),
        (sin, [0x3fd2e9cd95baba33, 0xbfe91103985da841, 0x3fe55e514630e841, 0x3fefbbb7d72f98b7, 0x3fc1f3681f4d8fba, 0xbfee7148f79ab16d, 0xbfeff50e60ab53f9, 0x3fef958b458cc91a, 0x3e112e0be826d695, 0x3fb33929f64471c2, 0x3fe782fc0d67a809]),
        (cos, [0x3fee921dd42f09ba, 0x3fe3e43a9692e21d, 0x3fe7d1e8a18d9c1c, 0xbfc07df9f4a26c86, 0xbfefaf0ac6852bb3, 0xbfd3b92fe29aaf22, 0x3faa74d27c41b22a, 0xbfc4917f746fa4f0, 0x3ff0000000000000, 0xbfefe8df14616bc1, 0xbfe5b50a205e03f4]),
        (tan, [0x3fd3cc2a44e29998, 0xbff4299ba9c2a137, 0x3fecb4e3045b1441, 0xc01ec952123d33f2, 0xbfc221463e3bcdf9, 0x4008b210fb4e6f5d, 0xc03353a85fe8d6d5, 0xc01891b289d24f04, 0x3e112e0be826d695, 0xbfb34718e533bb52, 0xbff1547deb7b9cee]),
        (asin, [0x3fd380159e14f6ff, 0xbff1ea93705fa172, 0x3fea3e172ab4f699, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x3e112e0be826d695, 0x7ff8000000000001, 0x7ff8000000000001]),
        (acos, [0x3ff441f5ecbeef58, 0x400586476251e745, 0x3fe805df7dd36397, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x3ff921fb53ff74e8, 0x7ff8000000000001, 0x7ff8000000000001]),
        (atan, [0x3fd2a73a661eaf06, 0xbfe77338a80603be, 0x3fe4341a2e191a08, 0x3ff0a00a3bce369f, 0x3ff8bd5cf93bc19e, 0xbff8a704055524e7, 0x3ff921f2d5f068d7, 0x3ff921fb542d4508, 0x3e112e0be826d695, 0x3ff91c226f05a0d3, 0xbff91c4b7ae47883]),
        (sinh, [0x3fd37d42af54b926, 0xbff06c9ccd5b6af8, 0x3fe98a3429c53988, 0x40052a411348ac57, 0x438a500e08ae2013, 0xc2e078401f5a3ec8, 0x7ff0000000000000, 0x7ff0000000000000, 0x3e112e0be826d695, 0x7f08625c7d4f56c3, 0xfff0000000000000]),
        (cosh, [0x3ff0b9b4e0b6ec4c, 0x3ff6edebfd5d8680, 0x3ff478a243bdfea8, 0x4006a063dad344f7, 0x438a500e08ae2013, 0x42e078401f5a3ec8, 0x7ff0000000000000, 0x7ff0000000000000, 0x3ff0000000000000, 0x7f08625c7d4f56c3, 0x7ff0000000000000]),
        (tanh, [0x3fd2a4dda7d914fa, 0xbfe6ebe982d6605d, 0x3fe3f629363ab801, 0x3fedeedf00d3e7f5, 0x3ff0000000000000, 0xbff0000000000000, 0x3ff0000000000000, 0x3ff0000000000000, 0x3e112e0be826d695, 0x3ff0000000000000, 0xbff0000000000000]),
        (asinh, [0x3fd2ec4ea565fcc1, 0xbfe9e23ce96e38d4, 0x3fe5b27f6e4bdfc4, 0x3ff4d0291473fd4a, 0x4011991d62c2edb1, 0xc010cbb44b1874a6, 0x4028d565fac86ff5, 0x403683d8b2cea1b8, 0x3e112e0be826d695, 0x401cfad2171c8552, 0xc01d174abcaa89d0]),
        (acosh, [0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x3ff1f8c10d010fe6, 0x401198ce426a5bbc, 0x7ff8000000000001, 0x4028d565fac827d1, 0x403683d8b2cea1b8, 0x7ff8000000000001, 0x401cfad1d2bb0f0a, 0x7ff8000000000001]),
        (atanh, [0x3fd3cf2b50617c96, 0xbff78e360604b32d, 0x3fedcd384210fe5c, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x7ff8000000000001, 0x3e112e0be826d695, 0x7ff8000000000001, 0x7ff8000000000001]),
    ];
    #[rustfmt::skip]
    const POWERS: [(f64, f64, u64); 6] = [
        (1.7, 2.3, 0x400b1c0c46dcb4e9),
        (40.7, -3.5, 0x3ec380dc4aa4504c),
        (0.001, 120.25, 0x0000000000000000),
        (123.4, 7.0, 0x42f8c48a578cd5a6),
        (3.0, -2.0, 0x3fbc71c71c71c71c),
        (9.99, 0.3, 0x3fffea244d57fb58),
    ];

    #[test]
    fn last_bits_are_those_of_go() {
        for (n, (f, bits)) in BITS.iter().enumerate() {
            for (x, bits) in INPUTS.iter().zip(bits) {
                let want = f64::from_bits(*bits);
                let got = f(*x);
                assert!(
                    got.to_bits() == *bits || got.is_nan() && want.is_nan(),
                    "function {n} of {x}: {got} {want}"
                );
            }
        }
        for (x, y, bits) in POWERS {
            assert_eq!(pow(x, y).to_bits(), bits, "{x}^{y}");
        }
    }

    #[test]
    fn close_to_the_standard_library_everywhere() {
        let near = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() || ((a - b) / b).abs() < 4e-14;
        for i in -4000..4000 {
            let x = f64::from(i) * 0.037 + 0.0001;
            let pairs: [(f64, f64); 17] = [
                (exp(x), x.exp()),
                (exp2(x), x.exp2()),
                (ln(x), x.ln()),
                (log2(x), x.log2()),
                (log10(x), x.log10()),
                (sin(x), x.sin()),
                (cos(x), x.cos()),
                (atan(x), x.atan()),
                (asin(x / 200.0), (x / 200.0).asin()),
                (sinh(x), x.sinh()),
                (cosh(x), x.cosh()),
                (tanh(x), x.tanh()),
                (asinh(x), x.asinh()),
                (acosh(x), x.acosh()),
                (pow(x.abs(), 1.7), x.abs().powf(1.7)),
                (atan2(x, 3.0), x.atan2(3.0)),
                (ln_1p(x), x.ln_1p()),
            ];
            for (n, (ours, std)) in pairs.into_iter().enumerate() {
                assert!(near(ours, std) || (ours - std).abs() < 1e-13, "function {n} of {x}: {ours} {std}");
            }
        }
    }

    #[test]
    fn edges() {
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e9), 0.0);
        assert_eq!(exp(710.0), f64::INFINITY);
        assert!(exp(-740.0) > 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert!(ln(-1.0).is_nan() && acos(2.0).is_nan() && sin(f64::INFINITY).is_nan());
        assert_eq!(pow(-8.0, 3.0), -512.0);
        assert!(pow(-8.0, 0.5).is_nan());
        assert_eq!(pow(f64::NEG_INFINITY, -3.0).to_bits(), (-0f64).to_bits());
        assert_eq!(pow(2.0, 5000.0), f64::INFINITY);
        assert!((sin(1e12) - 1e12f64.sin()).abs() < 1e-12);
        assert!((tan(1e10) - 1e10f64.tan()).abs() < 1e-9);
        assert_eq!(ldexp(0.5, -1073), f64::from_bits(1));
        assert_eq!(frexp(f64::from_bits(1)), (0.5, -1073));
    }
}
