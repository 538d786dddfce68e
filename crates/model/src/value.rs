//! Float samples: special NaNs and text forms.

mod text;

pub use text::push_integer;
use text::{push_exponent, push_plain};

/// Bits of the NaN that marks the end of a series.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;
/// Bits of the NaN that Prometheus writes for a NaN that was scraped.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// The staleness marker.
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// The NaN of scraped values.
pub fn normal_nan() -> f64 {
    f64::from_bits(NORMAL_NAN_BITS)
}

/// Whether a value is the staleness marker.
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// Formats a value as in Prometheus's JSON: shortest digits that read back the same; exponents below 1e-6 and from 1e21 on.
pub fn format_float(value: f64) -> String {
    let mut out = String::new();
    format_float_into(&mut out, value);
    out
}

/// Appends what [`format_float`] gives.
pub fn format_float_into(out: &mut String, value: f64) {
    let abs = value.abs();
    if abs != 0.0 && !(1e-6..1e21).contains(&abs) {
        push_exponent(out, value)
    } else {
        push_plain(out, value)
    }
}

/// Formats a value as Go's `strconv.FormatFloat(v, 'f', -1, 64)`: never with an exponent. The form of PromQL's text values and of `le`.
pub fn format_float_plain(value: f64) -> String {
    let mut out = String::new();
    push_plain(&mut out, value);
    out
}

/// Formats a value as Go's `%g` and `%v`: an exponent below 1e-4 and from 1e6 on.
pub fn format_float_g(value: f64) -> String {
    let mut out = String::new();
    let abs = value.abs();
    if abs == 0.0 || (1e-4..1e6).contains(&abs) {
        push_plain(&mut out, value)
    } else {
        push_exponent(&mut out, value)
    }
    out
}

/// Parses a float as Go's `strconv.ParseFloat` does: decimal, hexadecimal (`0x1p-2`), `inf`, `infinity`, `nan` in any case.
///
/// What is too large gives `None`, as Go gives an error. Underscores may stand between digits.
pub fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') {
        return underscores_are_between_digits(text).then(|| parse_float(&text.replace('_', "")))?;
    }
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let sign = |value: f64| if negative { -value } else { value };
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(sign(f64::INFINITY));
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return parse_hex(hex).map(sign);
    }
    // Rust's own parser takes the same decimal forms once words and a second sign are excluded.
    if !unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        || unsigned.starts_with(['+', '-'])
    {
        return None;
    }
    unsigned.parse::<f64>().ok().filter(|v| v.is_finite()).map(sign)
}

/// Whether each underscore stands between two digits, or between `0x` and a digit.
fn underscores_are_between_digits(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (hex, digits) = match unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        Some(digits) => (true, digits.as_bytes()),
        None => (false, unsigned.as_bytes()),
    };
    let is_digit = |b: &u8| b.is_ascii_digit() || (hex && b.is_ascii_hexdigit());
    digits.iter().enumerate().filter(|(_, b)| **b == b'_').all(|(at, _)| {
        let before = if at == 0 { hex } else { is_digit(&digits[at - 1]) };
        before && digits.get(at + 1).is_some_and(is_digit)
    })
}

/// A hexadecimal mantissa with a binary exponent, which must be there.
fn parse_hex(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let mut exponent = i64::from(exponent.parse::<i32>().ok()?);
    let (mut bits, mut seen_point, mut digits, mut sticky) = (0u64, false, 0, false);
    for c in mantissa.chars() {
        if c == '.' && !seen_point {
            seen_point = true;
            continue;
        }
        let digit = u64::from(c.to_digit(16)?);
        digits += 1;
        if bits >> 58 == 0 {
            bits = bits << 4 | digit;
            exponent -= if seen_point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if seen_point { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return None;
    }
    // The lowest bit is far below the 53 that count, so what was cut off can stand in it for rounding.
    let mut value = (bits | u64::from(sticky && bits != 0)) as f64;
    while exponent > 0 && value != 0.0 && value.is_finite() {
        let step = exponent.min(1000);
        value *= 2f64.powi(step as i32);
        exponent -= step;
    }
    if exponent < 0 && value != 0.0 {
        value = scale_down(bits | u64::from(sticky), -exponent);
    }
    value.is_finite().then_some(value)
}

/// `bits * 2^-exponent`, rounded once.
fn scale_down(bits: u64, exponent: i64) -> f64 {
    let length = i64::from(64 - bits.leading_zeros());
    // Exponent of the highest bit of the result; below -1022 the result is subnormal and keeps fewer bits.
    let top = length - 1 - exponent;
    if top < -1075 {
        return 0.0;
    }
    let keep = if top < -1022 { 53 - (-1022 - top) } else { 53 };
    let drop = (length - keep).max(0);
    let rounded = if drop == 0 {
        bits
    } else if drop > 63 {
        u64::from(drop == 64 && bits > 1 << 63)
    } else {
        let (kept, rest, half) = (bits >> drop, bits & ((1 << drop) - 1), 1u64 << (drop - 1));
        kept + u64::from(rest > half || (rest == half && kept & 1 == 1))
    };
    let (mut value, mut left) = (rounded as f64, exponent - drop);
    while left > 0 {
        let step = left.min(1000);
        value *= 2f64.powi(-(step as i32));
        left -= step;
    }
    while left < 0 {
        let step = (-left).min(1000);
        value *= 2f64.powi(step as i32);
        left += step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_nans() {
        assert!(is_stale(stale_nan()) && !is_stale(normal_nan()) && !is_stale(f64::NAN));
        assert!(normal_nan().is_nan() && stale_nan().is_nan());
    }

    #[test]
    fn text_forms() {
        // value, JSON, 'f', 'g' as Go writes them
        let cases = [
            (0.0, "0", "0", "0"),
            (-0.0, "-0", "-0", "-0"),
            (1.0, "1", "1", "1"),
            (0.1, "0.1", "0.1", "0.1"),
            (-1.5, "-1.5", "-1.5", "-1.5"),
            (1e6, "1000000", "1000000", "1e+06"),
            (123456789.0, "123456789", "123456789", "1.23456789e+08"),
            (1e20, "100000000000000000000", "100000000000000000000", "1e+20"),
            (1e21, "1e+21", "1000000000000000000000", "1e+21"),
            (1e-5, "0.00001", "0.00001", "1e-05"),
            (1e-6, "0.000001", "0.000001", "1e-06"),
            (1.5e-7, "1.5e-07", "0.00000015", "1.5e-07"),
            (f64::INFINITY, "+Inf", "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf"),
            (f64::NAN, "NaN", "NaN", "NaN"),
            (1.2345e100, "1.2345e+100", &format!("12345{}", "0".repeat(96)), "1.2345e+100"),
        ];
        for (value, json, plain, g) in cases {
            assert_eq!(format_float(value), json);
            assert_eq!(format_float_plain(value), plain);
            assert_eq!(format_float_g(value), g, "{value}");
        }
    }

    #[test]
    fn parses_what_go_parses() {
        let good = [
            ("1", 1.0),
            ("+1.5", 1.5),
            (".5", 0.5),
            ("1.", 1.0),
            ("1e3", 1e3),
            ("1_23.50_0_0e+1_2", 1.235e14),
            ("-Inf", f64::NEG_INFINITY),
            ("InFiNiTy", f64::INFINITY),
        ];
        for (text, value) in good.into_iter().chain([
            ("0x10p0", 16.0),
            ("0x.8p1", 1.0),
            ("-0x1p-1074", -5e-324),
            ("0x1.fffffffffffff8p0", 2.0),
        ]) {
            assert_eq!(parse_float(text), Some(value), "{text}");
        }
        assert!(parse_float("NaN").unwrap().is_nan());
        for text in [
            "",
            "+",
            "_1",
            "1_",
            "1__0",
            "1_.5",
            "0x1",
            "1e400",
            "--1",
            "+-1",
            "-nan",
            "abc",
            "1e",
            " 1",
            "0xp1",
            "0x1p99999",
        ] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }
}
