//! Random queries by type: mostly such that have a value, over all functions, aggregations, operators and modifiers.

mod calls;
mod operators;
mod spoil;

use crate::{LOADED, Random, Vocabulary};

const DURATIONS: &[&str] =
    &["15s", "30s", "1m", "2m", "90s", "5m", "10m", "20m", "7s", "1m1ms", "60", "1h30m", "0.5e2", "250ms"];
const NUMBERS: &[&str] = &[
    "0", "1", "2", "0.5", "-1", "10", "1e3", "NaN", "Inf", "-Inf", "0.1", "3", "100", "1e300", "0x1F", "017",
    ".5e-1", "1_000", "+2", "5m", "1d1ms", "-0", "nan", "+inf", "1e-320",
];
const OFFSETS: &[&str] = &[
    " offset 1m",
    " offset -1m",
    " offset 17s",
    " offset 5m",
    " offset (step() + 1s)",
    " offset -(2 * 30s)",
    " offset -7",
    " offset +15s",
    " offset 1m15s",
    " offset -step()",
    " offset min_of(step(), 1m)",
];

/// Makes queries.
pub struct Generator {
    random: Random,
    words: Vocabulary,
}

impl Generator {
    /// About the data of this crate.
    pub fn new(seed: u64) -> Self {
        Self::of(LOADED, seed)
    }

    /// About other data.
    pub fn of(words: Vocabulary, seed: u64) -> Self {
        Self { random: Random(seed), words }
    }

    /// Makes a query; `instant` allows types that a range query cannot have.
    pub fn query(&mut self, instant: bool) -> String {
        let depth = 1 + self.random.below(4);
        match self.random.below(30) {
            0 => self.scalar(depth),
            1 if instant => self.matrix(depth),
            2 if instant => self.text().to_owned(),
            _ => self.vector(depth),
        }
    }

    /// Makes a query, and now and then spoils it.
    pub fn query_or_mistake(&mut self, instant: bool) -> String {
        let query = self.query(instant);
        if self.chance(25) { self.spoiled(&query) } else { query }
    }

    /// The numbers behind the queries.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn chance(&mut self, of: usize) -> bool {
        self.random.chance(of)
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        self.random.pick(of)
    }

    fn labels(&mut self) -> String {
        let count = self.random.below(3);
        (0..count).map(|_| self.pick(self.words.labels)).collect::<Vec<_>>().join(", ")
    }

    fn text(&mut self) -> &'static str {
        self.pick(&["\"text\"", "'it\\'s'", "`raw \\n`", "\"\\u00e9\\t\"", "\"\"", "\"\\x41\\101\\\\\""])
    }

    /// An instant selector without modifiers.
    fn series(&mut self) -> String {
        let name = match self.random.below(12) {
            0..=5 => self.pick(self.words.floats),
            6..=8 => self.pick(self.words.histograms),
            9 => self.words.buckets,
            _ => return self.pick(self.words.selectors).to_owned(),
        };
        match self.random.below(12) {
            0..=3 => format!("{name}{{{}}}", self.pick(self.words.matchers)),
            4 if !self.words.old => format!("{{\"{name}\", {}}}", self.pick(self.words.matchers)),
            _ => name.to_owned(),
        }
    }

    fn time_modifiers(&mut self) -> String {
        let at = if self.chance(8) { self.pick(self.words.at) } else { "" };
        let offset = if self.chance(8) { self.pick(OFFSETS) } else { "" };
        if self.chance(2) { format!("{at}{offset}") } else { format!("{offset}{at}") }
    }

    fn range(&mut self) -> String {
        if self.chance(12) {
            return self
                .pick(&[
                    "step() + 1m",
                    "max_of(step(), 2m)",
                    "2 * 90s",
                    "min_of(5m, range() + 1m)",
                    "1m ^ 1",
                    "(5m / 3)",
                    "300 % 110s",
                    "-(1m - 3m)",
                    "range() + 30s",
                    "step()",
                    "1m + step() * 0.5",
                ])
                .to_owned();
        }
        self.pick(DURATIONS).to_owned()
    }

    /// A range selector or a subquery.
    fn matrix(&mut self, depth: usize) -> String {
        if depth > 1 && self.chance(4) {
            let inner = self.vector(depth - 1);
            let range = self.range();
            let step = self.pick(&["", "15s", "20s", "1m", "30s", "", "7s", "2.5", "step()", "100s"]);
            let modifiers = self.time_modifiers();
            return match inner.ends_with(')') && self.chance(2) {
                // What binds weaker than the bracket goes into its range.
                true => format!("{inner}[{range}:{step}]{modifiers}"),
                false => format!("({inner})[{range}:{step}]{modifiers}"),
            };
        }
        let edge = if self.chance(12) { self.pick(&[" anchored", " smoothed"]) } else { "" };
        format!("{}[{}]{edge}{}", self.series(), self.range(), self.time_modifiers())
    }

    fn scalar(&mut self, depth: usize) -> String {
        if depth <= 1 || self.chance(2) {
            return match self.random.below(8) {
                0 => self.pick(&["time()", "pi()", "start()", "end()", "step()", "range()"]).to_owned(),
                _ => self.pick(NUMBERS).to_owned(),
            };
        }
        match self.random.below(6) {
            0 => format!("scalar({})", self.vector(depth - 1)),
            1 => format!("-({})", self.scalar(depth - 1)),
            2 => format!(
                "{}({}, {})",
                self.pick(&["max_of", "min_of"]),
                self.scalar(depth - 1),
                self.scalar(depth - 1)
            ),
            3 => {
                let (first, second) = (self.arithmetic(), self.arithmetic());
                format!("{} {first} {} {second} {}", self.scalar(1), self.scalar(1), self.scalar(1))
            }
            _ => {
                let op = self.pick(&[
                    "+", "-", "*", "/", "%", "^", "atan2", "== bool", "> bool", "!= bool", "<= bool",
                ]);
                format!("({} {op} {})", self.scalar(depth - 1), self.scalar(depth - 1))
            }
        }
    }

    fn arithmetic(&mut self) -> &'static str {
        self.pick(&["+", "-", "*", "/", "%", "^", "atan2"])
    }

    fn vector(&mut self, depth: usize) -> String {
        if depth <= 1 {
            if self.chance(10) {
                return format!("vector({})", self.scalar(1));
            }
            let edge = if self.chance(40) { self.pick(&[" smoothed", " smoothed", " anchored"]) } else { "" };
            return format!("{}{edge}{}", self.series(), self.time_modifiers());
        }
        match self.random.below(22) {
            0..=4 => self.aggregation(depth),
            5..=8 => self.binary(depth),
            9 => format!("{}{}", self.pick(&["-", "+", "- -", "-"]), self.operand(depth)),
            10 | 11 => self.histogram(depth),
            12 => format!("({})", self.vector(depth - 1)),
            _ => self.call(depth),
        }
    }

    /// A vector that keeps together as an operand, mostly.
    fn operand(&mut self, depth: usize) -> String {
        let text = self.vector(depth - 1);
        if depth == 2 || self.chance(6) { text } else { format!("({text})") }
    }

    fn quantile(&mut self) -> String {
        if self.chance(8) {
            return self.scalar(2);
        }
        self.pick(&["0.5", "0.9", "0", "1", "0.99", "-1", "2", "NaN", "0.25"]).to_owned()
    }
}
