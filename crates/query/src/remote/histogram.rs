//! Native histograms of the Query API.

use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint, FloatHistogram, Span};
use proto::prometheus_copy::{self as prom, histogram};

/// Reads a histogram of either form. Counts of the integer form are the running sums of its deltas. `None` when buckets and spans do
/// not fit together; counts may be any numbers, as they come from computations.
pub(super) fn from_proto(from: &prom::Histogram) -> Option<FloatHistogram> {
    let spans = |spans: &[prom::BucketSpan]| {
        spans.iter().map(|span| Span { offset: span.offset, length: span.length }).collect()
    };
    let buckets = |counts: &[f64], deltas: &[i64]| {
        if !counts.is_empty() {
            return counts.to_vec();
        }
        let running = deltas.iter().scan(0_i64, |sum, delta| {
            *sum = sum.wrapping_add(*delta);
            Some(*sum as f64)
        });
        running.collect()
    };
    let hint = match histogram::ResetHint::try_from(from.reset_hint) {
        Ok(histogram::ResetHint::Yes) => CounterResetHint::CounterReset,
        Ok(histogram::ResetHint::No) => CounterResetHint::NotCounterReset,
        Ok(histogram::ResetHint::Gauge) => CounterResetHint::Gauge,
        Ok(histogram::ResetHint::Unknown) | Err(_) => CounterResetHint::Unknown,
    };
    let histogram = FloatHistogram {
        counter_reset_hint: hint,
        schema: from.schema,
        zero_threshold: from.zero_threshold,
        zero_count: match from.zero_count {
            Some(histogram::ZeroCount::ZeroCountFloat(count)) => count,
            Some(histogram::ZeroCount::ZeroCountInt(count)) => count as f64,
            None => 0.0,
        },
        count: match from.count {
            Some(histogram::Count::CountFloat(count)) => count,
            Some(histogram::Count::CountInt(count)) => count as f64,
            None => 0.0,
        },
        sum: from.sum,
        positive_spans: spans(&from.positive_spans),
        positive_buckets: buckets(&from.positive_counts, &from.positive_deltas),
        negative_spans: spans(&from.negative_spans),
        negative_buckets: buckets(&from.negative_counts, &from.negative_deltas),
        custom_values: from.custom_values.clone(),
    };
    is_sound(&histogram).then_some(histogram)
}

fn is_sound(h: &FloatHistogram) -> bool {
    let fits = |spans: &[Span], buckets: &[f64]| {
        let lengths: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
        lengths == buckets.len() as u64 && spans.iter().skip(1).all(|span| span.offset >= 0)
    };
    let custom = h.schema == CUSTOM_BUCKETS_SCHEMA;
    let bounded = |spans: &[Span]| {
        let mut end: i64 = 0;
        spans.iter().all(|span| {
            end += i64::from(span.offset);
            let begins = end;
            end += i64::from(span.length);
            // A bucket of custom bounds has one bound above it, but for the last.
            if custom {
                begins >= 0 && end <= h.custom_values.len() as i64 + 1
            } else {
                i32::try_from(end).is_ok()
            }
        })
    };
    let ascending = h.custom_values.windows(2).all(|pair| pair[0] < pair[1]);
    (custom || (-4..=8).contains(&h.schema))
        && fits(&h.positive_spans, &h.positive_buckets)
        && fits(&h.negative_spans, &h.negative_buckets)
        && bounded(&h.positive_spans)
        && (!custom || (h.negative_buckets.is_empty() && ascending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_form_is_summed_up_and_broken_ones_are_refused() {
        let good = prom::Histogram {
            schema: 1,
            positive_spans: vec![prom::BucketSpan { offset: 1, length: 3 }],
            positive_deltas: vec![2, -1, 4],
            ..prom::Histogram::default()
        };
        assert_eq!(from_proto(&good).unwrap().positive_buckets, [2.0, 1.0, 5.0]);
        let short = prom::Histogram { positive_deltas: vec![2], ..good.clone() };
        let schema = prom::Histogram { schema: 30, ..good.clone() };
        let long = vec![prom::BucketSpan { offset: 0, length: u32::MAX }; 3];
        let huge = prom::Histogram { positive_spans: long, ..good };
        for broken in [short, schema, huge] {
            assert!(from_proto(&broken).is_none());
        }
    }
}
