//! The acceptance suite: what every StoreAPI has to answer about the same few series.
//!
//! A test of an implementation fills it with [`fixture_series`] under [`Fixture::external_labels`], and calls [`accept`].

use futures::TryStreamExt;
use model::labels::Labels;
use model::matcher::{MatchType, Matcher};

use crate::api::*;
use crate::{Error, ErrorKind};

/// What the store under test holds.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// External labels of the store; must be those of [`Fixture::new`].
    pub external_labels: Labels,
    /// Time of the first sample, ms. Series have a sample every 15 s for ten minutes.
    pub start: i64,
    /// Whether matchers that only concern external labels are refused. A proxy passes them on to its stores.
    pub refuses_external_matchers_alone: bool,
    /// Whether a request without matchers is refused. Thanos's bucket store answers it with no series.
    pub refuses_no_matchers: bool,
}

const STEP: i64 = 15_000;
const SAMPLES: i64 = 40;

impl Fixture {
    /// The fixture with data from `start` (ms) on.
    pub fn new(start: i64) -> Self {
        Fixture {
            external_labels: Labels::from_pairs([("replica", "a"), ("region", "eu-west")]),
            start,
            refuses_external_matchers_alone: true,
            refuses_no_matchers: true,
        }
    }

    /// Time of the last sample, ms.
    pub fn end(&self) -> i64 {
        self.start + (SAMPLES - 1) * STEP
    }
}

/// The series to fill a store with, without external labels, sorted.
pub fn fixture_series(fixture: &Fixture) -> Vec<(Labels, Vec<(i64, f64)>)> {
    let samples =
        |factor: f64| (0..SAMPLES).map(|i| (fixture.start + i * STEP, i as f64 * factor)).collect::<Vec<_>>();
    let mut series = vec![
        (Labels::from_pairs([("__name__", "ships"), ("dock", "1"), ("pilot", "x")]), samples(1.0)),
        // With `pilot` taken off, this one sorts before the one above it in the data.
        (
            Labels::from_pairs([("__name__", "ships"), ("dock", "1"), ("pilot", "y"), ("quay", "0")]),
            samples(2.0),
        ),
        (Labels::from_pairs([("__name__", "ships"), ("dock", "2")]), samples(3.0)),
        (Labels::from_pairs([("__name__", "ships"), ("dock", "10"), ("name", "É")]), samples(4.0)),
        // The external label wins over this one.
        (Labels::from_pairs([("__name__", "tides"), ("region", "of the data")]), samples(5.0)),
        // Only in the first two minutes.
        (Labels::from_pairs([("__name__", "gulls")]), samples(6.0).into_iter().take(8).collect()),
    ];
    series.sort_by(|a, b| a.0.cmp(&b.0));
    series
}

fn eq(name: &str, value: &str) -> Matcher {
    Matcher::equal(name, value)
}

fn regex(ty: MatchType, name: &str, value: &str) -> Matcher {
    Matcher::new(ty, name, value).expect("a valid expression")
}

struct Suite<'a> {
    store: &'a dyn StoreApi,
    fixture: &'a Fixture,
}

impl Suite<'_> {
    fn request(&self, matchers: Vec<Matcher>) -> SeriesRequest {
        SeriesRequest {
            min_time: self.fixture.start,
            max_time: self.fixture.end(),
            matchers,
            ..SeriesRequest::default()
        }
    }

    async fn series(&self, request: SeriesRequest) -> Result<Vec<Series>, Error> {
        let events: Vec<SeriesEvent> = self.store.series(request).await?.try_collect().await?;
        let mut series: Vec<Series> = Vec::new();
        for event in events {
            match event {
                // A series may come in several parts.
                SeriesEvent::Series(one) if series.last().is_some_and(|last| last.labels == one.labels) => {
                    series.last_mut().expect("there is a last one").chunks.extend(one.chunks);
                }
                SeriesEvent::Series(one) => series.push(one),
                SeriesEvent::Warning(text) => panic!("unexpected warning: {text}"),
                SeriesEvent::Hints(_) => {}
            }
        }
        Ok(series)
    }

    /// The announced labels of what a request finds, in the order of the answer.
    async fn labels(&self, request: SeriesRequest) -> Vec<Labels> {
        let series = self.series(request).await.expect("the request is answered");
        let labels: Vec<Labels> = series.into_iter().map(|series| series.labels).collect();
        assert!(labels.is_sorted(), "series are not sorted: {labels:?}");
        labels
    }

    /// What should be found: the fixture's series that pass, with external labels, without replica labels, sorted.
    fn expected(&self, keep: impl Fn(&Labels) -> bool, without: &[&str]) -> Vec<Labels> {
        let mut labels: Vec<Labels> = fixture_series(self.fixture)
            .into_iter()
            .map(|(labels, _)| labels.extended(&self.fixture.external_labels))
            .filter(|labels| keep(labels))
            .map(|labels| labels.without(without))
            .collect();
        labels.sort();
        labels.dedup();
        labels
    }
}

/// Runs all cases against a store.
///
/// # Panics
/// When the store does not answer as it should.
pub async fn accept(store: &dyn StoreApi, fixture: &Fixture) {
    let suite = Suite { store, fixture };
    selects_by_labels(&suite).await;
    selects_by_time(&suite).await;
    puts_external_labels_on_series(&suite).await;
    takes_replica_labels_off_and_sorts_again(&suite).await;
    sends_chunks_with_the_samples(&suite).await;
    splits_into_shards(&suite).await;
    refuses_bad_requests(&suite).await;
    lists_label_names(&suite).await;
    lists_label_values(&suite).await;
}

/// Which of the fixture's series a case should find.
type Keep<'a> = &'a dyn Fn(&Labels) -> bool;

async fn selects_by_labels(suite: &Suite<'_>) {
    let cases: Vec<(Vec<Matcher>, Keep<'_>)> = vec![
        (vec![eq("__name__", "ships")], &|labels| labels.metric_name() == "ships"),
        (vec![eq("__name__", "ships"), eq("dock", "1")], &|labels| labels.value("dock") == "1"),
        (vec![eq("__name__", "ships"), eq("pilot", "")], &|labels| {
            labels.metric_name() == "ships" && !labels.has("pilot")
        }),
        (vec![eq("__name__", "ships"), Matcher::not_equal("dock", "2")], &|labels| {
            labels.metric_name() == "ships" && labels.value("dock") != "2"
        }),
        (vec![regex(MatchType::Re, "__name__", "sh.*|tides")], &|labels| labels.metric_name() != "gulls"),
        (vec![eq("__name__", "ships"), regex(MatchType::NotRe, "dock", "1.*")], &|labels| {
            labels.value("dock") == "2"
        }),
        (vec![eq("__name__", "ships"), regex(MatchType::Re, "name", "É|E")], &|labels| labels.has("name")),
        (vec![eq("__name__", "no such metric")], &|_| false),
        (vec![eq("__name__", "ships"), eq("dock", "1"), eq("dock", "2")], &|_| false),
    ];
    for (matchers, keep) in cases {
        let found = suite.labels(suite.request(matchers.clone())).await;
        assert_eq!(found, suite.expected(keep, &[]), "series of {matchers:?}");
    }
}

async fn selects_by_time(suite: &Suite<'_>) {
    let fixture = suite.fixture;
    let at = |min_time, max_time| SeriesRequest {
        min_time,
        max_time,
        ..suite.request(vec![eq("__name__", "gulls")])
    };
    assert_eq!(suite.labels(at(fixture.start, fixture.start)).await.len(), 1, "the first sample is within");
    assert!(suite.labels(at(0, fixture.start - 1)).await.is_empty(), "nothing is before the first sample");
    let later = fixture.end() - 60_000;
    assert!(suite.labels(at(later, fixture.end())).await.is_empty(), "no gulls in the last minute");
}

async fn puts_external_labels_on_series(suite: &Suite<'_>) {
    let found = suite.labels(suite.request(vec![eq("__name__", "tides")])).await;
    assert_eq!(found[0].value("region"), "eu-west", "the external label wins: {found:?}");
    for (region, count) in [("eu-west", 4), ("us", 0), ("of the data", 0)] {
        let request = suite.request(vec![eq("__name__", "ships"), eq("region", region)]);
        assert_eq!(suite.labels(request).await.len(), count, "ships in region {region}");
    }
    let request = suite.request(vec![eq("__name__", "ships"), regex(MatchType::NotRe, "region", "eu.*")]);
    assert!(suite.labels(request).await.is_empty());
}

async fn takes_replica_labels_off_and_sorts_again(suite: &Suite<'_>) {
    for without in [&["replica"][..], &["pilot", "replica"], &["dock"], &["no such label"]] {
        let names: Vec<String> = without.iter().map(|name| (*name).to_owned()).collect();
        let request =
            SeriesRequest { without_replica_labels: names, ..suite.request(vec![eq("__name__", "ships")]) };
        let mut found = suite.labels(request).await;
        found.dedup();
        assert_eq!(
            found,
            suite.expected(|labels| labels.metric_name() == "ships", without),
            "without {without:?}"
        );
    }
}

async fn sends_chunks_with_the_samples(suite: &Suite<'_>) {
    let series =
        suite.series(suite.request(vec![eq("__name__", "ships"), eq("dock", "2")])).await.expect("an answer");
    let mut samples = model::series::SampleBuffer::new();
    for chunk in &series[0].chunks {
        let raw = chunk.raw.as_ref().expect("a raw chunk");
        let encoding = tsdb::chunk::Encoding::from_wire(raw.encoding.to_wire()).expect("a known encoding");
        tsdb::chunk::decode_into(encoding, &raw.data, &mut samples).expect("a sound chunk");
    }
    let expected = fixture_series(suite.fixture).into_iter().find(|(labels, _)| labels.value("dock") == "2");
    let found: Vec<(i64, f64)> = samples.timestamps.into_iter().zip(samples.floats).collect();
    assert_eq!(found, expected.expect("the fixture has it").1);

    let request = SeriesRequest { skip_chunks: true, ..suite.request(vec![eq("__name__", "ships")]) };
    let series = suite.series(request).await.expect("an answer");
    assert!(
        series.len() == 4 && series.iter().all(|series| series.chunks.is_empty()),
        "no chunks: {series:?}"
    );
}

async fn splits_into_shards(suite: &Suite<'_>) {
    let all = suite.labels(suite.request(vec![eq("__name__", "ships")])).await;
    for by in [true, false] {
        let mut found = Vec::new();
        for index in 0..2 {
            let shard_info = Some(ShardInfo { index, total: 2, by, labels: vec!["dock".to_owned()] });
            let request = SeriesRequest { shard_info, ..suite.request(vec![eq("__name__", "ships")]) };
            found.extend(suite.labels(request).await);
        }
        found.sort();
        assert_eq!(found, all, "every series is in one shard");
    }
}

async fn refuses_bad_requests(suite: &Suite<'_>) {
    if suite.fixture.refuses_external_matchers_alone {
        let error =
            suite.series(suite.request(vec![eq("region", "eu-west")])).await.expect_err("needs a matcher");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    match suite.series(suite.request(vec![])).await {
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}"),
        Ok(series) => assert!(!suite.fixture.refuses_no_matchers && series.is_empty(), "needs a matcher"),
    }
    let request = LabelValuesRequest { end: suite.fixture.end(), ..LabelValuesRequest::default() };
    let error = suite.store.label_values(request).await.expect_err("needs a label");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

async fn lists_label_names(suite: &Suite<'_>) {
    let (start, end) = (suite.fixture.start, suite.fixture.end());
    let names = |matchers: Vec<Matcher>, without: Vec<&str>, start, end| {
        let request = LabelNamesRequest {
            start,
            end,
            matchers,
            without_replica_labels: without.into_iter().map(str::to_owned).collect(),
            ..LabelNamesRequest::default()
        };
        async move { suite.store.label_names(request).await.expect("an answer").names }
    };
    assert_eq!(
        names(vec![], vec![], start, end).await,
        ["__name__", "dock", "name", "pilot", "quay", "region", "replica"]
    );
    assert_eq!(
        names(vec![eq("dock", "2")], vec![], start, end).await,
        ["__name__", "dock", "region", "replica"]
    );
    assert_eq!(
        names(vec![eq("dock", "2")], vec!["replica"], start, end).await,
        ["__name__", "dock", "region"]
    );
    assert!(names(vec![eq("region", "us")], vec![], start, end).await.is_empty());
    assert!(names(vec![eq("dock", "none")], vec![], start, end).await.is_empty());
}

async fn lists_label_values(suite: &Suite<'_>) {
    let values = |label: &str, matchers: Vec<Matcher>, limit| {
        let request = LabelValuesRequest {
            label: label.to_owned(),
            start: suite.fixture.start,
            end: suite.fixture.end(),
            matchers,
            limit,
            ..LabelValuesRequest::default()
        };
        async move { suite.store.label_values(request).await.expect("an answer").values }
    };
    assert_eq!(values("__name__", vec![], 0).await, ["gulls", "ships", "tides"]);
    assert_eq!(values("dock", vec![], 0).await, ["1", "10", "2"]);
    assert_eq!(values("dock", vec![], 2).await, ["1", "10"]);
    assert_eq!(values("dock", vec![eq("pilot", "x")], 0).await, ["1"]);
    assert_eq!(values("region", vec![], 0).await, ["eu-west"]);
    assert_eq!(values("region", vec![eq("__name__", "ships")], 0).await, ["eu-west"]);
    assert!(values("region", vec![eq("__name__", "none")], 0).await.is_empty());
    assert!(values("dock", vec![eq("region", "us")], 0).await.is_empty());
    assert!(values("no such label", vec![], 0).await.is_empty());
}
