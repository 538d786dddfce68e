//! Rewriting a plan changes nothing but the work.

use corpus::{Generator, Random};
use promql::engine::{Engine, EngineOptions, Query, QueryParams, Rules};
use promql::parse::{ParseOptions, parse_expr};
use promql::source::SelectParams;

use super::outcome::{iterations, run};

fn engine(rules: Rules) -> Engine {
    Engine::new(EngineOptions { parse: ParseOptions::all(), rules, ..EngineOptions::default() })
}

#[test]
fn random_queries_give_the_same_with_each_rule_and_without() {
    let storage = corpus::data::aligned_storage().unwrap();
    let plain = engine(Rules::none());
    let ruled = [
        engine(Rules { fold_constants: true, ..Rules::none() }),
        engine(Rules { propagate_matchers: true, ..Rules::none() }),
        engine(Rules::default()),
    ];
    let (mut generator, mut random) = (Generator::new(11), Random(12));
    let mut compared = 0;
    for at in 0..iterations(1500) {
        let start = random.below(1_400) as i64 * 1000;
        let params = match at % 2 {
            0 => QueryParams::instant(start),
            _ => QueryParams::range(start, start + 300_000, 45_000),
        };
        // Joins are what propagation is about.
        let query = match at % 3 {
            0 => format!("({}) and on (job) up{{job=\"api\"}}", generator.query(false)),
            1 => {
                format!("requests_total * on (job) group_left () count by (job) ({})", generator.query(false))
            }
            _ => generator.query(params.is_instant()),
        };
        let Some(want) = run(&plain, &storage, &query, params) else { continue };
        compared += 1;
        for engine in &ruled {
            let got = run(engine, &storage, &query, params).expect("plans as before");
            assert_eq!(want, got, "{query} {params:?} {:?}", engine.options().rules);
        }
    }
    assert!(compared * 10 > iterations(1500) * 7, "only {compared} queries were planned");
}

/// The names of the operators, from the top down.
fn explained(query: &str) -> Vec<String> {
    let query = engine(Rules::default()).query(query, QueryParams::range(0, 60_000, 15_000)).unwrap();
    let mut names = Vec::new();
    let mut open = vec![query.explain()];
    while let Some(node) = open.pop() {
        names.push(node.name);
        open.extend(node.children.into_iter().rev());
    }
    names
}

#[test]
fn constants_are_folded() {
    assert_eq!(explained("2 ^ (1 + 2) * -max_of(1, 2)"), ["[number] -16"]);
    assert_eq!(explained("up > 2 * 3")[1..], ["[vectorSelector] up", "[number] 6"]);
    // An error stays one.
    assert!(explained("1 </ 2").contains(&"[scalarBinary] </".to_owned()));
}

#[test]
fn matchers_reach_the_partner_only_where_nobody_can_tell() {
    let selectors = |query: &str| -> Vec<String> {
        explained(query).into_iter().filter(|name| name.starts_with("[vectorSelector]")).collect()
    };
    for query in [
        "up{job=\"a\"} and on (job) down",
        "up{job=\"a\"} and down",
        "up{job=\"a\"} unless down",
        "down * on (job) group_left () sum by (job) (rate(up{job=\"a\"}[5m]))",
        "down == on (job) sum by (job) (up{job=\"a\"})",
        "count by (job) (down) / on (job) sum by (job) (up{job=\"a\"})",
    ] {
        let narrowed = selectors(query);
        assert!(
            narrowed.iter().any(|name| name == "[vectorSelector] down and {job=\"a\"}"),
            "{query}: {narrowed:?}"
        );
    }
    for query in [
        "up{job=\"a\"} or down",
        "down unless up{job=\"a\"}",
        "up{job=\"a\"} and on (instance) down",
        "up{job=\"a\"} and ignoring (job) down",
        // Duplicates on the right are an error even where they find no partner.
        "down / on (job) up{job=\"a\"}",
        "down / on (job) fill (0) sum by (job) (up{job=\"a\"})",
        "down / on (job) sum by (job, instance) (up{job=\"a\"})",
        "sum by (job) (down) / on (job) sum by (job) (up{job=\"a\"})",
    ] {
        assert!(selectors(query).iter().all(|name| !name.contains(" and {")), "{query}");
    }
}

#[test]
fn matchers_on_replica_labels_stay_where_they_are() {
    let expr = parse_expr("up{job=\"a\",replica=\"b\"} and down", &ParseOptions::all()).unwrap();
    let query = engine(Rules::default())
        .prepare_joined(expr, QueryParams::instant(60_000), &["replica".to_owned()])
        .unwrap();
    let of = |query: &Query| -> Vec<String> {
        let texts =
            |select: &SelectParams| select.matchers.iter().map(ToString::to_string).collect::<Vec<_>>();
        query.selects().iter().map(|select| texts(select).join(",")).collect()
    };
    assert_eq!(of(&query), ["job=\"a\",replica=\"b\",__name__=\"up\"", "__name__=\"down\",job=\"a\""]);
    let all = engine(Rules::default())
        .query("up{job=\"a\",replica=\"b\"} and down", QueryParams::instant(60_000))
        .unwrap();
    assert_eq!(of(&all)[1], "__name__=\"down\",job=\"a\",replica=\"b\"");
}

#[test]
fn selects_that_become_the_same_are_made_once() {
    let query = engine(Rules::default()).query("up{job=\"a\"} and up", QueryParams::instant(60_000)).unwrap();
    assert_eq!(query.selects().len(), 1, "{:?}", query.selects());
}
