//! Text forms: that of results and label values, and that of test scripts.

use std::fmt;

use super::{Bucket, CounterResetHint, FloatHistogram, Span};
use crate::value::format_float_g as g;

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) =
            (if self.lower_inclusive { '[' } else { '(' }, if self.upper_inclusive { ']' } else { ')' });
        write!(f, "{open}{},{}{close}:{}", g(self.lower), g(self.upper), g(self.count))
    }
}

impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", g(self.count), g(self.sum))?;
        for bucket in self.negative_reverse_iter().filter(|b| b.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        if self.zero_count != 0.0 {
            write!(f, ", {}", self.zero_bucket())?;
        }
        for bucket in self.positive_iter().filter(|b| b.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

impl FloatHistogram {
    /// The form of test scripts, `{{schema:1 count:3 …}}`. Gaps between spans are filled with empty buckets.
    pub fn to_test_expression(&self) -> String {
        let mut h = self.clone();
        h.compact(1 << 20);
        let mut parts = Vec::new();
        if h.schema != 0 {
            parts.push(format!("schema:{}", h.schema));
        }
        for (name, value) in
            [("count", h.count), ("sum", h.sum), ("z_bucket", h.zero_count), ("z_bucket_w", h.zero_threshold)]
        {
            if value != 0.0 {
                parts.push(format!("{name}:{}", g(value)));
            }
        }
        if h.uses_custom_buckets() {
            parts.push(format!("custom_values:[{}]", joined(&h.custom_values)));
        }
        match h.counter_reset_hint {
            CounterResetHint::Unknown => {}
            CounterResetHint::CounterReset => parts.push("counter_reset_hint:reset".into()),
            CounterResetHint::NotCounterReset => parts.push("counter_reset_hint:not_reset".into()),
            CounterResetHint::Gauge => parts.push("counter_reset_hint:gauge".into()),
        }
        push_side(&mut parts, "offset", "buckets", &h.positive_spans, &h.positive_buckets);
        push_side(&mut parts, "n_offset", "n_buckets", &h.negative_spans, &h.negative_buckets);
        format!("{{{{{}}}}}", parts.join(" "))
    }
}

fn push_side(parts: &mut Vec<String>, offset: &str, buckets: &str, spans: &[Span], counts: &[f64]) {
    if let Some(span) = spans.first().filter(|s| s.offset != 0) {
        parts.push(format!("{offset}:{}", span.offset));
    }
    if !counts.is_empty() {
        parts.push(format!("{buckets}:[{}]", joined(counts)));
    }
}

fn joined(values: &[f64]) -> String {
    values.iter().map(|v| g(*v)).collect::<Vec<_>>().join(" ")
}
