//! Mistakes in queries: a token too few, too many, in another place, or another one.

use super::Generator;

const STRANGERS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "@",
    "=",
    "==",
    "=~",
    "!",
    "<",
    "</",
    "+",
    "-",
    "^",
    "offset",
    "by",
    "on",
    "ignoring",
    "group_left",
    "bool",
    "fill",
    "sum",
    "rate",
    "start",
    "5m",
    "1e",
    "0x",
    ".",
    "Inf",
    "\"",
    "'",
    "\"a\"",
    "#",
    ";",
    "\u{e9}",
    "a",
    "a:b",
    "5z",
    "1h5s5m",
    "anchored",
    "smoothed",
    "and",
    "without",
    "step()",
    "topk",
    "\"\\q\"",
    "09",
    "_",
    "__name__",
    "$x",
    "keep_common",
    "0",
    "[5m]",
    "[5m:]",
];

impl Generator {
    /// The query with one to two mistakes.
    pub(super) fn spoiled(&mut self, query: &str) -> String {
        let mut tokens = tokens(query);
        for _ in 0..=self.random.below(2) {
            let at = self.random.below(tokens.len());
            match self.random.below(5) {
                0 if !tokens.is_empty() => drop(tokens.remove(at)),
                1 => tokens.insert(at, self.pick(STRANGERS).to_owned()),
                2 if !tokens.is_empty() => tokens[at] = self.pick(STRANGERS).to_owned(),
                3 if !tokens.is_empty() => {
                    let other = self.random.below(tokens.len());
                    tokens.swap(at, other);
                }
                _ => tokens.truncate(at),
            }
        }
        tokens.concat()
    }
}

/// Words, numbers, spaces and single other characters.
fn tokens(query: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || "_.:".contains(c) => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut before = 2;
    for c in query.chars() {
        match tokens.last_mut() {
            Some(last) if kind(c) == before && before != 2 => last.push(c),
            _ => tokens.push(c.to_string()),
        }
        before = kind(c);
    }
    tokens
}
