//! Scaling, adding and subtracting float histograms, plain and compensated.
//!
//! Histograms of different resolution meet at the coarser one; different zero buckets at the wider one; different custom bounds at
//! the bounds they share. Behaviour: Prometheus model/histogram/float_histogram.go.

use super::bounds::is_custom_schema;
use super::buckets::{
    Side, SpanWriter, coarsen, coarsen_compensated, compact, indexed, merge, merge_compensated,
};
use super::{CounterResetHint, FloatHistogram, HistogramError};
use crate::kahan;

/// What an addition or subtraction came across.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Combined {
    /// One operand was marked as a counter reset, the other as none.
    pub counter_reset_collision: bool,
    /// Custom bounds differed and were cut to those in common.
    pub bounds_reconciled: bool,
}

impl FloatHistogram {
    /// Whether the schema has custom bounds.
    pub fn uses_custom_buckets(&self) -> bool {
        is_custom_schema(self.schema)
    }

    /// Multiplies all counts and the sum. A negative factor makes it a gauge.
    pub fn mul(&mut self, factor: f64) -> &mut Self {
        self.scale(|v| v * factor);
        if factor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
        self
    }

    /// Divides all counts and the sum. A negative divisor makes it a gauge; zero drops all buckets.
    pub fn div(&mut self, divisor: f64) -> &mut Self {
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.negative_spans.clear();
            self.positive_buckets.clear();
            self.negative_buckets.clear();
        }
        self.scale(|v| v / divisor);
        if divisor < 0.0 {
            self.counter_reset_hint = CounterResetHint::Gauge;
        }
        self
    }

    fn scale(&mut self, f: impl Fn(f64) -> f64) {
        self.clear_unused();
        self.zero_count = f(self.zero_count);
        self.count = f(self.count);
        self.sum = f(self.sum);
        for bucket in self.positive_buckets.iter_mut().chain(&mut self.negative_buckets) {
            *bucket = f(*bucket);
        }
    }

    /// Adds another histogram.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<Combined, HistogramError> {
        self.combine(other, false)
    }

    /// Subtracts another histogram. Whoever subtracts decides about the counter reset hint.
    pub fn sub(&mut self, other: &FloatHistogram) -> Result<Combined, HistogramError> {
        self.combine(other, true)
    }

    /// With custom bounds there is no zero bucket, but a negative factor leaves −0 in its place, which does not equal 0. What Prometheus
    /// copies has 0 there again, and it copies whatever it calculates with.
    fn clear_unused(&mut self) {
        if self.uses_custom_buckets() {
            self.zero_count = 0.0;
        }
    }

    /// A copy as Prometheus makes it, with an empty zero bucket where bounds are custom.
    pub fn copied(&self) -> Self {
        let mut copy = self.clone();
        copy.clear_unused();
        copy
    }

    fn combine(&mut self, other: &FloatHistogram, negative: bool) -> Result<Combined, HistogramError> {
        let sign = |v: f64| if negative { -v } else { v };
        self.check_same_kind(other)?;
        self.clear_unused();
        let mut seen = Combined { counter_reset_collision: self.merge_hint(other), ..Default::default() };
        if self.uses_custom_buckets() {
            self.count += sign(other.count);
            self.sum += sign(other.sum);
            let mut side = self.take_side(true);
            if same_bounds(&self.custom_values, &other.custom_values) {
                merge(&mut side, &other.positive_spans, &other.positive_buckets, self.schema, 0.0, negative);
            } else {
                seen.bounds_reconciled = true;
                let shared = shared_bounds(&self.custom_values, &other.custom_values);
                let mut target = Rebucketed::new(&shared);
                target.add(&side, &self.custom_values, &[], false);
                target.add_parts(
                    &other.positive_spans,
                    &other.positive_buckets,
                    &other.custom_values,
                    &[],
                    negative,
                );
                (side, _) = target.finish();
                self.custom_values = shared;
            }
            self.put_side(true, side);
            return Ok(seen);
        }
        let (other_zero, _) = self.reconcile_zero_buckets(other, None);
        self.zero_count += sign(other_zero);
        self.count += sign(other.count);
        self.sum += sign(other.sum);
        let schema = self.schema.min(other.schema);
        for positive in [true, false] {
            let mut side = self.take_side(positive);
            if schema < self.schema {
                side = coarsen(&side.spans, &side.buckets, self.schema, schema);
            }
            let (spans, counts) = other.side(positive);
            if schema < other.schema {
                let coarse = coarsen(spans, counts, other.schema, schema);
                merge(&mut side, &coarse.spans, &coarse.buckets, schema, self.zero_threshold, negative);
            } else {
                merge(&mut side, spans, counts, schema, self.zero_threshold, negative);
            }
            self.put_side(positive, side);
        }
        self.schema = schema;
        Ok(seen)
    }

    /// Adds another histogram with compensated summation. `compensation` holds what the sums lost so far, starts as `None`, and is
    /// added at the end with [`add`](Self::add).
    pub fn add_compensated(
        &mut self,
        other: &FloatHistogram,
        compensation: &mut Option<FloatHistogram>,
    ) -> Result<Combined, HistogramError> {
        self.check_same_kind(other)?;
        let mut seen = Combined { counter_reset_collision: self.merge_hint(other), ..Default::default() };
        let c = compensation.get_or_insert_with(|| self.zeroed());
        if self.uses_custom_buckets() {
            (self.count, c.count) = kahan::add(other.count, self.count, c.count);
            (self.sum, c.sum) = kahan::add(other.sum, self.sum, c.sum);
            let mut side = self.take_side(true);
            if same_bounds(&self.custom_values, &other.custom_values) {
                merge_compensated(
                    &mut side,
                    &mut c.positive_buckets,
                    &other.positive_spans,
                    &other.positive_buckets,
                    &[],
                    self.schema,
                    0.0,
                );
            } else {
                seen.bounds_reconciled = true;
                let shared = shared_bounds(&self.custom_values, &other.custom_values);
                let mut target = Rebucketed::new(&shared);
                target.add(&side, &self.custom_values, &c.positive_buckets, false);
                target.add_parts(
                    &other.positive_spans,
                    &other.positive_buckets,
                    &other.custom_values,
                    &[],
                    false,
                );
                (side, c.positive_buckets) = target.finish();
                c.custom_values.clone_from(&shared);
                self.custom_values = shared;
            }
            c.positive_spans.clone_from(&side.spans);
            self.put_side(true, side);
            return Ok(seen);
        }
        let (other_zero, other_lost) = self.reconcile_zero_buckets(other, Some(c));
        (self.zero_count, c.zero_count) = kahan::add(other_zero, self.zero_count, c.zero_count);
        (self.zero_count, c.zero_count) = kahan::add(other_lost, self.zero_count, c.zero_count);
        (self.count, c.count) = kahan::add(other.count, self.count, c.count);
        (self.sum, c.sum) = kahan::add(other.sum, self.sum, c.sum);
        let schema = self.schema.min(other.schema);
        for positive in [true, false] {
            let mut side = self.take_side(positive);
            let mut lost =
                std::mem::take(if positive { &mut c.positive_buckets } else { &mut c.negative_buckets });
            if schema < self.schema {
                (side, lost) = coarsen_compensated(&side.spans, &side.buckets, &lost, self.schema, schema);
            }
            let (spans, counts) = other.side(positive);
            if schema < other.schema {
                let (coarse, extra) = coarsen_compensated(spans, counts, &[], other.schema, schema);
                merge_compensated(
                    &mut side,
                    &mut lost,
                    &coarse.spans,
                    &coarse.buckets,
                    &extra,
                    schema,
                    self.zero_threshold,
                );
            } else {
                merge_compensated(&mut side, &mut lost, spans, counts, &[], schema, self.zero_threshold);
            }
            if positive {
                c.positive_buckets = lost;
                c.positive_spans.clone_from(&side.spans);
            } else {
                c.negative_buckets = lost;
                c.negative_spans.clone_from(&side.spans);
            }
            self.put_side(positive, side);
        }
        self.schema = schema;
        c.schema = schema;
        c.zero_threshold = self.zero_threshold;
        Ok(seen)
    }

    /// A histogram of the same layout without observations, to hold compensations.
    fn zeroed(&self) -> FloatHistogram {
        FloatHistogram {
            zero_count: 0.0,
            count: 0.0,
            sum: 0.0,
            positive_buckets: vec![0.0; self.positive_buckets.len()],
            negative_buckets: vec![0.0; self.negative_buckets.len()],
            ..self.clone()
        }
    }

    fn check_same_kind(&self, other: &FloatHistogram) -> Result<(), HistogramError> {
        if self.uses_custom_buckets() == other.uses_custom_buckets() {
            Ok(())
        } else {
            Err(HistogramError::IncompatibleSchemas)
        }
    }

    /// Sets the hint of a combination; true when the hints contradict each other.
    fn merge_hint(&mut self, other: &FloatHistogram) -> bool {
        use CounterResetHint::{Gauge, Unknown};
        let (own, theirs) = (self.counter_reset_hint, other.counter_reset_hint);
        if own == theirs {
            return false;
        }
        if own == Gauge || theirs == Gauge {
            self.counter_reset_hint = Gauge;
            return false;
        }
        self.counter_reset_hint = Unknown;
        own != Unknown && theirs != Unknown
    }

    fn side(&self, positive: bool) -> (&[super::Span], &[f64]) {
        if positive {
            (&self.positive_spans, &self.positive_buckets)
        } else {
            (&self.negative_spans, &self.negative_buckets)
        }
    }

    fn take_side(&mut self, positive: bool) -> Side {
        let (spans, buckets) = if positive {
            (&mut self.positive_spans, &mut self.positive_buckets)
        } else {
            (&mut self.negative_spans, &mut self.negative_buckets)
        };
        Side { spans: std::mem::take(spans), buckets: std::mem::take(buckets) }
    }

    fn put_side(&mut self, positive: bool, side: Side) {
        if positive {
            (self.positive_spans, self.positive_buckets) = (side.spans, side.buckets);
        } else {
            (self.negative_spans, self.negative_buckets) = (side.spans, side.buckets);
        }
    }

    /// Widens the zero bucket of this histogram until it equals that of `other` (whose own count, widened likewise, it returns with
    /// its compensation), and moves the buckets that fall into it.
    fn reconcile_zero_buckets(
        &mut self,
        other: &FloatHistogram,
        mut compensation: Option<&mut FloatHistogram>,
    ) -> (f64, f64) {
        let (mut other_count, mut other_threshold, mut other_lost) =
            (other.zero_count, other.zero_threshold, 0.0);
        // Thresholds only grow, towards bounds of buckets, so that this ends; NaN thresholds, which are not valid, end it at once.
        while self.zero_threshold.partial_cmp(&other_threshold).is_some_and(std::cmp::Ordering::is_ne) {
            if self.zero_threshold > other_threshold {
                let before = other_threshold;
                (other_count, other_threshold, other_lost) = other.zero_count_for(self.zero_threshold, None);
                debug_assert!(other_threshold > before);
            }
            if other_threshold > self.zero_threshold {
                let (count, threshold, lost) = self.zero_count_for(other_threshold, compensation.as_deref());
                (self.zero_count, self.zero_threshold) = (count, threshold);
                if let Some(c) = compensation.as_deref_mut() {
                    c.zero_count = lost;
                }
                self.empty_zero_range(compensation.as_deref_mut());
            }
        }
        (other_count, other_lost)
    }

    /// The count of the zero bucket were its threshold at least `threshold`; also that threshold, which may have to be greater so as not
    /// to cut a populated bucket, and the compensation of the count.
    pub(super) fn zero_count_for(
        &self,
        threshold: f64,
        compensation: Option<&FloatHistogram>,
    ) -> (f64, f64, f64) {
        let lost = compensation.map_or(0.0, |c| c.zero_count);
        if threshold <= self.zero_threshold {
            return (self.zero_count, threshold, lost);
        }
        let mut threshold = threshold;
        // The compensation is carried over from one attempt to the next, as Prometheus does.
        let mut c = lost;
        'widen: loop {
            let mut count = self.zero_count;
            let mut take = |bucket: f64, extra: Option<f64>| {
                (count, c) = kahan::add(bucket, count, c);
                if let Some(extra) = extra {
                    (count, c) = kahan::add(extra, count, c);
                }
            };
            for (at, b) in self.positive_iter().enumerate() {
                if b.lower >= threshold {
                    break;
                }
                take(b.count, compensation.map(|c| c.positive_buckets.get(at).copied().unwrap_or(0.0)));
                if b.upper > threshold {
                    if b.count != 0.0 {
                        threshold = b.upper;
                    }
                    break;
                }
            }
            for (at, b) in self.negative_iter().enumerate() {
                if b.upper <= -threshold {
                    break;
                }
                take(b.count, compensation.map(|c| c.negative_buckets.get(at).copied().unwrap_or(0.0)));
                if b.lower < -threshold {
                    if b.count != 0.0 {
                        threshold = -b.lower;
                        continue 'widen;
                    }
                    break;
                }
            }
            return (count, threshold, c);
        }
    }

    /// Empties the buckets that start within the zero bucket.
    fn empty_zero_range(&mut self, compensation: Option<&mut FloatHistogram>) {
        let positive = self.positive_iter().take_while(|b| b.lower < self.zero_threshold).count();
        let negative = self.negative_iter().take_while(|b| b.upper > -self.zero_threshold).count();
        self.positive_buckets[..positive].fill(0.0);
        self.negative_buckets[..negative].fill(0.0);
        match compensation {
            None => {
                self.compact(0);
            }
            Some(c) => {
                c.positive_buckets.iter_mut().take(positive).for_each(|v| *v = 0.0);
                c.negative_buckets.iter_mut().take(negative).for_each(|v| *v = 0.0);
                compact(
                    &mut self.positive_spans,
                    &mut self.positive_buckets,
                    Some(&mut c.positive_buckets),
                    0,
                );
                compact(
                    &mut self.negative_spans,
                    &mut self.negative_buckets,
                    Some(&mut c.negative_buckets),
                    0,
                );
            }
        }
    }

    /// Drops empty buckets; runs of at most `max_empty` between others are kept, or filled in where that joins spans.
    pub fn compact(&mut self, max_empty: usize) -> &mut Self {
        compact(&mut self.positive_spans, &mut self.positive_buckets, None, max_empty);
        compact(&mut self.negative_spans, &mut self.negative_buckets, None, max_empty);
        self
    }

    /// A copy at a coarser (or the same) resolution, without the hint if it is coarser.
    pub fn copy_to_schema(&self, schema: i32) -> Result<FloatHistogram, HistogramError> {
        if schema == self.schema {
            return Ok(self.clone());
        }
        let mut copy = self.clone();
        copy.reduce_resolution(schema)?;
        copy.counter_reset_hint = CounterResetHint::Unknown;
        Ok(copy)
    }

    /// Coarsens to a schema of lower resolution.
    pub fn reduce_resolution(&mut self, schema: i32) -> Result<(), HistogramError> {
        if self.uses_custom_buckets() || is_custom_schema(schema) || schema >= self.schema {
            return Err(HistogramError::CannotReduce { from: self.schema, to: schema });
        }
        for positive in [true, false] {
            let (spans, counts) = self.side(positive);
            let side = coarsen(spans, counts, self.schema, schema);
            self.put_side(positive, side);
        }
        self.schema = schema;
        Ok(())
    }

    /// Whether any count or the sum is infinite.
    pub fn has_overflow(&self) -> bool {
        [self.zero_count, self.count, self.sum]
            .iter()
            .chain(&self.positive_buckets)
            .chain(&self.negative_buckets)
            .chain(&self.custom_values)
            .any(|v| v.is_infinite())
    }

    /// The bytes of the histogram as Prometheus counts them: what a histogram weighs in samples rests on it.
    pub fn size(&self) -> usize {
        let spans = self.positive_spans.len() + self.negative_spans.len();
        let floats = self.positive_buckets.len() + self.negative_buckets.len() + self.custom_values.len();
        168 + 8 * (spans + floats)
    }
}

/// Whether two lists of custom bounds are the same.
pub fn same_bounds(a: &[f64], b: &[f64]) -> bool {
    a == b
}

/// The bounds that both lists have.
fn shared_bounds(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut shared = Vec::with_capacity(a.len().min(b.len()));
    let mut rest = b.iter().peekable();
    for bound in a {
        while rest.next_if(|other| *other < bound).is_some() {}
        if rest.next_if(|other| *other == bound).is_some() {
            shared.push(*bound);
        }
    }
    shared
}

/// Custom buckets on the way to other bounds.
struct Rebucketed<'a> {
    bounds: &'a [f64],
    counts: Vec<f64>,
    compensations: Vec<f64>,
}

impl<'a> Rebucketed<'a> {
    fn new(bounds: &'a [f64]) -> Self {
        Self { bounds, counts: vec![0.0; bounds.len() + 1], compensations: vec![0.0; bounds.len() + 1] }
    }

    fn add(&mut self, side: &Side, bounds: &[f64], compensation: &[f64], negative: bool) {
        self.add_parts(&side.spans, &side.buckets, bounds, compensation, negative);
    }

    fn add_parts(
        &mut self,
        spans: &[super::Span],
        counts: &[f64],
        bounds: &[f64],
        compensation: &[f64],
        negative: bool,
    ) {
        let mut at = 0;
        for (n, (index, value)) in indexed(spans, counts).enumerate() {
            // Past its bounds lies the bucket up to +Inf, which is the last one of the target too.
            let target = match usize::try_from(index).ok().and_then(|i| bounds.get(i)) {
                None => self.bounds.len(),
                Some(bound) => {
                    at += self.bounds[at..].iter().take_while(|b| *b < bound).count();
                    at
                }
            };
            let (count, c) = (&mut self.counts[target], &mut self.compensations[target]);
            if negative {
                (*count, *c) = kahan::sub(value, *count, *c);
                continue;
            }
            (*count, *c) = kahan::add(value, *count, *c);
            if let Some(extra) = compensation.get(n) {
                (*count, *c) = kahan::add(*extra, *count, *c);
            }
        }
    }

    /// The populated buckets and their compensations.
    fn finish(self) -> (Side, Vec<f64>) {
        let mut spans = SpanWriter::default();
        let (mut buckets, mut compensations) = (Vec::new(), Vec::new());
        for (i, (count, c)) in self.counts.into_iter().zip(self.compensations).enumerate() {
            if count == 0.0 && c == 0.0 {
                continue;
            }
            spans.push(i as i32);
            buckets.push(count);
            compensations.push(c);
        }
        (Side { spans: spans.spans, buckets }, compensations)
    }
}
