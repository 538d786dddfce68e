//! A range query gives what the queries of any parts of its range give one after the other.

use std::collections::BTreeMap;

use corpus::{Generator, Random};
use promql::engine::{Engine, EngineOptions, QueryParams};
use promql::parse::ParseOptions;

use super::outcome::{Points, iterations, run};

/// What refers to the range itself.
fn depends_on_the_range(query: &str) -> bool {
    ["start()", "end()", "range()", "anchored", "smoothed"].iter().any(|word| query.contains(word))
        // These look at the first sample that the query reads.
        || ["xrate", "xincrease", "xdelta"].iter().any(|word| query.contains(word))
}

#[test]
fn parts_of_a_range_make_up_the_whole() {
    let storage = corpus::data::aligned_storage().unwrap();
    let (mut generator, mut random) = (Generator::new(21), Random(22));
    let (mut compared, mut split) = (0, 0);
    for delayed_name_removal in [false, true] {
        let engine = Engine::new(EngineOptions {
            parse: ParseOptions::all(),
            delayed_name_removal,
            ..EngineOptions::default()
        });
        for _ in 0..iterations(700) {
            let query = generator.query(false);
            if depends_on_the_range(&query) {
                continue;
            }
            let step = [15_000, 7_000, 60_000, 45_001][random.below(4)];
            let steps = 2 + random.below(20) as i64;
            let start = random.below(1_300_000) as i64;
            let last = start + (steps - 1) * step;
            let Some((whole, _)) = run(&engine, &storage, &query, QueryParams::range(start, last, step))
            else {
                continue;
            };
            // `info` picks its series by all steps of the query at once.
            if whole.is_err() || query.contains("info(") {
                continue;
            }
            compared += 1;
            let mut together: Points = Ok(BTreeMap::new());
            let mut from = 0;
            while from < steps {
                // Never a single step, which would be evaluated as an instant query is.
                let mut count = 2 + random.below(6) as i64;
                if steps - from - count < 2 {
                    count = steps - from;
                }
                split += 1;
                let (first, end) = (start + from * step, start + (from + count - 1) * step);
                let part = run(&engine, &storage, &query, QueryParams::range(first, end, step));
                let part = part.expect("plans as the whole").0;
                let all = together.as_mut().expect("no part has failed");
                for (labels, points) in part.unwrap_or_else(|e| panic!("{query} from {first} to {end}: {e}"))
                {
                    all.entry(labels).or_default().extend(points);
                }
                from += count;
            }
            assert_eq!(whole, together, "{query} from {start} to {last} by {step}");
        }
    }
    assert!(compared > iterations(700) / 2 && split > compared, "{compared} queries in {split} parts");
}

#[test]
fn random_ranges_are_their_instants() {
    let storage = corpus::data::aligned_storage().unwrap();
    let engine = Engine::new(EngineOptions { parse: ParseOptions::all(), ..EngineOptions::default() });
    let (mut generator, mut random) = (Generator::new(31), Random(32));
    let mut compared = 0;
    for _ in 0..iterations(500) {
        let query = generator.query(false);
        if depends_on_the_range(&query) || query.contains("step()") || query.contains("info(") {
            continue;
        }
        let (start, step) = (random.below(1_200) as i64 * 1000, 1 + random.below(90_000) as i64);
        let last = start + 5 * step;
        let Some((Ok(whole), _)) = run(&engine, &storage, &query, QueryParams::range(start, last, step))
        else {
            continue;
        };
        compared += 1;
        let mut together: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
        for t in (start..=last).step_by(step as usize) {
            let instant =
                run(&engine, &storage, &query, QueryParams::instant(t)).expect("plans as the whole").0;
            for (labels, points) in instant.unwrap_or_else(|e| panic!("{query} at {t}: {e}")) {
                together.entry(labels).or_default().extend(points);
            }
        }
        assert_eq!(whole, together, "{query} from {start} to {last} by {step}");
    }
    assert!(compared > iterations(500) / 2, "only {compared} queries");
}
