//! Whether only count and sum of native histograms are needed, which spares their buckets.

use crate::ast::FunctionId;

/// What the functions around a selector need of its histograms.
///
/// A function of count or sum alone is content with these, unless anything around the selector, on either side of that function, needs
/// buckets: a quantile, a fraction, a trim, or a subquery, within which resets are detected.
#[derive(Clone, Copy, Default)]
pub(super) struct HistogramNeed {
    stats: bool,
    buckets: bool,
}

impl HistogramNeed {
    pub(super) fn push_call(&mut self, func: FunctionId) {
        match func {
            FunctionId::HistogramCount | FunctionId::HistogramSum | FunctionId::HistogramAvg => {
                self.stats = true
            }
            FunctionId::HistogramQuantile
            | FunctionId::HistogramQuantiles
            | FunctionId::HistogramFraction => self.buckets = true,
            _ => {}
        }
    }

    pub(super) fn push_buckets(&mut self) {
        self.buckets = true;
    }

    pub(super) fn only_stats(self) -> bool {
        self.stats && !self.buckets
    }
}
