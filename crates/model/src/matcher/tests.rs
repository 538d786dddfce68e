use super::*;

fn re(pattern: &str) -> Matcher {
    Matcher::new(MatchType::Re, "n", pattern).unwrap()
}

#[test]
fn all_four_kinds() {
    for (ty, value, yes, no) in [
        (MatchType::Eq, "a", "a", "b"),
        (MatchType::Ne, "a", "", "a"),
        (MatchType::Re, "a|b.*", "bx", "xb"),
        (MatchType::NotRe, "a|b.*", "", "b"),
    ] {
        let matcher = Matcher::new(ty, "n", value).unwrap();
        assert!(matcher.matches(yes) && !matcher.matches(no), "{matcher}");
        assert!(!matcher.inverse().matches(yes) && matcher.inverse().matches(no), "{matcher}");
        assert_eq!(matcher.matches_empty(), matcher.matches(""));
        assert_eq!(matcher.inverse().inverse(), matcher);
    }
}

#[test]
fn prints_as_prometheus_does() {
    let print = |ty, name: &str, value: &str| Matcher::new(ty, name, value).unwrap().to_string();
    assert_eq!(print(MatchType::Eq, "a_1", "x\"y"), r#"a_1="x\"y""#);
    assert_eq!(print(MatchType::NotRe, "a.b", r"\d+"), r#""a.b"!~"\\d+""#);
    assert_eq!(print(MatchType::Ne, "", ""), r#"""!="""#);
    assert_eq!(print(MatchType::Re, "1a", "é"), r#""1a"=~"é""#);
}

#[test]
fn finite_expressions_are_sets() {
    let set = |pattern: &str| re(pattern).set_matches().map(|s| s.join(","));
    for (pattern, want) in [
        ("foo", "foo"),
        ("b|a|b", "a,b"),
        ("foo|bar|", ",bar,foo"),
        ("^foo$", "foo"),
        ("x(a|b)[0-2]", "xa0,xa1,xa2,xb0,xb1,xb2"),
        ("ab?c{1,2}", "abc,abcc,ac,acc"),
        (r"\.com", ".com"),
        ("(?i)a", "A,a"),
        ("[^\\x00-\\x{10FFFF}]", ""),
        ("(foo|fo(ox|oy))", "foo,foox,fooy"),
    ] {
        assert_eq!(set(pattern).as_deref(), Some(want), "{pattern}");
    }
    for pattern in ["a.", "a*", "[a-z]{3}", "^a|b$", "a$b", r"\ba", "a{300}b?|c{0,300}"] {
        assert_eq!(set(pattern), None, "{pattern}");
    }
    assert_eq!(Matcher::equal("a", "b").set_matches().unwrap(), ["b"]);
    let many: Vec<String> = (0..1000).map(|i| format!("v{i}")).collect();
    let matcher = re(&many.join("|"));
    assert_eq!(matcher.set_matches().unwrap().len(), 1000);
    assert!(many.iter().all(|v| matcher.matches(v)) && !matcher.matches("v1000"));
}

#[test]
fn prefixes() {
    for (pattern, want) in [
        ("foo.*", Some("foo")),
        ("foo[0-9]+", Some("foo")),
        ("(foo|fob).*", Some("fo")),
        ("foox?y*", Some("foo")),
        ("(foo)+x", Some("foo")),
        ("日(本|曜).*", Some("日")),
        ("foo", Some("foo")),
        (".*foo", None),
        ("foo.*|bar.*", None),
        ("(?i)foo.*", None),
    ] {
        assert_eq!(re(pattern).prefix(), want, "{pattern}");
    }
}

#[test]
fn gaps_take_characters_and_not_bytes() {
    for (pattern, yes, no) in [
        (".+本.+", "日本語", "日本"),
        ("a.+.+b", "aéüb", "aéb"),
        ("a.*b.+b", "abxb", "abb"),
        (".*aba.*aba", "abaaba", "ababa"),
        ("a.*a", "aa", "a"),
    ] {
        let matcher = re(pattern);
        assert!(matcher.matches(yes) && !matcher.matches(no), "{pattern}");
    }
    assert!(re(".*").accepts_all() && re(".+").accepts_non_empty());
    assert!(!re("(?-s).*").accepts_all());
}

#[test]
fn looks_at_labels() {
    let labels = Labels::from_pairs([("a", "1")]);
    let absent = Matcher::equal("b", "");
    assert!(matches_all(&[Matcher::equal("a", "1"), absent.clone()], &labels));
    assert!(!matches_all(&[Matcher::not_equal("a", "1"), absent], &labels));
}
