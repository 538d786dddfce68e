use serde::Deserialize;

use super::*;
use crate::matcher::{MatchType, Matcher};

#[derive(Deserialize)]
struct Texts {
    texts: Vec<String>,
}

/// What Go's Prometheus says of one pattern: as a matcher over all texts, and as a relabelling expression on the first text it matches.
#[derive(Deserialize)]
struct Row {
    pattern: String,
    error: Option<String>,
    #[serde(default)]
    matches: Vec<usize>,
    wrapped_error: Option<String>,
    text: Option<usize>,
    #[serde(default)]
    groups: Vec<String>,
}

#[test]
fn agrees_with_go() {
    let table = include_str!("../../testdata/go-regexp.jsonl");
    let mut lines = table.lines();
    let Texts { texts } = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut wrong = Vec::new();
    for line in lines {
        let row: Row = serde_json::from_str(line).unwrap();
        check(&row, &texts, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(row: &Row, texts: &[String], wrong: &mut Vec<String>) {
    let pattern = &row.pattern;
    let shown: String = pattern.chars().take(60).collect();
    match (Matcher::new(MatchType::Re, "a", pattern.as_str()), &row.error) {
        (Err(error), Some(want)) if error.to_string() == *want => {}
        (Err(error), want) => wrong.push(format!("{shown}: {error}, Go: {want:?}")),
        (Ok(_), Some(want)) => wrong.push(format!("{shown}: accepted, Go: {want}")),
        (Ok(matcher), None) => {
            for (i, text) in texts.iter().enumerate() {
                if matcher.matches(text) != row.matches.contains(&i) {
                    wrong.push(format!("{shown}: on {text:?} {}", matcher.matches(text)));
                }
                if let Some(set) = matcher.set_matches() {
                    assert_eq!(set.binary_search(text).is_ok(), matcher.matches(text), "{shown}");
                }
                if matcher.matches(text) {
                    assert!(text.starts_with(matcher.prefix().unwrap_or("")), "{shown}");
                }
            }
        }
    }
    match (Regex::anchored(pattern), &row.wrapped_error) {
        (Err(error), Some(want)) if error.to_string() == *want => {}
        (Err(error), want) => wrong.push(format!("wrapped {shown}: {error}, Go: {want:?}")),
        (Ok(_), Some(want)) => wrong.push(format!("wrapped {shown}: accepted, Go: {want}")),
        (Ok(regex), None) => {
            let first = texts.iter().position(|t| regex.groups(t).is_some());
            if first != row.text {
                wrong.push(format!("wrapped {shown}: first match {first:?}, Go {:?}", row.text));
            }
            let Some(text) = row.text.map(|i| &texts[i]) else { return };
            assert!(regex.is_match(text), "{shown}");
            let Some(groups) = regex.groups(text) else { return };
            let found: Vec<&str> = (0..row.groups.len()).map(|i| groups.get(i).unwrap_or("")).collect();
            if found != row.groups || groups.get(row.groups.len()).is_some() {
                wrong.push(format!("wrapped {shown}: groups {found:?}, Go {:?}", row.groups));
            }
        }
    }
}

#[test]
fn expands_as_go_does() {
    let regex = Regex::anchored("(?P<x>a)|(?P<x>b)(?<y_1>.*)").unwrap();
    let groups = regex.groups("bcd").unwrap();
    for (template, want) in [
        ("$0", "bcd"),
        ("$2-${3}", "b-cd"),
        ("$x$y_1", "bcd"),
        ("${x}1", "b1"),
        ("$x1|", "|"),
        ("$1", ""),
        ("$9$nope", ""),
        ("$$1", "$1"),
        ("$", "$"),
        ("a$-b", "a$-b"),
        ("${x", "${x"),
        ("${}", "${}"),
        ("${x-y}", "${x-y}"),
        ("$01", ""),
        ("é$2é", "é"),
        ("é${2}é", "ébé"),
    ] {
        assert_eq!(groups.expand(template), want, "{template}");
    }
}

#[test]
fn huge_expressions_are_refused_and_not_built() {
    for pattern in [r"(\pL{100}){10}".repeat(4), "a".repeat(5 << 20)] {
        assert!(Regex::anchored(&pattern).is_err());
    }
}
