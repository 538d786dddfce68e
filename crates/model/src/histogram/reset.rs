//! Detection of counter resets and equality.

use super::bounds::is_custom_schema;
use super::buckets::same_spans;
use super::{CounterResetHint, FloatHistogram, arithmetic::same_bounds};

impl FloatHistogram {
    /// Whether the counter was reset between `previous` and this histogram: by the hint, or because a count went down, or because
    /// the layout changed in a way that only a reset explains.
    pub fn detect_reset(&self, previous: &FloatHistogram) -> bool {
        match self.counter_reset_hint {
            CounterResetHint::CounterReset => return true,
            CounterResetHint::NotCounterReset => return false,
            CounterResetHint::Unknown | CounterResetHint::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.uses_custom_buckets() {
            if !previous.uses_custom_buckets() {
                return true;
            }
            if !same_bounds(&self.custom_values, &previous.custom_values) {
                return self.detect_reset_over_shared_bounds(previous);
            }
        }
        if self.schema > previous.schema || is_custom_schema(self.schema) != is_custom_schema(previous.schema)
        {
            return true;
        }
        if self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let (zero_count, threshold, _) = previous.zero_count_for(self.zero_threshold, None);
        if threshold != self.zero_threshold || self.zero_count < zero_count {
            return true;
        }
        [true, false].into_iter().any(|positive| {
            let mut current = self.coarse_pairs(positive, self.zero_threshold, self.schema).peekable();
            // A bucket that was populated must be there still, with no less.
            previous.coarse_pairs(positive, self.zero_threshold, self.schema).any(|(index, count)| {
                while current.next_if(|(i, _)| *i < index).is_some() {}
                match current.peek() {
                    Some((i, now)) if *i == index => *now < count,
                    _ => count != 0.0,
                }
            })
        })
    }

    /// With different custom bounds only the cumulated counts between shared bounds can be compared.
    fn detect_reset_over_shared_bounds(&self, previous: &FloatHistogram) -> bool {
        let mut current = self.positive_iter().peekable();
        let mut before = previous.positive_iter().peekable();
        let shared = shared_with_infinity(&self.custom_values, &previous.custom_values);
        for bound in shared {
            let mut now = 0.0;
            while let Some(b) = current.next_if(|b| b.upper <= bound) {
                now += b.count;
            }
            let mut then = 0.0;
            while let Some(b) = before.next_if(|b| b.upper <= bound) {
                then += b.count;
            }
            if now < then {
                return true;
            }
        }
        false
    }

    /// Prometheus's equality: the bits of all numbers (so that NaN equals itself), spans up to empty ones; the hint does not count.
    pub fn equals(&self, other: &FloatHistogram) -> bool {
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let all_bits =
            |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| bits(*a, *b));
        self.schema == other.schema
            && bits(self.count, other.count)
            && bits(self.sum, other.sum)
            && (!self.uses_custom_buckets() || same_bounds(&self.custom_values, &other.custom_values))
            && self.zero_threshold == other.zero_threshold
            && bits(self.zero_count, other.zero_count)
            && same_spans(&self.negative_spans, &other.negative_spans)
            && all_bits(&self.negative_buckets, &other.negative_buckets)
            && same_spans(&self.positive_spans, &other.positive_spans)
            && all_bits(&self.positive_buckets, &other.positive_buckets)
    }
}

fn shared_with_infinity<'a>(a: &'a [f64], b: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let mut rest = b.iter().peekable();
    a.iter()
        .copied()
        .filter(move |bound| {
            while rest.next_if(|other| *other < bound).is_some() {}
            rest.next_if(|other| *other == bound).is_some()
        })
        .chain(std::iter::once(f64::INFINITY))
}
