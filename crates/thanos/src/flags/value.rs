//! Values of flags: checked as they are parsed, with the error texts of Thanos's parsers; read by type afterwards.

use std::time::Duration;

use super::{Flag, Kind};

/// A time given on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeOrDuration {
    /// Milliseconds since the epoch.
    At(i64),
    /// Milliseconds relative to now.
    FromNow(i64),
}

impl TimeOrDuration {
    /// Milliseconds since the epoch, as of now.
    pub(crate) fn ms(self) -> i64 {
        match self {
            Self::At(ms) => ms,
            Self::FromNow(ms) => jiff::Timestamp::now().as_millisecond().saturating_add(ms),
        }
    }
}

/// Checks a value that was given for `flag`.
pub(crate) fn check(flag: &Flag, text: &str) -> Result<(), String> {
    match flag.kind {
        Kind::Bool => bool(text).map(drop),
        Kind::Text | Kind::YamlFile(_) | Kind::YamlInline(_) => Ok(()),
        Kind::Address => address(text),
        Kind::Int => int(text).map(drop),
        Kind::Uint => uint(text).map(drop),
        Kind::Float => float(text).map(drop),
        Kind::GoDuration => go_duration(text).map(drop),
        Kind::PromDuration => prom_duration(text).map(drop),
        Kind::Bytes => bytes(text).map(drop),
        Kind::TimeOrDuration => time_or_duration(text).map(drop),
        Kind::Enum(options) if options.contains(&text) => Ok(()),
        Kind::Enum(options) => Err(format!("enum value must be one of {}, got '{text}'", options.join(","))),
        Kind::Url => url(text),
    }
}

pub(crate) fn bool(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// An address list of Thanos takes any text, but not the empty one.
fn address(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("address is empty".to_owned()) } else { Ok(()) }
}

pub(crate) fn float(text: &str) -> Result<f64, String> {
    let invalid = || format!("strconv.ParseFloat: parsing {text:?}: invalid syntax");
    if text.is_empty() || text.trim() != text {
        return Err(invalid());
    }
    text.parse().map_err(|_| invalid())
}

/// Kingpin reads integers as floats and cuts them.
pub(crate) fn int(text: &str) -> Result<i64, String> {
    float(text).map(|value| value as i64)
}

pub(crate) fn uint(text: &str) -> Result<u64, String> {
    let invalid = || format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
    // Base prefixes are taken as in Go's base 0.
    let (digits, radix) = match text.get(..2) {
        Some("0x" | "0X") => (&text[2..], 16),
        Some("0b" | "0B") => (&text[2..], 2),
        Some("0o" | "0O") => (&text[2..], 8),
        _ => (text, 10),
    };
    if digits.starts_with('+') {
        return Err(invalid());
    }
    u64::from_str_radix(digits, radix).map_err(|_| invalid())
}

/// Go's durations, with days and weeks as kingpin takes them.
pub(crate) fn go_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.starts_with('-') {
        // No flag of Thanos means anything by a negative duration.
        return Err(format!("time: negative duration {text:?}"));
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut nanos = 0f64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        let tail = &rest[digits..];
        let unit_length = tail.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
        let scale = match &tail[..unit_length] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 24.0 * 3600e9,
            "w" => 7.0 * 24.0 * 3600e9,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        nanos += number * scale;
        rest = &tail[unit_length..];
    }
    // The range of Go's durations.
    if nanos > i64::MAX as f64 {
        return Err(invalid());
    }
    Ok(Duration::from_nanos(nanos as u64))
}

pub(crate) fn prom_duration(text: &str) -> Result<Duration, String> {
    let ms = model::duration::parse_prometheus(text).map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(u64::try_from(ms).map_err(|_| format!("negative duration {text:?}"))?))
}

pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let invalid = || format!("units: invalid {text}");
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() || rest.starts_with('-') {
        return Err(invalid());
    }
    // 1GiB512MiB is fine and so is 1GB512MB, but not a mixture; a plain B goes with both.
    let mut binary_suffix = None;
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        let tail = &rest[digits..];
        let unit_length = tail.bytes().take_while(|byte| !byte.is_ascii_digit() && *byte != b'.').count();
        let unit = &tail[..unit_length];
        let unknown = || format!("units: unknown unit {unit} in {text}");
        let (prefix, suffix) = unit.split_at_checked(1).unwrap_or((unit, ""));
        let power = match prefix {
            "B" if suffix.is_empty() => 0,
            "K" => 1,
            "M" => 2,
            "G" => 3,
            "T" => 4,
            "P" => 5,
            "E" => 6,
            _ => return Err(unknown()),
        };
        if power > 0 && (!matches!(suffix, "iB" | "B") || *binary_suffix.get_or_insert(suffix) != suffix) {
            return Err(unknown());
        }
        total += number * 1024f64.powi(power);
        rest = &tail[unit_length..];
    }
    if total > i64::MAX as f64 {
        return Err("units: overflow parsing unit".to_owned());
    }
    Ok(total as u64)
}

pub(crate) fn time_or_duration(text: &str) -> Result<TimeOrDuration, String> {
    if let Ok(ms) = model::time::parse_rfc3339_ms(text) {
        return Ok(TimeOrDuration::At(ms));
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let ms = model::duration::parse_prometheus(rest).map_err(|error| error.to_string())?;
    Ok(TimeOrDuration::FromNow(sign * ms))
}

fn url(text: &str) -> Result<(), String> {
    // Go takes nearly everything as a URL; what it refuses first is a scheme that is empty.
    if text.starts_with(':') {
        return Err(format!("invalid URL: parse {text:?}: missing protocol scheme"));
    }
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err(format!("invalid URL: parse {text:?}: net/url: invalid control character in URL"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| go_duration(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("1h30m"), Ok(5400.0));
        assert_eq!(seconds("1.5s"), Ok(1.5));
        assert_eq!(seconds("1d"), Ok(86400.0));
        assert_eq!(seconds("0"), Ok(0.0));
        assert!(seconds("5").unwrap_err().contains("missing unit"));
        assert!(seconds("5x").unwrap_err().contains("unknown unit \"x\""));
        assert!(seconds("").is_err() && seconds("-1s").is_err() && seconds("99999999h").is_err());
        assert_eq!(prom_duration("1d12h"), Ok(Duration::from_secs(36 * 3600)));
        assert_eq!(prom_duration("1q").unwrap_err(), "unknown unit \"q\" in duration \"1q\"");
    }

    #[test]
    fn byte_sizes() {
        assert_eq!(bytes("250MB"), Ok(250 << 20));
        assert_eq!(bytes("2GB"), Ok(2 << 30));
        assert_eq!(bytes("1GiB512MiB"), Ok(1536 << 20));
        assert_eq!(bytes("1.5KB"), Ok(1536));
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("7B"), Ok(7));
        assert_eq!(bytes("1XB").unwrap_err(), "units: unknown unit XB in 1XB");
        assert!(
            bytes("1GiB1MB").is_err()
                && bytes("12").is_err()
                && bytes("").is_err()
                && bytes("99999EB").is_err()
        );
    }

    #[test]
    fn numbers_and_times() {
        assert_eq!(int("2.9"), Ok(2));
        assert_eq!(int("a").unwrap_err(), "strconv.ParseFloat: parsing \"a\": invalid syntax");
        assert_eq!(uint("0x10"), Ok(16));
        assert_eq!(uint("-1").unwrap_err(), "strconv.ParseUint: parsing \"-1\": invalid syntax");
        assert_eq!(time_or_duration("0000-01-01T00:00:00Z"), Ok(TimeOrDuration::At(-62_167_219_200_000)));
        assert_eq!(time_or_duration("9999-12-31T23:59:59Z"), Ok(TimeOrDuration::At(253_402_300_799_000)));
        assert_eq!(time_or_duration("-1d"), Ok(TimeOrDuration::FromNow(-86_400_000)));
        assert_eq!(time_or_duration("xyz").unwrap_err(), "not a valid duration string: \"xyz\"");
    }
}
