//! Series that end up with the same labels.

use std::sync::Arc;

use model::histogram::FloatHistogram;
use model::labels::{Labels, METRIC_NAME};
use rustc_hash::FxHashMap;

use super::EvalSeries;
use crate::column::{Cell, Column};
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

/// Merges series of the same labels. Two floats or two histograms at the same step are an error.
///
/// A float and a histogram at the same step are none to Prometheus where it merges whole series: after a sign, `label_replace`,
/// `label_join`, and where names are removed at the end. If that is the `top` of the query, both are in its result; here, the
/// histograms that have no room in their series follow as one more series of the same labels. Whatever reads the series step by
/// step takes the float, and comes no further in the histograms.
pub(super) fn merge_kinds(series: Vec<EvalSeries>, top: bool) -> Result<Vec<EvalSeries>, EvalError> {
    if !has_same_labels(&series) {
        return Ok(series);
    }
    let mut by_labels: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut groups: Vec<Vec<EvalSeries>> = Vec::with_capacity(series.len());
    for s in series {
        let at = *by_labels.entry(s.labels.clone()).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[at].push(s);
    }
    let mut merged = Vec::with_capacity(groups.len());
    for group in groups {
        merge_group(group, top, &mut merged)?;
    }
    Ok(merged)
}

fn merge_group(group: Vec<EvalSeries>, top: bool, out: &mut Vec<EvalSeries>) -> Result<(), EvalError> {
    let [first, ..] = group.as_slice() else { return Ok(()) };
    if group.len() == 1 {
        out.extend(group);
        return Ok(());
    }
    let (labels, drop_name) = (first.labels.clone(), first.drop_name);
    let begin = group.iter().map(|s| s.column.first).min().unwrap_or(0);
    let end = group.iter().map(|s| s.column.end()).max().unwrap_or(0);
    let (mut column, mut beside) = (Column::default(), Column::default());
    let mut stuck = false;
    for step in begin..end {
        let (mut float, mut histogram) = (None, None);
        for s in &group {
            let slot = match s.column.get(step) {
                Some(Cell::Float(value)) => float.replace(Cell::Float(value)).is_some(),
                Some(Cell::Histogram(h)) => histogram.replace(Cell::Histogram(h)).is_some(),
                None => false,
            };
            if slot {
                return Err(EvalError::same_labelset());
            }
        }
        match (float, histogram) {
            (Some(float), Some(histogram)) => {
                column.push(step, float);
                if top {
                    beside.push(step, histogram);
                }
                stuck = !top;
            }
            (None, Some(_)) if stuck => {}
            (Some(cell), None) | (None, Some(cell)) => column.push(step, cell),
            (None, None) => {}
        }
    }
    out.push(EvalSeries { labels: labels.clone(), drop_name, column });
    if !beside.is_empty() {
        out.push(EvalSeries { labels, drop_name, column: beside });
    }
    Ok(())
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
