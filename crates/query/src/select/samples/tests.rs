use storeapi::ChunkEncoding;
use tsdb::chunk::XorAppender;

use super::*;

/// A raw chunk of samples `(t, v)`.
fn raw(samples: &[(i64, f64)]) -> AggrChunk {
    let mut appender = XorAppender::new();
    for (t, v) in samples {
        appender.append(*t, *v).unwrap();
    }
    let chunk = Chunk::new(ChunkEncoding::Xor, appender.bytes().to_vec().into(), 0);
    AggrChunk::raw(samples[0].0, samples[samples.len() - 1].0, chunk)
}

fn decode(
    chunks: Vec<AggrChunk>,
    aggregation: Aggregation,
    dedup: Option<Algorithm>,
    range: (i64, i64),
) -> Vec<(i64, f64)> {
    let decoding = Decoding {
        aggregation,
        counter: false,
        deduplication: dedup,
        mint: 0,
        maxt: 1000,
        scratch: Mutex::default(),
    };
    let samples = ChunkSamples { labels: Labels::empty(), chunks, decoding: Arc::new(decoding), _held: None };
    let mut out = SampleBuffer::new();
    samples.samples_into(range.0, range.1, &mut out).unwrap();
    out.timestamps.into_iter().zip(out.floats).collect()
}

#[test]
fn range_is_cut_out_of_following_chunks() {
    let chunks = vec![raw(&[(1, 1.0), (2, 2.0)]), raw(&[(3, 3.0), (4, 4.0)])];
    assert_eq!(decode(chunks, Aggregation::Average, None, (2, 3)), [(2, 2.0), (3, 3.0)]);
}

#[test]
fn overlapping_chunks_are_replicas_with_deduplication() {
    let chunks = || vec![raw(&[(1, 1.0), (10, 2.0)]), raw(&[(1, 5.0), (10, 6.0)])];
    let chain = decode(chunks(), Aggregation::Average, Some(Algorithm::Chain), (0, 100));
    assert_eq!(chain.len(), 2);
    let penalty = decode(chunks(), Aggregation::Average, Some(Algorithm::Penalty), (0, 100));
    assert_eq!(penalty, [(1, 1.0), (10, 2.0)]);
}

/// A downsampled chunk of a counter that starts anew in it.
fn counter(samples: &[(i64, f64)]) -> AggrChunk {
    let mut chunk = raw(samples);
    let counter = chunk.raw.take();
    chunk.aggregates = Some(Box::new(storeapi::Aggregates { counter, ..Default::default() }));
    chunk
}

#[test]
fn raw_counters_keep_their_resets() {
    let chunks = vec![raw(&[(1, 10.0), (2, 20.0)]), raw(&[(3, 5.0), (4, 6.0)])];
    assert_eq!(decode(chunks, Aggregation::Counter, None, (2, 4)), [(2, 20.0), (3, 5.0), (4, 6.0)]);
}

#[test]
fn downsampled_counter_goes_on_over_resets_before_the_range() {
    let chunks = vec![counter(&[(1, 10.0), (2, 20.0)]), raw(&[(3, 5.0), (4, 6.0)])];
    assert_eq!(decode(chunks, Aggregation::Counter, None, (3, 4)), [(3, 25.0), (4, 26.0)]);
}

#[test]
fn broken_chunk_is_an_error_naming_the_series() {
    let mut chunk = raw(&[(1, 1.0), (2, 2.0)]);
    chunk.raw.as_mut().unwrap().data.truncate(3);
    let decoding = Decoding {
        aggregation: Aggregation::Average,
        counter: false,
        deduplication: None,
        mint: 0,
        maxt: 10,
        scratch: Mutex::default(),
    };
    let labels = Labels::from_pairs([("a", "b")]);
    let samples = ChunkSamples { labels, chunks: vec![chunk], decoding: Arc::new(decoding), _held: None };
    let error = samples.samples_into(0, 10, &mut SampleBuffer::new()).unwrap_err();
    assert!(error.to_string().contains("{a=\"b\"}"), "{error}");
}
