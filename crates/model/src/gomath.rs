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

    type Unary = fn(f64) -> f64;
    type Binary = fn(f64, f64) -> f64;

    const UNARY: [(&str, Unary); 18] = [
        ("exp", exp),
        ("exp2", exp2),
        ("ln", ln),
        ("ln_1p", ln_1p),
        ("log2", log2),
        ("log10", log10),
        ("sin", sin),
        ("cos", cos),
        ("tan", tan),
        ("asin", asin),
        ("acos", acos),
        ("atan", atan),
        ("sinh", sinh),
        ("cosh", cosh),
        ("tanh", tanh),
        ("asinh", asinh),
        ("acosh", acosh),
        ("atanh", atanh),
    ];
    const BINARY: [(&str, Binary); 2] = [("pow", pow), ("atan2", atan2)];

    #[test]
    fn last_bits_are_those_of_go() {
        let mut checked = 0;
        for line in include_str!("../testdata/gomath.tsv").lines().filter(|line| !line.starts_with('#')) {
            let (name, bits) = line.split_once('\t').unwrap();
            let numbers: Vec<f64> =
                bits.split('\t').map(|b| f64::from_bits(u64::from_str_radix(b, 16).unwrap())).collect();
            let unary = UNARY.iter().find(|(n, _)| *n == name).map(|(_, f)| f);
            let binary = BINARY.iter().find(|(n, _)| *n == name).map(|(_, f)| f);
            let (got, want) = match (unary, binary, numbers.as_slice()) {
                (Some(f), _, [x, want]) => (f(*x), want),
                (_, Some(f), [x, y, want]) => (f(*x, *y), want),
                _ => panic!("{line}"),
            };
            let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
            assert!(same, "{name} of {numbers:?}: {got}");
            checked += 1;
        }
        assert!(checked > 500, "{checked} lines");
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
