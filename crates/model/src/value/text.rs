//! Text forms of floats, as Go writes them: the shortest digits that read back the same.
//!
//! A range query's answer is mostly such text, so that whole numbers and numbers of usual size have ways of their own.

/// Appends a number in the plain form: never with an exponent.
pub(super) fn push_plain(out: &mut String, value: f64) {
    if push_special(out, value) || push_whole(out, value) {
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if !text.as_bytes().contains(&b'e') {
        return out.push_str(text.strip_suffix(".0").unwrap_or(text));
    }
    let Decimal { negative, digits, exponent } = Decimal::of(text);
    if negative {
        out.push('-');
    }
    let zeros = |out: &mut String, count: usize| out.extend(std::iter::repeat_n('0', count));
    match usize::try_from(exponent) {
        Ok(behind) if digits.len() > behind + 1 => {
            let (whole, fraction) = digits.split_at(behind + 1);
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
        Ok(behind) => {
            out.push_str(&digits);
            zeros(out, behind + 1 - digits.len());
        }
        Err(_) => {
            out.push_str("0.");
            zeros(out, exponent.unsigned_abs() as usize - 1);
            out.push_str(&digits);
        }
    }
}

/// Appends a number in Go's 'e' form: one digit before the point, the exponent with a sign and at least two digits.
pub(super) fn push_exponent(out: &mut String, value: f64) {
    if push_special(out, value) {
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let Decimal { negative, digits, exponent } = Decimal::of(buffer.format_finite(value));
    if negative {
        out.push('-');
    }
    let (first, rest) = digits.split_at(1);
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out.push_str(if exponent < 0 { "e-" } else { "e+" });
    if exponent.unsigned_abs() < 10 {
        out.push('0');
    }
    push_integer(out, u64::from(exponent.unsigned_abs()));
}

fn push_special(out: &mut String, value: f64) -> bool {
    let text = match value {
        v if v.is_nan() => "NaN",
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => return false,
    };
    out.push_str(text);
    true
}

/// Appends a whole number of which all digits count.
fn push_whole(out: &mut String, value: f64) -> bool {
    // The sign of a zero is in no integer.
    let whole = value as i64;
    if whole as f64 != value || whole.unsigned_abs() > 1 << 53 || value.to_bits() == (-0.0f64).to_bits() {
        return false;
    }
    if whole < 0 {
        out.push('-');
    }
    push_integer(out, whole.unsigned_abs());
    true
}

/// Appends an integer in decimal.
pub fn push_integer(out: &mut String, value: u64) {
    const PAIRS: [u8; 200] = {
        let mut pairs = [0; 200];
        let mut i = 0;
        while i < 100 {
            pairs[2 * i] = b'0' + (i / 10) as u8;
            pairs[2 * i + 1] = b'0' + (i % 10) as u8;
            i += 1;
        }
        pairs
    };
    let mut text = [0u8; 20];
    let (mut at, mut rest) = (text.len(), value);
    while rest >= 100 {
        let pair = 2 * (rest % 100) as usize;
        rest /= 100;
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if rest >= 10 {
        let pair = 2 * rest as usize;
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        text[at] = b'0' + rest as u8;
    }
    out.push_str(std::str::from_utf8(&text[at..]).expect("digits are ASCII"));
}

/// A decimal number: `d.ddd` times ten to the exponent.
struct Decimal {
    negative: bool,
    /// Without zeros at either end, but for the one of zero.
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// Takes apart a number in any form with digits, a point and an exponent.
    fn of(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut exponent: i32 = exponent.parse().expect("an exponent is a small number");
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        exponent += whole.len() as i32 - 1;
        let mut digits = [whole, fraction].concat();
        let zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
        if zeros == digits.len() {
            return Decimal { negative, digits: "0".to_owned(), exponent: 0 };
        }
        digits.drain(..zeros);
        exponent -= zeros as i32;
        digits.truncate(digits.trim_end_matches('0').len());
        Decimal { negative, digits, exponent }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(push: impl Fn(&mut String, f64), value: f64) -> String {
        let mut out = String::new();
        push(&mut out, value);
        out
    }

    #[test]
    fn ties_go_to_even() {
        let ties = [
            (-2787750033987189.0 / 4.0, "-696937508496797.2", "-6.969375084967972e+14"),
            (4503599627370497.5, "4503599627370498", "4.503599627370498e+15"),
            (4503599627370496.5, "4503599627370496", "4.503599627370496e+15"),
        ];
        for (value, plain, exponent) in ties {
            assert_eq!(
                (text(push_plain, value).as_str(), text(push_exponent, value).as_str()),
                (plain, exponent)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// The standard library finds digits as few, by another way. Halfway between two of as many digits it rounds up, and Go to even.
        #[test]
        fn shortest_as_the_standard_library(
            value in prop_oneof![
                any::<u64>().prop_map(f64::from_bits),
                any::<i32>().prop_map(|v| f64::from(v) / 1000.0),
                any::<i64>().prop_map(|v| v as f64),
                (any::<u32>(), -30..30i32).prop_map(|(v, e)| f64::from(v) * 10f64.powi(e)),
            ].prop_filter("finite", |v| v.is_finite()),
        ) {
            let plain = text(push_plain, value);
            prop_assert_eq!(plain.parse::<f64>().unwrap().to_bits(), value.to_bits());
            prop_assert_eq!(plain.len(), format!("{value}").len());
            let exponent = text(push_exponent, value);
            prop_assert_eq!(exponent.parse::<f64>().unwrap().to_bits(), value.to_bits());
            let digits = |text: &str| text.split('e').next().unwrap().len();
            prop_assert_eq!(digits(&exponent), digits(&format!("{value:e}")));
            prop_assert!(exponent[digits(&exponent) + 1..].len() >= 3);
        }

        #[test]
        fn integers(value in prop_oneof![any::<u64>(), 0..2000u64]) {
            let mut out = String::new();
            push_integer(&mut out, value);
            prop_assert_eq!(out, value.to_string());
        }
    }
}
