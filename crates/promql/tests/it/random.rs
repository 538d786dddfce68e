//! Random expressions by type: every node kind, every modifier. Texts of them parse and type-check.

use proptest::prelude::*;

/// Which names and values the expressions are about.
const METRICS: &[&str] =
    &["up", "http_requests_total", "a:b", "sum", "fill", "by", "offset", "start", "step"];
const LABELS: &[&str] = &["job", "instance", "le", "by", "on", "bool", "__name__x", "atan2"];
const VALUES: &[&str] = &["", "a", "b c", "0.5", "\\n\\\"", "\u{e9}"];
const DURATIONS: &[&str] = &["1s", "5m", "1h30m", "90", "1.5", "3d", "250ms", "1e3"];

fn of(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(choices).prop_map(str::to_owned)
}

fn sign() -> impl Strategy<Value = String> {
    of(&["", "-", "+"])
}

/// Infinity is left out: it prints with a sign, which binds otherwise before `^`, here as in Prometheus.
pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        of(&[
            "0",
            "1",
            "5",
            "0.5",
            "1e9",
            "1e-9",
            "0x1F",
            "017",
            "1_000",
            "NaN",
            "5m",
            "1h30m",
            "9007199254740993"
        ]),
        any::<f64>().prop_map(|v| v.abs().to_string()),
    ]
}

fn duration_expr() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![4 => of(DURATIONS), 1 => of(&["step()", "range()"])];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), of(&["+", "-", "*", "/", "%", "^"]), inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            (of(&["max_of", "min_of"]), inner.clone(), inner).prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
        ]
    })
}

/// A duration where it must be greater than zero.
fn range() -> impl Strategy<Value = String> {
    prop_oneof![4 => of(DURATIONS), 1 => duration_expr().prop_map(|d| format!("({d})"))]
}

fn offset() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        1 => (sign(), of(DURATIONS)).prop_map(|(s, d)| format!(" offset {s}{d}")),
        1 => duration_expr().prop_map(|d| format!(" offset ({d})")),
    ]
}

fn at() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        1 => of(&[" @ start()", " @ end()", " @ 0", " @ 1603774568.125", " @ -5m"]),
    ]
}

fn matcher() -> impl Strategy<Value = String> {
    prop_oneof![
        (of(LABELS), of(&["=", "!="]), of(VALUES)).prop_map(|(l, op, v)| format!("{l}{op}\"{v}\"")),
        (of(LABELS), of(&["=~", "!~"]), of(&["a|b", ".*", "a.+", "", "(x)?", "[0-9]+"]))
            .prop_map(|(l, op, v)| format!("{l}{op}\"{v}\"")),
        of(&["\"x.y\"=\"1\"", "'q'!=`r`"]),
    ]
}

fn series() -> impl Strategy<Value = String> {
    let matchers = proptest::collection::vec(matcher(), 0..3).prop_map(|m| m.join(",")).boxed();
    prop_oneof![
        of(METRICS),
        (of(METRICS), matchers.clone()).prop_map(|(n, m)| format!("{n}{{{m}}}")),
        matchers.clone().prop_map(|m| if m.is_empty() {
            "{a=\"b\"}".into()
        } else {
            format!("{{c=\"d\",{m}}}")
        }),
        matchers.prop_map(|m| if m.is_empty() { "{\"x.y\"}".into() } else { format!("{{\"x.y\",{m}}}") }),
    ]
}

fn edge() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => of(&[" anchored", " smoothed"])]
}

fn labels() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![4 => of(LABELS), 1 => of(&["\"l.m\"", "'n'"])], 0..3)
        .prop_map(|l| l.join(", "))
}

fn matrix(vector: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (series(), range(), edge(), at(), offset()).prop_map(|(s, r, e, a, o)| format!("{s}[{r}]{e}{a}{o}")),
        // A step behind a range without any number is refused.
        1 => (vector, of(DURATIONS), prop_oneof![Just(String::new()), range()], at(), offset())
            .prop_map(|(v, r, s, a, o)| format!("({v})[{r}:{s}]{a}{o}")),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![4 => number(), 1 => of(&["time()", "pi()", "start()", "end()", "step()", "range()"])];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), of(&["+", "-", "*", "/", "%", "^", "atan2", "== bool", "< bool"]), inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (sign(), inner.clone()).prop_map(|(s, a)| format!("{s}{a}")),
            inner.clone().prop_map(|a| format!("({a})")),
            (of(&["max_of", "min_of"]), inner.clone(), inner).prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
        ]
    })
}

fn matching() -> impl Strategy<Value = String> {
    let group = prop_oneof![
        3 => Just(String::new()),
        1 => (of(&["group_left", "group_right"]), of(&["", " ()", " (z)", " (z, \"y.x\")"])).prop_map(|(g, l)| format!("{g}{l} ")),
    ];
    prop_oneof![
        2 => Just(String::new()),
        1 => (of(&["on", "ignoring"]), labels(), group).prop_map(|(on, l, g)| format!("{on} ({l}) {g}")),
    ]
}

fn fill() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        1 => (of(&["fill", "fill_left", "fill_right"]), sign(), number()).prop_map(|(f, s, n)| format!("{f} ({s}{n}) ")),
        1 => (number(), number()).prop_map(|(a, b)| format!("fill_right ({a}) fill_left ({b}) ")),
    ]
}

/// An expression that gives an instant vector.
pub(crate) fn vector() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        4 => (series(), edge(), at(), offset()).prop_map(|(s, e, a, o)| format!("{s}{a}{e}{o}")),
        1 => scalar().prop_map(|s| format!("vector({s})")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let comparison = of(&["==", "!=", "<", "<=", ">", ">=", "== bool", ">= bool"]);
        let arithmetic = of(&["+", "-", "*", "/", "%", "^", "atan2", "</", ">/"]);
        let op = prop_oneof![arithmetic, comparison];
        prop_oneof![
            (
                of(&["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"]),
                of(&["by", "without"]),
                labels(),
                inner.clone()
            )
                .prop_map(|(a, by, l, v)| format!("{a} {by} ({l}) ({v})")),
            (of(&["topk", "bottomk", "quantile", "limitk", "limit_ratio"]), scalar(), inner.clone())
                .prop_map(|(a, p, v)| format!("{a}({p}, {v})")),
            inner.clone().prop_map(|v| format!("count_values(\"v\", {v})")),
            (
                of(&[
                    "rate",
                    "increase",
                    "max_over_time",
                    "deriv",
                    "last_over_time",
                    "absent_over_time",
                    "mad_over_time"
                ]),
                matrix(inner.clone())
            )
                .prop_map(|(f, m)| format!("{f}({m})")),
            (
                of(&["abs", "absent", "histogram_sum", "timestamp", "sgn", "day_of_week", "sort_desc"]),
                inner.clone()
            )
                .prop_map(|(f, v)| format!("{f}({v})")),
            (of(&["histogram_quantile", "clamp"]), scalar(), inner.clone()).prop_map(|(f, s, v)| {
                match f.as_str() {
                    "clamp" => format!("clamp({v}, {s}, 1)"),
                    f => format!("{f}({s}, {v})"),
                }
            }),
            inner.clone().prop_map(|v| format!("label_replace({v}, \"a\", \"$1\", \"b\", \"(.*)\")")),
            (inner.clone(), matcher()).prop_map(|(v, m)| format!("info({v}, {{{m}}})")),
            (inner.clone(), op.clone(), matching(), fill(), inner.clone())
                .prop_map(|(a, op, m, f, b)| format!("{a} {op} {m}{f}{b}"))
                .prop_filter("a chain may compare scalars", |text| promql::parse::parse_expr(
                    text,
                    &promql::parse::ParseOptions::all()
                )
                .is_ok()),
            (inner.clone(), of(&["and", "or", "unless"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (inner.clone(), op, scalar()).prop_map(|(v, op, s)| format!("({v}) {op} ({s})")),
            (sign(), inner.clone()).prop_map(|(s, v)| format!("{s}({v})")),
            inner.prop_map(|v| format!("({v})")),
        ]
    })
    .boxed()
}
