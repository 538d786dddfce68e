//! JSON in the form of Go's `encoding/json`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A JSON value that is carried along as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Turns a value into JSON.
    pub fn new(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads the value.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Lays valid JSON out with tabs and escapes what Go's encoder escapes, whatever its layout was.
pub(super) fn indented(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut in_string = false;
    // Set behind an opening bracket, whose line end is due unless it closes at once.
    let mut opened = false;
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        if in_string {
            match c {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
                }
                '\\' => {
                    out.push(b'\\');
                    push(&mut out, chars.next().unwrap_or('\\'));
                }
                _ => {
                    in_string = c != '"';
                    push(&mut out, c);
                }
            }
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        if std::mem::take(&mut opened) && !matches!(c, '}' | ']') {
            depth += 1;
            line_end(&mut out, depth);
        } else if matches!(c, '}' | ']') && !out.ends_with(b"{") && !out.ends_with(b"[") {
            depth = depth.saturating_sub(1);
            line_end(&mut out, depth);
        }
        push(&mut out, c);
        match c {
            '"' => in_string = true,
            '{' | '[' => opened = true,
            ',' => line_end(&mut out, depth),
            ':' => out.push(b' '),
            _ => {}
        }
    }
    out
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn line_end(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b'\t', depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_escapes_are_those_of_go() {
        let out = indented(r#"{"a":[],"b":{ },"c":[1,{"d":"<\"&>"}],  "e":"{[,:\\"}"#);
        let want = "{\n\t\"a\": [],\n\t\"b\": {},\n\t\"c\": [\n\t\t1,\n\t\t{\n\t\t\t\"d\": \"\\u003c\\\"\\u0026\\u003e\"\n\t\t}\n\t],\n\t\"e\": \"{[,:\\\\\"\n}";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
