//! Decoded samples as columns.

use std::sync::Arc;

use crate::histogram::FloatHistogram;

/// Decoded samples of one series as columns of the same length.
///
/// A buffer is made to be reused: `clear` keeps the allocations.
#[derive(Clone, Debug, Default)]
pub struct SampleBuffer {
    /// Timestamps in ms, ascending.
    pub timestamps: Vec<i64>,
    /// Values; 0 where there is a histogram.
    pub floats: Vec<f64>,
    /// Empty when all samples are floats, else one entry for each sample, `None` for a float.
    pub histograms: Vec<Option<Arc<FloatHistogram>>>,
    /// Empty when no sample has a start timestamp, else one entry for each sample in ms, 0 for none.
    pub start_timestamps: Vec<i64>,
}

/// One sample of a buffer.
#[derive(Clone, Debug)]
pub enum SampleRef<'a> {
    /// A float.
    Float(f64),
    /// A histogram.
    Histogram(&'a Arc<FloatHistogram>),
}

impl SampleBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Whether any sample may be a histogram.
    pub fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// Forgets the samples and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Keeps only the first `len` samples.
    pub fn truncate(&mut self, len: usize) {
        self.timestamps.truncate(len);
        self.floats.truncate(len);
        self.histograms.truncate(len);
        self.start_timestamps.truncate(len);
    }

    /// Keeps only the samples `range` (indices).
    pub fn keep(&mut self, range: std::ops::Range<usize>) {
        self.truncate(range.end);
        if range.start == 0 {
            return;
        }
        let dropped = ..range.start.min(self.len());
        self.timestamps.drain(dropped);
        self.floats.drain(dropped);
        if !self.histograms.is_empty() {
            self.histograms.drain(dropped);
        }
        if !self.start_timestamps.is_empty() {
            self.start_timestamps.drain(dropped);
        }
    }

    /// Makes room for so many more samples, floats without start timestamps.
    pub fn reserve(&mut self, more: usize) {
        self.timestamps.reserve(more);
        self.floats.reserve(more);
    }

    /// Appends a float.
    #[inline]
    pub fn push_float(&mut self, t: i64, value: f64) {
        self.timestamps.push(t);
        self.floats.push(value);
        if !self.histograms.is_empty() {
            self.histograms.push(None);
        }
        if !self.start_timestamps.is_empty() {
            self.start_timestamps.push(0);
        }
    }

    /// Appends a histogram.
    pub fn push_histogram(&mut self, t: i64, histogram: Arc<FloatHistogram>) {
        if self.histograms.is_empty() {
            self.histograms.resize(self.timestamps.len(), None);
        }
        self.timestamps.push(t);
        self.floats.push(0.0);
        self.histograms.push(Some(histogram));
        if !self.start_timestamps.is_empty() {
            self.start_timestamps.push(0);
        }
    }

    /// Gives the last sample a start timestamp (ms, 0 for none).
    pub fn set_last_start(&mut self, start: i64) {
        if start == 0 && self.start_timestamps.is_empty() {
            return;
        }
        self.start_timestamps.resize(self.timestamps.len(), 0);
        if let Some(last) = self.start_timestamps.last_mut() {
            *last = start;
        }
    }

    /// The sample at `index`.
    pub fn sample(&self, index: usize) -> SampleRef<'_> {
        match self.histograms.get(index) {
            Some(Some(histogram)) => SampleRef::Histogram(histogram),
            _ => SampleRef::Float(self.floats[index]),
        }
    }

    /// Appends the samples `range` (indices) of another buffer.
    pub fn extend_from(&mut self, other: &SampleBuffer, range: std::ops::Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (before, after) = (self.len(), self.len() + range.len());
        self.timestamps.extend_from_slice(&other.timestamps[range.clone()]);
        self.floats.extend_from_slice(&other.floats[range.clone()]);
        if other.has_histograms() {
            self.histograms.resize(before, None);
            self.histograms.extend_from_slice(&other.histograms[range.clone()]);
        } else if self.has_histograms() {
            self.histograms.resize(after, None);
        }
        if !other.start_timestamps.is_empty() {
            self.start_timestamps.resize(before, 0);
            self.start_timestamps.extend_from_slice(&other.start_timestamps[range]);
        } else if !self.start_timestamps.is_empty() {
            self.start_timestamps.resize(after, 0);
        }
    }

    /// The indices of the samples with `mint <= t <= maxt`.
    pub fn range(&self, mint: i64, maxt: i64) -> std::ops::Range<usize> {
        let start = self.timestamps.partition_point(|t| *t < mint);
        let end = self.timestamps.partition_point(|t| *t <= maxt);
        start..end.max(start)
    }

    /// The heap bytes of the columns; histograms count only as pointers.
    pub fn heap_size(&self) -> usize {
        8 * (self.timestamps.capacity()
            + self.floats.capacity()
            + self.histograms.capacity()
            + self.start_timestamps.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_parallel_when_kinds_mix() {
        let mut buffer = SampleBuffer::new();
        buffer.push_float(1, 1.5);
        buffer.push_histogram(2, Arc::new(FloatHistogram { sum: 7.0, ..Default::default() }));
        buffer.push_float(3, 2.5);
        buffer.set_last_start(2);
        assert_eq!(buffer.histograms.len(), 3);
        assert_eq!(buffer.start_timestamps, [0, 0, 2]);

        let mut other = SampleBuffer::new();
        other.push_float(0, 9.0);
        other.extend_from(&buffer, 0..3);
        other.push_float(4, 1.0);
        assert_eq!(other.timestamps, [0, 1, 2, 3, 4]);
        assert_eq!(other.start_timestamps, [0, 0, 0, 2, 0]);
        assert!(matches!(other.sample(2), SampleRef::Histogram(h) if h.sum == 7.0));
        assert!(matches!(other.sample(3), SampleRef::Float(v) if v == 2.5));
        assert_eq!(other.histograms.len(), 5);

        buffer.extend_from(
            &SampleBuffer { timestamps: vec![9], floats: vec![0.5], ..Default::default() },
            0..1,
        );
        assert_eq!((buffer.histograms.len(), buffer.start_timestamps.len()), (4, 4));
    }

    #[test]
    fn range_is_closed_on_both_ends() {
        let buffer = SampleBuffer { timestamps: vec![1, 3, 5], floats: vec![0.0; 3], ..Default::default() };
        assert_eq!(buffer.range(1, 5), 0..3);
        assert_eq!(buffer.range(2, 4), 1..2);
        assert_eq!(buffer.range(4, 2), 2..2);
        assert_eq!(buffer.range(6, 9), 3..3);
        for (range, kept) in [(0..3, vec![1, 3, 5]), (1..2, vec![3]), (2..2, vec![]), (3..3, vec![])] {
            let mut buffer = buffer.clone();
            buffer.keep(range);
            assert_eq!((buffer.timestamps, buffer.floats.len()), (kept.clone(), kept.len()));
        }
    }
}
