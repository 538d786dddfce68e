use super::*;
use crate::labels::Labels;

fn rules(yaml: &str) -> Vec<RelabelConfig> {
    let rules: Vec<RelabelConfig> = serde_saphyr::from_str(yaml).unwrap();
    for rule in &rules {
        rule.validate().unwrap();
    }
    rules
}

fn run(input: &[(&str, &str)], yaml: &str) -> Option<String> {
    process(&Labels::from_pairs(input.iter().copied()), &rules(yaml)).map(|l| l.to_string())
}

const ABC: &[(&str, &str)] = &[("a", "foo"), ("b", "bar"), ("c", "baz")];

#[test]
fn replaces() {
    let cases = [
        (
            "[{source_labels: [a], target_label: d, separator: ';', regex: 'f(.*)', replacement: 'ch${1}-ch${1}', action: replace}]",
            r#"{a="foo", b="bar", c="baz", d="choo-choo"}"#,
        ),
        (
            "[{source_labels: [a, b], target_label: a, regex: 'f(.*);(.*)r', replacement: 'b${1}${2}m'}, {source_labels: [c, a], target_label: d, regex: '(b).*b(.*)ba(.*)', replacement: '$1$2$2$3'}]",
            r#"{a="boobam", b="bar", c="baz", d="boooom"}"#,
        ),
        ("[{source_labels: [a], target_label: d, replacement: x}]", r#"{a="foo", b="bar", c="baz", d="x"}"#),
        ("[{source_labels: [missing], target_label: b}]", r#"{a="foo", c="baz"}"#),
        ("[{source_labels: [a], target_label: b, replacement: ''}]", r#"{a="foo", c="baz"}"#),
        (
            "[{source_labels: [a], regex: nope, target_label: b, replacement: x}]",
            r#"{a="foo", b="bar", c="baz"}"#,
        ),
        (
            "[{source_labels: [a], target_label: '${1}', regex: '(o*)f?', replacement: x}]",
            r#"{a="foo", b="bar", c="baz"}"#,
        ),
        (
            "[{source_labels: [a], target_label: 'x.${1}', regex: '(f)oo', replacement: '$$$'}]",
            r#"{a="foo", b="bar", c="baz", "x.f"="$$"}"#,
        ),
        (
            "[{source_labels: [a], target_label: d, regex: '(?P<first>.)(?P<rest>.*)', replacement: '${rest}$first'}]",
            r#"{a="foo", b="bar", c="baz", d="oof"}"#,
        ),
        ("[{target_label: d, replacement: 5}]", r#"{a="foo", b="bar", c="baz", d="5"}"#),
    ];
    for (yaml, want) in cases {
        assert_eq!(run(ABC, yaml).as_deref(), Some(want), "{yaml}");
    }
}

#[test]
fn keeps_and_drops() {
    for (yaml, kept) in [
        ("[{source_labels: [a], regex: '.*o.*', action: drop}]", false),
        ("[{source_labels: [a], regex: 'f|o', action: drop}]", true),
        ("[{source_labels: [a], regex: 'f|o', action: keep}]", false),
        ("[{source_labels: [a], regex: 'f.*', action: Keep}]", true),
        ("[{source_labels: [missing], regex: null, action: keep}]", true),
        ("[{source_labels: [a], target_label: b, action: keepequal}]", false),
        ("[{source_labels: [a], target_label: b, action: dropequal}]", true),
        ("[{source_labels: [a], target_label: a, action: keepequal}]", true),
        ("[{source_labels: [a], target_label: a, action: dropequal}]", false),
        ("[{source_labels: [none], target_label: none2, action: dropequal}]", false),
    ] {
        assert_eq!(run(ABC, yaml).is_some(), kept, "{yaml}");
    }
}

#[test]
fn changes_names() {
    for (yaml, want) in [
        ("[{regex: '(a|b)', action: labeldrop}]", r#"{c="baz"}"#),
        ("[{regex: 'a', action: labelkeep}]", r#"{a="foo"}"#),
        (
            "[{regex: '(.)', replacement: 'x_$1', action: labelmap}]",
            r#"{a="foo", b="bar", c="baz", x_a="foo", x_b="bar", x_c="baz"}"#,
        ),
        (
            "[{regex: '(b|c)', replacement: same, action: labelmap}]",
            r#"{a="foo", b="bar", c="baz", same="baz"}"#,
        ),
    ] {
        assert_eq!(run(ABC, yaml).as_deref(), Some(want), "{yaml}");
    }
}

/// The sums are those of Prometheus's own relabelling.
#[test]
fn hashes() {
    let yaml = "[{source_labels: [c], target_label: d, modulus: 1000, action: hashmod}]";
    assert_eq!(run(ABC, yaml).unwrap(), r#"{a="foo", b="bar", c="baz", d="976"}"#);
    assert_eq!(run(&[("a", "foo\nbar")], &yaml.replace("[c]", "[a]")).unwrap(), r#"{a="foo\nbar", d="734"}"#);
}

#[test]
fn maps_case_one_by_one() {
    let yaml = "[{source_labels: [a], target_label: u, action: uppercase}, {source_labels: [a], target_label: l, action: lowercase}]";
    assert_eq!(run(&[("a", "ßǅİΣΑΣᾳ")], yaml).unwrap(), r#"{a="ßǅİΣΑΣᾳ", l="ßǆiσασᾳ", u="ßǄİΣΑΣᾼ"}"#);
}

#[test]
fn refuses_what_prometheus_refuses() {
    for (yaml, error) in [
        ("{action: hashmod, target_label: x}", "relabel configuration for hashmod requires non-zero modulus"),
        ("{action: lowercase}", "relabel configuration for lowercase action requires 'target_label' value"),
        ("{}", "relabel configuration for replace action requires 'target_label' value"),
        (
            "{action: uppercase, target_label: x, replacement: y}",
            "'replacement' can not be set for uppercase action",
        ),
        ("{action: labelmap, replacement: ''}", "\"\" is invalid 'replacement' for labelmap action"),
        (
            "{action: keepequal, target_label: x, regex: a}",
            "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
        ),
        (
            "{action: labeldrop, source_labels: [x]}",
            "labeldrop action requires only 'regex', and no other fields",
        ),
    ] {
        let rule: RelabelConfig = serde_saphyr::from_str(yaml).unwrap();
        assert_eq!(rule.validate().unwrap_err().to_string(), error);
    }
    for (yaml, error) in [
        ("{action: nope}", "unknown relabel action \"nope\""),
        ("{regex: '('}", "missing closing )"),
        ("{source_labels: ['']}", "label name"),
    ] {
        let found = serde_saphyr::from_str::<RelabelConfig>(yaml).unwrap_err().to_string();
        assert!(found.contains(error), "{found}");
    }
}

#[test]
fn written_as_go_writes_json() {
    let rule = &rules("[{source_labels: [a], regex: 'x', action: drop}]")[0];
    let json = serde_json::to_string(rule).unwrap();
    assert_eq!(
        json,
        r#"{"source_labels":["a"],"separator":";","regex":"x","replacement":"$1","action":"drop"}"#
    );
}
