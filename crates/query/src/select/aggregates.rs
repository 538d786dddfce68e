//! Which aggregates of downsampled data a select needs, by the function around it.

use storeapi::Aggr;
use tsdb::aggregation::Aggregation;

/// The aggregates for a select inside `func` (empty when there is none).
///
/// `sum` is not among those with one aggregate: it adds up series, and needs their samples.
pub(crate) fn for_function(func: &str) -> &'static [Aggr] {
    match func {
        "min" => &[Aggr::Min],
        "max" => &[Aggr::Max],
        "count" => &[Aggr::Count],
        "increase" | "rate" | "irate" | "resets" | "xincrease" | "xrate" => &[Aggr::Counter],
        _ if func.starts_with("min_") => &[Aggr::Min],
        _ if func.starts_with("max_") => &[Aggr::Max],
        _ if func.starts_with("count_") => &[Aggr::Count],
        _ if func.starts_with("sum_") => &[Aggr::Sum],
        _ => &[Aggr::Count, Aggr::Sum],
    }
}

/// What is read of the aggregates of [`for_function`].
pub(crate) fn aggregation(func: &str) -> Aggregation {
    match for_function(func) {
        [Aggr::Min] => Aggregation::Min,
        [Aggr::Max] => Aggregation::Max,
        [Aggr::Count] => Aggregation::Count,
        [Aggr::Sum] => Aggregation::Sum,
        [Aggr::Counter] => Aggregation::Counter,
        _ => Aggregation::Average,
    }
}

/// Functions that need at least two samples of their range.
const NEED_TWO_SAMPLES: &[&str] = &[
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "predict_linear",
    "holt_winters",
    "double_exponential_smoothing",
];

/// The coarsest resolution (ms) that leaves two samples in the range of a function that needs them.
pub(crate) fn max_resolution(asked_ms: i64, range_ms: i64, func: &str) -> i64 {
    if range_ms > 0 && NEED_TWO_SAMPLES.contains(&func) { asked_ms.min(range_ms / 2) } else { asked_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_follow_the_function() {
        assert_eq!(for_function("rate"), [Aggr::Counter]);
        assert_eq!(for_function("max_over_time"), [Aggr::Max]);
        assert_eq!(for_function("sum_over_time"), [Aggr::Sum]);
        assert_eq!(for_function("sum"), [Aggr::Count, Aggr::Sum]);
        assert_eq!(for_function(""), [Aggr::Count, Aggr::Sum]);
    }

    #[test]
    fn resolution_leaves_two_samples_in_a_range() {
        assert_eq!(max_resolution(300_000, 300_000, "rate"), 150_000);
        assert_eq!(max_resolution(300_000, 300_000, "avg_over_time"), 300_000);
        assert_eq!(max_resolution(300_000, 0, "rate"), 300_000);
    }
}
