//! What makes a histogram well-formed.

use super::bounds::{
    EXPONENTIAL_SCHEMA_MAX, EXPONENTIAL_SCHEMA_MIN, is_custom_schema, is_exponential_schema,
};
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, Span};
use crate::value::format_float_g;

/// What is wrong with a histogram, or with an operation on two.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum HistogramError {
    #[error(
        "{found} observations found in buckets, but the Count field is {count}: histogram's observation count should be at least the number of observations found in the buckets"
    )]
    CountNotBigEnough { found: u64, count: u64 },
    #[error(
        "{found} observations found in buckets, but the Count field is {count}: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    )]
    CountMismatch { found: u64, count: u64 },
    #[error("observation count is  {0}: histogram's observation count is negative")]
    NegativeCount(String),
    #[error(
        "zero bucket has observation count of {0}: histogram has a bucket whose observation count is negative"
    )]
    NegativeZeroCount(String),
    #[error(
        "{side} side: bucket number {number} has observation count of {count}: histogram has a bucket whose observation count is negative"
    )]
    NegativeBucketCount { side: &'static str, number: usize, count: String },
    #[error(
        "{side}: span number {number} with offset {offset}: histogram has a span whose offset is negative"
    )]
    SpanNegativeOffset { side: &'static str, number: usize, offset: i32 },
    #[error(
        "{side}: spans need {need} buckets, have {have} buckets: histogram spans specify different number of buckets than provided"
    )]
    SpansBucketsMismatch { side: &'static str, need: u64, have: usize },
    #[error(
        "custom buckets: only {bounds} custom bounds defined which is insufficient to cover total span length of {need}: histogram custom bounds are too few"
    )]
    CustomBoundsTooFew { bounds: usize, need: i64 },
    #[error(
        "custom buckets: previous bound is {previous:.6} and current is {current:.6}: histogram custom bounds must be in strictly increasing order"
    )]
    CustomBoundsOrder { previous: f64, current: f64 },
    #[error(
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must be finite"
    )]
    CustomBoundsInfinite,
    #[error("custom buckets: histogram custom bounds must not be NaN")]
    CustomBoundsNaN,
    #[error("custom buckets: must have zero count of 0")]
    CustomZeroCount,
    #[error("custom buckets: must have zero threshold of 0")]
    CustomZeroThreshold,
    #[error("custom buckets: must not have negative spans")]
    CustomNegativeSpans,
    #[error("custom buckets: must not have negative buckets")]
    CustomNegativeBuckets,
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialCustomBounds,
    #[error(
        "histogram has an invalid schema, which must be between {EXPONENTIAL_SCHEMA_MIN} and {EXPONENTIAL_SCHEMA_MAX} for exponential buckets, or {CUSTOM_BUCKETS_SCHEMA} for custom buckets, got schema {0}"
    )]
    InvalidSchema(i32),
    #[error("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas")]
    IncompatibleSchemas,
    #[error("cannot reduce resolution from schema {from} to {to}")]
    CannotReduce { from: i32, to: i32 },
}

use HistogramError as E;

impl FloatHistogram {
    /// Checks that the parts fit each other. Counts may differ from the sum of buckets: floats round.
    pub fn validate(&self) -> Result<(), HistogramError> {
        if is_custom_schema(self.schema) {
            check_custom(&self.custom_values, &self.positive_spans, self.positive_buckets.len())?;
            check_no_zero(
                self.zero_count != 0.0,
                self.zero_threshold,
                &self.negative_spans,
                self.negative_buckets.is_empty(),
            )?;
        } else if is_exponential_schema(self.schema) {
            check_spans("positive side", &self.positive_spans, self.positive_buckets.len())?;
            check_spans("negative side", &self.negative_spans, self.negative_buckets.len())?;
            check_counts("negative", &self.negative_buckets)?;
            if self.zero_count < 0.0 {
                return Err(E::NegativeZeroCount(format_float_g(self.zero_count)));
            }
            if !self.custom_values.is_empty() {
                return Err(E::ExponentialCustomBounds);
            }
        } else {
            return Err(E::InvalidSchema(self.schema));
        }
        if self.count < 0.0 {
            return Err(E::NegativeCount(format_float_g(self.count)));
        }
        check_counts("positive", &self.positive_buckets)
    }
}

impl Histogram {
    /// Checks that the parts fit each other.
    pub fn validate(&self) -> Result<(), HistogramError> {
        let mut found = self.zero_count;
        if is_custom_schema(self.schema) {
            check_custom(&self.custom_values, &self.positive_spans, self.positive_buckets.len())?;
            check_no_zero(
                self.zero_count != 0,
                self.zero_threshold,
                &self.negative_spans,
                self.negative_buckets.is_empty(),
            )?;
        } else if is_exponential_schema(self.schema) {
            check_spans("positive side", &self.positive_spans, self.positive_buckets.len())?;
            check_spans("negative side", &self.negative_spans, self.negative_buckets.len())?;
            found = found.wrapping_add(check_deltas("negative", &self.negative_buckets)?);
            if !self.custom_values.is_empty() {
                return Err(E::ExponentialCustomBounds);
            }
        } else {
            return Err(E::InvalidSchema(self.schema));
        }
        found = found.wrapping_add(check_deltas("positive", &self.positive_buckets)?);
        let count = self.count;
        if self.sum.is_nan() {
            if found > count {
                return Err(E::CountNotBigEnough { found, count });
            }
        } else if found != count {
            return Err(E::CountMismatch { found, count });
        }
        Ok(())
    }
}

fn check_no_zero(
    zero_count: bool,
    zero_threshold: f64,
    spans: &[Span],
    no_buckets: bool,
) -> Result<(), HistogramError> {
    if zero_count {
        Err(E::CustomZeroCount)
    } else if zero_threshold != 0.0 {
        Err(E::CustomZeroThreshold)
    } else if !spans.is_empty() {
        Err(E::CustomNegativeSpans)
    } else if !no_buckets {
        Err(E::CustomNegativeBuckets)
    } else {
        Ok(())
    }
}

fn check_spans(side: &'static str, spans: &[Span], have: usize) -> Result<(), HistogramError> {
    if let Some((i, span)) = spans.iter().enumerate().skip(1).find(|(_, s)| s.offset < 0) {
        return Err(E::SpanNegativeOffset { side, number: i + 1, offset: span.offset });
    }
    let need: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if need == have as u64 { Ok(()) } else { Err(E::SpansBucketsMismatch { side, need, have }) }
}

fn check_counts(side: &'static str, buckets: &[f64]) -> Result<(), HistogramError> {
    match buckets.iter().position(|c| *c < 0.0) {
        Some(i) => Err(E::NegativeBucketCount { side, number: i + 1, count: format_float_g(buckets[i]) }),
        None => Ok(()),
    }
}

fn check_deltas(side: &'static str, deltas: &[i64]) -> Result<u64, HistogramError> {
    let (mut count, mut sum) = (0i64, 0u64);
    for (i, delta) in deltas.iter().enumerate() {
        count = count.wrapping_add(*delta);
        if count < 0 {
            return Err(E::NegativeBucketCount { side, number: i + 1, count: count.to_string() });
        }
        sum = sum.wrapping_add(count as u64);
    }
    Ok(sum)
}

fn check_custom(bounds: &[f64], spans: &[Span], have: usize) -> Result<(), HistogramError> {
    let mut previous = f64::NEG_INFINITY;
    for (i, current) in bounds.iter().copied().enumerate() {
        if current.is_nan() {
            return Err(E::CustomBoundsNaN);
        }
        if i > 0 && current <= previous {
            return Err(E::CustomBoundsOrder { previous, current });
        }
        previous = current;
    }
    if previous == f64::INFINITY {
        return Err(E::CustomBoundsInfinite);
    }
    let side = "custom buckets";
    if let Some((i, span)) = spans.iter().enumerate().find(|(_, s)| s.offset < 0) {
        return Err(E::SpanNegativeOffset { side, number: i + 1, offset: span.offset });
    }
    let need: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if need != have as u64 {
        return Err(E::SpansBucketsMismatch { side, need, have });
    }
    let covered: i64 = spans.iter().map(|s| i64::from(s.length) + i64::from(s.offset)).sum();
    if (bounds.len() as i64) + 1 < covered {
        return Err(E::CustomBoundsTooFew { bounds: bounds.len(), need: covered });
    }
    Ok(())
}
