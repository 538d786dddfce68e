//! A series' values over the steps of an evaluation.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::value::STALE_NAN_BITS;
use smallvec::SmallVec;

/// Stands for "no float here". Staleness markers never get into a column, and arithmetic, whose NaNs are quiet, cannot make one.
pub(crate) const ABSENT: f64 = f64::from_bits(STALE_NAN_BITS);

/// Whether a value of a column is there.
#[inline(always)]
pub(crate) fn present(value: f64) -> bool {
    value.to_bits() != STALE_NAN_BITS
}

/// One value per step from a first step on. An instant query's column needs no allocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// The step of the first entry.
    pub(crate) first: usize,
    /// Floats; [`ABSENT`] where there is none.
    pub(crate) floats: SmallVec<[f64; 1]>,
    /// Empty when there are no histograms, else as long as `floats`; where there is a histogram, the float is [`ABSENT`].
    pub(crate) histograms: Vec<Option<Arc<FloatHistogram>>>,
}

/// One value.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Column {
    /// The same float at all of `steps` steps.
    pub(crate) fn constant(value: f64, steps: usize) -> Self {
        Self { first: 0, floats: SmallVec::from_elem(value, steps), histograms: Vec::new() }
    }

    /// From floats at all steps from 0 on.
    pub(crate) fn from_floats(floats: Vec<f64>) -> Self {
        let floats =
            if floats.len() == 1 { SmallVec::from_slice(&floats) } else { SmallVec::from_vec(floats) };
        Self { first: 0, floats, histograms: Vec::new() }
    }

    /// The step behind the last entry.
    pub(crate) fn end(&self) -> usize {
        self.first + self.floats.len()
    }

    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// The float at a step, [`ABSENT`] if there is none.
    #[inline]
    pub(crate) fn float(&self, step: usize) -> f64 {
        match step.checked_sub(self.first) {
            Some(i) => self.floats.get(i).copied().unwrap_or(ABSENT),
            None => ABSENT,
        }
    }

    /// The histogram at a step.
    #[inline]
    pub(crate) fn histogram(&self, step: usize) -> Option<&Arc<FloatHistogram>> {
        self.histograms.get(step.checked_sub(self.first)?)?.as_ref()
    }

    /// The value at a step.
    #[inline]
    pub(crate) fn get(&self, step: usize) -> Option<Cell> {
        let value = self.float(step);
        if present(value) {
            return Some(Cell::Float(value));
        }
        self.histogram(step).map(|h| Cell::Histogram(h.clone()))
    }

    #[inline]
    pub(crate) fn is_present(&self, step: usize) -> bool {
        present(self.float(step)) || self.histogram(step).is_some()
    }

    /// Appends a float at `step`, which is behind all others.
    #[inline]
    pub(crate) fn push_float(&mut self, step: usize, value: f64) {
        self.pad(step);
        self.floats.push(value);
        if !self.histograms.is_empty() {
            self.histograms.push(None);
        }
    }

    /// Appends floats at `step` and those behind it, which are behind all others.
    #[inline]
    pub(crate) fn push_floats(&mut self, step: usize, values: &[f64]) {
        self.pad(step);
        self.floats.extend_from_slice(values);
        if !self.histograms.is_empty() {
            self.histograms.resize(self.floats.len(), None);
        }
    }

    /// Appends a histogram at `step`, which is behind all others.
    pub(crate) fn push_histogram(&mut self, step: usize, histogram: Arc<FloatHistogram>) {
        self.pad(step);
        self.histograms.resize(self.floats.len(), None);
        self.floats.push(ABSENT);
        self.histograms.push(Some(histogram));
    }

    pub(crate) fn push(&mut self, step: usize, cell: Cell) {
        match cell {
            Cell::Float(v) => self.push_float(step, v),
            Cell::Histogram(h) => self.push_histogram(step, h),
        }
    }

    fn pad(&mut self, step: usize) {
        if self.floats.is_empty() {
            self.first = step;
            return;
        }
        let missing = step - self.end();
        if missing > 0 {
            self.floats.resize(self.floats.len() + missing, ABSENT);
            if !self.histograms.is_empty() {
                self.histograms.resize(self.floats.len(), None);
            }
        }
    }

    /// Whether no step has a value.
    pub(crate) fn is_empty(&self) -> bool {
        !self.floats.iter().any(|v| present(*v)) && !self.histograms.iter().any(Option::is_some)
    }

    /// The steps with a value, and the values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, CellRef<'_>)> + '_ {
        self.floats.iter().enumerate().filter_map(move |(i, v)| {
            if present(*v) {
                return Some((self.first + i, CellRef::Float(*v)));
            }
            let h = self.histograms.get(i)?.as_ref()?;
            Some((self.first + i, CellRef::Histogram(h)))
        })
    }

    /// The number of values as Prometheus counts samples: a histogram weighs its size in samples.
    pub(crate) fn sample_count(&self) -> u64 {
        let floats = self.floats.iter().filter(|v| present(**v)).count() as u64;
        floats + self.histograms.iter().flatten().map(|h| histogram_weight(h)).sum::<u64>()
    }

    /// The heap bytes held; histograms are counted by their own size.
    pub(crate) fn heap_size(&self) -> usize {
        let floats = if self.floats.spilled() { 8 * self.floats.capacity() } else { 0 };
        let histograms: usize = self.histograms.iter().flatten().map(|h| h.size()).sum();
        floats + 8 * self.histograms.capacity() + histograms
    }

    /// Maps the floats that are there; histograms are dropped.
    pub(crate) fn map_floats(&mut self, f: impl Fn(f64) -> f64) {
        self.histograms = Vec::new();
        for v in &mut self.floats {
            if present(*v) {
                *v = f(*v);
            }
        }
    }

    /// Keeps the values at steps that `keep` accepts.
    pub(crate) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        for i in 0..self.floats.len() {
            if !keep(self.first + i) {
                self.floats[i] = ABSENT;
                if let Some(h) = self.histograms.get_mut(i) {
                    *h = None;
                }
            }
        }
    }

    /// Puts in the values of `other`; false if both have one at the same step.
    pub(crate) fn overlay(&mut self, other: &Column) -> bool {
        let (first, end) = match (self.floats.is_empty(), other.floats.is_empty()) {
            (_, true) => return true,
            (true, false) => {
                *self = other.clone();
                return true;
            }
            _ => (self.first.min(other.first), self.end().max(other.end())),
        };
        let mut merged = Column::default();
        for step in first..end {
            match (self.get(step), other.get(step)) {
                (Some(_), Some(_)) => return false,
                (Some(cell), None) | (None, Some(cell)) => merged.push(step, cell),
                (None, None) => {}
            }
        }
        *self = merged;
        true
    }
}

/// One value, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CellRef<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

/// What a histogram counts in samples of 16 bytes.
pub(crate) fn histogram_weight(h: &FloatHistogram) -> u64 {
    // A point is a histogram and its timestamp.
    (h.size() as u64 + 8) / 16
}
