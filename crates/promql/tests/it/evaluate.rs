//! Random queries of random data: whatever is asked, there is an answer or an error.

use promql::engine::{Engine, QueryParams};
use promql::limits::{Ledger, Limits};
use promql::parse::{ParseOptions, parse_expr};
use promql::promqltest::engine_options;
use promql::value::Value;

use corpus::{Generator, Random};

#[test]
fn random_queries_are_answered() {
    let iterations = std::env::var("FUZZ_ITERS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let storage = corpus::data::aligned_storage().unwrap();
    let engine = Engine::new(engine_options());
    let limits = Limits { max_samples: 1_000_000, memory: Ledger::new(64 << 20, None), ..Limits::default() };
    let mut generator = Generator::new(1);
    let mut random = Random(2);
    let (mut with_series, mut refused) = (0, 0);
    for _ in 0..iterations {
        let start = random.below(1_500) as i64 * 1000;
        let params = match random.below(2) {
            0 => QueryParams::instant(start),
            _ => QueryParams::range(
                start,
                start + random.below(900) as i64 * 1000,
                1 + random.below(90_000) as i64,
            ),
        };
        let query = generator.query(params.is_instant());
        let Ok(expr) = parse_expr(&query, &ParseOptions::all()) else {
            refused += 1;
            continue;
        };
        let Ok(prepared) = engine.prepare(expr, params) else {
            continue;
        };
        let result = prepared.exec(&storage, &limits);
        match result.value {
            Ok(Value::Vector(v)) => with_series += usize::from(!v.is_empty()),
            Ok(Value::Matrix(m)) => {
                with_series += usize::from(!m.is_empty());
                if !params.is_instant() {
                    assert!(m.is_sorted_by(|a, b| a.labels() < b.labels()), "{query}");
                }
            }
            Ok(_) => {}
            Err(e) => assert!(!e.to_string().is_empty(), "{query}"),
        }
        for annotation in result.annotations.iter() {
            assert!(!annotation.describe(&query).contains("invalid position"), "{query}");
        }
    }
    assert!(refused * 20 < iterations, "{refused} of {iterations} queries do not parse");
    // The generator is of use only if most queries have a value.
    assert!(with_series * 2 > iterations, "only {with_series} of {iterations} queries gave series");
}
