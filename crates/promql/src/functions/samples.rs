//! The samples of a series as functions see them: no staleness markers, floats and histograms apart.

use std::ops::Range;
use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::series::SampleBuffer;
use model::value::is_stale;
use model::wide;

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
    /// Splits a buffer. One of only floats is used as it is, once staleness markers are taken out of it.
    pub(crate) fn split<'a>(&'a mut self, buffer: &'a mut SampleBuffer) -> Samples<'a> {
        if !buffer.has_histograms() {
            remove_stale(buffer);
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

/// Takes staleness markers out of a buffer of floats, in place: a series of a month has megabytes.
fn remove_stale(buffer: &mut SampleBuffer) {
    let len = buffer.len();
    let mut end = first_stale(&buffer.floats);
    let mut stale = end;
    while stale < len {
        let from = stale + 1;
        stale = from + first_stale(&buffer.floats[from..]);
        buffer.timestamps.copy_within(from..stale, end);
        buffer.floats.copy_within(from..stale, end);
        if !buffer.start_timestamps.is_empty() {
            buffer.start_timestamps.copy_within(from..stale, end);
        }
        end += stale - from;
    }
    buffer.truncate(end);
}

wide! {
    /// The index of the first staleness marker, or the length. Markers are few: blocks without one are passed without a branch for each value.
    fn first_stale(values: &[f64]) -> usize {
        const BLOCK: usize = 64;
        let clean =
            values.chunks(BLOCK).take_while(|block| !block.iter().fold(false, |found, v| found | is_stale(*v)));
        let start = (clean.count() * BLOCK).min(values.len());
        values[start..].iter().position(|v| is_stale(*v)).map_or(values.len(), |at| start + at)
    }
}

#[cfg(test)]
mod tests {
    use model::value::STALE_NAN_BITS;

    use super::*;

    #[test]
    fn staleness_markers_are_left_out() {
        let stale = f64::from_bits(STALE_NAN_BITS);
        for starts in [false, true] {
            for marked in [
                vec![],
                vec![0],
                vec![299],
                vec![0, 1, 63, 64, 65, 200, 298, 299],
                (0..300).collect::<Vec<_>>(),
            ] {
                let mut buffer = SampleBuffer::new();
                let mut want = Vec::new();
                for i in 0..300 {
                    let value = if marked.contains(&i) { stale } else { i as f64 };
                    buffer.push_float(i as i64, value);
                    if starts {
                        buffer.set_last_start(1000 + i as i64);
                    }
                    if !is_stale(value) {
                        want.push((i as i64, value));
                    }
                }
                let mut split = Split::default();
                let samples = split.split(&mut buffer);
                let got: Vec<_> =
                    samples.float_times.iter().copied().zip(samples.floats.iter().copied()).collect();
                assert_eq!(got, want, "{marked:?}");
                let want_starts = want.iter().filter(|_| starts).map(|(t, _)| 1000 + t).collect::<Vec<_>>();
                assert_eq!(samples.float_starts, want_starts, "{marked:?}");
            }
        }
    }
}
