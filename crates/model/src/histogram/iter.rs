//! Walking the buckets of a float histogram with their bounds.

use super::bounds::{bound, coarser_index, is_custom_schema};
use super::{FloatHistogram, Span, buckets};
use crate::gomath::log2;

/// One bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Whether the lower bound is within.
    pub lower_inclusive: bool,
    /// Whether the upper bound is within.
    pub upper_inclusive: bool,
    /// Observations.
    pub count: f64,
    /// Index in the schema; 0 of the zero bucket.
    pub index: i32,
}

impl Bucket {
    /// The share of the bucket below `v`, which must be within; interpolated linearly or in the logarithm.
    pub fn fraction_below(&self, v: f64, linear: bool) -> f64 {
        if linear {
            return (v - self.lower) / (self.upper - self.lower);
        }
        let (lower, upper, at) = (log2(self.lower.abs()), log2(self.upper.abs()), log2(v.abs()));
        if v > 0.0 { (at - lower) / (upper - lower) } else { 1.0 - ((at - upper) / (lower - upper)) }
    }
}

/// The bucket at an index of one side.
fn bucket_at(index: i32, count: f64, schema: i32, positive: bool, custom: &[f64]) -> Bucket {
    let (near, far) = (bound(index.wrapping_sub(1), schema, custom), bound(index, schema, custom));
    let (lower, upper) = if positive { (near, far) } else { (-far, -near) };
    let (lower_inclusive, upper_inclusive) =
        if is_custom_schema(schema) { (index == 0, true) } else { (lower < 0.0, upper > 0.0) };
    Bucket { lower, upper, lower_inclusive, upper_inclusive, count, index }
}

/// Walks (index, count) pairs from the highest index down.
struct Descending<'a> {
    spans: &'a [Span],
    buckets: &'a [f64],
    /// Index of the last bucket left.
    index: i32,
    left_in_span: u32,
}

impl<'a> Descending<'a> {
    fn new(spans: &'a [Span], buckets: &'a [f64]) -> Self {
        // Counts without spans, or spans without counts, are cut off first so that both ends fit.
        let covered: usize = spans.iter().map(|s| s.length as usize).sum();
        let buckets = &buckets[..buckets.len().min(covered)];
        let mut spans = spans;
        let mut excess = covered - buckets.len();
        let mut left_in_span = 0;
        while let Some(last) = spans.last() {
            left_in_span = last.length;
            if (left_in_span as usize) > excess {
                left_in_span -= excess as u32;
                break;
            }
            excess -= left_in_span as usize;
            left_in_span = 0;
            spans = &spans[..spans.len() - 1];
        }
        let mut index = -1i32;
        for (i, s) in spans.iter().enumerate() {
            let length = if i + 1 == spans.len() { left_in_span } else { s.length };
            index = index.wrapping_add(s.offset).wrapping_add(length as i32);
        }
        Self { spans, buckets, index, left_in_span }
    }
}

impl Iterator for Descending<'_> {
    type Item = (i32, f64);

    fn next(&mut self) -> Option<(i32, f64)> {
        let (count, rest) = self.buckets.split_last()?;
        while self.left_in_span == 0 {
            let (gone, spans) = self.spans.split_last()?;
            self.index = self.index.wrapping_sub(gone.offset);
            self.spans = spans;
            self.left_in_span = spans.last()?.length;
        }
        let index = self.index;
        self.buckets = rest;
        self.index = self.index.wrapping_sub(1);
        self.left_in_span -= 1;
        Some((index, *count))
    }
}

impl FloatHistogram {
    /// The positive buckets, ascending.
    pub fn positive_iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        buckets::indexed(&self.positive_spans, &self.positive_buckets)
            .map(|(i, c)| bucket_at(i, c, self.schema, true, &self.custom_values))
    }

    /// The negative buckets, from the one next to zero downwards.
    pub fn negative_iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        buckets::indexed(&self.negative_spans, &self.negative_buckets)
            .map(|(i, c)| bucket_at(i, c, self.schema, false, &[]))
    }

    /// The positive buckets, descending.
    pub fn positive_reverse_iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        Descending::new(&self.positive_spans, &self.positive_buckets)
            .map(|(i, c)| bucket_at(i, c, self.schema, true, &self.custom_values))
    }

    /// The negative buckets, from the lowest upwards.
    pub fn negative_reverse_iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        Descending::new(&self.negative_spans, &self.negative_buckets)
            .map(|(i, c)| bucket_at(i, c, self.schema, false, &[]))
    }

    /// The zero bucket.
    pub fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
            index: 0,
        }
    }

    /// All buckets from the lowest to the highest, the zero bucket if it holds anything. Buckets that reach into the zero bucket
    /// are cut at its edge.
    pub fn all_iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        let zero = (self.zero_count > 0.0).then(|| self.zero_bucket());
        self.negative_reverse_iter()
            .map(|b| self.clipped(b))
            .chain(zero)
            .chain(self.positive_iter().map(|b| self.clipped(b)))
    }

    /// As [`all_iter`](Self::all_iter), from the highest to the lowest.
    pub fn all_reverse_iter(&self) -> impl Iterator<Item = Bucket> + '_ {
        let zero = (self.zero_count > 0.0).then(|| self.zero_bucket());
        self.positive_reverse_iter()
            .map(|b| self.clipped(b))
            .chain(zero)
            .chain(self.negative_iter().map(|b| self.clipped(b)))
    }

    fn clipped(&self, mut bucket: Bucket) -> Bucket {
        if bucket.upper < 0.0 && bucket.upper > -self.zero_threshold {
            bucket.upper = -self.zero_threshold;
        } else if bucket.lower > 0.0 && bucket.lower < self.zero_threshold {
            bucket.lower = self.zero_threshold;
        }
        bucket
    }

    /// The (index, count) pairs of one side, coarsened to `schema`, without buckets that end at or below `start`.
    pub(super) fn coarse_pairs(
        &self,
        positive: bool,
        start: f64,
        schema: i32,
    ) -> impl Iterator<Item = (i32, f64)> + '_ {
        let (spans, counts) = if positive {
            (&self.positive_spans, &self.positive_buckets)
        } else {
            (&self.negative_spans, &self.negative_buckets)
        };
        let (from, custom) = (self.schema, is_custom_schema(schema));
        let mut pairs = buckets::indexed(spans, counts)
            .map(move |(i, c)| (if from == schema || custom { i } else { coarser_index(i, from, schema) }, c))
            .peekable();
        std::iter::from_fn(move || {
            let (index, mut count) = pairs.next()?;
            while let Some((_, more)) = pairs.next_if(|(i, _)| *i == index) {
                count += more;
            }
            Some((index, count))
        })
        .skip_while(move |(i, _)| start > 0.0 && !custom && bound(*i, schema, &[]) <= start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(offset: i32, length: u32) -> Span {
        Span { offset, length }
    }

    fn sample() -> FloatHistogram {
        FloatHistogram {
            schema: 0,
            zero_threshold: 0.75,
            zero_count: 2.0,
            count: 21.0,
            positive_spans: vec![span(0, 2), span(1, 1)],
            positive_buckets: vec![1.0, 2.0, 3.0],
            negative_spans: vec![span(1, 1), span(0, 0), span(2, 2)],
            negative_buckets: vec![4.0, 5.0, 6.0],
            ..Default::default()
        }
    }

    #[test]
    fn all_buckets_ascend_and_are_cut_at_the_zero_bucket() {
        let h = sample();
        let got: Vec<_> = h.all_iter().map(|b| (b.lower, b.upper, b.count)).collect();
        let want = [
            (-32.0, -16.0, 6.0),
            (-16.0, -8.0, 5.0),
            (-2.0, -1.0, 4.0),
            (-0.75, 0.75, 2.0),
            (0.75, 1.0, 1.0),
            (1.0, 2.0, 2.0),
            (4.0, 8.0, 3.0),
        ];
        assert_eq!(got, want);
        let mut down: Vec<_> = h.all_reverse_iter().map(|b| (b.lower, b.upper, b.count)).collect();
        down.reverse();
        assert_eq!(down, want);
    }

    #[test]
    fn damaged_spans_do_not_panic() {
        let mut h = sample();
        h.positive_spans = vec![span(i32::MAX, 3), span(7, 0)];
        h.negative_spans = vec![span(1, 900)];
        assert_eq!(h.positive_iter().count(), 3);
        assert_eq!(h.positive_reverse_iter().count(), 3);
        assert_eq!(h.negative_reverse_iter().map(|b| b.index).collect::<Vec<_>>(), [3, 2, 1]);
    }
}
