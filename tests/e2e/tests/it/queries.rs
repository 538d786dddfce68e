//! The ~300 queries that are asked of Prometheus and of the querier, over the metrics of `e2e::dataset`.

/// All queries; each is asked as instant and as range query by the caller.
pub(crate) fn all() -> Vec<String> {
    let mut queries: Vec<String> = FIXED.iter().map(|q| (*q).to_owned()).collect();
    for (selector, window) in [
        (r#"crane_moves_total{result="ok"}"#, "5m"),
        (r#"crane_moves_total{berth=~"north|south",crane!="c4"}"#, "17m"),
    ] {
        for function in ["rate", "increase", "irate", "resets", "changes", "delta", "deriv"] {
            queries.push(format!("{function}({selector}[{window}])"));
            queries.push(format!("sum by (berth) ({function}({selector}[{window}]))"));
            queries.push(format!("max without (crane, job) ({function}({selector}[{window}] offset 13m))"));
        }
    }
    for selector in ["crane_power_kilowatts", r#"tide_metres{pier=~"0|2"}"#] {
        for function in [
            "avg_over_time",
            "min_over_time",
            "max_over_time",
            "sum_over_time",
            "count_over_time",
            "last_over_time",
            "stddev_over_time",
            "stdvar_over_time",
            "present_over_time",
            "changes",
            "idelta",
            "delta",
            "deriv",
        ] {
            queries.push(format!("{function}({selector}[6m])"));
            queries.push(format!("{function}({selector}[31m])"));
        }
        for q in ["0.1", "0.5", "0.99"] {
            queries.push(format!("quantile_over_time({q}, {selector}[11m])"));
        }
        queries.push(format!("predict_linear({selector}[20m], 3600)"));
        for function in [
            "abs",
            "ceil",
            "floor",
            "exp",
            "ln",
            "log2",
            "log10",
            "sqrt",
            "sgn",
            "round",
            "sort",
            "timestamp",
        ] {
            queries.push(format!("{function}({selector})"));
        }
        for function in ["sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "asinh", "deg", "rad"] {
            queries.push(format!("{function}({selector} / 10)"));
        }
        for function in
            ["minute", "hour", "day_of_week", "day_of_month", "days_in_month", "month", "year", "day_of_year"]
        {
            queries.push(format!("{function}(timestamp({selector}))"));
        }
    }
    for aggregation in ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"] {
        queries.push(format!("{aggregation}(crane_power_kilowatts)"));
        queries.push(format!("{aggregation} by (berth) (crane_power_kilowatts)"));
        queries.push(format!("{aggregation} without (berth, job) (crane_power_kilowatts)"));
        queries.push(format!("{aggregation} by (nothing) (crane_moves_total)"));
    }
    for operator in ["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "atan2"] {
        queries.push(format!("sum by (crane) (crane_power_kilowatts) {operator} 45"));
        queries.push(format!("tide_metres {operator} on (pier) (tide_metres offset 20m)"));
    }
    for operator in ["== bool", "> bool", "<= bool"] {
        queries.push(format!("tide_metres {operator} 2.5"));
        queries.push(format!("tide_metres {operator} ignoring (job) (tide_metres offset 10m)"));
    }
    for operator in ["and", "or", "unless"] {
        queries.push(format!("crane_power_kilowatts {operator} (crane_power_kilowatts > 55)"));
        queries.push(format!(r#"crane_power_kilowatts {operator} on (berth) berth_info{{quay="old"}}"#));
    }
    for q in ["0", "0.5", "0.9", "0.99", "1"] {
        queries.push(format!(
            "histogram_quantile({q}, sum by (le, gate) (rate(gate_wait_seconds_bucket[10m])))"
        ));
        queries.push(format!("quantile by (berth) ({q}, crane_power_kilowatts)"));
    }
    queries
}

const FIXED: &[&str] = &[
    "1",
    "-1.5",
    "1 + 2 * 3 ^ 2 ^ 0.5",
    "Inf",
    "-Inf",
    "NaN",
    "0x1F",
    "1e3",
    r#""a text""#,
    "time()",
    "pi()",
    "vector(7)",
    "scalar(tide_metres{pier=\"0\"})",
    "scalar(tide_metres)",
    "-tide_metres",
    "+tide_metres",
    "--tide_metres",
    "tide_metres",
    r#"{__name__="tide_metres"}"#,
    r#"{__name__=~"tide.*|berth_info"}"#,
    r#"{job="tide"}"#,
    r#"{job!="", __name__!~"crane.*|gate.*"}"#,
    r#"crane_moves_total{crane=~"c[12]"}"#,
    r#"crane_moves_total{crane!~"c[12]", result="ok"}"#,
    r#"crane_moves_total{berth=~".*orth"}"#,
    r#"crane_moves_total{absent_label=""}"#,
    r#"crane_moves_total{berth=~"(?i)NORTH"}"#,
    "nothing_of_that_name",
    "absent(nothing_of_that_name)",
    r#"absent(nothing{a="b",c=~"d"})"#,
    "absent(tide_metres)",
    "absent_over_time(tide_metres[5m])",
    r#"absent_over_time(nothing{a="b"}[5m])"#,
    "tide_metres offset 1h",
    "tide_metres offset -10m",
    "tide_metres @ 1709255000",
    "tide_metres @ start()",
    "tide_metres @ end()",
    "rate(crane_moves_total[5m] @ 1709258000)",
    "rate(crane_moves_total[5m] offset 30m)",
    "sum(rate(crane_moves_total[5m] @ end()))",
    "tide_metres @ 1709255000.123 offset 7m",
    "max_over_time(rate(crane_moves_total[5m])[30m:1m])",
    "avg_over_time((tide_metres * 2)[20m:])",
    "sum_over_time(vector(1)[10m:30s])",
    "min_over_time(sum by (berth) (rate(crane_moves_total[3m]))[25m:2m] offset 15m)",
    "rate(sum(crane_moves_total)[20m:1m])",
    "max_over_time(max_over_time(tide_metres[5m])[20m:1m] offset 13s)[30m:5m]",
    "quantile_over_time(0.5, tide_metres[10m:17s] @ 1709258000)",
    "last_over_time(tide_metres[10m:3m])",
    "topk(3, crane_power_kilowatts)",
    "bottomk(2, crane_power_kilowatts)",
    "topk by (berth) (1, crane_power_kilowatts)",
    "bottomk without (crane) (1, crane_power_kilowatts)",
    "topk(0, tide_metres)",
    "topk(100, tide_metres)",
    r#"count_values("value", round(tide_metres))"#,
    r#"count_values by (pier) ("value", floor(tide_metres))"#,
    "crane_power_kilowatts * on (berth) group_left (quay) berth_info",
    "berth_info * on (berth) group_right (quay) crane_power_kilowatts",
    "sum by (quay) (crane_power_kilowatts * on (berth) group_left (quay) berth_info)",
    "crane_power_kilowatts / ignoring (crane) group_left sum by (berth, job) (crane_power_kilowatts)",
    "crane_power_kilowatts * on (berth) berth_info",
    "crane_power_kilowatts + on (nothing) tide_metres",
    r#"sum(rate(crane_moves_total{result="failed"}[15m])) / sum(rate(crane_moves_total[15m]))"#,
    r#"rate(crane_moves_total{result="failed"}[10m]) / ignoring (result) rate(crane_moves_total{result="ok"}[10m])"#,
    "tide_metres > 2 and tide_metres < 4",
    "tide_metres > 2 or crane_power_kilowatts > 60",
    "1 > bool 2",
    "2 == bool 2",
    "clamp(tide_metres, 1, 3)",
    "clamp_min(tide_metres, 2)",
    "clamp_max(tide_metres, 2)",
    "clamp(tide_metres, 3, 1)",
    "round(tide_metres, 0.25)",
    "sort_desc(crane_power_kilowatts)",
    r#"label_replace(tide_metres, "dock", "d$1", "pier", "(.*)")"#,
    r#"label_replace(tide_metres, "dock", "x", "pier", "9")"#,
    r#"label_replace(tide_metres, "pier", "", "pier", ".*")"#,
    r#"label_join(crane_power_kilowatts, "where", "/", "berth", "crane")"#,
    "histogram_quantile(0.9, rate(gate_wait_seconds_bucket[10m]))",
    "histogram_quantile(0.5, gate_wait_seconds_bucket)",
    "histogram_quantile(-1, gate_wait_seconds_bucket)",
    "histogram_quantile(2, gate_wait_seconds_bucket)",
    "histogram_quantile(0.9, tide_metres)",
    "minute()",
    "hour(vector(1709251200))",
    "month(vector(0))",
    "days_in_month(vector(1708000000))",
    "sum(count_over_time({job=~\".+\"}[10m])) by (job)",
    "count(count by (berth) (crane_moves_total))",
    "group by (job) ({job=~\".+\"})",
    "sum(tide_metres) without ()",
    "sum by () (tide_metres)",
    "avg(avg_over_time(tide_metres[1h]))",
    "stddev(rate(crane_moves_total[1h]))",
    "(tide_metres)",
    "((1))",
    "tide_metres - tide_metres",
    "tide_metres ^ 0",
    "0 / 0",
    "1 / 0",
    "-1 / 0",
    "5 % 0",
    "tide_metres % 0.7",
    // Errors: the same kind of error on both sides.
    "tide_metres[5m]",
    "rate(tide_metres)",
    "sum(",
    "tide_metres{",
    r#"{job=~".*"}"#,
    "foo bar",
    "sum by tide_metres",
    "rate(tide_metres[0s])",
    "tide_metres + on (pier) group_left crane_power_kilowatts + bool 1",
    r#"{__name__=~"("}"#,
    "label_replace(tide_metres, \"a\", \"\", \"pier\", \"(\")",
    "tide_metres + tide_metres[5m]",
    "\"a\" + 1",
    "1 and tide_metres",
    "unknown_function(tide_metres)",
    "topk(tide_metres)",
];
