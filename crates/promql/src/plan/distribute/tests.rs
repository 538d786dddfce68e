use model::labels::Labels;

use super::*;
use crate::engine::Engine;
use crate::parse::{ParseOptions, parse_expr};

const HOUR: i64 = 3_600_000;

fn partition(zone: &str, mint: i64, maxt: i64) -> Partition {
    let labels = Labels::from_pairs([("zone", zone)]);
    Partition {
        label_sets: vec![labels.clone()],
        labels,
        replicas: vec![Labels::from_pairs([("replica", "a")])],
        mint,
        maxt,
    }
}

fn two_zones() -> Vec<RemoteEngine> {
    ["east", "west"].map(|zone| RemoteEngine { partitions: vec![partition(zone, 0, i64::MAX)] }).to_vec()
}

fn split(text: &str, params: QueryParams, engines: &[RemoteEngine]) -> Option<Distributed> {
    let expr = parse_expr(text, &ParseOptions::all()).unwrap();
    distribute(&expr, &params, 300_000, Engine::default().options(), engines)
}

/// The rest of an expression with its leaves, over two zones at an instant.
fn rest(text: &str) -> String {
    match split(text, QueryParams::instant(10 * HOUR), &two_zones()) {
        Some(distributed) => distributed.expr.to_string(),
        None => "-".to_owned(),
    }
}

#[test]
fn aggregations_are_split_at_partitions() {
    for (text, expected) in [
        ("sum(a)", "sum(remote(sum by (zone) (a)))"),
        ("sum by (job) (rate(a[5m]))", "sum by (job) (remote(sum by (job, zone) (rate(a[5m]))))"),
        ("sum without (pod) (a)", "remote(sum without (pod) (a))"),
        ("sum without (zone) (a)", "sum without (zone) (remote(sum without () (a)))"),
        ("count(a)", "sum(remote(count by (zone) (a)))"),
        ("topk(2, a)", "topk(2, remote(topk by (zone) (2, a)))"),
        ("topk by (zone) (2, a)", "topk by (zone) (2, remote(topk by (zone) (2, a)))"),
        (
            "avg by (job) (a)",
            "sum by (job) (remote(sum by (job, zone) (a))) / on (job) sum by (job) (remote(count by (job, zone) (a)))",
        ),
        ("avg by (__name__) (a)", "avg by (__name__) (remote(a))"),
        ("quantile(0.9, a)", "quantile(0.9, remote(a))"),
        ("quantile by (zone) (0.9, a)", "remote(quantile by (zone) (0.9, a))"),
        ("sum(a) / sum(b)", "sum(remote(sum by (zone) (a))) / sum(remote(sum by (zone) (b)))"),
        ("topk(scalar(b), a)", "topk(scalar(b), remote(a))"),
    ] {
        assert_eq!(rest(text), expected, "{text}");
    }
}

#[test]
fn what_computes_within_partitions_is_left_to_engines_whole() {
    for (text, expected) in [
        ("a", "remote(a)"),
        ("-abs(a) * 2", "remote(-abs(a) * 2)"),
        ("a / b", "remote(a / b)"),
        ("a / on (zone, job) b", "remote(a / on (zone, job) b)"),
        ("a / on (job) b", "remote(a) / on (job) remote(b)"),
        ("a / ignoring (zone) b", "remote(a) / ignoring (zone) remote(b)"),
        ("a * on (job, zone) group_left (x) b", "remote(a * on (job, zone) group_left (x) b)"),
        ("a or vector(0)", "remote(a) or vector(0)"),
        ("a * scalar(b)", "remote(a) * scalar(remote(b))"),
        ("sort_desc(a)", "sort_desc(remote(a))"),
        (
            "label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")",
            "remote(label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\"))",
        ),
        (
            "label_replace(a, \"zone\", \"$1\", \"y\", \"(.*)\")",
            "label_replace(remote(a), \"zone\", \"$1\", \"y\", \"(.*)\")",
        ),
        (
            "histogram_quantile(0.9, sum by (le, zone) (rate(a[5m])))",
            "remote(histogram_quantile(0.9, sum by (le, zone) (rate(a[5m]))))",
        ),
        ("absent(a)", "-"),
        ("vector(1)", "-"),
        ("1 + time()", "-"),
        ("a[5m]", "-"),
        ("a @ end()", "remote(a @ 36000.000)"),
        ("a[step() + 1m:]", "remote(a)[step() + 1m:]"),
        ("rate(a[5m] offset -(1m))", "remote(rate(a[5m] offset -1m))"),
        ("max_over_time(rate(a[5m])[10m:])", "remote(max_over_time(rate(a[5m])[10m:1m]))"),
        ("max_over_time(sum(a)[10m:1m])", "max_over_time(sum(remote(sum by (zone) (a)))[10m:1m])"),
    ] {
        assert_eq!(rest(text), expected, "{text}");
    }
}

#[test]
fn leaf_in_a_subquery_has_its_steps() {
    let query = "max_over_time(sum(a)[10m:3m] offset 1m)";
    let leaf = &split(query, QueryParams::instant(10 * HOUR), &two_zones()).unwrap().leaves[0];
    let part = &leaf.parts[0];
    assert_eq!((part.start, part.end, part.step), (10 * HOUR - 9 * 60_000, 10 * HOUR - 3 * 60_000, 180_000));
}

#[test]
fn engines_without_matching_series_are_not_asked() {
    let leaves = split("sum(a{zone=\"east\"})", QueryParams::instant(0), &two_zones()).unwrap().leaves;
    assert_eq!(leaves[0].parts.iter().map(|part| part.engine).collect::<Vec<_>>(), [0]);
    let leaves = split("sum(a{zone=\"north\"})", QueryParams::instant(0), &two_zones()).unwrap().leaves;
    assert!(leaves[0].parts.is_empty());
}

#[test]
fn steps_of_a_partition_come_from_the_engine_that_has_their_data() {
    // Blocks up to 6 h, fresh data from 4 h on.
    let engines = [(0, 6 * HOUR), (4 * HOUR, i64::MAX)]
        .map(|(mint, maxt)| RemoteEngine { partitions: vec![partition("east", mint, maxt)] });
    let params = QueryParams::range(0, 10 * HOUR, HOUR);
    let parts = split("rate(a[30m])", params, &engines).unwrap().leaves.remove(0).parts;
    let times: Vec<_> = parts.iter().map(|part| (part.engine, part.start, part.end)).collect();
    // At 4 h a window of half an hour is not whole in the fresh data.
    assert_eq!(times, [(0, 0, 4 * HOUR), (1, 5 * HOUR, 10 * HOUR)]);
    let labels = Labels::from_pairs([("job", "x"), ("zone", "east")]);
    assert_eq!(parts[0].owned.of(&labels), Some(&[(0, 4 * HOUR)][..]));
    assert_eq!(parts[0].owned.of(&Labels::from_pairs([("zone", "west")])), None);

    assert!(split("rate(a[4h])", params, &engines).is_none(), "no engine has the 4 h before 7 h");
    assert!(split("a @ 3600", params, &engines).is_some());
    let mut other_replica = engines.clone();
    other_replica[1].partitions[0].replicas = vec![Labels::from_pairs([("replica", "b")])];
    assert!(split("rate(a[30m])", params, &other_replica).is_none(), "both replicas are needed");
}

#[test]
fn without_labels_of_their_own_partitions_are_not_told_apart() {
    let mut engines = two_zones();
    engines[0].partitions[0].labels = Labels::empty();
    assert!(split("sum(a)", QueryParams::instant(0), &engines).is_none());
    assert!(split("sum(a)", QueryParams::instant(0), &[]).is_none());
    assert!(split("sum(a)", QueryParams::instant(500), &two_zones()).is_none(), "no whole second");
}
