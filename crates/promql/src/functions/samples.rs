//! The samples of a series as functions see them: no staleness markers, floats and histograms apart.

use std::ops::Range;
use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::series::SampleBuffer;
use model::value::is_stale;

/// Samples of a series, or of a window of it. Times in ms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Samples<'a> {
    pub(crate) float_times: &'a [i64],
    pub(crate) floats: &'a [f64],
    /// Empty, or parallel to `floats`.
    pub(crate) float_starts: &'a [i64],
    pub(crate) histogram_times: &'a [i64],
    pub(crate) histograms: &'a [Arc<FloatHistogram>],
    /// Empty, or parallel to `histograms`.
    pub(crate) histogram_starts: &'a [i64],
}

impl<'a> Samples<'a> {
    /// The samples of the given index ranges.
    pub(crate) fn window(&self, floats: Range<usize>, histograms: Range<usize>) -> Samples<'a> {
        let starts = |starts: &'a [i64], range: &Range<usize>| {
            if starts.is_empty() { starts } else { &starts[range.clone()] }
        };
        Samples {
            float_times: &self.float_times[floats.clone()],
            float_starts: starts(self.float_starts, &floats),
            floats: &self.floats[floats],
            histogram_times: &self.histogram_times[histograms.clone()],
            histogram_starts: starts(self.histogram_starts, &histograms),
            histograms: &self.histograms[histograms],
        }
    }

    pub(crate) fn is_mixed(&self) -> bool {
        !self.floats.is_empty() && !self.histograms.is_empty()
    }
}

/// Buffers for [`Split::split`].
#[derive(Default)]
pub(crate) struct Split {
    float_times: Vec<i64>,
    floats: Vec<f64>,
    float_starts: Vec<i64>,
    histogram_times: Vec<i64>,
    histograms: Vec<Arc<FloatHistogram>>,
    histogram_starts: Vec<i64>,
}

impl Split {
    /// Splits a buffer. One of only floats without staleness markers is used as it is.
    pub(crate) fn split<'a>(&'a mut self, buffer: &'a SampleBuffer) -> Samples<'a> {
        if !buffer.has_histograms() && !buffer.floats.iter().any(|v| is_stale(*v)) {
            return Samples {
                float_times: &buffer.timestamps,
                floats: &buffer.floats,
                float_starts: &buffer.start_timestamps,
                ..Default::default()
            };
        }
        self.float_times.clear();
        self.floats.clear();
        self.float_starts.clear();
        self.histogram_times.clear();
        self.histograms.clear();
        self.histogram_starts.clear();
        for (i, t) in buffer.timestamps.iter().enumerate() {
            let start = buffer.start_timestamps.get(i);
            match buffer.histograms.get(i) {
                Some(Some(h)) => {
                    if is_stale(h.sum) {
                        continue;
                    }
                    self.histogram_times.push(*t);
                    self.histograms.push(h.clone());
                    self.histogram_starts.extend(start);
                }
                _ => {
                    let value = buffer.floats[i];
                    if is_stale(value) {
                        continue;
                    }
                    self.float_times.push(*t);
                    self.floats.push(value);
                    self.float_starts.extend(start);
                }
            }
        }
        Samples {
            float_times: &self.float_times,
            floats: &self.floats,
            float_starts: &self.float_starts,
            histogram_times: &self.histogram_times,
            histograms: &self.histograms,
            histogram_starts: &self.histogram_starts,
        }
    }
}
