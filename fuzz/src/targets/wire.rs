//! Messages from the network.

use bytes::Bytes;
use client::prometheus::FrameDecoder;
use model::labels::Labels;
use prost::Message;
use proto::series::{AggrChunk, Aggregates, Chunk, ChunkEncoding, Series, SeriesResponse, SeriesResult};
use proto::{prometheus_copy, thanos};

use super::Target;

pub(super) const TARGETS: [Target; 4] = [
    Target { name: "series-response", run: series_response, seeds: series_response_seeds },
    Target { name: "series-request", run: series_request, seeds: series_request_seeds },
    Target { name: "read-frame", run: read_frame, seeds: read_frame_seeds },
    Target { name: "chunked-series", run: chunked_series, seeds: chunked_series_seeds },
];

/// What a store sends, decoded as the querier does, and its chunks.
fn series_response(data: &[u8]) {
    let Ok(response) = SeriesResponse::decode(Bytes::copy_from_slice(data)) else { return };
    let again = SeriesResponse::decode(response.encode_to_vec().as_slice());
    assert!(again.is_ok(), "what was written can be read");
}

fn series_response_seeds() -> Vec<Vec<u8>> {
    let chunk = |n: u8| Chunk::new(ChunkEncoding::Xor, Bytes::from(vec![n; 40]), 7);
    let mut aggregated = AggrChunk::raw(3, 4, chunk(3));
    aggregated.raw = None;
    aggregated.aggregates = Some(Box::new(Aggregates {
        count: Some(chunk(2)),
        counter: Some(chunk(3)),
        ..Aggregates::default()
    }));
    let series = Series {
        labels: Labels::from_pairs([("__name__", "up"), ("job", "node")]),
        chunks: vec![AggrChunk::raw(1, 2, chunk(1)), aggregated],
    };
    [
        SeriesResult::Series(series.clone()),
        SeriesResult::Warning("a warning".to_owned()),
        SeriesResult::Batch(vec![series.clone(), series]),
    ]
    .into_iter()
    .map(|result| SeriesResponse::new(result).encode_to_vec())
    .collect()
}

/// What a querier sends, converted as a store does.
fn series_request(data: &[u8]) {
    let Ok(request) = thanos::SeriesRequest::decode(data) else { return };
    let _ = storeapi::SeriesRequest::from_proto(request);
}

fn series_request_seeds() -> Vec<Vec<u8>> {
    let matcher = thanos::LabelMatcher { r#type: 2, name: "job".to_owned(), value: "a|b.*".to_owned() };
    let request = thanos::SeriesRequest {
        min_time: -5,
        max_time: 1 << 50,
        matchers: vec![matcher],
        aggregates: vec![0, 1, 5],
        without_replica_labels: vec!["replica".to_owned()],
        shard_info: Some(thanos::ShardInfo {
            shard_index: 1,
            total_shards: 3,
            by: true,
            labels: vec!["a".to_owned()],
        }),
        ..Default::default()
    };
    vec![request.encode_to_vec()]
}

/// Frames of a streamed remote read, as Prometheus sends them.
fn read_frame(data: &[u8]) {
    let mut decoder = FrameDecoder::new(1 << 20);
    decoder.push(data);
    while let Ok(Some(message)) = decoder.next_message() {
        chunked_series(&message);
    }
    let _ = decoder.finish();
}

fn read_frame_seeds() -> Vec<Vec<u8>> {
    let message = prometheus_copy::ChunkedReadResponse::default().encode_to_vec();
    // Length, checksum of nothing, nothing; and one with a wrong checksum.
    let mut empty = vec![message.len() as u8, 0, 0, 0, 0];
    empty.extend(message);
    vec![empty, vec![3, 1, 2, 3, 4, 10, 1, 0]]
}

/// The message of such a frame, as the sidecar reads it.
fn chunked_series(data: &[u8]) {
    let whole = Bytes::copy_from_slice(data);
    let Ok(found) = proto::decode_chunked_read(&whole) else { return };
    for chunk in found.iter().flat_map(|series| &series.chunks) {
        assert!(
            chunk.raw.as_ref().is_some_and(|raw| raw.data.len() <= data.len()),
            "chunks lie in the frame"
        );
    }
}

fn chunked_series_seeds() -> Vec<Vec<u8>> {
    let label = |name: &str, value: &str| thanos::Label { name: name.to_owned(), value: value.to_owned() };
    let chunk = |kind| prometheus_copy::Chunk {
        min_time_ms: -7,
        max_time_ms: 1 << 41,
        r#type: kind,
        data: Bytes::from(vec![kind as u8; 30]),
    };
    let series = prometheus_copy::ChunkedSeries {
        labels: vec![label("__name__", "up"), label("job", "node")],
        chunks: vec![chunk(1), chunk(2), chunk(3)],
    };
    let message =
        prometheus_copy::ChunkedReadResponse { chunked_series: vec![series.clone(), series], query_index: 1 };
    vec![message.encode_to_vec()]
}
