//! Counting samples per step.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::plan::Grid;
use crate::stats::SampleStats;

/// Counts of one evaluation: all samples that steps looked at, and those read.
#[derive(Debug)]
pub(crate) struct StepCounts {
    grid: Grid,
    total: AtomicU64,
    read: AtomicU64,
    /// Total and read of each step; empty when only sums are wanted.
    per_step: Vec<(AtomicU64, AtomicU64)>,
}

/// The counts of one series or batch, added at once.
#[derive(Debug, Default)]
pub(crate) struct LocalCounts {
    total: u64,
    read: u64,
    per_step: Vec<(u64, u64)>,
}

impl LocalCounts {
    #[inline]
    pub(crate) fn add(&mut self, step: usize, total: u64, read: u64) {
        self.total += total;
        self.read += read;
        if let Some(slot) = self.per_step.get_mut(step) {
            slot.0 += total;
            slot.1 += read;
        }
    }

    /// Whether steps are told apart.
    #[inline]
    pub(crate) fn per_step(&self) -> bool {
        !self.per_step.is_empty()
    }

    /// Adds to the sums only; for those that know [`per_step`](Self::per_step) is false.
    #[inline]
    pub(crate) fn add_sums(&mut self, total: u64, read: u64) {
        self.total += total;
        self.read += read;
    }
}

impl StepCounts {
    pub(crate) fn new(grid: Grid, per_step: bool) -> Self {
        let per_step =
            if per_step { (0..grid.count).map(|_| Default::default()).collect() } else { Vec::new() };
        Self { grid, total: AtomicU64::new(0), read: AtomicU64::new(0), per_step }
    }

    pub(crate) fn local(&self) -> LocalCounts {
        LocalCounts { per_step: vec![(0, 0); self.per_step.len()], ..Default::default() }
    }

    pub(crate) fn add_local(&self, local: &LocalCounts) {
        self.total.fetch_add(local.total, Relaxed);
        self.read.fetch_add(local.read, Relaxed);
        for (slot, (total, read)) in self.per_step.iter().zip(&local.per_step) {
            slot.0.fetch_add(*total, Relaxed);
            slot.1.fetch_add(*read, Relaxed);
        }
    }

    pub(crate) fn add(&self, step: usize, total: u64, read: u64) {
        self.total.fetch_add(total, Relaxed);
        self.read.fetch_add(read, Relaxed);
        if let Some(slot) = self.per_step.get(step) {
            slot.0.fetch_add(total, Relaxed);
            slot.1.fetch_add(read, Relaxed);
        }
    }

    /// What was evaluated once for all steps: every step looked at it, it was read once.
    pub(crate) fn add_invariant(&self, child: &StepCounts) {
        let (total, read) = (child.total.load(Relaxed), child.read.load(Relaxed));
        self.total.fetch_add(total * self.grid.count as u64, Relaxed);
        self.read.fetch_add(read, Relaxed);
        for slot in &self.per_step {
            slot.0.fetch_add(total, Relaxed);
        }
        if let Some(first) = self.per_step.first() {
            first.1.fetch_add(read, Relaxed);
        }
    }

    /// The samples a subquery read, each at the step that first uses it. With `range`, samples between the windows of the steps do
    /// not count. `offset` is that of the subquery.
    pub(crate) fn add_subquery_reads(&self, child: &StepCounts, offset: i64, range: i64) {
        let steps = self.grid.count;
        if steps <= 1 {
            self.add(0, 0, child.read.load(Relaxed));
            return;
        }
        for (i, (_, read)) in child.per_step.iter().enumerate() {
            let read = read.load(Relaxed);
            if read == 0 {
                continue;
            }
            let t = child.grid.at(i).saturating_add(offset);
            let step = match t.saturating_sub(self.grid.start) {
                d if d > 0 => ((d + self.grid.step - 1) / self.grid.step) as usize,
                _ => 0,
            };
            let step = step.min(steps - 1);
            if range > 0 && t <= self.grid.at(step).saturating_sub(range) {
                continue;
            }
            self.add(step, 0, read);
        }
    }

    /// All samples that steps looked at.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    pub(crate) fn report(&self, stats: &mut SampleStats) {
        stats.total_queryable = self.total.load(Relaxed);
        stats.read = self.read.load(Relaxed);
        if !self.per_step.is_empty() {
            stats.total_per_step = Some(self.per_step.iter().map(|s| s.0.load(Relaxed)).collect());
            stats.read_per_step = Some(self.per_step.iter().map(|s| s.1.load(Relaxed)).collect());
        }
    }
}
