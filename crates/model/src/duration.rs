//! Durations as text: Prometheus's (`1h30m`, up to years) and Go's (`1h30m0s`, down to nanoseconds).

use crate::quote::quote;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("empty duration string")]
    Empty,
    /// Not of the form.
    #[error("not a valid duration string: {}", quote(.0))]
    Invalid(String),
    /// A unit that does not exist.
    #[error("unknown unit {} in duration {}", quote(.0), quote(.1))]
    UnknownUnit(String, String),
    /// More than about 292 years.
    #[error("duration out of range")]
    OutOfRange,
    /// Not of Go's form.
    #[error("time: invalid duration {}", quote(.0))]
    InvalidGo(String),
    /// A number without a unit, in Go's form.
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnitGo(String),
    /// A unit that Go does not have.
    #[error("time: unknown unit {} in duration {}", quote(.0), quote(.1))]
    UnknownUnitGo(String, String),
}

const MS: i64 = 1;
const SECOND: i64 = 1000 * MS;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 365 * DAY;
const NS_PER_MS: u64 = 1_000_000;

/// Units of the Prometheus form, the largest first: the order in which they must come.
const UNITS: [(&str, i64); 7] =
    [("y", YEAR), ("w", WEEK), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", MS)];

/// Parses the Prometheus form into ms. Not negative; `0` needs no unit; each unit at most once, the larger first.
pub fn parse_prometheus(text: &str) -> Result<i64, DurationError> {
    match text {
        "0" => return Ok(0),
        "" => return Err(DurationError::Empty),
        _ => {}
    }
    let invalid = || DurationError::Invalid(text.to_owned());
    // Counted in ns as Prometheus does, so that the same texts are out of range.
    let (mut total_ns, mut next_unit, mut rest) = (0u64, 0, text);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let value: u64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = &rest[..end];
        rest = &rest[end..];
        if unit.is_empty() {
            return Err(invalid());
        }
        let position = UNITS
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(|| DurationError::UnknownUnit(unit.to_owned(), text.to_owned()))?;
        if position < next_unit {
            return Err(invalid());
        }
        next_unit = position + 1;
        let ns = value.checked_mul(UNITS[position].1 as u64 * NS_PER_MS).ok_or(DurationError::OutOfRange)?;
        total_ns =
            total_ns.checked_add(ns).filter(|t| *t <= i64::MAX as u64).ok_or(DurationError::OutOfRange)?;
    }
    Ok((total_ns / NS_PER_MS) as i64)
}

/// As [`parse_prometheus`], with a minus sign allowed in front.
pub fn parse_prometheus_signed(text: &str) -> Result<i64, DurationError> {
    match text.strip_prefix('-') {
        Some(rest) => parse_prometheus(rest).map(|ms| -ms),
        None => parse_prometheus(text),
    }
}

/// Formats ms in the Prometheus form; years and weeks only when they leave nothing over.
pub fn format_prometheus(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if ms < 0 {
        out.push('-');
    }
    let mut rest = ms.unsigned_abs();
    for (name, unit) in UNITS {
        let unit_ms = unit as u64;
        let exact_only = unit >= WEEK;
        if rest < unit_ms || (exact_only && !rest.is_multiple_of(unit_ms)) {
            continue;
        }
        out.push_str(&format!("{}{name}", rest / unit_ms));
        rest %= unit_ms;
    }
    out
}

/// Parses Go's form (`time.ParseDuration`: `1.5h`, `-2m3s`, `10µs`) into ns.
pub fn parse_go(text: &str) -> Result<i64, DurationError> {
    let invalid = || DurationError::InvalidGo(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let whole: u64 = if digits == 0 { 0 } else { rest[..digits].parse().map_err(|_| invalid())? };
        rest = &rest[digits..];
        let (mut fraction, mut scale, mut fraction_digits) = (0u64, 1f64, 0);
        if let Some(after) = rest.strip_prefix('.') {
            fraction_digits = after.bytes().take_while(u8::is_ascii_digit).count();
            for digit in after[..fraction_digits].bytes() {
                // Digits beyond what 63 bits hold cannot change the result.
                let Some(next) = fraction
                    .checked_mul(10)
                    .and_then(|f| f.checked_add(u64::from(digit - b'0')))
                    .filter(|f| *f <= 1 << 63)
                else {
                    break;
                };
                fraction = next;
                scale *= 10.0;
            }
            rest = &after[fraction_digits..];
        }
        if digits == 0 && fraction_digits == 0 {
            return Err(invalid());
        }
        let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        let unit: u64 = match name {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(DurationError::MissingUnitGo(text.to_owned())),
            _ => return Err(DurationError::UnknownUnitGo(name.to_owned(), text.to_owned())),
        };
        let mut value = whole.checked_mul(unit).filter(|v| *v <= 1 << 63).ok_or_else(invalid)?;
        if fraction > 0 {
            value += (fraction as f64 * (unit as f64 / scale)) as u64;
        }
        total = total.checked_add(value).filter(|t| *t <= 1 << 63).ok_or_else(invalid)?;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// Formats ns in Go's form (`time.Duration.String`): `1h0m0s`, `1.5s`, `300ms`, `0s`.
pub fn format_go(ns: i64) -> String {
    if ns == 0 {
        return "0s".to_owned();
    }
    let sign = if ns < 0 { "-" } else { "" };
    let abs = ns.unsigned_abs();
    let fraction = |value: u64, unit: u64, digits: usize| {
        let mut text = (value / unit).to_string();
        if !value.is_multiple_of(unit) {
            let rest = format!("{:0digits$}", value % unit);
            text.push('.');
            text.push_str(rest.trim_end_matches('0'));
        }
        text
    };
    if abs < 1_000 {
        return format!("{sign}{abs}ns");
    }
    if abs < 1_000_000 {
        return format!("{sign}{}µs", fraction(abs, 1_000, 3));
    }
    if abs < 1_000_000_000 {
        return format!("{sign}{}ms", fraction(abs, 1_000_000, 6));
    }
    let minutes = abs / 60_000_000_000;
    let seconds = fraction(abs % 60_000_000_000, 1_000_000_000, 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_form() {
        for (text, ms) in [
            ("0", 0),
            ("0s", 0),
            ("324ms", 324),
            ("3s", 3_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("4d1h1m", 349_260_000),
        ] {
            assert_eq!(parse_prometheus(text), Ok(ms), "{text}");
        }
        for (text, ms) in [
            ("4d", 4 * DAY),
            ("3w", 3 * WEEK),
            ("3w2d1h", 3 * WEEK + 2 * DAY + HOUR),
            ("10y", 10 * YEAR),
            ("00001s", 1000),
        ] {
            assert_eq!(parse_prometheus(text), Ok(ms), "{text}");
        }
        for text in
            ["1", "1y1m1d", "-1w", "1.5d", "d", "294y2d4h3m2s1ms0", "200y200y", "1s1s", "1 s", " 1s", "1s "]
        {
            assert!(parse_prometheus(text).is_err(), "{text}");
        }
        assert_eq!(parse_prometheus(""), Err(DurationError::Empty));
        assert_eq!(parse_prometheus("294y"), Err(DurationError::OutOfRange));
        assert_eq!(parse_prometheus("1x").unwrap_err().to_string(), r#"unknown unit "x" in duration "1x""#);
        assert_eq!(parse_prometheus("1").unwrap_err().to_string(), r#"not a valid duration string: "1""#);
        assert_eq!(parse_prometheus_signed("-5m"), Ok(-300_000));
    }

    #[test]
    fn prometheus_format() {
        for text in ["0s", "324ms", "3s", "5m", "1h", "4d", "4d1h", "14d", "3w", "10y", "90d", "-1h30m"] {
            let ms = parse_prometheus_signed(text).unwrap();
            let want = if text == "14d" { "2w" } else { text };
            assert_eq!(format_prometheus(ms), want);
        }
    }

    #[test]
    fn go_form() {
        let cases: [(&str, i64); 12] = [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("-5s", -5_000_000_000),
            ("+5s", 5_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            ("12µs", 12_000),
            ("12μs", 12_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ];
        for (text, ns) in cases {
            assert_eq!(parse_go(text), Ok(ns), "{text}");
        }
        for text in
            ["", "3", "-", "s", ".", "-.", ".s", "+.s", "1d", "9223372036854775808ns", "3000000h", "\u{85}"]
        {
            assert!(parse_go(text).is_err(), "{text}");
        }
    }

    #[test]
    fn go_format() {
        let cases: [(i64, &str); 11] = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (ns, text) in cases {
            assert_eq!(format_go(ns), text);
            assert_eq!(parse_go(text), Ok(ns));
        }
    }
}
