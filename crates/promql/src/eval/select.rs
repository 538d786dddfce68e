//! Reading series: pulled from the set in batches, decoded and worked on by the workers, handed on in order.

use std::sync::{Mutex, PoisonError};

use model::labels::Labels;
use model::series::{SampleBuffer, Series};
use model::value::is_stale;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;

use super::counts::LocalCounts;
use super::{EvalSeries, Evaluator, Scope, Sink};
use crate::annotations::Annotation;
use crate::ast::{PosRange, RangeModifier};
use crate::column::{Column, histogram_weight};
use crate::error::EvalError;
use crate::functions::Edge;
use crate::functions::samples::{Samples, Split};
use crate::limits::Reservation;
use crate::plan::Selector;

/// Most series taken from a set at once. Enough to share among the workers, few enough to hold.
const BATCH: usize = 1024;
/// Most series a worker takes at once.
const CHUNK: usize = 16;
/// Bytes of encoded samples at which a batch ends. A series of a month has half a megabyte.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of a batch from which on sharing it among the workers pays, however few series it has.
const SHARED_BYTES: usize = 128 << 10;

/// What a worker has at hand while it goes through its series.
pub(super) struct Worker {
    pub(super) counts: LocalCounts,
    pub(super) notes: Vec<Annotation>,
    pub(super) split: Split,
    buffer: SampleBuffer,
    held: Reservation,
}

/// Turns the samples of one series into its values.
pub(super) type PerSeries<'f> =
    dyn Fn(&Labels, &mut SampleBuffer, &mut Worker) -> Result<Option<EvalSeries>, EvalError> + Sync + 'f;

impl Evaluator<'_> {
    fn worker(&self, scope: Scope<'_>) -> Worker {
        Worker {
            counts: scope.counts.local(),
            notes: Vec::new(),
            split: Split::default(),
            buffer: SampleBuffer::new(),
            held: Reservation::new(&self.ledger),
        }
    }

    /// Runs `f` over all series of a selector and hands on what it gives, in the order of the series.
    pub(super) fn for_each_series(
        &self,
        selector: &Selector,
        scope: Scope<'_>,
        f: &PerSeries<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        self.measured(selector, scope, sink, |sink| self.read_series(selector, scope, f, sink))
    }

    fn read_series(
        &self,
        selector: &Selector,
        scope: Scope<'_>,
        f: &PerSeries<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let params = &self.plan.selects[selector.select];
        let mut set = self.series_of(selector.select)?;
        let idle: Mutex<Vec<Worker>> = Mutex::new(Vec::new());
        let mut batch: Vec<Series> = Vec::new();
        let mut ended = false;
        // The first batches are small, so that a small query pays for little.
        let mut size = CHUNK;
        while !ended {
            self.limits.check()?;
            let mut bytes = 0;
            while batch.len() < size && bytes < BATCH_BYTES {
                match set.next_series() {
                    Some(series) => {
                        let series = series.map_err(EvalError::of_storage)?;
                        bytes += series.samples.held_bytes();
                        batch.push(series);
                    }
                    None => {
                        ended = true;
                        break;
                    }
                }
            }
            let run = |chunk: &[Series]| -> Result<(Vec<EvalSeries>, Vec<Annotation>), EvalError> {
                let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut worker = taken.unwrap_or_else(|| self.worker(scope));
                let mut out = Vec::with_capacity(chunk.len());
                for series in chunk {
                    if self.limits.cancel.is_cancelled() {
                        self.limits.check()?;
                    }
                    let mut buffer = std::mem::take(&mut worker.buffer);
                    buffer.clear();
                    series
                        .samples
                        .samples_into(params.mint, params.maxt, &mut buffer)
                        .map_err(EvalError::of_samples)?;
                    worker.held.set(buffer.heap_size())?;
                    if selector.stats_only && buffer.has_histograms() {
                        crate::functions::histogram_stats::reduce(&mut buffer);
                    }
                    let result = f(&series.labels, &mut buffer, &mut worker)?;
                    worker.buffer = buffer;
                    out.extend(result);
                }
                let notes = std::mem::take(&mut worker.notes);
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                Ok((out, notes))
            };
            let mut out = Vec::with_capacity(batch.len());
            match &self.options.pool {
                Some(pool) if batch.len() > CHUNK || batch.len() > 1 && bytes >= SHARED_BYTES => {
                    // A few pieces for each worker, lest one waits for the other at the end.
                    let pieces = 4 * pool.current_num_threads();
                    let chunk = batch.len().div_ceil(pieces).clamp(1, CHUNK);
                    let parts: Vec<_> = pool.install(|| batch.par_chunks(chunk).map(run).collect());
                    for part in parts {
                        let (series, notes) = part?;
                        self.annotate_all(notes);
                        out.extend(series);
                    }
                }
                _ => {
                    let (series, notes) = run(&batch)?;
                    self.annotate_all(notes);
                    out = series;
                }
            }
            batch.clear();
            size = BATCH;
            if !out.is_empty() {
                let mut held = Reservation::new(&self.ledger);
                held.grow(out.iter().map(EvalSeries::size).sum())?;
                sink(out)?;
            }
        }
        for worker in idle.into_inner().unwrap_or_else(PoisonError::into_inner) {
            scope.counts.add_local(&worker.counts);
        }
        self.annotate_all(set.warnings().into_iter().map(Annotation::storage_warning));
        Ok(())
    }

    /// An instant selector.
    pub(super) fn stream_selector(
        &self,
        selector: &Selector,
        pos: PosRange,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let smoothed = selector.modifier == RangeModifier::Smoothed;
        let lookback = if selector.exact { 1 } else { self.lookback };
        let per_series = |labels: &Labels, buffer: &mut SampleBuffer, worker: &mut Worker| {
            let column = if smoothed {
                let mut split = std::mem::take(&mut worker.split);
                let samples = split.split(buffer);
                let column = crate::functions::smoothed::instant(
                    &samples,
                    selector,
                    &scope.grid,
                    self.lookback,
                    labels,
                    pos,
                    &mut worker.notes,
                );
                worker.split = split;
                column
            } else {
                instant_column(buffer, selector, scope, lookback, &mut worker.counts)
            };
            if column.is_empty() {
                return Ok(None);
            }
            self.add_samples(column.sample_count())?;
            Ok(Some(EvalSeries { labels: labels.clone(), drop_name: false, column }))
        };
        self.for_each_series(selector, scope, &per_series, sink)
    }
}

/// The index of the sample that each step sees, in order, for the steps that see one: the latest at or before the step's reference time,
/// not older than the lookback and no staleness marker.
pub(super) fn instant_samples<'b>(
    buffer: &'b SampleBuffer,
    selector: &'b Selector,
    scope: Scope<'b>,
    lookback: i64,
) -> impl Iterator<Item = (usize, usize)> + 'b {
    let times = buffer.timestamps.as_slice();
    let mut behind = Edge::default();
    (0..scope.grid.count).filter_map(move |step| {
        let reference = selector.reference(scope.grid.at(step));
        behind.move_behind(times, reference);
        let at = behind.at.checked_sub(1)?;
        if times[at] <= reference.saturating_sub(lookback) {
            return None;
        }
        let value = match buffer.histograms.get(at) {
            Some(Some(h)) => h.sum,
            _ => buffer.floats[at],
        };
        (!is_stale(value)).then_some((step, at))
    })
}

fn instant_column(
    buffer: &SampleBuffer,
    selector: &Selector,
    scope: Scope<'_>,
    lookback: i64,
    counts: &mut LocalCounts,
) -> Column {
    let mut column = Column::default();
    if buffer.is_empty() {
        return column;
    }
    column.floats.reserve_exact(if scope.grid.count > 1 { scope.grid.count } else { 0 });
    for (step, at) in instant_samples(buffer, selector, scope, lookback) {
        let weight = match buffer.histograms.get(at) {
            Some(Some(h)) => {
                column.push_histogram(step, h.clone());
                histogram_weight(h)
            }
            _ => {
                column.push_float(step, buffer.floats[at]);
                1
            }
        };
        counts.add(step, weight, weight);
    }
    if column.floats.spilled() && column.floats.len() * 2 < column.floats.capacity() {
        column.floats.shrink_to_fit();
    }
    column
}

/// The samples of a buffer without staleness markers, floats and histograms apart.
pub(super) fn with_samples<T>(
    buffer: &mut SampleBuffer,
    worker: &mut Worker,
    f: impl FnOnce(&Samples<'_>, &mut Worker) -> T,
) -> T {
    let mut split = std::mem::take(&mut worker.split);
    let result = f(&split.split(buffer), worker);
    worker.split = split;
    result
}
