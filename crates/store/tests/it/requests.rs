//! What requests get: order, limits, hints, caches, against the golden blocks.

use std::{collections::BTreeSet, sync::Arc};

use futures::TryStreamExt;
use model::{
    labels::Labels,
    matcher::{MatchType, Matcher},
};
use objstore::{Bucket, Fault, FaultyBucket, FsBucket, Operation};
use prost::Message;
use proto::{hintspb, thanos};
use storeapi::{
    ErrorKind, LabelNamesRequest, LabelValuesRequest, SeriesEvent, SeriesRequest, ShardInfo, StoreApi,
};

use crate::harness::{golden, open, open_with_registry, recorded_blocks, request, series};

fn any_metric() -> Vec<Matcher> {
    vec![Matcher::new(MatchType::Re, "__name__", ".+").unwrap()]
}

fn eq(name: &str, value: &str) -> Matcher {
    Matcher::equal(name, value)
}

fn labels_of(series: &[storeapi::Series]) -> Vec<Labels> {
    series.iter().map(|series| series.labels.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_sorted_whatever_is_taken_off_and_however_small_the_batches() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let bucket: Arc<dyn Bucket> = Arc::new(FsBucket::new(blocks.path()).unwrap());
    let (whole, _data) = open(Arc::clone(&bucket), |_| {}).await;
    let (small, _data2) = open(bucket, |config| {
        config.series_batch_size = 3;
        config.estimated_max_series_size = 1;
        config.estimated_max_chunk_size = 1;
    })
    .await;
    for without in [
        vec![],
        vec!["watch".to_owned()],
        vec!["berth".to_owned(), "harbour".to_owned(), "__name__".to_owned()],
    ] {
        for skip_chunks in [false, true] {
            let ask = || SeriesRequest {
                without_replica_labels: without.clone(),
                skip_chunks,
                ..request(any_metric())
            };
            let all = series(whole.as_ref(), ask()).await.unwrap();
            assert!(all.len() > 100, "{}", all.len());
            assert!(labels_of(&all).is_sorted_by(|a, b| a < b), "without {without:?}");
            assert!(all.iter().all(|series| without.iter().all(|name| !series.labels.has(name))));
            assert!(all.iter().all(|series| series.chunks.is_empty() == skip_chunks));
            assert!(all.iter().all(|series| series.chunks.is_sorted_by_key(|chunk| chunk.min_time)));
            assert_eq!(series(small.as_ref(), ask()).await.unwrap(), all, "without {without:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_split_the_answer_and_a_limit_is_its_beginning() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    let all = series(store.as_ref(), request(any_metric())).await.unwrap();
    let mut sharded = Vec::new();
    for index in 0..3 {
        let shard_info = Some(ShardInfo { index, total: 3, by: false, labels: Vec::new() });
        sharded.extend(
            series(store.as_ref(), SeriesRequest { shard_info, ..request(any_metric()) }).await.unwrap(),
        );
    }
    sharded.sort_by(|a, b| a.labels.cmp(&b.labels));
    assert_eq!(sharded, all);
    for limit in [1, 7, 1000] {
        let some = series(store.as_ref(), SeriesRequest { limit, ..request(any_metric()) }).await.unwrap();
        assert_eq!(some, all[..all.len().min(limit as usize)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_end_a_call_with_thanos_s_texts() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let bucket: Arc<dyn Bucket> = Arc::new(FsBucket::new(blocks.path()).unwrap());
    type Change = fn(&mut store::Limits);
    let cases: [(Change, &str, &str); 3] = [
        (|limits| limits.series = 10, "exceeded series limit: limit 10 violated (got ", "series"),
        (|limits| limits.samples = 10 * 120, "exceeded chunks limit: limit 10 violated (got ", "chunks"),
        (|limits| limits.bytes = 1000, "exceeded bytes limit while fetching ", "bytes"),
    ];
    for (change, text, reason) in cases {
        let (store, _data, registry) =
            open_with_registry(Arc::clone(&bucket), |config| change(&mut config.limits)).await;
        let error = series(store.as_ref(), request(any_metric())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
        assert!(error.to_string().contains(text), "{error}");
        let one = request(vec![eq("__name__", "no_such_metric")]);
        assert_eq!(series(store.as_ref(), one).await.unwrap(), []);
        let mut text = String::new();
        prometheus::TextEncoder::new().encode_utf8(&registry.gather(), &mut text).unwrap();
        let counted = format!(
            "thanos_bucket_store_queries_dropped_total{{reason=\"{reason}\",tenant=\"default-tenant\"}} 1\n"
        );
        assert!(text.contains(&counted), "{counted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_choose_blocks_and_tell_what_was_done() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let bucket = Arc::new(FsBucket::new(blocks.path()).unwrap());
    let (store, _data) = open(bucket, |_| {}).await;
    let id = store.block_ids()[0].to_string();
    let hints = hintspb::SeriesRequestHints {
        block_matchers: vec![thanos::LabelMatcher {
            r#type: 0,
            name: "__block_id".into(),
            value: id.clone(),
        }],
        enable_query_stats: true,
    };
    let any = prost_types::Any {
        type_url: "type.googleapis.com/hintspb.SeriesRequestHints".into(),
        value: hints.encode_to_vec(),
    };
    let ask = SeriesRequest { hints: Some(any), ..request(any_metric()) };
    let events: Vec<SeriesEvent> = store.series(ask.clone()).await.unwrap().try_collect().await.unwrap();
    let Some(SeriesEvent::Hints(answer)) = events.last() else { panic!("no hints at the end") };
    let answer = hintspb::SeriesResponseHints::decode(answer.value.as_slice()).unwrap();
    let queried: BTreeSet<String> = answer.queried_blocks.into_iter().map(|block| block.id).collect();
    assert_eq!(queried, [id].into());
    let stats = answer.query_stats.unwrap();
    let series = events.len() as i64 - 1;
    assert_eq!((stats.blocks_queried, stats.merged_series_count), (1, series));
    assert!(
        series > 0
            && stats.merged_chunks_count >= series
            && stats.chunks_touched == stats.merged_chunks_count
    );
    assert!(stats.series_fetch_count > 0 && stats.data_downloaded_size_sum > 0, "{stats:?}");

    // Who does not ask gets none.
    let silent: Vec<SeriesEvent> =
        store.series(request(any_metric())).await.unwrap().try_collect().await.unwrap();
    assert!(silent.iter().all(|event| matches!(event, SeriesEvent::Series(_))));

    let wrong = prost_types::Any { type_url: "type.googleapis.com/hintspb.Block".into(), value: Vec::new() };
    let error =
        store.series(SeriesRequest { hints: Some(wrong), ..ask.clone() }).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let garbage = prost_types::Any { value: vec![0xff; 7], ..ask.hints.clone().unwrap() };
    let error = store.series(SeriesRequest { hints: Some(garbage), ..ask }).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_values_are_those_of_the_series() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    for matchers in [vec![], any_metric(), vec![eq("harbour", "ostend")], vec![eq("harbour", "nowhere")]] {
        let found = series(
            store.as_ref(),
            SeriesRequest {
                skip_chunks: true,
                // Every block answers requests about labels; all of them for series only at every resolution.
                max_resolution_window: 0,
                ..request(if matchers.is_empty() { any_metric() } else { matchers.clone() })
            },
        )
        .await
        .unwrap();
        let names: BTreeSet<&str> =
            found.iter().flat_map(|series| series.labels.iter().map(|(name, _)| name)).collect();
        let ask = LabelNamesRequest {
            start: i64::MIN,
            end: i64::MAX,
            matchers: matchers.clone(),
            ..LabelNamesRequest::default()
        };
        let answer = store.label_names(ask).await.unwrap().names;
        assert!(answer.is_sorted());
        let answer: BTreeSet<&str> = answer.iter().map(String::as_str).collect();
        assert!(answer.is_superset(&names), "{matchers:?}: {:?}", names.difference(&answer));
        for name in ["__name__", "harbour", "berth", "no such label"] {
            let values: BTreeSet<&str> = found
                .iter()
                .map(|series| series.labels.value(name))
                .filter(|value| !value.is_empty())
                .collect();
            let ask = LabelValuesRequest {
                label: name.to_owned(),
                start: i64::MIN,
                end: i64::MAX,
                matchers: matchers.clone(),
                ..LabelValuesRequest::default()
            };
            let answer = store.label_values(ask).await.unwrap().values;
            assert!(answer.is_sorted());
            let answer: BTreeSet<&str> = answer.iter().map(String::as_str).collect();
            assert!(answer.is_superset(&values), "{matchers:?} {name}");
        }
    }
    let error = store.label_values(LabelValuesRequest::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_in_between_fails_the_call_and_names_the_block() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let faulty = Arc::new(FaultyBucket::new(Arc::new(FsBucket::new(blocks.path()).unwrap()), 5));
    let (store, _data) = open(faulty.clone(), |config| config.series_batch_size = 10).await;
    let all = series(store.as_ref(), request(any_metric())).await.unwrap();
    for seed in 0..20 {
        faulty.heal();
        faulty.cut_after(seed);
        let outcome = series(store.as_ref(), request(any_metric())).await;
        match outcome {
            // The expanded postings are in the cache, the rest has to be fetched.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Aborted);
                let named = store.block_ids().iter().any(|id| error.to_string().contains(&id.to_string()));
                assert!(named, "{error}");
            }
            Ok(found) => assert_eq!(found, all),
        }
    }
    faulty.heal();
    faulty.inject(Operation::GetRange, Fault::Before, 0.0);
    assert_eq!(series(store.as_ref(), request(any_metric())).await.unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_wait_for_their_turn_and_dropped_answers_give_it_back() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) =
        open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |config| config.series_max_concurrency = 1)
            .await;
    let first = store.series(request(any_metric())).await.unwrap();
    let waiting = store.series(request(any_metric()));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), waiting).await.is_err(), "waits");
    drop(first);
    let second: Vec<SeriesEvent> =
        store.series(request(any_metric())).await.unwrap().try_collect().await.unwrap();
    assert!(!second.is_empty());
    assert!(series(store.as_ref(), request(any_metric())).await.is_ok());
}
