//! Selects over a store in memory: what they hold is on the query's account.

use model::labels::Labels;
use promql::EvalError;
use promql::engine::{Engine, QueryParams};
use promql::limits::{Limits, ProcessBudget};
use storeapi::testing::MemoryStore;

use super::*;

const SERIES: usize = 50;
/// Samples of a series; their values share no bits, so that a chunk has about nine bytes of each.
const SAMPLES: i64 = 100;

fn context() -> SelectContext {
    let value = |i: i64| 1.0 / (i * 7919 % 1009 + 2) as f64;
    let samples: Vec<(i64, f64)> = (0..SAMPLES).map(|i| (i * 1000, value(i))).collect();
    let series = (0..SERIES).map(|i| {
        (
            Labels::from_pairs([
                ("__name__".to_owned(), "ships".to_owned()),
                ("dock".to_owned(), format!("{i:03}")),
            ]),
            samples.clone(),
        )
    });
    SelectContext {
        store: Arc::new(MemoryStore::new(Labels::from_pairs([("replica", "a")]), series.collect())),
        gate: Gate::new(4, "selects_", "selects", &prometheus::Registry::new()).unwrap(),
        timeout: Duration::from_secs(60),
        deduplication: Algorithm::Penalty,
        standing: Standing::default(),
    }
}

fn query(text: &str) -> promql::engine::Query {
    Engine::default().query(text, QueryParams::instant(SAMPLES * 1000)).unwrap()
}

fn prefetch(query: &promql::engine::Query, memory: Arc<Ledger>) -> StoreQueryable {
    StoreQueryable::prefetch(context(), SelectOptions::default(), query.selects(), query.time_range(), memory)
}

#[tokio::test]
async fn chunks_of_selects_are_held_until_their_series_are_read() {
    let process = ProcessBudget::new(1 << 30);
    let query = query("ships");
    let source = prefetch(&query, Ledger::new(0, Some(process.clone())));
    // Nothing is read yet: what arrives is held.
    let all = SERIES * SAMPLES as usize * 8;
    while process.used() < all as u64 {
        tokio::task::yield_now().await;
    }
    let used = tokio::task::spawn_blocking(move || {
        let mut set = source.select(&query.selects()[0]).unwrap();
        let mut held = Vec::new();
        while let Some(series) = set.next_series() {
            held.push(series.unwrap());
        }
        assert_eq!(held.len(), SERIES);
        let while_held = process.used();
        drop(held);
        (while_held, process.used())
    });
    let (while_held, after) = used.await.unwrap();
    assert!(while_held >= all as u64, "{while_held} bytes held by {SERIES} series");
    assert_eq!(after, 0);
}

#[tokio::test]
async fn a_query_whose_chunks_are_over_its_memory_says_so() {
    let process = ProcessBudget::new(1 << 30);
    // The result of a count is small; its chunks are not.
    let query = query("count(max_over_time(ships[100s]))");
    for (bytes, fits) in [(SERIES as u64 * SAMPLES as u64 * 4, false), (1 << 20, true)] {
        let memory = Ledger::new(bytes, Some(process.clone()));
        let (query, source) = (query.clone(), prefetch(&query, memory.clone()));
        let run = move || query.exec(&source, &Limits { memory, ..Limits::default() }).value;
        match (tokio::task::spawn_blocking(run).await.unwrap(), fits) {
            (Ok(_), true) => {}
            (Err(EvalError::QueryMemory { max_bytes }), false) => assert_eq!(max_bytes, bytes),
            (other, _) => panic!("with {bytes} bytes: {other:?}"),
        }
    }
    // The task of a select that was given up hands its bytes back a moment later.
    while process.used() > 0 {
        tokio::task::yield_now().await;
    }
}
