//! Points in time as text. All values are ms since the epoch.

use jiff::{Timestamp, civil::DateTime};

use crate::quote::quote;
use crate::value::parse_float;

/// The earliest time the API takes, in ms.
pub const MIN_TIME_MS: i64 = (i64::MIN / 1000 + 62_135_596_801) * 1000;
/// The latest time the API takes, in ms.
pub const MAX_TIME_MS: i64 = (i64::MAX / 1000 - 62_135_596_801) * 1000 + 999;
const MIN_TIME: &str = "-292273086-05-16T16:47:06Z";
const MAX_TIME: &str = "292277025-08-18T07:12:54.999999999Z";

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot parse {} to a valid timestamp", quote(.0))]
pub struct TimeError(pub String);

/// Parses RFC 3339 with optional fractions of a second; what is below a millisecond is cut off towards the past.
pub fn parse_rfc3339_ms(text: &str) -> Result<i64, TimeError> {
    let error = || TimeError(text.to_owned());
    // jiff is more lenient than the RFC (a missing `T`, basic forms, a zone in brackets), so the form is checked first.
    if !is_rfc3339(text.as_bytes()) {
        return Err(error());
    }
    // Civil times reach to the end of year 9999, which flags have for "no end"; jiff's timestamps end a day earlier.
    let (civil, zone) = text.split_at(text.len() - if text.ends_with('Z') { 1 } else { 6 });
    let civil: DateTime = civil.parse().map_err(|_| error())?;
    let offset_minutes = match zone.as_bytes() {
        b"Z" => 0,
        [sign, zone @ ..] => {
            let two = |at: usize| i128::from(zone[at] - b'0') * 10 + i128::from(zone[at + 1] - b'0');
            let (hours, minutes) = (two(0), two(3));
            if hours > 23 || minutes > 59 {
                return Err(error());
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        [] => return Err(error()),
    };
    let since_epoch = civil.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_nanos();
    Ok((since_epoch - offset_minutes * 60_000_000_000).div_euclid(1_000_000) as i64)
}

fn is_rfc3339(text: &[u8]) -> bool {
    let form = |part: &[u8], pattern: &[u8]| {
        part.len() == pattern.len()
            && part.iter().zip(pattern).all(|(c, p)| if *p == b'0' { c.is_ascii_digit() } else { c == p })
    };
    if text.len() < 20 || !form(&text[..19], b"0000-00-00T00:00:00") || &text[17..19] > b"59".as_slice() {
        return false;
    }
    let mut zone = &text[19..];
    if let [b'.' | b',', rest @ ..] = zone {
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        // jiff holds nine digits; more can't be meant.
        if digits == 0 || digits > 9 {
            return false;
        }
        zone = &rest[digits..];
    }
    zone == b"Z" || form(zone, b"+00:00") || form(zone, b"-00:00")
}

/// Parses a time as Prometheus's API does: seconds since the epoch as a float (rounded to ms), RFC 3339, or its own outermost times.
pub fn parse_prometheus_time(text: &str) -> Result<i64, TimeError> {
    if let Some(seconds) = parse_float(text) {
        let (whole, fraction) = (seconds.trunc(), (seconds.fract() * 1000.0).round());
        if !seconds.is_finite() || whole.abs() > (i64::MAX / 1000 - 1) as f64 {
            return Err(TimeError(text.to_owned()));
        }
        return Ok(whole as i64 * 1000 + fraction as i64);
    }
    match text {
        MIN_TIME => Ok(MIN_TIME_MS),
        _ if text.strip_prefix('+').unwrap_or(text) == MAX_TIME => Ok(MAX_TIME_MS),
        _ => parse_rfc3339_ms(text),
    }
}

/// Formats ms as RFC 3339 in UTC with as many digits as needed, none for whole seconds: Go's RFC3339Nano form.
///
/// Times outside of what four-digit years hold are written as ms.
pub fn format_rfc3339(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_string(),
        Err(_) => ms.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_times() {
        for (text, ms) in [
            ("0", 0),
            ("123.123", 123_123),
            ("1543578564.705", 1_543_578_564_705),
            ("-1.5", -1_500),
            ("2015-06-03T13:21:58.555Z", 1_433_337_718_555),
            ("2015-06-03T14:21:58.555+01:00", 1_433_337_718_555),
            ("1970-01-01T00:00:00Z", 0),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
            ("2015-06-03T12:21:58.5559-01:00", 1_433_337_718_555),
            (MIN_TIME, MIN_TIME_MS),
            (MAX_TIME, MAX_TIME_MS),
        ] {
            assert_eq!(parse_prometheus_time(text), Ok(ms), "{text}");
        }
        for text in [
            "",
            "foo",
            "30s",
            "2015-06-03T21:21:58",
            "2015-06-03 13:21:58Z",
            "2015-13-03T13:21:58Z",
            "NaN",
            "Inf",
            "1e30",
        ] {
            assert!(parse_prometheus_time(text).is_err(), "{text}");
        }
        assert_eq!(
            parse_prometheus_time("x").unwrap_err().to_string(),
            r#"cannot parse "x" to a valid timestamp"#
        );
    }

    #[test]
    fn formats() {
        assert_eq!(format_rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(format_rfc3339(1_433_337_718_555), "2015-06-03T13:21:58.555Z");
        assert_eq!(format_rfc3339(1_433_337_718_550), "2015-06-03T13:21:58.55Z");
        assert_eq!(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
    }
}
