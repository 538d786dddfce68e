//! Integer histograms: conversion to float ones, and coarsening.

use super::bounds::{coarser_index, is_custom_schema};
use super::buckets::{SpanWriter, indexed, same_spans};
use super::{FloatHistogram, Histogram, HistogramError, Span};

impl Histogram {
    /// Whether the schema has custom bounds.
    pub fn uses_custom_buckets(&self) -> bool {
        is_custom_schema(self.schema)
    }

    /// The same histogram with absolute float counts.
    pub fn to_float(&self) -> FloatHistogram {
        let absolute = |deltas: &[i64]| {
            // Sums of floats, as Prometheus makes them: beyond 2^53 they round.
            deltas
                .iter()
                .scan(0.0, |sum, delta| {
                    *sum += *delta as f64;
                    Some(*sum)
                })
                .collect()
        };
        let mut out = FloatHistogram {
            counter_reset_hint: self.counter_reset_hint,
            schema: self.schema,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            positive_buckets: absolute(&self.positive_buckets),
            ..Default::default()
        };
        if self.uses_custom_buckets() {
            out.custom_values.clone_from(&self.custom_values);
        } else {
            out.zero_threshold = self.zero_threshold;
            out.zero_count = self.zero_count as f64;
            out.negative_spans.clone_from(&self.negative_spans);
            out.negative_buckets = absolute(&self.negative_buckets);
        }
        out
    }

    /// Drops empty buckets; runs of at most `max_empty` between others are kept, or filled in where that joins spans.
    pub fn compact(&mut self, max_empty: usize) -> &mut Self {
        compact(&mut self.positive_spans, &mut self.positive_buckets, max_empty);
        compact(&mut self.negative_spans, &mut self.negative_buckets, max_empty);
        self
    }

    /// Coarsens to a schema of lower resolution.
    pub fn reduce_resolution(&mut self, schema: i32) -> Result<(), HistogramError> {
        if self.uses_custom_buckets() || is_custom_schema(schema) || schema >= self.schema {
            return Err(HistogramError::CannotReduce { from: self.schema, to: schema });
        }
        coarsen(&mut self.positive_spans, &mut self.positive_buckets, self.schema, schema);
        coarsen(&mut self.negative_spans, &mut self.negative_buckets, self.schema, schema);
        self.schema = schema;
        Ok(())
    }

    /// Prometheus's equality; see [`FloatHistogram::equals`].
    pub fn equals(&self, other: &Histogram) -> bool {
        self.schema == other.schema
            && self.count == other.count
            && self.sum.to_bits() == other.sum.to_bits()
            && (!self.uses_custom_buckets() || self.custom_values == other.custom_values)
            && self.zero_threshold == other.zero_threshold
            && self.zero_count == other.zero_count
            && same_spans(&self.positive_spans, &other.positive_spans)
            && same_spans(&self.negative_spans, &other.negative_spans)
            && self.positive_buckets == other.positive_buckets
            && self.negative_buckets == other.negative_buckets
    }
}

/// The (index, absolute count) pairs of delta buckets.
fn absolute<'a>(spans: &'a [Span], deltas: &'a [i64]) -> impl Iterator<Item = (i32, i64)> + 'a {
    indexed(spans, deltas).scan(0i64, |sum, (i, delta)| {
        *sum = sum.wrapping_add(delta);
        Some((i, *sum))
    })
}

#[derive(Default)]
struct DeltaWriter {
    spans: SpanWriter,
    deltas: Vec<i64>,
    last: i64,
}

impl DeltaWriter {
    fn push(&mut self, index: i32, count: i64) {
        self.spans.push(index);
        self.deltas.push(count.wrapping_sub(self.last));
        self.last = count;
    }
}

fn compact(spans: &mut Vec<Span>, deltas: &mut Vec<i64>, max_empty: usize) {
    let mut writer = DeltaWriter::default();
    let mut next: Option<i32> = None;
    for (index, count) in absolute(spans, deltas) {
        if count == 0 {
            continue;
        }
        if let Some(expected) = next {
            let gap = i64::from(index) - i64::from(expected);
            if gap > 0 && gap <= max_empty as i64 {
                (expected..index).for_each(|filler| writer.push(filler, 0));
            }
        }
        writer.push(index, count);
        next = Some(index.wrapping_add(1));
    }
    *spans = writer.spans.spans;
    *deltas = writer.deltas;
}

fn coarsen(spans: &mut Vec<Span>, deltas: &mut Vec<i64>, from: i32, to: i32) {
    let mut writer = DeltaWriter::default();
    let mut pending: Option<(i32, i64)> = None;
    for (index, count) in absolute(spans, deltas) {
        let index = coarser_index(index, from, to);
        pending = match pending {
            Some((i, sum)) if i == index => Some((i, sum.wrapping_add(count))),
            Some((i, sum)) => {
                writer.push(i, sum);
                Some((index, count))
            }
            None => Some((index, count)),
        };
    }
    if let Some((i, sum)) = pending {
        writer.push(i, sum);
    }
    *spans = writer.spans.spans;
    *deltas = writer.deltas;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Histogram {
        Histogram {
            schema: 1,
            count: 17,
            sum: 3.5,
            zero_count: 2,
            zero_threshold: 0.001,
            positive_spans: vec![Span { offset: 0, length: 3 }, Span { offset: 2, length: 2 }],
            positive_buckets: vec![1, 1, -2, 4, -1],
            negative_spans: vec![Span { offset: 1, length: 1 }],
            negative_buckets: vec![5],
            ..Default::default()
        }
    }

    #[test]
    fn becomes_float_with_absolute_counts() {
        let h = sample();
        h.validate().unwrap();
        let f = h.to_float();
        f.validate().unwrap();
        assert_eq!(f.positive_buckets, [1.0, 2.0, 0.0, 4.0, 3.0]);
        assert_eq!(f.count, 17.0);
    }

    #[test]
    fn compacting_and_coarsening_agree_with_the_float_form() {
        for step in [0, 1, 5] {
            let (mut h, mut f) = (sample(), sample().to_float());
            h.compact(step);
            f.compact(step);
            assert!(h.to_float().equals(&f), "{h:?} {f:?}");
            h.reduce_resolution(-1).unwrap();
            f.reduce_resolution(-1).unwrap();
            h.compact(0);
            f.compact(0);
            assert!(h.to_float().equals(&f), "{h:?} {f:?}");
        }
    }
}
