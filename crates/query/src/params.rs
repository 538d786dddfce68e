//! The parameters of HTTP requests, with Go's and Thanos's ways of reading them.

use std::fmt;

/// A parameter that cannot be read. The text is Thanos's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadParam(pub String);

impl fmt::Display for BadParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadParam {}

/// The values of a request's form: those of the body before those of the URL, as in Go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
    /// How many of the pairs are of the body.
    body: usize,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` pairs of the URL and of the body.
    pub(crate) fn parse(query: &str, body: &[u8]) -> Form {
        let mut pairs = decode(body);
        let body = pairs.len();
        pairs.extend(decode(query.as_bytes()));
        Form { pairs, body }
    }

    /// The first value of a name, or the empty string.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// All values of a name.
    pub(crate) fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name, owned.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.all(name).map(str::to_owned).collect()
    }

    /// The first value of a name in the URL alone, or the empty string.
    pub(crate) fn url(&self, name: &str) -> &str {
        let url = self.pairs[self.body..].iter();
        url.filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).next().unwrap_or("")
    }

    /// A time parameter in ms; `default` when it is absent.
    pub(crate) fn time(&self, name: &str, default: i64) -> Result<i64, BadParam> {
        match self.get(name) {
            "" => Ok(default),
            text => parse_time(text)
                .map_err(|error| BadParam(format!("Invalid time value for '{name}': {error}"))),
        }
    }

    /// A boolean parameter as Go reads it; `default` when it is absent.
    pub(crate) fn boolean(&self, name: &str, default: bool) -> Result<bool, BadParam> {
        match self.get(name) {
            "" => Ok(default),
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            text => Err(BadParam(format!(
                "'{name}' parameter: strconv.ParseBool: parsing {text:?}: invalid syntax"
            ))),
        }
    }

    /// The `limit` parameter; 0 is none.
    pub(crate) fn limit(&self) -> Result<usize, BadParam> {
        let text = self.get("limit");
        if text.is_empty() {
            return Ok(0);
        }
        let limit: i64 =
            text.parse().map_err(|_| BadParam(format!("cannot parse {text:?} to a valid limit")))?;
        usize::try_from(limit).map_err(|_| BadParam("limit must be non-negative".to_owned()))
    }
}

fn decode(text: &[u8]) -> Vec<(String, String)> {
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            (unescape(name), unescape(value))
        })
        .collect()
}

/// Undoes percent-encoding; what is not valid stays as it is.
fn unescape(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |at: usize| tail.get(at).and_then(|digit| (*digit as char).to_digit(16));
        match (byte, hex(0), hex(1)) {
            (b'+', ..) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                rest = &tail[2..];
                continue;
            }
            _ => out.push(byte),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Parses a time — Unix seconds or RFC 3339 — to ms.
pub(crate) fn parse_time(text: &str) -> Result<i64, BadParam> {
    let bad = || BadParam(format!("cannot parse {text:?} to a valid timestamp"));
    if let Some(seconds) = model::value::parse_float(text) {
        return Ok(float_time(seconds));
    }
    model::time::parse_rfc3339_ms(text).map_err(|_| bad())
}

/// Unix seconds to ms with what Go makes of a number out of range: the conversion gives the least integer, and the rest wraps around.
fn float_time(seconds: f64) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let whole = to_i64(seconds.trunc());
    // Go has no number for the fraction of an infinity.
    let fraction = if seconds.is_finite() { (seconds.fract() * 1000.0).round() / 1000.0 } else { f64::NAN };
    let ns = to_i64(fraction * 1e9);
    let seconds = whole.wrapping_add(ns.div_euclid(SECOND));
    seconds.wrapping_mul(1000).wrapping_add(ns.rem_euclid(SECOND) / 1_000_000)
}

/// Go's conversion of a float to an integer on amd64: what does not fit becomes the least integer.
fn to_i64(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

/// Parses a duration — seconds, or as `1h30m` — to ns.
pub(crate) fn parse_duration_ns(text: &str) -> Result<i64, BadParam> {
    if let Some(seconds) = model::value::parse_float(text) {
        let ns = seconds * 1e9;
        if ns > i64::MAX as f64 || ns < i64::MIN as f64 {
            return Err(BadParam(format!("cannot parse {text:?} to a valid duration. It overflows int64")));
        }
        return Ok(to_i64(ns));
    }
    model::duration::parse_prometheus(text)
        .ok()
        .and_then(|ms| ms.checked_mul(1_000_000))
        .ok_or_else(|| BadParam(format!("cannot parse {text:?} to a valid duration")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_comes_before_url() {
        let form = Form::parse("query=a%2Bb&match[]=x&match%5B%5D=y&empty", b"query=c+d");
        assert_eq!(form.get("query"), "c d");
        assert_eq!(form.url("query"), "a+b");
        assert_eq!(form.list("match[]"), ["x", "y"]);
        assert_eq!((form.get("empty"), form.get("absent")), ("", ""));
    }

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(Form::parse("a=%zz%2", b"").get("a"), "%zz%2");
    }

    #[test]
    fn times_are_seconds_or_rfc3339() {
        assert_eq!(parse_time("1600000000.1234"), Ok(1_600_000_000_123));
        assert_eq!(parse_time("-1.5"), Ok(-1500));
        assert_eq!(parse_time("2020-09-13T12:26:40.5Z"), Ok(1_600_000_000_500));
        // What is out of range wraps around, as in Go.
        assert_eq!(parse_time("1e30"), Ok(0));
        assert_eq!(parse_time("NaN"), parse_time("-Inf"));
        assert_eq!(parse_time("now").unwrap_err().0, "cannot parse \"now\" to a valid timestamp");
    }

    #[test]
    fn durations_are_seconds_or_with_units() {
        assert_eq!(parse_duration_ns("0.5"), Ok(500_000_000));
        assert_eq!(parse_duration_ns("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(parse_duration_ns("-5"), Ok(-5_000_000_000));
        assert_eq!(parse_duration_ns("NaN"), Ok(i64::MIN));
        assert!(parse_duration_ns("1e30").unwrap_err().0.contains("overflows"));
        assert!(parse_duration_ns("x").is_err());
    }

    #[test]
    fn limits_and_booleans() {
        assert_eq!(Form::parse("limit=3", b"").limit(), Ok(3));
        assert!(Form::parse("limit=-3", b"").limit().is_err());
        assert_eq!(Form::parse("dedup=F", b"").boolean("dedup", true), Ok(false));
        let error = Form::parse("dedup=no", b"").boolean("dedup", true).unwrap_err();
        assert_eq!(error.0, "'dedup' parameter: strconv.ParseBool: parsing \"no\": invalid syntax");
    }
}
