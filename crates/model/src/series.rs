//! Series and their samples on the way from storage to evaluation: columns, filled when asked.

mod buffer;
mod memory;

use std::sync::Arc;

pub use buffer::{SampleBuffer, SampleRef};
pub use memory::{MemorySamples, MemorySeriesSet};

use crate::labels::Labels;

/// An error of whatever lies behind a series or a set.
///
/// The core does not know the kinds of its sources (a block, a stream, a remote); it hands the error on as it is.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(#[source] pub Arc<dyn std::error::Error + Send + Sync>);

impl SourceError {
    /// Wraps an error.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The wrapped error, when it is of type `E`.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

/// Where the samples of one series come from. Decoding happens when asked, on the caller's thread.
pub trait SampleSource: Send + Sync {
    /// Appends the samples with `mint <= t <= maxt` (ms, closed) in ascending order.
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError>;

    /// Bytes of encoded samples that are held until they are read, and by which the work of reading is shared out; 0 when that is not known.
    fn held_bytes(&self) -> usize {
        0
    }
}

impl<S: SampleSource + ?Sized> SampleSource for Arc<S> {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        (**self).samples_into(mint, maxt, out)
    }

    fn held_bytes(&self) -> usize {
        (**self).held_bytes()
    }
}

impl<S: SampleSource + ?Sized> SampleSource for Box<S> {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        (**self).samples_into(mint, maxt, out)
    }

    fn held_bytes(&self) -> usize {
        (**self).held_bytes()
    }
}

/// One series: its labels, and where its samples are.
pub struct Series {
    /// The labels.
    pub labels: Labels,
    /// The samples.
    pub samples: Box<dyn SampleSource>,
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Series").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// Series in the order of their labels.
pub trait SeriesSet: Send {
    /// The next series; `None` at the end. After an error there is nothing more.
    fn next_series(&mut self) -> Option<Result<Series, SourceError>>;

    /// What went wrong without stopping the set; whole only after the end was reached.
    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}

impl<S: SeriesSet + ?Sized> SeriesSet for Box<S> {
    fn next_series(&mut self) -> Option<Result<Series, SourceError>> {
        (**self).next_series()
    }

    fn warnings(&mut self) -> Vec<String> {
        (**self).warnings()
    }
}
