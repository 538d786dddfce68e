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
    /// Takes staleness markers, of which the first is known, out of a buffer of floats.
    fn without_stale<'a>(&'a mut self, buffer: &SampleBuffer, first: usize) -> Samples<'a> {
        self.float_times.clear();
        self.floats.clear();
        self.float_starts.clear();
        let (mut from, mut stale) = (0, first);
        loop {
            self.float_times.extend_from_slice(&buffer.timestamps[from..stale]);
            self.floats.extend_from_slice(&buffer.floats[from..stale]);
            if !buffer.start_timestamps.is_empty() {
                self.float_starts.extend_from_slice(&buffer.start_timestamps[from..stale]);
            }
            if stale == buffer.len() {
                break;
            }
            from = stale + 1;
            stale = from + first_stale(&buffer.floats[from..]);
        }
        Samples {
            float_times: &self.float_times,
            floats: &self.floats,
            float_starts: &self.float_starts,
            ..Default::default()
        }
    }

    /// Splits a buffer. One of only floats without staleness markers is used as it is.
    pub(crate) fn split<'a>(&'a mut self, buffer: &'a SampleBuffer) -> Samples<'a> {
        if !buffer.has_histograms() {
            let first = first_stale(&buffer.floats);
            if first == buffer.len() {
                return Samples {
                    float_times: &buffer.timestamps,
                    floats: &buffer.floats,
                    float_starts: &buffer.start_timestamps,
                    ..Default::default()
                };
            }
            return self.without_stale(buffer, first);
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

/// The index of the first staleness marker, or the length. Markers are few: blocks without one are passed without a branch for each value.
fn first_stale(values: &[f64]) -> usize {
    const BLOCK: usize = 64;
    let clean =
        values.chunks(BLOCK).take_while(|block| !block.iter().fold(false, |found, v| found | is_stale(*v)));
    let start = (clean.count() * BLOCK).min(values.len());
    values[start..].iter().position(|v| is_stale(*v)).map_or(values.len(), |at| start + at)
}
