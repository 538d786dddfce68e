//! Which group a series belongs to.

use model::labels::{Labels, METRIC_NAME};
use rustc_hash::FxHashMap;

use crate::plan::Aggregate;

/// The groups met so far, in the order in which they were met.
pub(super) struct Groups<'a> {
    grouping: &'a [String],
    without: bool,
    by_hash: FxHashMap<u64, usize>,
    /// The labels of each group.
    pub(super) labels: Vec<Labels>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(a: &'a Aggregate) -> Self {
        Self::with(&a.grouping, a.without)
    }

    pub(super) fn with(grouping: &'a [String], without: bool) -> Self {
        Self { grouping, without, by_hash: FxHashMap::default(), labels: Vec::new() }
    }

    /// The index of a series' group.
    pub(super) fn of(&mut self, series: &Labels) -> usize {
        let hash = if self.without {
            series.hash_without(self.grouping)
        } else if self.grouping.is_empty() {
            0
        } else {
            series.hash_for(self.grouping)
        };
        // As in Prometheus the hash alone decides.
        *self.by_hash.entry(hash).or_insert_with(|| {
            self.labels.push(group_labels(series, self.grouping, self.without));
            self.labels.len() - 1
        })
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }
}

fn group_labels(series: &Labels, grouping: &[String], without: bool) -> Labels {
    if without {
        let names: Vec<&str> = grouping.iter().map(String::as_str).chain([METRIC_NAME]).collect();
        series.without(&names)
    } else if grouping.is_empty() {
        Labels::empty()
    } else {
        series.only(grouping)
    }
}
