//! Native histograms of the remote protocols.

use model::histogram::{CounterResetHint, FloatHistogram, Histogram, Span};
use model::value::is_stale;
use proto::prometheus_copy as wire;
use wire::histogram::{Count, ResetHint, ZeroCount};

/// A histogram of either kind.
pub(super) enum AnyHistogram {
    Integer(Histogram),
    Float(FloatHistogram),
}

/// Reads and checks a histogram: its kind is that of its count.
pub(super) fn from_proto(histogram: &wire::Histogram) -> Result<AnyHistogram, String> {
    let hint = match ResetHint::try_from(histogram.reset_hint) {
        Ok(ResetHint::Yes) => CounterResetHint::CounterReset,
        Ok(ResetHint::No) => CounterResetHint::NotCounterReset,
        Ok(ResetHint::Gauge) => CounterResetHint::Gauge,
        Ok(ResetHint::Unknown) | Err(_) => CounterResetHint::Unknown,
    };
    let spans = |spans: &[wire::BucketSpan]| -> Vec<Span> {
        spans.iter().map(|span| Span { offset: span.offset, length: span.length }).collect()
    };
    let (positive_spans, negative_spans) =
        (spans(&histogram.positive_spans), spans(&histogram.negative_spans));
    let custom_values = histogram.custom_values.clone();
    if let Some(Count::CountFloat(count)) = histogram.count {
        let found = FloatHistogram {
            counter_reset_hint: hint,
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero_count: match histogram.zero_count {
                Some(ZeroCount::ZeroCountFloat(count)) => count,
                Some(ZeroCount::ZeroCountInt(_)) => return Err("counts of two kinds".to_string()),
                None => 0.0,
            },
            count,
            sum: histogram.sum,
            positive_spans,
            negative_spans,
            positive_buckets: histogram.positive_counts.clone(),
            negative_buckets: histogram.negative_counts.clone(),
            custom_values,
        };
        if !is_stale(found.sum) {
            found.validate().map_err(|e| e.to_string())?;
        }
        return Ok(AnyHistogram::Float(found));
    }
    let found = Histogram {
        counter_reset_hint: hint,
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: match histogram.zero_count {
            Some(ZeroCount::ZeroCountInt(count)) => count,
            Some(ZeroCount::ZeroCountFloat(_)) => return Err("counts of two kinds".to_string()),
            None => 0,
        },
        count: match histogram.count {
            Some(Count::CountInt(count)) => count,
            _ => 0,
        },
        sum: histogram.sum,
        positive_spans,
        negative_spans,
        positive_buckets: histogram.positive_deltas.clone(),
        negative_buckets: histogram.negative_deltas.clone(),
        custom_values,
    };
    if !is_stale(found.sum) {
        found.validate().map_err(|e| e.to_string())?;
    }
    Ok(AnyHistogram::Integer(found))
}
