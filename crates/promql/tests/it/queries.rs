//! Random queries by type, about the data of `testdata/random.load`: mostly such that have a value, over all functions,
//! aggregations, operators and modifiers.

use promql::ast::{Function, FunctionId, functions};
use promql::value_type::ValueType;

use super::rng::Random;

const FLOATS: &[&str] = &[
    "requests_total",
    "temperature",
    "up",
    "latency_count",
    "latency_sum",
    "started_total",
    "latency_bucket",
];
const HISTOGRAMS: &[&str] = &["size", "size", "mixed"];
const SELECTORS: &[&str] = &[
    "{__name__=~\"requests_total|temperature\"}",
    "{job=\"api\"}",
    "{__name__=~\"size|mixed\",job!=\"api\"}",
    "{__name__=~\"requests.*\",code!=\"500\"}",
    "{\"utf8.metric\"}",
    "nonexistent",
    "{\"dotted.label\"=~\".+\"}",
];
const MATCHERS: &[&str] = &[
    "job=\"api\"",
    "job=\"web\"",
    "job!=\"api\"",
    "job=~\"api|web\"",
    "job!~\"c.*\"",
    "instance=\"a:1\"",
    "code=~\"2..\"",
    "code=\"\"",
    "room=~\"n.*|s.*\"",
    "le=~\"0.5|1|\\\\+Inf\"",
];
const LABELS: &[&str] = &["job", "instance", "code", "room", "le", "unit", "version", "__name__", "none"];
const DURATIONS: &[&str] = &["15s", "30s", "1m", "2m", "90s", "5m", "10m", "20m", "7s", "1m1ms"];
const NUMBERS: &[&str] =
    &["0", "1", "2", "0.5", "-1", "10", "1e3", "NaN", "Inf", "-Inf", "0.1", "3", "100", "1e300"];

/// Makes queries.
pub(crate) struct Generator {
    random: Random,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random(seed) }
    }

    /// Makes a query; `instant` allows types that a range query cannot have.
    pub(crate) fn query(&mut self, instant: bool) -> String {
        let depth = 1 + self.random.below(4);
        match self.random.below(30) {
            0 => self.scalar(depth),
            1 if instant => self.matrix(depth),
            2 if instant => "\"text\"".to_owned(),
            _ => self.vector(depth),
        }
    }

    fn chance(&mut self, of: usize) -> bool {
        self.random.below(of) == 0
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        self.random.pick(of)
    }

    fn labels(&mut self) -> String {
        let count = self.random.below(3);
        (0..count).map(|_| self.pick(LABELS)).collect::<Vec<_>>().join(", ")
    }

    fn series(&mut self) -> String {
        let name = match self.random.below(12) {
            0..=5 => self.pick(FLOATS),
            6..=8 => self.pick(HISTOGRAMS),
            9 => "latency_bucket",
            _ => return self.pick(SELECTORS).to_owned(),
        };
        if self.chance(3) { format!("{name}{{{}}}", self.pick(MATCHERS)) } else { name.to_owned() }
    }

    fn time_modifiers(&mut self) -> String {
        let mut text = String::new();
        if self.chance(8) {
            text.push_str(self.pick(&[" @ start()", " @ end()", " @ 600", " @ 133.7", " @ 1e3"]));
        }
        if self.chance(8) {
            text.push_str(self.pick(&[
                " offset 1m",
                " offset -1m",
                " offset 17s",
                " offset 5m",
                " offset (step() + 1s)",
                " offset -(2 * 30s)",
            ]));
        }
        text
    }

    fn range(&mut self) -> String {
        if self.chance(12) {
            return self
                .pick(&["step() + 1m", "max_of(step(), 2m)", "2 * 90s", "min_of(5m, range() + 1m)", "1m ^ 1"])
                .to_owned();
        }
        self.pick(DURATIONS).to_owned()
    }

    fn matrix(&mut self, depth: usize) -> String {
        if depth > 1 && self.chance(4) {
            let inner = self.vector(depth - 1);
            let (range, step) = (self.pick(DURATIONS), self.pick(&["", "15s", "20s", "1m", "30s"]));
            return format!("({inner})[{range}:{step}]{}", self.time_modifiers());
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
        match self.random.below(5) {
            0 => format!("scalar({})", self.vector(depth - 1)),
            1 => format!("-({})", self.scalar(depth - 1)),
            2 => format!(
                "{}({}, {})",
                self.pick(&["max_of", "min_of"]),
                self.scalar(depth - 1),
                self.scalar(depth - 1)
            ),
            _ => {
                let op = self.pick(&["+", "-", "*", "/", "%", "^", "atan2", "== bool", "> bool", "!= bool"]);
                format!("({} {op} {})", self.scalar(depth - 1), self.scalar(depth - 1))
            }
        }
    }

    fn vector(&mut self, depth: usize) -> String {
        if depth <= 1 {
            if self.chance(10) {
                return format!("vector({})", self.scalar(1));
            }
            let edge = if self.chance(40) { " smoothed" } else { "" };
            return format!("{}{edge}{}", self.series(), self.time_modifiers());
        }
        match self.random.below(20) {
            0..=4 => self.aggregation(depth),
            5..=8 => self.binary(depth),
            9 => format!("-{}", self.operand(depth)),
            10 => self.histogram(depth),
            11 => format!("({})", self.vector(depth - 1)),
            _ => self.call(depth),
        }
    }

    fn operand(&mut self, depth: usize) -> String {
        let text = self.vector(depth - 1);
        if depth == 2 { text } else { format!("({text})") }
    }

    fn aggregation(&mut self, depth: usize) -> String {
        let op = self.pick(&[
            "sum",
            "avg",
            "count",
            "min",
            "max",
            "group",
            "stddev",
            "stdvar",
            "topk",
            "bottomk",
            "quantile",
            "count_values",
            "limitk",
            "limit_ratio",
            "sum",
            "avg",
        ]);
        let param = match op {
            "topk" | "bottomk" | "limitk" => {
                if self.chance(6) {
                    self.scalar(2)
                } else {
                    self.pick(&["1", "2", "3", "100", "0"]).to_owned()
                }
            }
            "limit_ratio" => self.pick(&["0.5", "-0.5", "1", "-1", "0.1", "2", "0"]).to_owned(),
            "quantile" => self.quantile(),
            "count_values" => self.pick(&["\"v\"", "\"job\"", "\"dotted.name\""]).to_owned(),
            _ => String::new(),
        };
        let by = match self.random.below(4) {
            0 => String::new(),
            1 => format!(" without ({})", self.labels()),
            _ => format!(" by ({})", self.labels()),
        };
        let inner = self.vector(depth - 1);
        if param.is_empty() { format!("{op}{by} ({inner})") } else { format!("{op}{by} ({param}, {inner})") }
    }

    fn quantile(&mut self) -> String {
        if self.chance(8) {
            return self.scalar(2);
        }
        self.pick(&["0.5", "0.9", "0", "1", "0.99", "-1", "2", "NaN", "0.25"]).to_owned()
    }

    fn binary(&mut self, depth: usize) -> String {
        if self.chance(3) {
            let op = self.pick(&[
                "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool",
                "</", ">/",
            ]);
            let (vector, scalar) = (self.operand(depth), self.scalar(depth - 1));
            return if self.chance(3) {
                format!("{scalar} {op} {vector}")
            } else {
                format!("{vector} {op} {scalar}")
            };
        }
        if self.chance(4) {
            let op = self.pick(&["and", "or", "unless"]);
            let on = match self.random.below(3) {
                0 => format!(" on ({})", self.labels()),
                1 => format!(" ignoring ({})", self.labels()),
                _ => String::new(),
            };
            return format!("{} {op}{on} {}", self.operand(depth), self.operand(depth));
        }
        let op = self.pick(&[
            "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">= bool", "== bool", "</", ">/",
        ]);
        let group = match self.random.below(6) {
            0 => " group_left ()",
            1 => " group_right ()",
            2 => " group_left (version)",
            _ => "",
        };
        let matching = match self.random.below(4) {
            0 => String::new(),
            1 => format!(" ignoring ({}){group}", self.labels()),
            2 => format!(" on (job, instance){group}"),
            _ => format!(" on (job){group}"),
        };
        let fill = match self.random.below(10) {
            0 => " fill (0)",
            1 => " fill_left (1)",
            2 => " fill_right (-2) fill_left (NaN)",
            _ => "",
        };
        // Operands that are likely to match.
        let rhs = if self.chance(2) {
            self.operand(depth)
        } else {
            self.pick(&["up", "target_info", "requests_total", "size"]).to_owned()
        };
        format!("{} {op}{matching}{fill} {rhs}", self.operand(depth))
    }

    /// What is done with histograms.
    fn histogram(&mut self, depth: usize) -> String {
        let series = match self.random.below(6) {
            0 => "size".to_owned(),
            1 => "latency_bucket".to_owned(),
            2 => format!("rate(size[{}])", self.pick(DURATIONS)),
            3 => format!("rate(latency_bucket[{}])", self.pick(DURATIONS)),
            4 => format!("sum by (job, le) ({})", self.vector(depth - 1)),
            _ => "{__name__=~\"size|latency_bucket|mixed\"}".to_owned(),
        };
        match self.random.below(8) {
            0..=2 => format!("histogram_quantile({}, {series})", self.quantile()),
            3 => format!("histogram_fraction({}, {}, {series})", self.scalar(1), self.scalar(1)),
            4 => format!("histogram_quantiles({series}, \"q\", 0.5, {})", self.quantile()),
            _ => {
                let f = self.pick(&[
                    "histogram_avg",
                    "histogram_count",
                    "histogram_sum",
                    "histogram_stddev",
                    "histogram_stdvar",
                ]);
                format!("{f}({series})")
            }
        }
    }

    fn call(&mut self, depth: usize) -> String {
        loop {
            let all = functions();
            let func = &all[self.random.below(all.len())];
            if func.return_type == ValueType::Vector {
                return self.call_of(func, depth);
            }
        }
    }

    fn call_of(&mut self, func: &Function, depth: usize) -> String {
        let mut args: Vec<String> = Vec::new();
        match func.id {
            FunctionId::LabelReplace => {
                args.push(self.vector(depth - 1));
                args.push(self.pick(&["\"job\"", "\"new\"", "\"__name__\"", "\"instance\""]).to_owned());
                args.push(
                    self.pick(&["\"$1\"", "\"x-$1-${2}\"", "\"\"", "\"const\"", "\"$name\""]).to_owned(),
                );
                args.push(self.pick(&["\"job\"", "\"instance\"", "\"none\"", "\"__name__\""]).to_owned());
                args.push(
                    self.pick(&["\"(.*)\"", "\"(a).*\"", "\"(.*):(.*)\"", "\"(?P<name>.).*\"", "\"\""])
                        .to_owned(),
                );
            }
            FunctionId::LabelJoin => {
                args.push(self.vector(depth - 1));
                args.push(self.pick(&["\"new\"", "\"job\"", "\"__name__\""]).to_owned());
                args.push(self.pick(&["\"-\"", "\"\"", "\", \""]).to_owned());
                for _ in 0..self.random.below(3) {
                    args.push(format!("\"{}\"", self.pick(LABELS)));
                }
            }
            FunctionId::SortByLabel | FunctionId::SortByLabelDesc => {
                args.push(self.vector(depth - 1));
                for _ in 0..=self.random.below(2) {
                    args.push(format!("\"{}\"", self.pick(LABELS)));
                }
            }
            FunctionId::Info => {
                args.push(self.vector(depth - 1));
                if !self.chance(3) {
                    args.push(
                        self.pick(&[
                            "{version=~\".+\"}",
                            "{data=\"x\"}",
                            "{__name__=\"build_info\"}",
                            "{__name__=~\".+_info\",build=~\".*\"}",
                            "{}",
                            "{version=\"2\"}",
                        ])
                        .to_owned(),
                    );
                }
            }
            FunctionId::HistogramQuantiles
            | FunctionId::HistogramQuantile
            | FunctionId::HistogramFraction => {
                return self.histogram(depth);
            }
            FunctionId::DoubleExponentialSmoothing => {
                args.push(self.matrix(depth));
                args.push(self.pick(&["0.5", "0.1", "1", "0", "2"]).to_owned());
                args.push(self.pick(&["0.5", "0.3", "1"]).to_owned());
            }
            FunctionId::QuantileOverTime => args = vec![self.quantile(), self.matrix(depth)],
            _ => {
                let least = if func.variadic == 0 { func.arg_types.len() } else { func.arg_types.len() - 1 };
                let count = if func.variadic != 0 && self.chance(2) { least + 1 } else { least };
                for ty in func.arg_types.iter().take(count) {
                    args.push(match ty {
                        ValueType::Scalar => self.scalar(2),
                        ValueType::Vector => self.vector(depth - 1),
                        ValueType::Matrix => self.matrix(depth),
                        ValueType::String => "\"s\"".to_owned(),
                    });
                }
            }
        }
        format!("{}({})", func.name, args.join(", "))
    }
}
