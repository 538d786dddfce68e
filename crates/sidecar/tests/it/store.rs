//! StoreAPI over a real Prometheus.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use model::labels::Labels;
use model::matcher::{MatchType, Matcher};
use model::series::SampleBuffer;
use prometheus::Registry;
use sidecar::PrometheusStore;
use storeapi::testing::{Fixture, accept, fixture_series};
use storeapi::{
    ErrorKind, LabelNamesRequest, LabelValuesRequest, Series, SeriesEvent, SeriesRequest, ShardInfo, StoreApi,
};
use tsdb::chunk::Encoding;

use crate::prometheus::{Harbour, LINES, START, TICKS};

fn matcher(ty: MatchType, name: &str, value: &str) -> Matcher {
    Matcher::new(ty, name, value).expect("matcher")
}

fn request(matchers: &[(MatchType, &str, &str)]) -> SeriesRequest {
    SeriesRequest {
        min_time: i64::MIN,
        max_time: i64::MAX,
        matchers: matchers.iter().map(|(ty, name, value)| matcher(*ty, name, value)).collect(),
        ..SeriesRequest::default()
    }
}

async fn series(store: &PrometheusStore, request: SeriesRequest) -> Vec<Series> {
    let events: Vec<SeriesEvent> =
        store.series(request).await.expect("answer").try_collect().await.expect("series");
    let series: Vec<Series> = events
        .into_iter()
        .map(|event| match event {
            SeriesEvent::Series(series) => series,
            other => panic!("not a series: {other:?}"),
        })
        .collect();
    assert!(series.is_sorted_by(|a, b| a.labels <= b.labels), "out of order");
    series
}

fn samples(series: &Series) -> Vec<(i64, f64)> {
    let mut out = SampleBuffer::default();
    for chunk in &series.chunks {
        let raw = chunk.raw.as_ref().expect("raw chunk");
        let encoding = Encoding::from_wire(raw.encoding.to_wire()).expect("encoding");
        let before = out.timestamps.len();
        tsdb::chunk::decode_into(encoding, &raw.data, &mut out).expect("chunk");
        assert_eq!(out.timestamps[before], chunk.min_time);
        assert_eq!(*out.timestamps.last().expect("samples"), chunk.max_time);
        assert_ne!(raw.hash, 0);
    }
    out.timestamps.into_iter().zip(out.floats).collect()
}

/// The data as it must come out, by labels.
fn expected(name: &str, without: &[&str]) -> BTreeMap<Labels, Vec<(i64, f64)>> {
    let external = Labels::from_pairs([("cluster", "eu1"), ("replica", "0")]);
    let lines = LINES.iter().filter(|line| line.0 == name);
    lines
        .map(|(name, labels, value)| {
            let pairs = labels.split(',').map(|pair| {
                let (name, value) = pair.split_once('=').expect("label");
                (name.to_string(), value.trim_matches('"').to_string())
            });
            let own = Labels::from_pairs(pairs.chain([("__name__".to_string(), name.to_string())]));
            let samples = (0..TICKS).map(|i| ((START + 15 * i) * 1000, value(i))).collect();
            (own.extended(&external).without(without), samples)
        })
        .collect()
}

/// Compares without printing thousands of samples.
fn same(found: &BTreeMap<Labels, Vec<(i64, f64)>>, want: &BTreeMap<Labels, Vec<(i64, f64)>>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>());
    for (labels, samples) in want {
        assert!(found[labels] == *samples, "samples of {labels}");
    }
}

#[tokio::test]
async fn answers_series_over_a_real_prometheus() {
    let harbour = Harbour::start().await;
    let store = PrometheusStore::new(harbour.peer().await, &Registry::new()).expect("store");
    samples_with_external_labels_on_top(&store).await;
    matchers_on_external_labels(&store).await;
    replica_labels_are_taken_off(&store).await;
    labels_alone(&store).await;
    shards(&store).await;
    times(&store).await;
    label_names(&store).await;
    label_values(&store).await;
    refusals(&store).await;
}

async fn samples_with_external_labels_on_top(store: &PrometheusStore) {
    for name in ["berth_ships", "crane_lifts", "tide_metres"] {
        let found = series(store, request(&[(MatchType::Eq, "__name__", name)])).await;
        let found: BTreeMap<_, _> =
            found.iter().map(|series| (series.labels.clone(), samples(series))).collect();
        same(&found, &expected(name, &[]));
    }
    let found = series(store, request(&[(MatchType::Re, "__name__", ".+_.+")])).await;
    assert_eq!(found.len(), LINES.len());
}

async fn matchers_on_external_labels(store: &PrometheusStore) {
    let berths = (MatchType::Eq, "__name__", "berth_ships");
    for (ty, name, value, count) in [
        (MatchType::Eq, "cluster", "eu1", 2),
        (MatchType::Re, "cluster", "eu.", 2),
        (MatchType::Ne, "cluster", "us1", 2),
        (MatchType::Eq, "cluster", "us1", 0),
        (MatchType::Eq, "replica", "", 0),
        (MatchType::Eq, "berth", "a", 1),
        (MatchType::NotRe, "berth", "a|b", 0),
    ] {
        let found = series(store, request(&[berths, (ty, name, value)])).await;
        assert_eq!(found.len(), count, "{name} {ty:?} {value}");
    }
}

async fn replica_labels_are_taken_off(store: &PrometheusStore) {
    let without = ["replica".to_string()];
    let all = request(&[(MatchType::Re, "__name__", "crane_lifts|tide_metres")]);
    let found = series(store, SeriesRequest { without_replica_labels: without.to_vec(), ..all }).await;
    let found: BTreeMap<_, _> = found.iter().map(|series| (series.labels.clone(), samples(series))).collect();
    let mut want = expected("crane_lifts", &["replica"]);
    want.extend(expected("tide_metres", &["replica"]));
    same(&found, &want);
}

async fn labels_alone(store: &PrometheusStore) {
    let all = request(&[(MatchType::Re, "__name__", "crane_lifts|tide_metres")]);
    let all = SeriesRequest { skip_chunks: true, ..all };
    let found = series(store, all.clone()).await;
    assert!(found.iter().all(|series| series.chunks.is_empty()));
    let mut want = expected("crane_lifts", &[]);
    want.extend(expected("tide_metres", &[]));
    assert_eq!(
        found.iter().map(|s| s.labels.clone()).collect::<Vec<_>>(),
        want.into_keys().collect::<Vec<_>>()
    );

    let found = series(store, SeriesRequest { limit: 2, ..all.clone() }).await;
    assert_eq!(found.len(), 2);
    let found =
        series(store, SeriesRequest { without_replica_labels: vec!["replica".to_string()], ..all }).await;
    assert!(found.iter().all(|series| !series.labels.has("replica")));
}

async fn shards(store: &PrometheusStore) {
    let all = request(&[(MatchType::Re, "__name__", ".+")]);
    let mut labels = Vec::new();
    for index in 0..3 {
        let shard = ShardInfo { index, total: 3, by: false, labels: Vec::new() };
        let part = series(store, SeriesRequest { shard_info: Some(shard), ..all.clone() }).await;
        assert!(part.len() < LINES.len());
        labels.extend(part.into_iter().map(|series| series.labels));
    }
    assert_eq!(labels.len(), LINES.len());
    let shard = ShardInfo { index: 0, total: 3, by: false, labels: Vec::new() };
    let labels_alone = SeriesRequest { shard_info: Some(shard), skip_chunks: true, ..all };
    assert_eq!(series(store, labels_alone).await.len(), LINES.len());
}

async fn times(store: &PrometheusStore) {
    let berths = request(&[(MatchType::Eq, "berth", "a")]);
    let at = |tick: i64| (START + 15 * tick) * 1000;
    let found = series(store, SeriesRequest { min_time: at(10), max_time: at(20), ..berths.clone() }).await;
    // Chunks come whole, and so with samples around the range.
    let found = samples(&found[0]);
    assert!(found.contains(&(at(10), 3.0)) && found.contains(&(at(20), 6.0)) && found.len() < TICKS as usize);
    for (min_time, max_time) in [(at(TICKS + 10), i64::MAX), (i64::MIN, at(-1)), (at(20), at(10))] {
        assert_eq!(series(store, SeriesRequest { min_time, max_time, ..berths.clone() }).await, []);
    }
}

async fn label_names(store: &PrometheusStore) {
    let names = |matchers: Vec<Matcher>, without: &[&str], limit| {
        let request = LabelNamesRequest {
            start: i64::MIN,
            end: i64::MAX,
            matchers,
            without_replica_labels: without.iter().map(|s| s.to_string()).collect(),
            limit,
            ..LabelNamesRequest::default()
        };
        async move { store.label_names(request).await.expect("names").names }
    };
    let all = ["__name__", "basin", "berth", "buoy", "cluster", "job", "replica"];
    assert_eq!(names(vec![], &[], 0).await, all);
    // The external names come on top of the limit.
    assert_eq!(names(vec![], &[], 2).await, ["__name__", "basin", "cluster", "replica"]);
    assert_eq!(names(vec![], &["replica"], 0).await, all[..6]);
    let tide = matcher(MatchType::Eq, "__name__", "tide_metres");
    assert_eq!(names(vec![tide.clone()], &[], 0).await, ["__name__", "basin", "buoy", "cluster", "replica"]);
    let elsewhere = matcher(MatchType::Eq, "cluster", "us1");
    assert!(names(vec![tide, elsewhere], &[], 0).await.is_empty());
    assert!(names(vec![matcher(MatchType::Eq, "job", "none")], &[], 0).await.is_empty());
}

async fn label_values(store: &PrometheusStore) {
    let values = |label: &str, matchers: Vec<Matcher>, limit| {
        let request = LabelValuesRequest {
            label: label.to_string(),
            start: i64::MIN,
            end: i64::MAX,
            matchers,
            limit,
            ..LabelValuesRequest::default()
        };
        async move { store.label_values(request).await.expect("values").values }
    };
    assert_eq!(values("__name__", vec![], 0).await, ["berth_ships", "crane_lifts", "tide_metres"]);
    assert_eq!(values("__name__", vec![], 1).await.len(), 1);
    let quay = || matcher(MatchType::Eq, "job", "quay");
    assert_eq!(values("__name__", vec![quay()], 0).await, ["berth_ships", "crane_lifts"]);
    // External labels hide those of the same name in the data.
    assert_eq!(values("cluster", vec![], 0).await, ["eu1"]);
    assert_eq!(values("cluster", vec![quay()], 0).await, ["eu1"]);
    assert!(values("cluster", vec![matcher(MatchType::Eq, "job", "none")], 0).await.is_empty());
    assert!(values("job", vec![matcher(MatchType::Eq, "cluster", "us1")], 0).await.is_empty());
    assert!(values("no such/label", vec![], 0).await.is_empty());
    let request = LabelValuesRequest {
        label: "replica".to_string(),
        without_replica_labels: vec!["replica".to_string()],
        ..LabelValuesRequest::default()
    };
    assert!(store.label_values(request).await.expect("values").values.is_empty());
}

async fn refusals(store: &PrometheusStore) {
    let only_external = request(&[(MatchType::Eq, "cluster", "eu1")]);
    let error = store.series(only_external).await.err().expect("no matcher is left");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::InvalidArgument, "no matchers specified (excluding external labels)")
    );
    let error = store.label_values(LabelValuesRequest::default()).await.expect_err("no label");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn passes_the_acceptance_suite() {
    let fixture = Fixture::new(START * 1000);
    let mut text = String::new();
    let mut last_name = String::new();
    for (labels, samples) in fixture_series(&fixture) {
        let name = labels.metric_name().to_string();
        if name != last_name {
            text += &format!("# TYPE {name} gauge\n");
        }
        let rest: Vec<_> =
            labels.without(&["__name__"]).iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        for (ms, value) in samples {
            text += &format!("{name}{{{}}} {value} {}\n", rest.join(","), ms / 1000);
        }
        last_name = name;
    }
    text += "# EOF\n";
    let external: Vec<_> =
        fixture.external_labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let harbour = Harbour::with(text, external).await;
    let store = PrometheusStore::new(harbour.peer().await, &Registry::new()).expect("store");
    accept(&store, &fixture).await;
}
