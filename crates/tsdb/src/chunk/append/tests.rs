use model::histogram::{CounterResetHint, Histogram, Span};

use super::*;
use crate::chunk::histogram::HistogramDecoder;

fn histogram(count: u64, spans: &[(i32, u32)], counts: &[i64]) -> Histogram {
    let mut before = 0;
    Histogram {
        count,
        sum: count as f64,
        positive_spans: spans
            .iter()
            .map(|(offset, length)| Span { offset: *offset, length: *length })
            .collect(),
        positive_buckets: counts.iter().map(|c| c - std::mem::replace(&mut before, *c)).collect(),
        ..Histogram::default()
    }
}

fn decode(built: &Built) -> Vec<(i64, Histogram)> {
    let mut decoder = HistogramDecoder::new(built.encoding, &built.data).unwrap();
    let mut out = Vec::new();
    while let Some(t) = decoder.next_sample().unwrap() {
        out.push((t, decoder.histogram()));
    }
    out
}

#[test]
fn layouts_grow_both_ways() {
    let mut builder = HistogramBuilder::new();
    assert!(builder.append(Incoming::integer(10, &histogram(5, &[(0, 2), (1, 1)], &[2, 0, 3]))).is_none());
    // Lacks an empty bucket, has a new one.
    assert!(
        builder
            .append(Incoming::integer(20, &histogram(9, &[(0, 1), (1, 2)], &[3, 1, 5])))
            .is_some_and(|_| false)
            || builder.len() == 2
    );
    let built = builder.close().unwrap();
    let samples = decode(&built);
    assert_eq!(built.samples, 2);
    assert_eq!((built.mint, built.maxt), (10, 20));
    assert_eq!(samples[0].1.positive_spans, samples[1].1.positive_spans);
    assert_eq!(samples[1].1.counter_reset_hint, CounterResetHint::NotCounterReset);
}

#[test]
fn a_count_that_goes_down_begins_a_chunk() {
    let mut builder = HistogramBuilder::new();
    builder.append(Incoming::integer(1, &histogram(5, &[(0, 1)], &[5])));
    let first = builder.append(Incoming::integer(2, &histogram(4, &[(0, 1)], &[4]))).unwrap();
    assert_eq!(decode(&first).len(), 1);
    assert_eq!(builder.header, CounterResetHeader::CounterReset);
    // A bucket that goes away while the count grows is a reset as well.
    let second = builder.append(Incoming::integer(3, &histogram(9, &[(1, 1)], &[9]))).unwrap();
    assert_eq!((second.mint, second.maxt, builder.header), (2, 2, CounterResetHeader::CounterReset));
    // Another resolution says nothing.
    let mut finer = histogram(20, &[(1, 1)], &[20]);
    finer.schema = 1;
    builder.append(Incoming::integer(4, &finer)).unwrap();
    assert_eq!(builder.header, CounterResetHeader::Unknown);
}

#[test]
fn only_stale_markers_follow_a_stale_marker() {
    let stale = Histogram { sum: f64::from_bits(STALE_NAN_BITS), ..Histogram::default() };
    let mut builder = HistogramBuilder::new();
    builder.append(Incoming::integer(1, &histogram(5, &[(0, 1)], &[5])));
    assert!(builder.append(Incoming::integer(2, &stale)).is_none());
    assert!(builder.append(Incoming::integer(3, &stale)).is_none());
    let closed = builder.append(Incoming::integer(4, &histogram(6, &[(0, 1)], &[6]))).unwrap();
    assert_eq!(
        decode(&closed).iter().map(|(t, h)| (*t, is_stale(h.sum))).collect::<Vec<_>>(),
        [(1, false), (2, true), (3, true)]
    );
}
