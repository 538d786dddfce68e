//! Series that end up with the same labels.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::labels::{Labels, METRIC_NAME};
use rustc_hash::FxHashMap;

use super::EvalSeries;
use crate::column::Column;
use crate::error::EvalError;
use crate::value::MatrixSeries;

/// The labels that say what a metric is, and that operations on it drop.
const METADATA: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// The labels without name, type and unit.
pub(crate) fn without_metadata(labels: &Labels) -> Labels {
    labels.without(&METADATA)
}

/// Whether two series have the same labels.
pub(super) fn has_same_labels(series: &[EvalSeries]) -> bool {
    let mut seen = rustc_hash::FxHashSet::with_capacity_and_hasher(series.len(), Default::default());
    series.len() > 1 && !series.iter().all(|s| seen.insert(s.labels.as_key()))
}

/// Merges series of the same labels, in the order in which the labels first come. Values at the same step are an error.
pub(super) fn merge_same_labels(series: Vec<EvalSeries>) -> Result<Vec<EvalSeries>, EvalError> {
    if !has_same_labels(&series) {
        return Ok(series);
    }
    let mut by_labels: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut merged: Vec<EvalSeries> = Vec::with_capacity(series.len());
    for s in series {
        match by_labels.get(&s.labels) {
            Some(at) => {
                if !merged[*at].column.overlay(&s.column) {
                    return Err(EvalError::same_labelset());
                }
            }
            None => {
                by_labels.insert(s.labels.clone(), merged.len());
                merged.push(s);
            }
        }
    }
    Ok(merged)
}

/// Watches series go by: the same labels may come again, but with values at other steps.
#[derive(Default)]
pub(super) struct SameSteps(FxHashMap<Labels, Steps>);

/// The steps at which a series has values.
struct Steps {
    first: usize,
    end: usize,
    /// For each step from `first` on; empty if there is a value at each.
    bits: Vec<u64>,
}

impl SameSteps {
    pub(super) fn check(&mut self, series: &EvalSeries) -> Result<(), EvalError> {
        let column = &series.column;
        match self.0.entry(series.labels.clone()) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(Steps::of(column));
            }
            std::collections::hash_map::Entry::Occupied(mut slot) => {
                let steps = slot.get_mut();
                if column.iter().any(|(step, _)| steps.has(step)) {
                    return Err(EvalError::same_labelset());
                }
                steps.add(column);
            }
        }
        Ok(())
    }
}

impl Steps {
    fn of(column: &Column) -> Self {
        let (first, end) = (column.first, column.end());
        let mut steps = Self { first, end, bits: Vec::new() };
        if !(first..end).all(|step| column.is_present(step)) {
            steps.bits = vec![0; (end - first).div_ceil(64)];
            column.iter().for_each(|(step, _)| steps.set(step));
        }
        steps
    }

    fn set(&mut self, step: usize) {
        let i = step - self.first;
        self.bits[i / 64] |= 1 << (i % 64);
    }

    fn has(&self, step: usize) -> bool {
        if !(self.first..self.end).contains(&step) {
            return false;
        }
        let i = step - self.first;
        self.bits.get(i / 64).is_none_or(|word| word >> (i % 64) & 1 == 1)
    }

    fn add(&mut self, column: &Column) {
        let (first, end) = (self.first.min(column.first), self.end.max(column.end()));
        let mut all = Self { first, end, bits: vec![0; (end - first).div_ceil(64)] };
        (self.first..self.end).filter(|step| self.has(*step)).for_each(|step| all.set(step));
        column.iter().for_each(|(step, _)| all.set(step));
        *self = all;
    }
}

/// As [`merge_same_labels`] for raw samples.
pub(super) fn merge_raw(series: Vec<MatrixSeries>) -> Result<Vec<MatrixSeries>, EvalError> {
    type Points = (Vec<(i64, f64)>, Vec<(i64, Arc<FloatHistogram>)>);
    let mut by_labels: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut merged: Vec<(Labels, Points)> = Vec::with_capacity(series.len());
    for s in series {
        let at = *by_labels.entry(s.labels().clone()).or_insert_with(|| {
            merged.push((s.labels().clone(), Points::default()));
            merged.len() - 1
        });
        merged[at].1.0.extend(s.floats());
        merged[at].1.1.extend(s.histograms().map(|(t, h)| (t, h.clone())));
    }
    merged
        .into_iter()
        .map(|(labels, (mut floats, mut histograms))| {
            floats.sort_by_key(|(t, _)| *t);
            histograms.sort_by_key(|(t, _)| *t);
            if floats.windows(2).any(|w| w[0].0 == w[1].0) || histograms.windows(2).any(|w| w[0].0 == w[1].0)
            {
                return Err(EvalError::same_labelset());
            }
            Ok(MatrixSeries::raw(labels, floats, histograms))
        })
        .collect()
}
