//! Native histograms: integer and float, sparse buckets as spans over an exponential or a custom schema.

mod arithmetic;
mod bounds;
mod buckets;
mod integer;
mod iter;
mod reset;
#[cfg(test)]
mod tests;
mod text;
mod trim;
mod validate;

pub use arithmetic::{Combined, same_bounds};
pub use bounds::{
    EXPONENTIAL_SCHEMA_MAX, EXPONENTIAL_SCHEMA_MIN, bound, exponential_bound, is_custom_schema,
    is_exponential_schema,
};
pub use iter::Bucket;
pub use trim::Trim;
pub use validate::HistogramError;

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Gap to the previous span, in buckets; of the first span its index.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

/// What is known about a counter reset between this histogram and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CounterResetHint {
    /// Nothing is known; it has to be detected.
    #[default]
    Unknown,
    /// There was a reset.
    CounterReset,
    /// There was no reset.
    NotCounterReset,
    /// A gauge histogram, to which resets do not apply.
    Gauge,
}

/// Schema number of histograms with custom bounds.
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// A histogram with integer counts; buckets are deltas to the bucket before.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// What is known about a reset before this sample.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution, −4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// All observations.
    pub count: u64,
    /// Sum of all observations; the staleness marker when it is the stale NaN.
    pub sum: f64,
    /// Runs of positive buckets.
    pub positive_spans: Vec<Span>,
    /// Runs of negative buckets.
    pub negative_spans: Vec<Span>,
    /// Positive buckets as deltas.
    pub positive_buckets: Vec<i64>,
    /// Negative buckets as deltas.
    pub negative_buckets: Vec<i64>,
    /// Upper bounds of custom buckets, without +Inf.
    pub custom_values: Vec<f64>,
}

/// A histogram with float counts; buckets are absolute.
#[derive(Clone, Debug, Default)]
pub struct FloatHistogram {
    /// What is known about a reset before this sample.
    pub counter_reset_hint: CounterResetHint,
    /// Resolution, −4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of all observations; the staleness marker when it is the stale NaN.
    pub sum: f64,
    /// Runs of positive buckets.
    pub positive_spans: Vec<Span>,
    /// Runs of negative buckets.
    pub negative_spans: Vec<Span>,
    /// Positive buckets, absolute.
    pub positive_buckets: Vec<f64>,
    /// Negative buckets, absolute.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds of custom buckets, without +Inf.
    pub custom_values: Vec<f64>,
}
