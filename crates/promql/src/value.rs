//! Results of queries.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::labels::Labels;

use crate::column::{CellRef, Column};
use crate::value_type::ValueType;

/// The value of a query.
#[derive(Clone, Debug)]
pub enum Value {
    /// One float.
    Scalar {
        /// Evaluation time in ms.
        t: i64,
        /// The float.
        value: f64,
    },
    /// A text.
    String {
        /// Evaluation time in ms.
        t: i64,
        /// The text.
        value: String,
    },
    /// One sample per series, in the order of evaluation.
    Vector(Vec<Sample>),
    /// Many samples per series, in the order of labels.
    Matrix(Vec<MatrixSeries>),
}

impl Value {
    /// The type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Scalar { .. } => ValueType::Scalar,
            Self::String { .. } => ValueType::String,
            Self::Vector(_) => ValueType::Vector,
            Self::Matrix(_) => ValueType::Matrix,
        }
    }
}

/// A float or a histogram.
#[derive(Clone, Debug)]
pub enum SampleValue {
    /// A float.
    Float(f64),
    /// A histogram.
    Histogram(Arc<FloatHistogram>),
}

/// One sample of an instant vector.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The series.
    pub labels: Labels,
    /// Evaluation time in ms.
    pub t: i64,
    /// The value.
    pub value: SampleValue,
}

/// A series of a range query's result or of a range vector.
#[derive(Clone, Debug)]
pub struct MatrixSeries {
    labels: Labels,
    points: Points,
}

#[derive(Clone, Debug)]
enum Points {
    /// Values at steps.
    Grid { start: i64, step: i64, column: Column },
    /// Raw samples with times of their own.
    Raw { floats: Vec<(i64, f64)>, histograms: Vec<(i64, Arc<FloatHistogram>)> },
}

impl MatrixSeries {
    pub(crate) fn grid(labels: Labels, start: i64, step: i64, column: Column) -> Self {
        Self { labels, points: Points::Grid { start, step, column } }
    }

    /// A series of given samples, each list ascending.
    pub fn raw(labels: Labels, floats: Vec<(i64, f64)>, histograms: Vec<(i64, Arc<FloatHistogram>)>) -> Self {
        Self { labels, points: Points::Raw { floats, histograms } }
    }

    /// The labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The floats with their times (ms), ascending.
    pub fn floats(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        let (raw, grid) = match &self.points {
            Points::Raw { floats, .. } => (floats.as_slice(), None),
            Points::Grid { start, step, column } => (&[][..], Some((start, step, column))),
        };
        let grid = grid.into_iter().flat_map(|(start, step, column)| {
            column.iter().filter_map(move |(i, cell)| match cell {
                CellRef::Float(v) => Some((start + i as i64 * step, v)),
                CellRef::Histogram(_) => None,
            })
        });
        raw.iter().copied().chain(grid)
    }

    /// The histograms with their times (ms), ascending.
    pub fn histograms(&self) -> impl Iterator<Item = (i64, &Arc<FloatHistogram>)> + '_ {
        let (raw, grid) = match &self.points {
            Points::Raw { histograms, .. } => (histograms.as_slice(), None),
            Points::Grid { column, .. } if !column.has_histograms() => (&[][..], None),
            Points::Grid { start, step, column } => (&[][..], Some((start, step, column))),
        };
        let grid = grid.into_iter().flat_map(|(start, step, column)| {
            column.iter().filter_map(move |(i, cell)| match cell {
                CellRef::Float(_) => None,
                CellRef::Histogram(h) => Some((start + i as i64 * step, h)),
            })
        });
        raw.iter().map(|(t, h)| (*t, h)).chain(grid)
    }

    /// Adds the histograms of another series of the same labels; there may be floats at the same times.
    pub(crate) fn add_histograms(&mut self, other: &Self) {
        let floats = self.floats().collect();
        let mut histograms: Vec<(i64, Arc<FloatHistogram>)> =
            self.histograms().chain(other.histograms()).map(|(t, h)| (t, h.clone())).collect();
        histograms.sort_by_key(|(t, _)| *t);
        self.points = Points::Raw { floats, histograms };
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        match &self.points {
            Points::Raw { floats, histograms } => floats.is_empty() && histograms.is_empty(),
            Points::Grid { column, .. } => column.is_empty(),
        }
    }
}
