//! Sparse buckets as spans and counts: walking, merging, compacting, coarsening.
//!
//! Prometheus edits spans in place; here every change walks (index, count) pairs and writes spans anew, adjacent ones joined. Both
//! describe the same buckets, and all comparisons look through the difference.

use super::Span;
use super::bounds::{coarser_index, exponential_bound, is_exponential_schema};
use crate::kahan;

/// The buckets of one side with their indices, in ascending order. Spans and buckets that do not fit each other end the walk early.
pub(super) fn indexed<'a, T: Copy>(
    spans: &'a [Span],
    buckets: &'a [T],
) -> impl Iterator<Item = (i32, T)> + 'a {
    indices(spans).zip(buckets.iter().copied())
}

/// The indices that the spans cover.
pub(super) fn indices(spans: &[Span]) -> impl Iterator<Item = i32> + '_ {
    let mut next = 0i32;
    spans.iter().flat_map(move |span| {
        let start = next.wrapping_add(span.offset);
        next = start.wrapping_add(span.length as i32);
        (0..span.length).map(move |i| start.wrapping_add(i as i32))
    })
}

/// Writes spans from ascending indices.
#[derive(Default)]
pub(super) struct SpanWriter {
    pub(super) spans: Vec<Span>,
    /// The index behind the last one.
    next: i32,
}

impl SpanWriter {
    pub(super) fn with_capacity(spans: usize) -> Self {
        Self { spans: Vec::with_capacity(spans), next: 0 }
    }

    pub(super) fn push(&mut self, index: i32) {
        match self.spans.last_mut() {
            Some(last) if index == self.next => last.length += 1,
            _ => self.spans.push(Span { offset: index.wrapping_sub(self.next), length: 1 }),
        }
        self.next = index.wrapping_add(1);
    }
}

/// One side of a histogram, owned while it is changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub(super) spans: Vec<Span>,
    pub(super) buckets: Vec<f64>,
}

/// How many leading buckets end at or below the threshold and so belong to the zero bucket.
fn below_threshold(schema: i32, threshold: f64, spans: &[Span]) -> usize {
    if !is_exponential_schema(schema) || threshold <= 0.0 {
        return 0;
    }
    indices(spans).take_while(|i| exponential_bound(*i, schema) <= threshold).count()
}

/// Adds the buckets of `other` (or subtracts them), leaving out those that lie within the zero threshold.
pub(super) fn merge(
    side: &mut Side,
    other_spans: &[Span],
    other: &[f64],
    schema: i32,
    threshold: f64,
    negative: bool,
) {
    let skip = below_threshold(schema, threshold, other_spans);
    let sign = |v: f64| if negative { -v } else { v };
    if skip == 0 && side.spans == other_spans && side.buckets.len() == other.len() {
        for (a, b) in side.buckets.iter_mut().zip(other) {
            *a += sign(*b);
        }
        return;
    }
    let mut spans = SpanWriter::with_capacity(side.spans.len() + other_spans.len());
    let mut buckets = Vec::with_capacity(side.buckets.len() + other.len());
    let mut left = indexed(&side.spans, &side.buckets).peekable();
    for (index, value) in indexed(other_spans, other).skip(skip) {
        while let Some((i, v)) = left.next_if(|(i, _)| *i < index) {
            spans.push(i);
            buckets.push(v);
        }
        spans.push(index);
        buckets.push(match left.next_if(|(i, _)| *i == index) {
            Some((_, v)) => v + sign(value),
            None => sign(value),
        });
    }
    for (i, v) in left {
        spans.push(i);
        buckets.push(v);
    }
    side.spans = spans.spans;
    side.buckets = buckets;
}

/// Adds the buckets of `other` with compensation; `compensation` is parallel to `side.buckets` before and after.
/// `other_compensation` is empty or parallel to `other`.
pub(super) fn merge_compensated(
    side: &mut Side,
    compensation: &mut Vec<f64>,
    other_spans: &[Span],
    other: &[f64],
    other_compensation: &[f64],
    schema: i32,
    threshold: f64,
) {
    let skip = below_threshold(schema, threshold, other_spans);
    let add = |value: f64, extra: f64, sum: f64, c: f64| {
        let (sum, c) = kahan::add(value, sum, c);
        if extra != 0.0 { kahan::add(extra, sum, c) } else { (sum, c) }
    };
    let extra_at = |i: usize| other_compensation.get(i).copied().unwrap_or(0.0);
    compensation.resize(side.buckets.len(), 0.0);
    if skip == 0 && side.spans == other_spans && side.buckets.len() == other.len() {
        for (i, ((a, c), b)) in side.buckets.iter_mut().zip(compensation.iter_mut()).zip(other).enumerate() {
            (*a, *c) = add(*b, extra_at(i), *a, *c);
        }
        return;
    }
    let mut spans = SpanWriter::with_capacity(side.spans.len() + other_spans.len());
    let mut buckets = Vec::with_capacity(side.buckets.len() + other.len());
    let mut compensations = Vec::with_capacity(side.buckets.len() + other.len());
    let mut left = indexed(&side.spans, &side.buckets).zip(compensation.iter().copied()).peekable();
    for (at, (index, value)) in indexed(other_spans, other).enumerate().skip(skip) {
        while let Some(((i, v), c)) = left.next_if(|((i, _), _)| *i < index) {
            spans.push(i);
            buckets.push(v);
            compensations.push(c);
        }
        let (v, c) = match left.next_if(|((i, _), _)| *i == index) {
            Some(((_, v), c)) => add(value, extra_at(at), v, c),
            None => (value, extra_at(at)),
        };
        spans.push(index);
        buckets.push(v);
        compensations.push(c);
    }
    for ((i, v), c) in left {
        spans.push(i);
        buckets.push(v);
        compensations.push(c);
    }
    side.spans = spans.spans;
    side.buckets = buckets;
    *compensation = compensations;
}

/// Coarsens buckets to a schema of lower resolution.
pub(super) fn coarsen(spans: &[Span], buckets: &[f64], from: i32, to: i32) -> Side {
    let mut writer = SpanWriter::with_capacity(spans.len());
    let mut out: Vec<f64> = Vec::with_capacity(buckets.len());
    let mut last = None;
    for (index, value) in indexed(spans, buckets) {
        let index = coarser_index(index, from, to);
        if last == Some(index) {
            if let Some(v) = out.last_mut() {
                *v += value;
            }
            continue;
        }
        writer.push(index);
        out.push(value);
        last = Some(index);
    }
    Side { spans: writer.spans, buckets: out }
}

/// Coarsens buckets together with their compensations.
pub(super) fn coarsen_compensated(
    spans: &[Span],
    buckets: &[f64],
    compensation: &[f64],
    from: i32,
    to: i32,
) -> (Side, Vec<f64>) {
    let mut writer = SpanWriter::with_capacity(spans.len());
    let mut out: Vec<f64> = Vec::with_capacity(buckets.len());
    let mut out_c: Vec<f64> = Vec::with_capacity(buckets.len());
    let mut last = None;
    for (at, (index, value)) in indexed(spans, buckets).enumerate() {
        let index = coarser_index(index, from, to);
        let extra = compensation.get(at).copied().unwrap_or(0.0);
        if last == Some(index) {
            if let (Some(v), Some(c)) = (out.last_mut(), out_c.last_mut()) {
                (*v, *c) = kahan::add(value, *v, *c);
                (*v, *c) = kahan::add(extra, *v, *c);
            }
            continue;
        }
        writer.push(index);
        out.push(value);
        out_c.push(extra);
        last = Some(index);
    }
    (Side { spans: writer.spans, buckets: out }, out_c)
}

/// Drops empty buckets, except runs of at most `max_empty` between others, which are kept or filled in so that spans join.
/// `compensation`, if any, is parallel to the buckets; a bucket with a compensation is not empty.
pub(super) fn compact(
    spans: &mut Vec<Span>,
    buckets: &mut Vec<f64>,
    compensation: Option<&mut Vec<f64>>,
    max_empty: usize,
) {
    let covered: usize = spans.iter().map(|s| s.length as usize).sum();
    let settled = covered == buckets.len()
        && buckets.iter().all(|b| *b != 0.0)
        && spans
            .iter()
            .enumerate()
            .all(|(i, s)| s.length > 0 && (i == 0 || i64::from(s.offset) > max_empty as i64));
    if settled {
        return;
    }
    let mut writer = SpanWriter::with_capacity(spans.len());
    let mut out = Vec::with_capacity(buckets.len());
    let mut out_c = Vec::new();
    let mut next: Option<i32> = None;
    for (at, (index, value)) in indexed(spans, buckets).enumerate() {
        let c = compensation.as_ref().map_or(0.0, |c| c.get(at).copied().unwrap_or(0.0));
        if value == 0.0 && c == 0.0 {
            continue;
        }
        if let Some(expected) = next {
            let gap = i64::from(index) - i64::from(expected);
            if gap > 0 && gap <= max_empty as i64 {
                for filler in expected..index {
                    writer.push(filler);
                    out.push(0.0);
                    out_c.push(0.0);
                }
            }
        }
        writer.push(index);
        out.push(value);
        out_c.push(c);
        next = Some(index.wrapping_add(1));
    }
    *spans = writer.spans;
    *buckets = out;
    if let Some(c) = compensation {
        *c = out_c;
    }
}

/// Whether two lists of spans cover the same indices, however they are cut.
pub(super) fn same_spans(a: &[Span], b: &[Span]) -> bool {
    a == b || joined(a).eq(joined(b))
}

/// The spans without empty ones. (Adjacent spans stay apart: Prometheus tells them apart too.)
fn joined(spans: &[Span]) -> impl Iterator<Item = Span> + '_ {
    let mut carried = 0i32;
    spans.iter().filter_map(move |span| {
        let offset = carried.wrapping_add(span.offset);
        if span.length == 0 {
            carried = offset;
            return None;
        }
        carried = 0;
        Some(Span { offset, length: span.length })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(offset: i32, length: u32) -> Span {
        Span { offset, length }
    }

    #[test]
    fn merging_inserts_before_between_and_behind() {
        let mut side = Side { spans: vec![span(2, 2), span(3, 1)], buckets: vec![1.0, 2.0, 3.0] };
        merge(
            &mut side,
            &[span(0, 1), span(2, 3), span(10, 1)],
            &[5.0, 10.0, 20.0, 30.0, 7.0],
            0,
            0.0,
            false,
        );
        // Indices: 2,3,7 and 0,3,4,5,16.
        assert_eq!(side.spans, [span(0, 1), span(1, 4), span(1, 1), span(8, 1)]);
        assert_eq!(side.buckets, [5.0, 1.0, 12.0, 20.0, 30.0, 3.0, 7.0]);
    }

    #[test]
    fn buckets_within_the_zero_threshold_are_left_out() {
        let mut side = Side::default();
        merge(&mut side, &[span(-1, 3)], &[1.0, 2.0, 3.0], 0, 1.0, false);
        assert_eq!((side.spans, side.buckets), (vec![span(1, 1)], vec![3.0]));
    }

    #[test]
    fn compacting_keeps_short_gaps_when_asked() {
        let spans = vec![span(-3, 2), span(1, 4), span(0, 1), span(5, 0)];
        let buckets = vec![0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 3.0];
        let run = |max| {
            let (mut s, mut b) = (spans.clone(), buckets.clone());
            compact(&mut s, &mut b, None, max);
            (s, b)
        };
        assert_eq!(run(0), (vec![span(-2, 1), span(3, 1), span(1, 1)], vec![1.0, 2.0, 3.0]));
        assert_eq!(run(1), (vec![span(-2, 1), span(3, 3)], vec![1.0, 2.0, 0.0, 3.0]));
        assert_eq!(run(9), (vec![span(-2, 7)], vec![1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 3.0]));
    }

    #[test]
    fn coarsening_joins_neighbours() {
        let side = coarsen(&[span(-1, 6)], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 1);
        // -1,0 -> 0; 1,2 -> 1; 3,4 -> 2.
        assert_eq!((side.spans, side.buckets), (vec![span(0, 3)], vec![3.0, 7.0, 11.0]));
    }

    #[test]
    fn empty_spans_do_not_matter_to_equality() {
        assert!(same_spans(&[span(1, 0), span(2, 1), span(4, 0)], &[span(3, 1)]));
        assert!(!same_spans(&[span(2, 1)], &[span(3, 1)]));
        assert!(!same_spans(&[span(2, 1), span(0, 1)], &[span(2, 1)]));
    }
}
