use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn pair() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof!["[a-c]{1,3}", "[a-z_]{1,20}", "\\PC{1,4}", "[a-b]{120,135}"];
    let value = prop_oneof!["[a-c]{0,3}", "\\PC{0,20}", "[a-b]{120,300}"];
    (name, value)
}

fn pairs() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(pair().prop_map(|p| p.0), pair().prop_map(|p| p.1), 0..6)
}

fn naive(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.clone(), v.clone())).collect()
}

fn owned(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

proptest! {
    #[test]
    fn holds_the_pairs_in_order(map in pairs()) {
        let labels = Labels::from_pairs(map.iter().rev());
        let want = naive(&map);
        prop_assert_eq!(owned(&labels), want.clone());
        prop_assert_eq!(labels.len(), want.len());
        prop_assert_eq!(&labels, &Labels::from_sorted(want.iter().map(|(n, v)| (n, v))));
        for name in map.keys() {
            prop_assert_eq!(labels.value(name), map[name].as_str());
        }
    }

    #[test]
    fn order_is_that_of_the_pairs(a in pairs(), b in pairs()) {
        let (x, y) = (Labels::from_pairs(&a), Labels::from_pairs(&b));
        prop_assert_eq!(x.cmp(&y), naive(&a).cmp(&naive(&b)));
        prop_assert_eq!(x == y, naive(&a) == naive(&b));
    }

    #[test]
    fn order_of_sets_that_share_most(a in pairs(), extra in pair()) {
        let mut b = a.clone();
        b.insert(extra.0, extra.1);
        let (x, y) = (Labels::from_pairs(&a), Labels::from_pairs(&b));
        prop_assert_eq!(x.cmp(&y), naive(&a).cmp(&naive(&b)));
        prop_assert_eq!(y.cmp(&x), naive(&b).cmp(&naive(&a)));
    }

    #[test]
    fn hashes_the_naive_form(map in pairs(), names in prop::collection::btree_set("[a-c]{1,2}", 0..12)) {
        let form = |keep: &dyn Fn(&str) -> bool| {
            let mut bytes = Vec::new();
            for (n, v) in naive(&map).iter().filter(|(n, _)| keep(n)) {
                bytes.extend_from_slice(n.as_bytes());
                bytes.push(0xff);
                bytes.extend_from_slice(v.as_bytes());
                bytes.push(0xff);
            }
            twox_hash::XxHash64::oneshot(0, &bytes)
        };
        let labels = Labels::from_pairs(&map);
        let names: Vec<String> = names.into_iter().collect();
        let has = |n: &str| names.iter().any(|x| x == n);
        prop_assert_eq!(Labels::hash(&labels), form(&|_| true));
        prop_assert_eq!(labels.hash_for(&names), form(&has));
        prop_assert_eq!(labels.hash_without(&names), form(&|n| n != METRIC_NAME && !has(n)));
    }

    #[test]
    fn builder_acts_like_a_map(map in pairs(), changes in prop::collection::vec((pair(), any::<bool>()), 0..8)) {
        let base = Labels::from_pairs(&map);
        let mut model: BTreeMap<String, String> = naive(&map).into_iter().collect();
        let mut builder = LabelsBuilder::new(&base);
        for ((name, value), delete) in changes {
            if delete || value.is_empty() {
                model.remove(&name);
                if delete { builder.del(&name) } else { builder.set(&name, &value) };
            } else {
                builder.set(&name, &value);
                model.insert(name.clone(), value.clone());
            }
            prop_assert_eq!(builder.get(&name), model.get(&name).map_or("", |v| v.as_str()));
        }
        prop_assert_eq!(owned(&builder.labels()), naive(&model));
    }

    #[test]
    fn extended_prefers_the_other(a in pairs(), b in pairs()) {
        let (x, y) = (Labels::from_pairs(&a), Labels::from_pairs(&b));
        let mut model: BTreeMap<String, String> = naive(&a).into_iter().collect();
        model.extend(naive(&b));
        prop_assert_eq!(owned(&x.extended(&y)), naive(&model));
    }

    #[test]
    fn filters(map in pairs(), names in prop::collection::vec("[a-c]{1,2}", 0..5)) {
        let labels = Labels::from_pairs(&map);
        let (with, without): (Vec<_>, Vec<_>) = naive(&map).into_iter().partition(|(n, _)| names.contains(n));
        prop_assert_eq!(owned(&labels.only(&names)), with.clone());
        prop_assert_eq!(owned(&labels.without(&names)), without);
        let mut builder = LabelsBuilder::new(&labels);
        prop_assert_eq!(owned(&builder.keep(&names).labels()), with);
    }
}

#[test]
fn prints_as_prometheus_does() {
    let labels = Labels::from_pairs([
        ("b", "q\"\\\n"),
        ("__name__", "up"),
        ("with.dot", "ü\u{200b}\u{7f}"),
        ("a", ""),
    ]);
    assert_eq!(labels.to_string(), r#"{__name__="up", b="q\"\\\n", "with.dot"="ü\u200b\x7f"}"#);
    assert_eq!(Labels::empty().to_string(), "{}");
}

#[test]
fn the_last_of_equal_names_wins() {
    assert_eq!(Labels::from_pairs([("a", "1"), ("a", "2")]).to_string(), r#"{a="2"}"#);
}

#[test]
fn writer_is_reused() {
    let mut writer = LabelsWriter::new();
    writer.push("a", "1");
    writer.push("b", "2");
    let first = writer.labels();
    writer.clear();
    writer.push("b", "1");
    writer.push("a", "2");
    assert_eq!(first, Labels::from_pairs([("a", "1"), ("b", "2")]));
    assert_eq!(writer.labels_sorted(), Labels::from_pairs([("a", "2"), ("b", "1")]));
}

#[test]
fn serde_is_a_map() {
    let labels = Labels::from_pairs([("b", "2"), ("a", "1")]);
    let json = serde_json::to_string(&labels).unwrap();
    assert_eq!(json, r#"{"a":"1","b":"2"}"#);
    assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
    assert_eq!(serde_json::from_str::<Labels>("null").unwrap(), Labels::empty());
}

/// The sums are those of Prometheus's own functions: of all labels, for `instance` and `job`, and without `instance`.
#[test]
fn hashes_as_prometheus_does() {
    let long = "x".repeat(2000);
    for (pairs, sums) in [
        (vec![], [17241709254077376921, 17241709254077376921, 17241709254077376921]),
        (vec![("a", "1")], [7311538254805615637, 17241709254077376921, 7311538254805615637]),
        (
            vec![("__name__", "up"), ("instance", "a:1"), ("job", "x")],
            [10993413714659232925, 11242184678843920587, 1446017664940945909],
        ),
        (
            vec![("__name__", "Grüße"), ("with.dot", &long)],
            [2792409709636496978u64, 17241709254077376921, 16907800711208183117],
        ),
    ] {
        let labels = Labels::from_pairs(pairs);
        let found =
            [labels.hash(), labels.hash_for(&["instance", "job"]), labels.hash_without(&["instance"])];
        assert_eq!(found, sums, "{labels}");
    }
}
