//! Aggregations and binary operations.

use super::Generator;

impl Generator {
    pub(super) fn aggregation(&mut self, depth: usize) -> String {
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
                    self.pick(&["1", "2", "3", "100", "0", "-1", "2.9", "NaN"]).to_owned()
                }
            }
            "limit_ratio" => {
                if self.chance(6) {
                    self.scalar(2)
                } else {
                    self.pick(&["0.5", "-0.5", "1", "-1", "0.1", "2", "0", "-0.9", "0.33", "NaN"]).to_owned()
                }
            }
            "quantile" => self.quantile(),
            "count_values" => self
                .pick(&["\"v\"", "\"job\"", "\"dotted.name\"", "\"v\"", "\"\"", "\"__name__\""])
                .to_owned(),
            _ => String::new(),
        };
        let by = match self.random.below(4) {
            0 => String::new(),
            1 => format!(" without ({})", self.labels()),
            _ => format!(" by ({})", self.labels()),
        };
        let inner = self.vector(depth - 1);
        let args = if param.is_empty() { format!("({inner})") } else { format!("({param}, {inner})") };
        if self.chance(5) { format!("{op}{args}{by}") } else { format!("{op}{by} {args}") }
    }

    pub(super) fn binary(&mut self, depth: usize) -> String {
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
        let group = match self.random.below(8) {
            0 => " group_left ()".to_owned(),
            1 => " group_right ()".to_owned(),
            2 => format!(" group_left ({})", self.words.included),
            3 => format!(" group_right ({})", self.labels()),
            4 => " group_left".to_owned(),
            _ => String::new(),
        };
        let matching = match self.random.below(4) {
            0 => String::new(),
            1 => format!(" ignoring ({}){group}", self.labels()),
            _ => format!(" on ({}){group}", self.pick(self.words.on)),
        };
        let fill = match self.random.below(12) {
            0 => " fill (0)",
            1 => " fill_left (1)",
            2 => " fill_right (-2) fill_left (NaN)",
            3 => " fill_right (Inf)",
            _ => "",
        };
        // Operands that are likely to match.
        let rhs = match self.random.below(4) {
            0 | 1 => self.operand(depth),
            2 => self.pick(self.words.joins).to_owned(),
            _ => {
                let join = self.pick(self.words.joins);
                format!("{join}{}", self.time_modifiers())
            }
        };
        format!("{} {op}{matching}{fill} {rhs}", self.operand(depth))
    }
}
