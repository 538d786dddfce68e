//! Calls of functions.

use promql::ast::{Function, FunctionId, functions};
use promql::value_type::ValueType;

use super::Generator;

impl Generator {
    /// What is done with histograms.
    pub(super) fn histogram(&mut self, depth: usize) -> String {
        let native = self.words.histograms[0];
        let classic = self.words.buckets;
        let series = match self.random.below(8) {
            0 => native.to_owned(),
            1 => classic.to_owned(),
            2 => format!("rate({native}[{}])", self.range()),
            3 => format!("rate({classic}[{}])", self.range()),
            4 => format!("sum by (job, le) ({})", self.vector(depth - 1)),
            5 => self.vector(depth - 1),
            6 => format!("sum(rate({native}[{}]))", self.range()),
            _ => format!("{{__name__=~\"{}|{classic}\"}}", self.words.histograms.join("|")),
        };
        match self.random.below(9) {
            0..=2 => format!("histogram_quantile({}, {series})", self.quantile()),
            3 => format!("histogram_fraction({}, {}, {series})", self.scalar(1), self.scalar(1)),
            4 => {
                let label = self.pick(&["\"q\"", "\"job\"", "\"le\"", "\"q\"", "\"quantile.x\""]);
                format!("histogram_quantiles({series}, {label}, 0.5, {})", self.quantile())
            }
            5 => {
                let op = self.pick(&["+", "-", "*", "/", "==", "!=", "</", ">/"]);
                let other = self.pick(&["size", "0.5", "mixed", "-1", "2", "0"]);
                let other = if self.words.old { "2" } else { other };
                format!("{series} {op} {other}")
            }
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

    pub(super) fn call(&mut self, depth: usize) -> String {
        loop {
            let all = functions();
            let func = &all[self.random.below(all.len())];
            if func.return_type == ValueType::Vector && !func.id.is_extended() {
                return self.call_of(func, depth);
            }
        }
    }

    fn label_in_quotes(&mut self) -> String {
        let label = self.pick(self.words.labels);
        if label.starts_with('"') { label.to_owned() } else { format!("\"{label}\"") }
    }

    fn call_of(&mut self, func: &Function, depth: usize) -> String {
        let mut args: Vec<String> = Vec::new();
        match func.id {
            FunctionId::LabelReplace => {
                args.push(self.vector(depth - 1));
                args.push(
                    self.pick(&["\"job\"", "\"new\"", "\"__name__\"", "\"instance\"", "\"a.b\""]).to_owned(),
                );
                args.push(
                    self.pick(&["\"$1\"", "\"x-$1-${2}\"", "\"\"", "\"const\"", "\"$name\"", "\"$$1$0x$\""])
                        .to_owned(),
                );
                args.push(self.label_in_quotes());
                args.push(
                    self.pick(&[
                        "\"(.*)\"",
                        "\"(a).*\"",
                        "\"(.*):(.*)\"",
                        "\"(?P<name>.).*\"",
                        "\"\"",
                        "\"(?i)A(?:P|x)(.)\"",
                        "\"((\"",
                    ])
                    .to_owned(),
                );
            }
            FunctionId::LabelJoin => {
                args.push(self.vector(depth - 1));
                args.push(self.pick(&["\"new\"", "\"job\"", "\"__name__\"", "\"a-b\"", "\"\""]).to_owned());
                args.push(self.pick(&["\"-\"", "\"\"", "\", \""]).to_owned());
                for _ in 0..self.random.below(3) {
                    args.push(self.label_in_quotes());
                }
            }
            FunctionId::SortByLabel | FunctionId::SortByLabelDesc => {
                args.push(self.vector(depth - 1));
                for _ in 0..=self.random.below(2) {
                    args.push(self.label_in_quotes());
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
                            "{version!=\"2\"}",
                            "{__name__!~\"build.*\"}",
                            "{version=~\".*\", data!=\"\"}",
                            "{data=\"\"}",
                            "{__name__=\"temperature\"}",
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
                args.push(self.pick(&["0.5", "0.3", "1", "NaN"]).to_owned());
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
