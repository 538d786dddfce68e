//! The corners of the language: a list by hand, and every function and aggregation with arguments of every type.

use promql::ast::functions;

/// Queries; most have a value, many are errors.
pub fn corners() -> Vec<String> {
    let mut all = queries_of(include_str!("../data/corners.txt"));
    calls(&mut all);
    aggregations(&mut all);
    operators(&mut all);
    all
}

/// The queries of a text with one a line: ⏎ stands for a line feed, ⇥ for a tab; lines with `##` are headings.
pub fn queries_of(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("##"))
        .map(|line| line.replace('\u{23ce}', "\n").replace('\u{21e5}', "\t"))
        .collect()
}

/// An expression of each type, and none.
const ARGUMENTS: &[&str] = &[
    "1",
    "\"text\"",
    "up",
    "size",
    "temperature[1m]",
    "mixed[5m]",
    "size[90s]",
    "(requests_total + 1)[2m:30s]",
    "time()",
    "nonexistent",
];

fn calls(all: &mut Vec<String>) {
    for func in functions().iter().filter(|func| !func.id.is_extended()) {
        let name = func.name;
        all.push(format!("{name}()"));
        all.push(name.to_owned());
        all.push(format!("{name}(up, up, up, up, up, up, up, up, up, up, up, up, up)"));
        for first in ARGUMENTS {
            all.push(format!("{name}({first})"));
            for second in ["1", "\"b\"", "up", "size", "temperature[1m]"] {
                all.push(format!("{name}({first}, {second})"));
            }
        }
        for (first, second, third) in [
            ("temperature[5m]", "0.5", "0.5"),
            ("temperature[5m]", "1.5", "0.5"),
            ("temperature[5m]", "0.5", "-1"),
            ("temperature", "-2", "2"),
            ("temperature", "2", "-2"),
            ("temperature", "NaN", "2"),
            ("0.1", "2", "size"),
            ("2", "0.1", "latency_bucket"),
            ("NaN", "1", "size"),
            ("-Inf", "+Inf", "size"),
            ("size", "\"q\"", "0.5"),
            ("up", "\"job\"", "\"instance\""),
        ] {
            all.push(format!("{name}({first}, {second}, {third})"));
        }
    }
}

fn aggregations(all: &mut Vec<String>) {
    for op in [
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
    ] {
        all.push(op.to_owned());
        all.push(format!("{op}()"));
        all.push(format!("{op} by (job)"));
        all.push(format!("{op} by (job) (up) without (job)"));
        for args in [
            "1",
            "\"a\"",
            "up",
            "size",
            "mixed",
            "temperature",
            "up[5m]",
            "1, up",
            "2, size",
            "\"v\", size",
            "\"v\", mixed",
            "\"v\", temperature",
            "0.5, temperature",
            "0.5, mixed",
            "-0.5, {__name__=~\".+\"}",
            "up, up",
            "scalar(up), up",
            "NaN, up",
            "1e30, up",
            "-1e30, up",
            "9223372036854775807, up",
            "9223372036854775808, up",
            "up, 1",
            "1, 2, up",
            "1.1, up",
            "-1.1, up",
            "time(), up",
            "\"\", up",
            "\"a\\xffb\", up",
            "nonexistent",
            "1, nonexistent",
        ] {
            all.push(format!("{op}({args})"));
            all.push(format!("{op} by (job) ({args})"));
            all.push(format!("{op} without (job, instance) ({args})"));
        }
    }
}

fn operators(all: &mut Vec<String>) {
    let operators = [
        "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", ">", "<=", ">=", "== bool", "> bool", "and",
        "or", "unless", "</", ">/", "=~", "=", "!",
    ];
    let operands = ["1", "\"s\"", "up", "size", "mixed", "temperature", "up[5m]", "nonexistent", "NaN"];
    for op in operators {
        for lhs in operands {
            for rhs in operands {
                all.push(format!("{lhs} {op} {rhs}"));
            }
        }
        for tail in [
            "on (job) group_left",
            "on (job) group_right (version)",
            "ignoring (instance)",
            "on () group_left (job)",
            "on (job) group_left (job)",
            "fill (0)",
            "on (job) fill (1)",
            "on (job) group_left fill (1)",
            "on (job) group_right fill_left (1)",
            "on (job) group_left () fill_right (NaN)",
            "fill_left (1) fill_left (2)",
            "fill (1) fill_right (2)",
            "fill (up)",
            "fill (-1)",
            "fill (\"a\")",
            "bool",
            "bool on (job)",
            "on (job) bool",
            "group_left",
        ] {
            all.push(format!("up {op} {tail} requests_total"));
            all.push(format!("requests_total {op} {tail} target_info"));
        }
    }
}
