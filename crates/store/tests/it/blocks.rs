//! Which blocks answer: resolution, gaps, time.

use std::sync::Arc;

use model::matcher::{MatchType, Matcher};
use objstore::FsBucket;
use storeapi::{Aggr, InfoProvider, SeriesRequest};

use crate::harness::{golden, open, recorded_blocks, request, series};

fn brest() -> Vec<Matcher> {
    vec![
        Matcher::equal("harbour", "brest"),
        Matcher::equal("set", "floats"),
        Matcher::new(MatchType::Re, "__name__", ".+").unwrap(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_coarsest_resolution_allowed_answers() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    let mut counts = Vec::new();
    for (max_resolution_window, raw) in
        [(0, true), (299_999, true), (300_000, false), (3_599_999, false), (3_600_000, false)]
    {
        let ask = SeriesRequest {
            max_resolution_window,
            aggregates: vec![Aggr::Count, Aggr::Sum],
            ..request(brest())
        };
        let found = series(store.as_ref(), ask).await.unwrap();
        let chunks: Vec<_> = found.iter().flat_map(|series| &series.chunks).collect();
        assert!(!chunks.is_empty());
        for chunk in &chunks {
            assert_eq!(chunk.raw.is_some(), raw, "{max_resolution_window}");
            if let Some(aggregates) = &chunk.aggregates {
                assert!(aggregates.count.is_some() && aggregates.sum.is_some());
                assert!(aggregates.min.is_none() && aggregates.max.is_none() && aggregates.counter.is_none());
            }
        }
        counts.push(
            chunks.iter().flat_map(|chunk| chunk.chunks()).map(|(_, chunk)| chunk.data.len()).sum::<usize>(),
        );
    }
    assert_eq!((counts[0], counts[2]), (counts[1], counts[3]));
    assert!(counts[4] < counts[2], "one hour takes less than five minutes: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_of_a_resolution_are_filled_with_finer_blocks() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    // Without the 5m blocks that end first, their time is answered by raw ones.
    let (before, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    let ask = || SeriesRequest {
        max_resolution_window: 300_000,
        aggregates: vec![Aggr::Count],
        ..request(brest())
    };
    let all = series(before.as_ref(), ask()).await.unwrap();
    assert!(all.iter().flat_map(|series| &series.chunks).all(|chunk| chunk.raw.is_none()));
    let mut removed = None;
    for id in before.block_ids() {
        let dir = blocks.path().join(id.to_string());
        let meta = tsdb::meta::BlockMeta::read_dir(&dir).unwrap();
        let first = meta.min_time == 1_758_585_600_000;
        if meta.thanos.downsample.resolution == 300_000
            && first
            && meta.thanos.labels.get("set").is_some_and(|set| set == "floats")
        {
            std::fs::remove_dir_all(dir).unwrap();
            removed = Some(meta.max_time);
        }
    }
    let end = removed.expect("a 5m block of the first half");
    before.sync().await.unwrap();
    let mixed = series(before.as_ref(), ask()).await.unwrap();
    let chunks: Vec<_> = mixed.iter().flat_map(|series| &series.chunks).collect();
    assert!(chunks.iter().filter(|chunk| chunk.raw.is_some()).all(|chunk| chunk.min_time < end));
    assert!(chunks.iter().filter(|chunk| chunk.raw.is_none()).all(|chunk| chunk.min_time >= end));
    assert!(chunks.iter().any(|chunk| chunk.raw.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_partition_bounds_info_and_answers() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |config| {
        config.min_time = bucket::filters::TimeOrDuration::Time(1_758_600_000_000);
        config.max_time = bucket::filters::TimeOrDuration::Time(1_758_610_000_000);
    })
    .await;
    assert_eq!(store.time_range(), (1_758_600_000_000, 1_758_610_000_000));
    let found = series(store.as_ref(), request(brest())).await.unwrap();
    assert!(!found.is_empty());
    for chunk in found.iter().flat_map(|series| &series.chunks) {
        assert!(chunk.min_time <= 1_758_610_000_000 && chunk.max_time >= 1_758_600_000_000);
    }
    let empty = tempfile::tempdir().unwrap();
    let (store, _data) = open(Arc::new(FsBucket::new(empty.path()).unwrap()), |_| {}).await;
    let info = store.info();
    assert_eq!(info.label_sets, []);
    let details = info.store.unwrap();
    assert_eq!((details.min_time, details.max_time), (i64::MAX, i64::MIN));
}
