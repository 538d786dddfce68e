use proptest::prelude::*;

use super::*;
use crate::thanos;

fn chunk_strategy() -> impl Strategy<Value = Chunk> {
    (0..5i32, proptest::collection::vec(any::<u8>(), 0..40), any::<u64>())
        .prop_map(|(encoding, data, hash)| Chunk::new(ChunkEncoding::from_wire(encoding), data.into(), hash))
}

fn aggr_strategy() -> impl Strategy<Value = AggrChunk> {
    let slot = || proptest::option::of(chunk_strategy());
    (any::<i64>(), any::<i64>(), slot(), slot(), slot(), slot(), slot(), slot()).prop_map(
        |(min_time, max_time, raw, count, sum, min, max, counter)| {
            let aggregates = Aggregates { count, sum, min, max, counter };
            let aggregates = (aggregates != Aggregates::default()).then(|| Box::new(aggregates));
            AggrChunk { min_time, max_time, raw, aggregates }
        },
    )
}

fn series_strategy() -> impl Strategy<Value = Series> {
    let labels = proptest::collection::btree_map("[a-zé]{1,4}", "\\PC{1,6}", 0..5);
    (labels, proptest::collection::vec(aggr_strategy(), 0..4))
        .prop_map(|(labels, chunks)| Series { labels: Labels::from_pairs(labels), chunks })
}

fn response_strategy() -> impl Strategy<Value = SeriesResponse> {
    prop_oneof![
        series_strategy().prop_map(SeriesResult::Series),
        "\\PC{0,20}".prop_map(SeriesResult::Warning),
        ("[a-z./]{0,9}", proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(type_url, value)| SeriesResult::Hints(Any { type_url, value })),
        proptest::collection::vec(series_strategy(), 0..4).prop_map(SeriesResult::Batch),
    ]
    .prop_map(SeriesResponse::new)
}

/// The same series as generated types, which prost encodes: the reference of our encoding.
fn reference(series: &Series) -> thanos::Series {
    let chunk = |chunk: &Chunk| thanos::Chunk {
        r#type: chunk.encoding.to_wire(),
        data: chunk.data.clone(),
        hash: chunk.hash,
    };
    let slot =
        |aggr: &AggrChunk, field| aggr.chunks().find(|(number, _)| *number == field).map(|(_, c)| chunk(c));
    thanos::Series {
        labels: crate::labels_to_proto(&series.labels),
        chunks: series
            .chunks
            .iter()
            .map(|aggr| thanos::AggrChunk {
                min_time: aggr.min_time,
                max_time: aggr.max_time,
                raw: slot(aggr, 3),
                count: slot(aggr, 4),
                sum: slot(aggr, 5),
                min: slot(aggr, 6),
                max: slot(aggr, 7),
                counter: slot(aggr, 8),
            })
            .collect(),
    }
}

proptest! {
    #[test]
    fn round_trips_and_announces_its_length(response in response_strategy()) {
        let bytes = response.encode_to_vec();
        prop_assert_eq!(bytes.len(), response.encoded_len());
        prop_assert_eq!(SeriesResponse::decode(Bytes::from(bytes))?, response);
    }

    #[test]
    fn writes_what_the_generated_types_write(series in series_strategy()) {
        let expected = thanos::SeriesBatch { series: vec![reference(&series)] }.encode_to_vec();
        // The batch frame is the batch message behind its key and length.
        let ours = SeriesResponse::new(SeriesResult::Batch(vec![series])).encode_to_vec();
        prop_assert!(ours.ends_with(&expected));
    }

    #[test]
    fn mutated_frames_never_panic(response in response_strategy(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = response.encode_to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let _ = SeriesResponse::decode(Bytes::from(bytes));
    }
}

#[test]
fn chunk_data_are_slices_of_the_received_frame() {
    let chunk = Chunk::new(ChunkEncoding::Xor, Bytes::from_static(b"0123456789"), 0);
    let series =
        Series { labels: Labels::from_pairs([("a", "b")]), chunks: vec![AggrChunk::raw(1, 2, chunk)] };
    let frame = Bytes::from(SeriesResponse::new(SeriesResult::Series(series)).encode_to_vec());
    let Some(SeriesResult::Series(decoded)) = SeriesResponse::decode(frame.clone()).unwrap().result else {
        panic!()
    };
    let data = &decoded.chunks[0].raw.as_ref().unwrap().data;
    assert!(frame.as_ptr_range().contains(&data.as_ptr()));
}

#[test]
fn unsorted_and_empty_labels_are_put_right() {
    let label = |name: &str, value: &str| thanos::Label { name: name.into(), value: value.into() };
    let wire =
        thanos::Series { labels: vec![label("b", "2"), label("c", ""), label("a", "1")], chunks: vec![] };
    let mut frame = Vec::new();
    prost::encoding::message::encode(SERIES, &wire, &mut frame);
    let Some(SeriesResult::Series(decoded)) = SeriesResponse::decode(Bytes::from(frame)).unwrap().result
    else {
        panic!()
    };
    assert_eq!(decoded.labels, Labels::from_pairs([("a", "1"), ("b", "2")]));
}
