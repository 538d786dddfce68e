//! Series that lie in memory whole: for tests, small answers, and results that are handed on.

use std::sync::Arc;

use super::{SampleBuffer, SampleSource, Series, SeriesSet, SourceError};
use crate::labels::Labels;

/// Samples that are decoded already.
#[derive(Clone, Debug, Default)]
pub struct MemorySamples(pub Arc<SampleBuffer>);

impl MemorySamples {
    /// Takes samples in ascending order.
    pub fn new(buffer: SampleBuffer) -> Self {
        Self(Arc::new(buffer))
    }
}

impl SampleSource for MemorySamples {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        out.extend_from(&self.0, self.0.range(mint, maxt));
        Ok(())
    }
}

/// A set over series that are all there.
#[derive(Debug, Default)]
pub struct MemorySeriesSet {
    series: std::vec::IntoIter<(Labels, MemorySamples)>,
    warnings: Vec<String>,
}

impl MemorySeriesSet {
    /// Takes series in any order and sorts them by their labels.
    pub fn new(mut series: Vec<(Labels, MemorySamples)>) -> Self {
        series.sort_by(|a, b| a.0.cmp(&b.0));
        Self { series: series.into_iter(), warnings: Vec::new() }
    }

    /// Adds warnings to be handed out.
    pub fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }
}

impl SeriesSet for MemorySeriesSet {
    fn next_series(&mut self) -> Option<Result<Series, SourceError>> {
        let (labels, samples) = self.series.next()?;
        Some(Ok(Series { labels, samples: Box::new(samples) }))
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}
