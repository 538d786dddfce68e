//! Servers that answer remote read as a real Prometheus of today does not.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use client::prometheus::Client;
use futures::{StreamExt, TryStreamExt, stream};
use model::matcher::{MatchType, Matcher};
use model::series::SampleBuffer;
use prometheus::Registry;
use prost::Message;
use proto::prometheus_copy::{
    Chunk, ChunkedReadResponse, ChunkedSeries, QueryResult, ReadRequest, ReadResponse, Sample, TimeSeries,
};
use proto::thanos::Label;
use sidecar::{Peer, PrometheusStore};
use storeapi::{Error, Series, SeriesEvent, SeriesRequest, StoreApi};

use crate::prometheus::http_client;

/// A store over a server that gives this answer to remote read.
async fn store(status: u16, content_type: &'static str, parts: Vec<&'static [u8]>) -> PrometheusStore {
    let answer = move |request: Bytes| async move {
        let request = snap::raw::Decoder::new().decompress_vec(&request).expect("snappy");
        ReadRequest::decode(request.as_slice()).expect("message");
        let body = stream::iter(parts).map(|part| {
            if part == b"BREAK" {
                Err(std::io::Error::other("broken off"))
            } else {
                Ok(Bytes::from_static(part))
            }
        });
        Response::builder()
            .status(StatusCode::from_u16(status).expect("code"))
            .header("content-type", content_type)
            .body(Body::from_stream(body))
            .expect("response")
    };
    let names = r#"{"status":"success","data":["a","b","z"]}"#;
    let config = r#"{"status":"success","data":{"yaml":"global: {external_labels: {replica: a}}"}}"#;
    let app = Router::new()
        .route("/api/v1/read", post(answer))
        .route("/api/v1/labels", get(move || async move { names }))
        .route("/api/v1/status/config", get(move || async move { config }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("free port");
    let base = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let peer = Peer::new(Client::new(http_client(), base.parse().expect("address")), Arc::new(|| i64::MIN));
    peer.update_labels().await.expect("labels");
    PrometheusStore::new(peer, &Registry::new()).expect("store")
}

async fn ask(store: &PrometheusStore) -> Result<Vec<SeriesEvent>, Error> {
    let request = SeriesRequest {
        max_time: i64::MAX,
        matchers: vec![Matcher::new(MatchType::Eq, "a", "b").expect("matcher")],
        ..SeriesRequest::default()
    };
    store.series(request).await?.try_collect().await
}

const STREAMED: &str = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

#[tokio::test]
async fn samples_of_an_old_server_are_encoded_in_chunks_of_120() {
    let label = |name: &str, value: &str| Label { name: name.to_string(), value: value.to_string() };
    let samples: Vec<Sample> =
        (0..250).map(|i| Sample { timestamp: i * 15, value: (i * i) as f64 }).collect();
    let time_series = |value: &str, samples: &[Sample]| TimeSeries {
        labels: vec![label("a", "b"), label("z", value)],
        samples: samples.to_vec(),
        ..TimeSeries::default()
    };
    // Not in order, and one without samples.
    let timeseries = vec![time_series("2", &samples), time_series("1", &samples[..1]), time_series("0", &[])];
    let message = ReadResponse { results: vec![QueryResult { timeseries }] }.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&message).expect("snappy");
    let body: &'static [u8] = Box::leak(body.into_boxed_slice());
    let events = ask(&store(200, "application/x-protobuf", vec![body]).await).await.expect("answer");
    let series: Vec<Series> = events
        .into_iter()
        .map(|event| match event {
            SeriesEvent::Series(series) => series,
            other => panic!("not a series: {other:?}"),
        })
        .collect();
    let labels: Vec<_> = series.iter().map(|series| series.labels.to_string()).collect();
    assert_eq!(labels, ["{a=\"b\", replica=\"a\", z=\"1\"}", "{a=\"b\", replica=\"a\", z=\"2\"}"]);
    let chunks = &series[1].chunks;
    let times: Vec<_> = chunks.iter().map(|chunk| (chunk.min_time / 15, chunk.max_time / 15)).collect();
    assert_eq!(times, [(0, 119), (120, 239), (240, 249)]);
    let mut out = SampleBuffer::default();
    for chunk in chunks {
        let raw = chunk.raw.as_ref().expect("raw");
        tsdb::chunk::decode_into(tsdb::chunk::Encoding::Xor, &raw.data, &mut out).expect("chunk");
    }
    assert_eq!(out.timestamps, samples.iter().map(|s| s.timestamp).collect::<Vec<_>>());
    assert_eq!(out.floats, samples.iter().map(|s| s.value).collect::<Vec<_>>());
}

#[tokio::test]
async fn histograms_of_a_sampled_answer_are_encoded_too() {
    use proto::prometheus_copy::{BucketSpan, Histogram, histogram};
    let integer = |i: i64| Histogram {
        timestamp: i * 15,
        count: Some(histogram::Count::CountInt(3 + i as u64)),
        zero_count: Some(histogram::ZeroCount::ZeroCountInt(0)),
        sum: i as f64,
        schema: 1,
        zero_threshold: 0.001,
        positive_spans: vec![BucketSpan { offset: 0, length: 2 }],
        positive_deltas: vec![1 + i, 1 - i],
        ..Histogram::default()
    };
    let float = |i: i64| Histogram {
        count: Some(histogram::Count::CountFloat(3.0)),
        zero_count: Some(histogram::ZeroCount::ZeroCountFloat(0.0)),
        positive_deltas: vec![],
        positive_counts: vec![1.0, 2.0],
        ..integer(i)
    };
    let labels = vec![Label { name: "a".to_string(), value: "b".to_string() }];
    let answer = |samples: Vec<Sample>, histograms: Vec<Histogram>| {
        let series = TimeSeries { labels: labels.clone(), samples, histograms, ..TimeSeries::default() };
        let message =
            ReadResponse { results: vec![QueryResult { timeseries: vec![series] }] }.encode_to_vec();
        let body = snap::raw::Encoder::new().compress_vec(&message).expect("snappy");
        &*Box::leak(body.into_boxed_slice())
    };
    let samples = (0..3).map(|i| Sample { timestamp: i * 15, value: 1.0 }).collect();
    let histograms = (3..130).map(integer).chain((130..140).map(float)).collect();
    let store_of = |body| store(200, "application/x-protobuf", vec![body]);
    let events = ask(&store_of(answer(samples, histograms)).await).await.expect("answer");
    let [SeriesEvent::Series(series)] = events.as_slice() else { panic!("one series: {events:?}") };
    let mut out = SampleBuffer::default();
    let mut outline = Vec::new();
    for chunk in &series.chunks {
        let raw = chunk.raw.as_ref().expect("raw");
        let encoding = tsdb::chunk::Encoding::from_wire(raw.encoding.to_wire()).expect("encoding");
        tsdb::chunk::decode_into(encoding, &raw.data, &mut out).expect("chunk");
        outline.push((encoding.to_string(), chunk.min_time / 15, chunk.max_time / 15));
    }
    let want = [("XOR", 0, 2), ("histogram", 3, 122), ("histogram", 123, 129), ("floathistogram", 130, 139)];
    assert_eq!(outline, want.map(|(encoding, mint, maxt)| (encoding.to_string(), mint, maxt)));
    let at = |i: usize| out.histograms[i].as_ref().expect("a histogram");
    assert_eq!((at(50).count, at(50).positive_buckets.clone()), (53.0, vec![51.0, 2.0]));
    assert_eq!((at(135).count, at(135).positive_buckets.clone()), (3.0, vec![1.0, 2.0]));

    // Fewer buckets than the spans say.
    let broken = Histogram { positive_deltas: vec![1], ..integer(1) };
    let error = ask(&store_of(answer(vec![], vec![broken])).await).await.expect_err("broken").to_string();
    assert!(error.contains("{a=\"b\", replica=\"a\"}") && error.contains("histogram at 15"), "{error}");
}

#[tokio::test]
async fn broken_answers_are_errors_that_say_what_is_wrong() {
    for (status, content_type, parts, want) in [
        (
            500,
            "text/plain",
            vec![&b"out of memory"[..]],
            "query Prometheus: request failed with code 500; msg out of memory",
        ),
        (200, "text/html", vec![b"<html>"], "not supported remote read content type: text/html"),
        (200, STREAMED, vec![b"\x05\0\0\0\0hello"], "frame 0: corrupted frame; checksum mismatch"),
        (200, STREAMED, vec![b"\x05\x9a\x71\xbb\x4c", b"hello"], "decode a frame of the remote read stream"),
        (200, STREAMED, vec![b"\x05\0\0"], "frame 0: the stream ends after 3 bytes of it"),
        (200, STREAMED, vec![b"\xff\xff\xff\xff\x7f"], "message size exceeded the limit 50000000 bytes"),
        (200, STREAMED, vec![b"\x05\0\0", b"BREAK"], "perform POST request against"),
        (
            200,
            "application/x-protobuf",
            vec![b"\xff\xff\xff\xff\x0f"],
            "decompress: 4294967295 bytes are more than",
        ),
        (200, "application/x-protobuf", vec![b"\0"], "unexpected result size 0"),
    ] {
        let error = ask(&store(status, content_type, parts).await).await.expect_err(want).to_string();
        assert!(error.contains(want), "{error} is not {want}");
    }
}

#[tokio::test]
async fn an_empty_stream_is_an_empty_answer() {
    assert_eq!(ask(&store(200, STREAMED, vec![]).await).await, Ok(Vec::new()));
}

/// A frame with one series of one chunk; `labels` like `a=b,b=1`.
fn frame(labels: &str, data: Bytes) -> &'static [u8] {
    let labels = labels.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').expect("label");
        Label { name: name.to_string(), value: value.to_string() }
    });
    let chunks = vec![Chunk { min_time_ms: 1, max_time_ms: 2, r#type: 1, data }];
    let chunked_series = vec![ChunkedSeries { labels: labels.collect(), chunks }];
    let message = ChunkedReadResponse { chunked_series, query_index: 0 }.encode_to_vec();
    let mut frame = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut frame);
    frame.extend(crc32c::crc32c(&message).to_be_bytes());
    frame.extend(message);
    Box::leak(frame.into_boxed_slice())
}

/// Labels and numbers of chunks of the series in the answer.
fn outline(events: Vec<SeriesEvent>) -> Vec<(String, usize)> {
    let outline = events.into_iter().map(|event| match event {
        SeriesEvent::Series(series) => (series.labels.to_string(), series.chunks.len()),
        other => panic!("not a series: {other:?}"),
    });
    outline.collect()
}

#[tokio::test]
async fn a_large_answer_is_passed_on_in_order() {
    // Prometheus adds its external labels, replica, and sorts without them. With it, the second goes before the first.
    let large = Bytes::from(vec![7; 3 << 20]);
    let frames = vec![
        frame("a=b,replica=a", large.clone()),
        frame("a=b,b=1,replica=a", large.clone()),
        frame("a=b,b=1,replica=a", large.clone()),
        frame("a=b,b=1,replica=a,z=1", Bytes::from_static(b"x")),
        frame("a=b,replica=a,z=2", large.clone()),
        frame("a=c,replica=a", large),
    ];
    let want = [
        ("{a=\"b\", b=\"1\", replica=\"a\"}", 2),
        ("{a=\"b\", b=\"1\", replica=\"a\", z=\"1\"}", 1),
        ("{a=\"b\", replica=\"a\"}", 1),
        ("{a=\"b\", replica=\"a\", z=\"2\"}", 1),
        ("{a=\"c\", replica=\"a\"}", 1),
    ];
    let want = want.map(|(labels, chunks)| (labels.to_string(), chunks)).to_vec();
    let sound = store(200, STREAMED, frames.clone()).await;
    assert_eq!(outline(ask(&sound).await.expect("answer")), want);

    // Broken off in the middle: what is in order comes first, then the error.
    let mut broken = frames.clone();
    broken.truncate(4);
    broken.push(&b"\x05\0\0\0\0hello"[..]);
    let error = ask(&store(200, STREAMED, broken).await).await.expect_err("broken frame").to_string();
    assert!(error.contains("frame 4: corrupted frame"), "{error}");

    // A server that does not sort is noticed, and is sorted for from then on.
    let mut unsorted = frames;
    unsorted.swap(0, 5);
    let unsorted = store(200, STREAMED, unsorted).await;
    let error = ask(&unsorted).await.expect_err("out of order").to_string();
    assert!(error.contains("is not sorted"), "{error}");
    assert_eq!(outline(ask(&unsorted).await.expect("answer")).len(), want.len());
}
