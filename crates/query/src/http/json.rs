//! JSON as Go writes it: query results in Prometheus's form, and strings with HTML characters escaped.

use std::fmt::Write as _;

use model::histogram::FloatHistogram;
use model::labels::Labels;
use model::value::{format_float_into, push_integer};
use promql::value::{MatrixSeries, Sample, SampleValue, Value};

/// Appends a string in quotes; `html` also escapes `<`, `>` and `&`, as Go does for all but label sets.
pub(crate) fn push_string(out: &mut String, text: &str, html: bool) {
    out.push('"');
    let escaped = |byte: u8| {
        // U+2028 and U+2029 begin with 0xe2.
        byte < b' ' || matches!(byte, b'"' | b'\\') || (html && matches!(byte, b'<' | b'>' | b'&' | 0xe2))
    };
    let plain = if html { !text.bytes().any(escaped) } else { is_plain(text.as_bytes()) };
    if plain {
        out.push_str(text);
        out.push('"');
        return;
    }
    let mut plain = 0;
    for (at, char) in text.char_indices() {
        let escaped: Option<&str> = match char {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            '\u{2028}' if html => Some("\\u2028"),
            '\u{2029}' if html => Some("\\u2029"),
            '<' | '>' | '&' if html => None,
            '\0'..'\u{20}' => None,
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        match escaped {
            Some(escaped) => out.push_str(escaped),
            None => write!(out, "\\u{:04x}", char as u32).expect("writing to a string"),
        }
        plain = at + char.len_utf8();
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Whether no byte is a control character, a quote or a backslash; eight are looked at at once.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    // The highest bit of some byte is set if one is below `n`, at most 128, and of none otherwise.
    let below = |word: u64, n: u64| word.wrapping_sub(n * ONES) & !word & HIGH;
    let escaped = |word: u64| {
        let (quote, backslash) = (word ^ (u64::from(b'"') * ONES), word ^ (u64::from(b'\\') * ONES));
        below(word, u64::from(b' ')) | below(quote, 1) | below(backslash, 1)
    };
    let (words, rest) = text.as_chunks::<8>();
    // What is missing are letters.
    let mut last = [b'a'; 8];
    last[..rest.len()].copy_from_slice(rest);
    let found = words
        .iter()
        .fold(escaped(u64::from_le_bytes(last)), |found, word| found | escaped(u64::from_le_bytes(*word)));
    found == 0
}

/// Appends a label set as an object, the way query results and series have it: HTML characters stay.
pub(crate) fn push_labels(out: &mut String, labels: &Labels) {
    push_label_object(out, labels, false);
}

/// Appends a label set as an object; `html` escapes HTML characters, as in rules and targets.
pub(crate) fn push_label_object(out: &mut String, labels: &Labels, html: bool) {
    out.push('{');
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, name, html);
        out.push(':');
        push_string(out, value, html);
    }
    out.push('}');
}

/// Appends a list, each item by `push`.
pub(crate) fn push_list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut push: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(']');
}

/// Appends ms as seconds: whole ones plain, others with three decimals.
pub(crate) fn push_timestamp(out: &mut String, ms: i64) {
    if ms < 0 {
        out.push('-');
    }
    let ms = ms.unsigned_abs();
    push_integer(out, ms / 1000);
    if !ms.is_multiple_of(1000) {
        out.push('.');
        let fraction = ms % 1000;
        for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
            out.push(char::from(b'0' + digit as u8));
        }
    }
}

/// Appends a finite number as Go writes it in JSON: exponents have no zero in front.
pub(crate) fn push_float(out: &mut String, value: f64) {
    let mut text = String::new();
    format_float_into(&mut text, value);
    out.push_str(&text.replace("e-0", "e-"));
}

fn push_quoted_float(out: &mut String, value: f64) {
    out.push('"');
    format_float_into(out, value);
    out.push('"');
}

fn push_float_point(out: &mut String, (t, value): (i64, f64)) {
    out.push('[');
    push_timestamp(out, t);
    out.push(',');
    push_quoted_float(out, value);
    out.push(']');
}

fn push_histogram_point(out: &mut String, t: i64, histogram: &FloatHistogram) {
    out.push('[');
    push_timestamp(out, t);
    out.push_str(",{\"count\":");
    push_quoted_float(out, histogram.count);
    out.push_str(",\"sum\":");
    push_quoted_float(out, histogram.sum);
    let mut first = true;
    for bucket in histogram.all_iter().filter(|bucket| bucket.count != 0.0) {
        out.push_str(if first { ",\"buckets\":[" } else { "," });
        first = false;
        // Which ends belong to the bucket: 0 open left, 1 open right, 2 both open, 3 both closed.
        let boundaries = match (bucket.lower_inclusive, bucket.upper_inclusive) {
            (false, true) => 0,
            (true, false) => 1,
            (false, false) => 2,
            (true, true) => 3,
        };
        write!(out, "[{boundaries},").expect("writing to a string");
        push_quoted_float(out, bucket.lower);
        out.push(',');
        push_quoted_float(out, bucket.upper);
        out.push(',');
        push_quoted_float(out, bucket.count);
        out.push(']');
    }
    if !first {
        out.push(']');
    }
    out.push_str("}]");
}

pub(crate) fn push_sample(out: &mut String, sample: &Sample) {
    out.push_str("{\"metric\":");
    push_labels(out, &sample.labels);
    match &sample.value {
        SampleValue::Float(value) => {
            out.push_str(",\"value\":");
            push_float_point(out, (sample.t, *value));
        }
        SampleValue::Histogram(histogram) => {
            out.push_str(",\"histogram\":");
            push_histogram_point(out, sample.t, histogram);
        }
    }
    out.push('}');
}

pub(crate) fn push_series(out: &mut String, series: &MatrixSeries) {
    out.push_str("{\"metric\":");
    push_labels(out, series.labels());
    let mut floats = series.floats().peekable();
    if floats.peek().is_some() {
        out.push_str(",\"values\":");
        push_list(out, floats, push_float_point);
    }
    let mut histograms = series.histograms().peekable();
    if histograms.peek().is_some() {
        out.push_str(",\"histograms\":");
        push_list(out, histograms, |out, (t, histogram)| push_histogram_point(out, t, histogram));
    }
    out.push('}');
}

/// A result value in pieces of about `PIECE` bytes, so that a large answer is never one string.
pub(crate) struct ValuePieces {
    value: Value,
    at: usize,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Start,
    Middle,
    Done,
}

const PIECE: usize = 64 << 10;

impl ValuePieces {
    pub(crate) fn new(value: Value) -> Self {
        ValuePieces { value, at: 0, state: State::Start }
    }
}

impl Iterator for ValuePieces {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.state == State::Done {
            return None;
        }
        let len = match &self.value {
            Value::Vector(samples) => samples.len(),
            Value::Matrix(series) => series.len(),
            Value::Scalar { .. } | Value::String { .. } => 1,
        };
        let mut out = String::with_capacity(if len > 1 { PIECE + PIECE / 8 } else { 0 });
        match &self.value {
            Value::Scalar { t, value } => {
                out.push('[');
                push_timestamp(&mut out, *t);
                // Unlike the values of series, a scalar never has an exponent.
                match value.is_finite() {
                    true => out.push_str(&format!(",\"{value}\"")),
                    false => {
                        out.push(',');
                        push_quoted_float(&mut out, *value);
                    }
                }
                out.push(']');
                self.state = State::Done;
                return Some(out);
            }
            Value::String { t, value } => {
                out.push('[');
                push_timestamp(&mut out, *t);
                out.push(',');
                // Unlike label sets, a text goes through Go's plain encoder.
                push_string(&mut out, value, true);
                out.push(']');
                self.state = State::Done;
                return Some(out);
            }
            Value::Vector(_) | Value::Matrix(_) => {}
        }
        if self.state == State::Start {
            out.push('[');
            self.state = State::Middle;
        }
        while self.at < len && out.len() < PIECE {
            if self.at > 0 {
                out.push(',');
            }
            match &self.value {
                Value::Vector(samples) => push_sample(&mut out, &samples[self.at]),
                Value::Matrix(series) => push_series(&mut out, &series[self.at]),
                Value::Scalar { .. } | Value::String { .. } => {}
            }
            self.at += 1;
        }
        if self.at == len {
            out.push(']');
            self.state = State::Done;
        }
        Some(out)
    }
}

/// Escapes HTML characters in finished JSON, where they can only stand inside strings.
pub(crate) fn escape_html(json: String) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", char as u32).expect("writing to a string")
            }
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(value: Value) -> String {
        ValuePieces::new(value).collect()
    }

    #[test]
    fn every_byte_that_needs_it_is_found_wherever_it_is() {
        for len in 1..20 {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'z'; len];
                    text[at] = byte;
                    let escaped = byte < b' ' || byte == b'"' || byte == b'\\';
                    assert_eq!(is_plain(&text), !escaped, "{byte} at {at} of {len}");
                }
            }
        }
        assert!(is_plain(b"") && is_plain("é§日本語 \u{2028}<&>~".as_bytes()));
    }

    #[test]
    fn timestamps_have_three_decimals_or_none() {
        for (ms, text) in [(1500, "1.500"), (-1005, "-1.005"), (2000, "2"), (0, "0")] {
            let mut out = String::new();
            push_timestamp(&mut out, ms);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn values_read_as_those_of_prometheus() {
        assert_eq!(whole(Value::Scalar { t: 1000, value: 1e21 }), r#"[1,"1000000000000000000000"]"#);
        assert_eq!(whole(Value::Scalar { t: 1000, value: -1e-8 }), r#"[1,"-0.00000001"]"#);
        assert_eq!(whole(Value::Scalar { t: 1000, value: f64::NEG_INFINITY }), r#"[1,"-Inf"]"#);
        assert_eq!(whole(Value::String { t: 1, value: "a<\"\n".into() }), r#"[0.001,"a\u003c\"\n"]"#);
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "é&\u{1}")]);
        let sample = Sample { labels: labels.clone(), t: 1000, value: SampleValue::Float(f64::NAN) };
        assert_eq!(
            whole(Value::Vector(vec![sample])),
            "[{\"metric\":{\"__name__\":\"up\",\"job\":\"é&\\u0001\"},\"value\":[1,\"NaN\"]}]"
        );
        let series = MatrixSeries::raw(labels, vec![(1000, 1.0), (2000, f64::INFINITY)], vec![]);
        assert!(whole(Value::Matrix(vec![series])).ends_with(r#""values":[[1,"1"],[2,"+Inf"]]}]"#));
        assert_eq!(whole(Value::Vector(vec![])), "[]");
    }

    #[test]
    fn html_is_escaped_where_go_does() {
        let mut out = String::new();
        push_string(&mut out, "a<b>&\u{2028}", true);
        assert_eq!(out, r#""a\u003cb\u003e\u0026\u2028""#);
        assert_eq!(escape_html("\"a<b\"".into()), r#""a\u003cb""#);
    }
}
