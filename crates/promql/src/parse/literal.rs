//! What literals are worth: numbers, durations and strings.

use model::duration::parse_prometheus;
use model::value::normal_nan;

use super::stream::{Parsed, Parser};
use super::token::{Kind, Token, quote};
use crate::ast::{Nanos, NumberLiteral, StringLiteral};

impl<'a> Parser<'a> {
    /// Returns the value of a number or a duration, the latter in seconds.
    pub(super) fn literal_value(&self, token: Token<'a>) -> Parsed<f64> {
        if token.kind == Kind::Duration {
            return match parse_prometheus(token.text) {
                Ok(ms) => Ok(Nanos::from_ms(ms).seconds()),
                Err(e) => Err(self.error(token.pos(), e.to_string())),
            };
        }
        parse_number(token.text)
            .map_err(|e| self.error(self.last_pos(), format!("error parsing number: {e}")))
    }

    /// Makes a literal of a number or a duration.
    pub(super) fn number_literal(&self, token: Token<'a>) -> Parsed<NumberLiteral> {
        let value = self.literal_value(token)?;
        Ok(NumberLiteral { value, duration: token.kind == Kind::Duration, pos: token.pos() })
    }

    /// Makes a literal of a string.
    pub(super) fn string_literal(&self, token: Token<'a>) -> StringLiteral {
        let pos = token.pos();
        match String::from_utf8(unquote(token.text)) {
            Ok(value) => StringLiteral { value, broken: None, pos },
            Err(e) => {
                let value = String::from_utf8_lossy(e.as_bytes()).into_owned();
                StringLiteral { value, broken: Some(e.into_bytes().into()), pos }
            }
        }
    }

    /// Resolves a string that is the name or the value of a label.
    pub(super) fn label_string(&self, token: Token<'a>) -> Parsed<String> {
        String::from_utf8(unquote(token.text)).map_err(|e| {
            // Prometheus takes matchers of any bytes here; they could match no label.
            let text = quote_bytes(e.as_bytes());
            self.error(token.pos(), format!("string {text} of a label is not valid UTF-8"))
        })
    }
}

/// Quotes bytes as Go's `%q` does strings that may be broken.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let quoted = quote(chunk.valid());
        out.push_str(&quoted[1..quoted.len() - 1]);
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// Changes the sign of a literal. A NaN has none: its bits stay, as in Prometheus.
pub(super) fn negated(value: f64) -> f64 {
    if value.is_nan() { value } else { -value }
}

/// Takes a number as Go's `strconv`: first as an integer, whose base the prefix tells (`0x1f`, `017`), then as a float.
fn parse_number(text: &str) -> Result<f64, String> {
    if let Some(value) = parse_integer(text) {
        return Ok(value as f64);
    }
    let failed = |why: &str| format!("strconv.ParseFloat: parsing {}: {why}", quote(text));
    if text.eq_ignore_ascii_case("inf") {
        return Ok(f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(normal_nan());
    }
    // A hexadecimal float has an exponent of two, which the lexer does not take: only digits get here.
    if text.starts_with("0x") || text.starts_with("0X") || !underscores_separate_digits(text, false) {
        return Err(failed("invalid syntax"));
    }
    let value: f64 = text.replace('_', "").parse().map_err(|_| failed("invalid syntax"))?;
    if value.is_infinite() {
        return Err(failed("value out of range"));
    }
    Ok(value)
}

fn parse_integer(text: &str) -> Option<i64> {
    let (digits, base, prefixed) = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&text[2..], 16, true),
        // Go's octal prefix is a bare zero.
        [b'0', _, ..] => (&text[1..], 8, true),
        _ => (text, 10, false),
    };
    if text.contains('_') && !underscores_separate_digits(digits, prefixed) {
        return None;
    }
    let digits = digits.replace('_', "");
    // A sign is no part of the token.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&digits, base).ok()
}

/// Whether every underscore stands behind a digit (or the base prefix) and before one.
fn underscores_separate_digits(text: &str, after_prefix: bool) -> bool {
    let mut previous = if after_prefix { '0' } else { '!' };
    for c in text.chars() {
        if c == '_' {
            if previous != '0' {
                return false;
            }
            previous = '_';
        } else if c.is_ascii_hexdigit() && (after_prefix || c.is_ascii_digit()) {
            previous = '0';
        } else {
            if previous == '_' {
                return false;
            }
            previous = '!';
        }
    }
    previous != '_'
}

/// Takes the quotes off and resolves escapes, whose form the lexer has checked.
pub(super) fn unquote(text: &str) -> Vec<u8> {
    let inner = &text[1..text.len() - 1];
    if text.starts_with('`') || !inner.contains('\\') {
        return inner.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let Some(escape) = rest.next() else {
            break;
        };
        let mut number = |first: u32, digits: usize, base: u32| {
            rest.by_ref()
                .take(digits)
                .filter_map(|c| c.to_digit(base))
                .fold(first, |value, d| value * base + d)
        };
        match escape {
            'a' => out.push(0x07),
            'b' => out.push(0x08),
            'f' => out.push(0x0c),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(0x0b),
            // Bytes, which may make up characters together; the lexer lets none above 255 through.
            'x' => out.push(number(0, 2, 16) as u8),
            '0'..='7' => out.push(number(escape.to_digit(8).unwrap_or_default(), 2, 8) as u8),
            'u' | 'U' => {
                let value = number(0, if escape == 'u' { 4 } else { 8 }, 16);
                let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_numbers_as_go_does() {
        for (text, value) in [
            ("0x1F", 31.0),
            ("017", 15.0),
            ("08", 8.0),
            ("1_000.5", 1000.5),
            ("0x_1", 1.0),
            ("0_7", 7.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("iNF", f64::INFINITY),
            ("9223372036854775808", 9.223372036854776e18),
        ] {
            assert_eq!(parse_number(text), Ok(value), "{text}");
        }
        for text in ["1__0", "1_.5", "0xFFFFFFFFFFFFFFFFF", "1e"] {
            assert!(parse_number(text).unwrap_err().ends_with("invalid syntax"), "{text}");
        }
        assert!(parse_number("1e400").unwrap_err().ends_with("value out of range"));
    }

    #[test]
    fn resolves_escapes() {
        let text = "a\nAA\u{e9}\u{1f600}\"";
        assert_eq!(unquote(r#""a\n\x41\101\u00e9\U0001F600\"""#), text.as_bytes());
        assert_eq!(unquote(r#""\xe4\xb8\x96""#), "\u{4e16}".as_bytes());
        assert_eq!(unquote(r#""\xff""#), [0xff]);
        assert_eq!(unquote("`a\\n`"), b"a\\n");
        assert_eq!(quote_bytes(b"a\xff\n"), r#""a\xff\n""#);
    }
}
