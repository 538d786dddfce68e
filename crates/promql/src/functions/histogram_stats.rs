//! Histograms reduced to count and sum, where nothing else is asked for.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram};
use model::series::SampleBuffer;
use model::value::is_stale;

/// Drops the buckets of all histograms. Whether a counter was reset is told from the buckets, so that is settled first and kept in the hints.
pub(crate) fn reduce(buffer: &mut SampleBuffer) {
    let mut last: Option<Arc<FloatHistogram>> = None;
    for slot in buffer.histograms.iter_mut().flatten() {
        let full = slot.clone();
        let mut hint = full.counter_reset_hint;
        if !is_stale(full.sum) {
            if let (CounterResetHint::Unknown, Some(last)) = (hint, &last) {
                hint = if full.detect_reset(last) {
                    CounterResetHint::CounterReset
                } else {
                    CounterResetHint::NotCounterReset
                };
            }
            last = Some(full.clone());
        }
        *slot = Arc::new(FloatHistogram {
            counter_reset_hint: hint,
            schema: full.schema,
            count: full.count,
            sum: full.sum,
            ..Default::default()
        });
    }
}
