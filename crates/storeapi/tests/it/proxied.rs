//! The proxy when stores fail, hang, or are not wanted; limits.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use model::labels::Labels;
use model::matcher::Matcher;
use prometheus::Registry;
use proto::hintspb::LabelNamesRequestHints;
use storeapi::testing::MemoryStore;
use storeapi::{
    CallLog, Error, ErrorKind, LabelNamesRequest, LimitedStore, PartialResponse, RequestContext, Retrieval,
    SelectLimits, SeriesEvent, SeriesRequest, StoreApi,
};

use crate::accepted::{proxy, reference};
use crate::served::serve;

fn store(region: &str) -> (MemoryStore, Labels) {
    let external = Labels::from_pairs([("region", region)]);
    let series = ["a", "b", "c"]
        .map(|dock| (Labels::from_pairs([("__name__", "ships"), ("dock", dock)]), vec![(1, 1.0)]));
    (MemoryStore::new(external.clone(), series.to_vec()), external)
}

fn request(partial_response: PartialResponse) -> SeriesRequest {
    SeriesRequest {
        max_time: 10,
        matchers: vec![Matcher::equal("__name__", "ships")],
        partial_response,
        ..SeriesRequest::default()
    }
}

async fn gather(store: &dyn StoreApi, request: SeriesRequest) -> Result<(usize, Vec<String>), Error> {
    let events: Vec<SeriesEvent> = store.series(request).await?.try_collect().await?;
    let warnings = events.iter().filter_map(|event| match event {
        SeriesEvent::Warning(text) => Some(text.clone()),
        _ => None,
    });
    let series = events.iter().filter(|event| matches!(event, SeriesEvent::Series(_))).count();
    Ok((series, warnings.collect()))
}

#[tokio::test]
async fn store_that_fails_midway_is_a_warning_naming_it_or_an_error() {
    let ((good, good_labels), (bad, bad_labels)) = (store("eu"), store("us"));
    let (bad, _served) = serve(Arc::new(bad.failing_after(1, Error::unavailable("block is gone")))).await;
    let stores =
        vec![reference(Arc::new(good), good_labels, true), reference(Arc::new(bad), bad_labels, true)];
    let proxy = proxy(stores, Retrieval::Eager, Duration::ZERO);
    let expected = format!(
        "receive series from Addr: 127.0.0.1:1 MinTime: 0 MaxTime: {}: rpc error: code = Unavailable desc = block is gone",
        i64::MAX
    );
    let (series, warnings) = gather(&proxy, request(PartialResponse::Warn)).await.unwrap();
    assert_eq!((series, warnings), (4, vec![expected.clone()]));
    let error = gather(&proxy, request(PartialResponse::Abort)).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Aborted, expected));
}

#[tokio::test]
async fn store_that_hangs_is_given_up_after_the_response_timeout() {
    let ((good, good_labels), (bad, bad_labels)) = (store("eu"), store("us"));
    let (bad, _served) = serve(Arc::new(bad.hanging_after(2))).await;
    let stores =
        vec![reference(Arc::new(good), good_labels, true), reference(Arc::new(bad), bad_labels, true)];
    let proxy = proxy(stores, Retrieval::Eager, Duration::from_millis(200));
    let (series, warnings) = gather(&proxy, request(PartialResponse::Warn)).await.unwrap();
    assert_eq!(series, 5);
    assert!(
        warnings[0].starts_with("failed to receive any data in 200ms from Addr: 127.0.0.1:1 "),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn stores_that_cannot_have_anything_are_not_asked() {
    let (bad, labels) = store("eu");
    let bad = Arc::new(bad.failing_after(0, Error::internal("must not be asked")));
    let proxy = proxy(vec![reference(bad, labels, true)], Retrieval::Eager, Duration::ZERO);
    let none = (0, vec![]);
    let mut other_region = request(PartialResponse::Warn);
    other_region.matchers.push(Matcher::equal("region", "us"));
    assert_eq!(gather(&proxy, other_region).await.unwrap(), none);
    let other_time = SeriesRequest { min_time: -10, max_time: -1, ..request(PartialResponse::Warn) };
    assert_eq!(gather(&proxy, other_time).await.unwrap(), none);
    let store_matchers = vec![vec![Matcher::equal("__address__", "127.0.0.1:2")]];
    let context = RequestContext { store_matchers, ..RequestContext::default() };
    let other_store = SeriesRequest { context, ..request(PartialResponse::Warn) };
    assert_eq!(gather(&proxy, other_store).await.unwrap(), none);
    assert_eq!(gather(&proxy, request(PartialResponse::Warn)).await.unwrap().1.len(), 1);
}

#[tokio::test]
async fn no_stores_at_all_are_an_error_only_without_partial_answers() {
    let proxy = proxy(vec![], Retrieval::Eager, Duration::ZERO);
    assert_eq!(gather(&proxy, request(PartialResponse::Warn)).await.unwrap(), (0, vec![]));
    assert!(gather(&proxy, request(PartialResponse::Abort)).await.is_err());
}

#[tokio::test]
async fn limit_of_the_request_cuts_the_answer() {
    let ((one, one_labels), (two, two_labels)) = (store("eu"), store("us"));
    let stores = vec![reference(Arc::new(one), one_labels, true), reference(Arc::new(two), two_labels, true)];
    let proxy = proxy(stores, Retrieval::Eager, Duration::ZERO);
    let limited = SeriesRequest { limit: 2, ..request(PartialResponse::Warn) };
    assert_eq!(gather(&proxy, limited).await.unwrap().0, 2);
    let names = LabelNamesRequest { limit: 1, end: 10, ..LabelNamesRequest::default() };
    assert_eq!(proxy.label_names(names).await.unwrap().names, ["__name__"]);
}

#[tokio::test]
async fn limits_of_the_store_end_the_call() {
    let registry = Registry::new();
    let limits = SelectLimits { series_per_request: 2, samples_per_request: 0 };
    let limited = LimitedStore::new(Arc::new(store("eu").0), limits, &registry).unwrap();
    let error = gather(&limited, request(PartialResponse::Warn)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
    assert_eq!(error.to_string(), "failed to send series: limit 2 violated (got 3)");
    let limits = SelectLimits { series_per_request: 0, samples_per_request: 240 };
    let limited = LimitedStore::new(Arc::new(store("eu").0), limits, &Registry::new()).unwrap();
    let error = gather(&limited, request(PartialResponse::Warn)).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to send samples: limit 240 violated (got 360)");
}

#[tokio::test]
async fn log_of_a_call_has_every_store_with_frames_and_hints() {
    let ((good, good_labels), (bad, bad_labels)) = (store("eu"), store("us"));
    let good = good.reading_blocks(&["01B", "01A"]);
    let (good, _served) = serve(Arc::new(good)).await;
    let stores = vec![
        reference(Arc::new(good), good_labels, true),
        reference(Arc::new(bad.failing_after(1, Error::unavailable("block is gone"))), bad_labels, true),
    ];
    let proxy = proxy(stores, Retrieval::Eager, Duration::ZERO);
    let log = Arc::new(CallLog::default());
    let context = RequestContext { log: Some(log.clone()), ..RequestContext::default() };
    let hints = Some(storeapi::hints::with_stats());
    let ask = SeriesRequest { hints, context, response_batch_size: 2, ..request(PartialResponse::Warn) };
    assert_eq!(gather(&proxy, ask).await.unwrap().0, 4);
    let figures = log.figures();
    let told = figures.iter().find(|call| call.error.is_none()).unwrap();
    // Three series in batches of two, and the hints: three frames.
    assert_eq!((told.responses, told.series, told.chunks, told.samples), (3, 3, 3, 3));
    assert_eq!(told.blocks.iter().map(String::as_str).collect::<Vec<_>>(), ["01A", "01B"]);
    assert_eq!(told.stats.as_ref().map(|stats| stats.merged_series_count), Some(3));
    let failed = figures.iter().find(|call| call.error.is_some()).unwrap();
    assert_eq!((failed.series, failed.responses), (1, 1));
    assert!(failed.error.as_ref().unwrap().contains("block is gone"), "{failed:?}");
}

#[tokio::test]
async fn hints_of_a_request_go_on_when_they_ask_for_statistics_and_for_nothing_else() {
    let (inner, labels) = store("eu");
    let inner = inner.reading_blocks(&["01A"]);
    let (lower, _served) = serve(Arc::new(proxy(
        vec![reference(Arc::new(inner), labels.clone(), true)],
        Retrieval::Eager,
        Duration::ZERO,
    )))
    .await;
    let upper = proxy(vec![reference(Arc::new(lower), labels, true)], Retrieval::Eager, Duration::ZERO);
    let other = storeapi::hints::pack("hintspb.LabelNamesRequestHints", &LabelNamesRequestHints::default());
    for (hints, stats) in [(storeapi::hints::with_stats(), Some(3)), (other, None)] {
        let log = Arc::new(CallLog::default());
        let context = RequestContext { log: Some(log.clone()), ..RequestContext::default() };
        let ask = SeriesRequest { hints: Some(hints), context, ..request(PartialResponse::Abort) };
        assert_eq!(gather(&upper, ask).await.unwrap().0, 3);
        let figures = &log.figures()[0];
        assert_eq!(figures.stats.as_ref().map(|stats| stats.merged_series_count), stats);
        assert_eq!(figures.blocks.iter().map(String::as_str).collect::<Vec<_>>(), ["01A"]);
    }
}
