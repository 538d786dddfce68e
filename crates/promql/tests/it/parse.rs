//! Expressions and what they print as, or why they are refused.

use promql::parse::{
    MAX_DEPTH, MAX_NESTING, ParseOptions, parse_expr, parse_metric, parse_metric_selector,
    parse_series_description,
};
use promql::print::prettify;

/// What an expression gives, in the form of the test data.
fn outcome(text: &str, options: &ParseOptions) -> String {
    match parse_expr(text, options) {
        Ok(expr) => format!("= {expr}").replace('\n', "⏎"),
        Err(e) => format!("! {e}").replace('\n', "⏎"),
    }
}

#[test]
fn expressions_print_or_fail_as_in_prometheus() {
    let cases = include_str!("../../testdata/parse.txt");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases.split("\n\n").filter(|c| c.starts_with("> ")) {
        let mut lines = case.lines();
        let text = lines.next().unwrap_or_default()[2..].replace('⏎', "\n");
        let expected: Vec<&str> = lines.collect();
        let full = outcome(&text, &ParseOptions::all());
        let plain = outcome(&text, &ParseOptions::default());
        let mut actual = vec![full.clone()];
        if plain != full {
            actual.push(format!("- {plain}"));
        }
        if actual != expected {
            wrong.push(format!("{text}\n  expected {expected:#?}\n  got {actual:#?}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "only {count} cases were read");
}

#[test]
fn long_expressions_are_broken_into_lines() {
    let text = r#"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{image!="",job="kubelet",metrics_path="/metrics/cadvisor"}[5m])) / on (namespace, pod) group_left () -sum by (namespace, pod) (kube_pod_container_resource_limits{resource="cpu"} > 0)"#;
    let expr = parse_expr(text, &ParseOptions::default()).unwrap();
    let pretty = prettify(&expr);
    assert_eq!(
        pretty,
        r#"  sum by (namespace, pod) (
    rate(
      container_cpu_usage_seconds_total{image!="",job="kubelet",metrics_path="/metrics/cadvisor"}[5m]
    )
  )
/ on (namespace, pod) group_left ()
  -sum by (namespace, pod) (kube_pod_container_resource_limits{resource="cpu"} > 0)"#
    );
    let again = parse_expr(&pretty, &ParseOptions::default()).unwrap();
    assert_eq!(again.to_string(), expr.to_string());
}

#[test]
fn positions_are_byte_offsets_of_the_text() {
    let text = "sum by (a) (\n  rate(x{b=\"é\"}[5m] offset 1m)\n) + 2";
    let expr = parse_expr(text, &ParseOptions::default()).unwrap();
    let mut seen = Vec::new();
    expr.walk(&mut |e| seen.push(&text[e.pos().start..e.pos().end]));
    assert_eq!(
        seen,
        [
            text,
            "sum by (a) (\n  rate(x{b=\"é\"}[5m] offset 1m)\n)",
            "rate(x{b=\"é\"}[5m] offset 1m)",
            "x{b=\"é\"}[5m] offset 1m",
            "2"
        ]
    );
}

/// Texts that ask for a tree of that height, each in its own way.
fn deep_texts(n: usize) -> Vec<String> {
    let around = |open: &str, close: &str| format!("{}a{}", open.repeat(n), close.repeat(n));
    vec![
        around("(", ")"),
        around("-", ""),
        around("abs(", ")"),
        around("sum(", ")"),
        around("a + (", ")"),
        around("(", "+a)"),
        around("a^", ""),
        around("", "+a"),
        around("", " or a"),
        around("sum by (a) (1 < bool ", ")"),
        around("max_over_time((", ")[1m:])"),
        format!("a[{}1{}]", "(".repeat(n), ")".repeat(n)),
        format!("a[{}1]", "-".repeat(n)),
        format!("a[1{}]", "+1".repeat(n)),
        format!("a[1{}]", "^1".repeat(n)),
        format!("a[{}1{}]", "max_of(1,".repeat(n), ")".repeat(n)),
        format!("a offset {}1{}", "-(".repeat(n), ")".repeat(n)),
    ]
}

#[test]
fn hostile_depth_is_refused_and_overflows_no_stack() {
    for text in deep_texts(100_000) {
        let error = parse_expr(&text, &ParseOptions::all()).unwrap_err();
        assert!(error.message.contains("nested deeper than"), "{}…: {error}", &text[..20]);
    }
}

#[test]
fn depth_up_to_the_limit_is_parsed_checked_printed_and_dropped() {
    let chain = format!("a{}", " or a".repeat(MAX_DEPTH as usize - 1));
    for text in deep_texts(MAX_NESTING as usize / 2 - 2).into_iter().chain([chain]) {
        match parse_expr(&text, &ParseOptions::all()) {
            Ok(expr) => {
                let printed = expr.to_string();
                let again = parse_expr(&printed, &ParseOptions::all()).unwrap();
                assert_eq!(again.to_string(), printed);
                assert!(prettify(&expr).len() >= printed.len());
            }
            Err(e) => assert!(!e.message.contains("nested deeper"), "{}…: {e}", &text[..20]),
        }
    }
}

#[test]
fn wide_expressions_are_fine() {
    let labels: Vec<String> = (0..20_000).map(|i| format!("l{i}=\"v\"")).collect();
    assert!(parse_expr(&format!("x{{{}}}", labels.join(",")), &ParseOptions::default()).is_ok());
    let args = vec!["\"a\""; 20_000].join(", ");
    assert!(parse_expr(&format!("label_join(x, {args})"), &ParseOptions::default()).is_ok());
}

#[test]
fn selectors_and_metrics_are_parsed_on_their_own() {
    let matchers = parse_metric_selector(r#"up{job=~"a|b", "x.y"!="z"}"#).unwrap();
    let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [r#"job=~"a|b""#, r#""x.y"!="z""#, r#"__name__="up""#]);
    assert!(parse_metric_selector("{}").unwrap().is_empty());
    for (text, error) in [
        ("", "unknown position: parse error: unexpected end of input"),
        ("up[5m]", "1:3: parse error: unexpected \"[\""),
        ("up offset 5m", "1:4: parse error: unexpected <offset>"),
        ("rate(up)", "1:5: parse error: unexpected \"(\""),
    ] {
        assert_eq!(parse_metric_selector(text).unwrap_err().to_string(), error, "{text}");
    }
    assert_eq!(parse_metric(r#"up{job="a"}"#).unwrap().to_string(), r#"{__name__="up", job="a"}"#);
    assert_eq!(parse_metric(r#"{"a.b",c="d"}"#).unwrap().get("__name__"), Some("a.b"));
    assert!(parse_metric("up{job!=\"a\"}").is_err());
}

#[test]
fn values_of_series_are_expanded() {
    use promql::parse::SequenceValue;
    let floats = |text: &str| -> Vec<Option<f64>> {
        let values = parse_series_description(text).unwrap().values;
        values.iter().map(|v| if let SequenceValue::Float(f) = v { Some(*f) } else { None }).collect()
    };
    assert_eq!(
        floats("m 1+2x2 _ 4x1 -1-1x1"),
        [1.0, 3.0, 5.0, f64::NAN, 4.0, 4.0, -1.0, -2.0].map(|f| { if f.is_nan() { None } else { Some(f) } })
    );
    assert_eq!(
        floats("m _x3 1e3 0x2 Inf"),
        [None, None, None, Some(1000.0), Some(0.0), Some(0.0), Some(0.0), Some(f64::INFINITY)]
    );
    assert!(floats("m stale")[0].is_some_and(model::value::is_stale));
    assert!(floats("m").is_empty());

    let values = parse_series_description(
        "m {{schema:1 sum:-3.1 count:4 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7] offset:-3 n_buckets:[4.1 5] n_offset:-5}}+{{count:1 counter_reset_hint:gauge}}x1",
    );
    assert_eq!(
        values.unwrap_err().to_string(),
        "1:158: parse error: error combining histograms: cannot merge from schema 0 to 1"
    );
    let values = parse_series_description(
        "m {{count:1 buckets:[1]}}+{{count:1 buckets:[1] counter_reset_hint:not_reset}}x1",
    )
    .unwrap()
    .values;
    let SequenceValue::Histogram { histogram, hint_is_set } = &values[1] else { panic!("{values:?}") };
    assert_eq!(
        (histogram.count, histogram.positive_buckets.as_slice(), *hint_is_set),
        (2.0, &[2.0][..], true)
    );

    for (text, error) in [
        (
            "m 1 2 a",
            "1:7: parse error: unexpected identifier \"a\" in series values, expected number or \"stale\"",
        ),
        (
            "m 1x1.5",
            "1:5: parse error: invalid repetition in series values: strconv.ParseUint: parsing \"1.5\": invalid syntax",
        ),
        ("m {{buckets:[1 2}}", "1:17: parse error: invalid character in buckets description: '}'"),
        ("m {{count:1 count:2}}", "1:1: parse error: duplicate key \"count\" in histogram"),
        ("m {{sum:1 foo:2}}", "1:11: parse error: bad histogram descriptor found: \"foo\""),
        ("m 1x99999999999", "1:5: parse error: series has more than 10000000 values"),
    ] {
        assert_eq!(parse_series_description(text).unwrap_err().to_string(), error, "{text}");
    }
}
