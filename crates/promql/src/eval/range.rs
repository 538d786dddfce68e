//! Functions over ranges: windows over each series' samples.

use model::labels::Labels;
use model::series::SampleBuffer;
use rustc_hash::FxHashSet;

use super::counts::LocalCounts;
use super::select::{Worker, with_samples};
use super::{EvalSeries, Evaluator, Scope, Sink, merge};
use crate::annotations::Annotation;
use crate::ast::{FunctionId, PosRange, RangeModifier};
use crate::column::{Column, histogram_weight};
use crate::engine::looks_beyond;
use crate::error::EvalError;
use crate::functions::{self, Env, Notes, extended_lookback, samples::Samples};
use crate::plan::{Call, Kind, Node, RangeNode, RangeSource};

/// Functions that may stand over `anchored` ranges, as the error lists them.
const ANCHORED: [FunctionId; 5] =
    [FunctionId::Changes, FunctionId::Delta, FunctionId::Increase, FunctionId::Rate, FunctionId::Resets];
/// Functions that may stand over `smoothed` ranges.
const SMOOTHED: [FunctionId; 3] = [FunctionId::Delta, FunctionId::Increase, FunctionId::Rate];

/// Samples in windows after which a series looks whether the query is to stop: some milliseconds of the slowest function.
const UNCHECKED_SAMPLES: u64 = 1 << 16;

/// A range function ready to be run over series.
struct RangeCall<'a> {
    call: &'a Call,
    range: &'a RangeNode,
    /// The scalar arguments: one list per argument, with one value per step.
    scalars: Vec<Vec<f64>>,
    scope: Scope<'a>,
    start_timestamps: bool,
    /// Where the first argument stands, as annotations report it.
    pos: PosRange,
    /// Whether the samples were read here, or by a subquery that has counted them.
    counts_reads: bool,
    args_pos: PosRange,
}

impl Evaluator<'_> {
    /// Calls a function one of whose arguments, that at `at`, is a range.
    pub(super) fn range_call(
        &self,
        call: &Call,
        at: usize,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let Kind::Range(range) = &call.args[at].kind else {
            return Err(EvalError::execution(format!("{} is called without a range", call.name)));
        };
        check_modifier(call, range)?;
        if call.func.is_extended() && matches!(range.source, RangeSource::Subquery(_)) {
            return Err(EvalError::Invalid(format!("{} cannot be used over a subquery", call.name)));
        }
        let mut scalars = Vec::with_capacity(call.args.len() - 1);
        for (i, arg) in call.args.iter().enumerate() {
            if i != at {
                scalars.push(self.scalar(arg, scope)?);
            }
        }
        let uses_starts = matches!(
            call.func,
            FunctionId::Rate | FunctionId::Irate | FunctionId::Increase | FunctionId::Resets
        );
        let (first, last) = (&call.args[0], &call.args[call.args.len() - 1]);
        let range_call = RangeCall {
            call,
            range,
            scalars,
            scope,
            start_timestamps: self.options.use_start_timestamps && uses_starts,
            pos: arg_pos(first),
            counts_reads: matches!(range.source, RangeSource::Series(_)),
            args_pos: PosRange::new(arg_pos(first).start, arg_pos(last).end),
        };
        let keeps_name = matches!(call.func, FunctionId::LastOverTime | FunctionId::FirstOverTime);
        let delayed = self.options.delayed_name_removal;
        let finish = |labels: &Labels,
                      input_drop: bool,
                      column: Column,
                      worker_notes: &mut Notes|
         -> Result<Option<EvalSeries>, EvalError> {
            self.note_non_counter(&range_call, labels, &column, worker_notes);
            if column.is_empty() {
                return Ok(None);
            }
            self.add_samples(column.sample_count())?;
            let drop_name = !keeps_name || input_drop;
            let labels = if drop_name && !delayed { merge::without_metadata(labels) } else { labels.clone() };
            Ok(Some(EvalSeries { labels, drop_name, column }))
        };
        let check_same = !delayed && call.func != FunctionId::AbsentOverTime;
        match &range.source {
            RangeSource::Series(selector) => {
                let per_series = |labels: &Labels, buffer: &mut SampleBuffer, worker: &mut Worker| {
                    let column = with_samples(buffer, worker, |samples, worker| {
                        self.over_series(&range_call, labels, samples, &mut worker.counts, &mut worker.notes)
                    })?;
                    finish(labels, false, column, &mut worker.notes)
                };
                let mut same = check_same.then(SameLabels::default);
                self.for_each_series(selector, scope, &per_series, &mut |batch| {
                    if let Some(same) = &mut same {
                        same.check(&batch)?;
                    }
                    sink(batch)
                })
            }
            RangeSource::Subquery(subquery) => {
                let before = self.samples_now();
                let inner = self.subquery_samples(subquery, range.range, scope)?;
                let mut counts = scope.counts.local();
                let mut notes = Notes::new();
                let mut out = Vec::with_capacity(inner.len());
                let mut output = 0;
                for series in inner {
                    self.limits.check()?;
                    let column = self.over_series(
                        &range_call,
                        &series.labels,
                        &series.samples(),
                        &mut counts,
                        &mut notes,
                    )?;
                    if let Some(s) = finish(&series.labels, series.drop_name, column, &mut notes)? {
                        output += s.column.sample_count();
                        out.push(s);
                    }
                }
                scope.counts.add_local(&counts);
                self.annotate_all(notes);
                if check_same && merge::has_same_labels(&out) {
                    return Err(EvalError::same_labelset());
                }
                self.settle_samples(before, output)?;
                sink(out)
            }
        }
    }

    /// The values of a range function over one series.
    fn over_series(
        &self,
        call: &RangeCall<'_>,
        labels: &Labels,
        samples: &Samples<'_>,
        counts: &mut LocalCounts,
        notes: &mut Notes,
    ) -> Result<Column, EvalError> {
        if samples.floats.is_empty() && samples.histograms.is_empty() {
            return Ok(Column::default());
        }
        let grid = &call.scope.grid;
        let modifier = call.range.modifier();
        if call.call.func.is_extended() {
            return self.extended(call, samples, counts);
        }
        let simple = samples.histograms.is_empty()
            && !looks_beyond(modifier)
            && !call.range.is_fixed()
            && !call.start_timestamps;
        if simple && !counts.per_step() {
            let window = functions::WindowGrid {
                grid: *grid,
                end: call.range.reference(grid.start),
                range: call.range.range,
            };
            if let Some((column, seen)) =
                functions::slide(call.call.func, samples, &window, call.range.range_seconds)
            {
                self.check_window(seen.widest)?;
                counts.add_sums(seen.total, if call.counts_reads { seen.read } else { 0 });
                return Ok(column);
            }
        }
        let (before, after) = match modifier {
            RangeModifier::None => (0, 0),
            RangeModifier::Anchored => (self.lookback, 0),
            RangeModifier::Smoothed => (self.lookback, self.lookback),
        };
        let mut column = Column::default();
        let mut scalars = vec![0.0; call.scalars.len()];
        let mut floats = Cursor::default();
        let mut histograms = Cursor::default();
        let mut histogram_weights: Vec<u64> = Vec::with_capacity(samples.histograms.len() + 1);
        histogram_weights.push(0);
        for h in samples.histograms {
            histogram_weights.push(histogram_weights[histogram_weights.len() - 1] + histogram_weight(h));
        }
        let mut unchecked = 0;
        for step in 0..grid.count {
            let ts = grid.at(step);
            let range_end = call.range.reference(ts);
            let range_start = range_end.saturating_sub(call.range.range);
            let (mint, maxt) = (range_start.saturating_sub(before), range_end.saturating_add(after));
            floats.advance(samples.float_times, mint, maxt);
            histograms.advance(samples.histogram_times, mint, maxt);
            let window = samples.window(floats.range(), histograms.range());
            if window.floats.is_empty() && window.histograms.is_empty() {
                continue;
            }
            let weight = |f: usize, h: usize| {
                (floats.end - f) as u64 + histogram_weights[histograms.end] - histogram_weights[h]
            };
            let total = weight(floats.start, histograms.start);
            let read = match step {
                _ if !call.counts_reads => 0,
                0 => total,
                _ if call.range.is_fixed() => 0,
                // What the step before has not seen yet.
                _ => {
                    let seen = maxt.saturating_sub(grid.step);
                    let f = floats.start + window.float_times.partition_point(|t| *t <= seen);
                    let h = histograms.start + window.histogram_times.partition_point(|t| *t <= seen);
                    weight(f, h)
                }
            };
            counts.add(step, total, read);
            self.check_window(total)?;
            unchecked += total;
            if unchecked >= UNCHECKED_SAMPLES {
                self.limits.check()?;
                unchecked = 0;
            }
            for (slot, values) in scalars.iter_mut().zip(&call.scalars) {
                *slot = values[step];
            }
            let env = Env {
                func: call.call.func,
                ts,
                range_start,
                range_end,
                range_seconds: call.range.range_seconds,
                modifier,
                labels,
                pos: call.pos,
                args_pos: call.args_pos,
                scalars: &scalars,
                start_timestamps: call.start_timestamps,
            };
            if let Some(cell) = functions::call(&window, &env, notes)? {
                column.push(step, cell);
            }
        }
        Ok(column)
    }

    /// `xrate` and its like.
    fn extended(
        &self,
        call: &RangeCall<'_>,
        samples: &Samples<'_>,
        counts: &mut LocalCounts,
    ) -> Result<Column, EvalError> {
        if !samples.histograms.is_empty() {
            return Err(EvalError::execution(
                "native histograms are not supported in extended range functions",
            ));
        }
        let grid = call.scope.grid;
        let end = call.range.reference(grid.start);
        let windows = extended_lookback::Windows { grid, end, range: call.range.range };
        let (times, values) = (samples.float_times, samples.floats);
        let mut largest = 0;
        let column = extended_lookback::over_series(call.call.func, times, values, &windows, |step, size| {
            largest = largest.max(size);
            counts.add(step, size, if step == 0 { size } else { 1 });
        });
        self.check_window(largest)?;
        Ok(column)
    }

    /// A window is held while its function runs.
    fn check_window(&self, weight: u64) -> Result<(), EvalError> {
        let now = self.samples_now() + weight;
        self.peak_samples.fetch_max(now, std::sync::atomic::Ordering::Relaxed);
        if self.limits.max_samples > 0 && now > self.limits.max_samples {
            Err(EvalError::TooManySamples)
        } else {
            Ok(())
        }
    }

    /// Rates of what does not look like a counter are noted, once for each metric.
    fn note_non_counter(&self, call: &RangeCall<'_>, labels: &Labels, column: &Column, notes: &mut Notes) {
        if !matches!(call.call.func, FunctionId::Rate | FunctionId::Increase) {
            return;
        }
        let name = labels.metric_name();
        if name.is_empty() || !column.floats.iter().any(|v| crate::column::present(*v)) {
            return;
        }
        let pos = call.pos;
        let note = if self.options.type_and_unit_labels {
            let ty = labels.value("__type__");
            if ty == "counter" || ty == "histogram" {
                return;
            }
            Annotation::possible_non_counter_label(name, ty, pos)
        } else {
            if ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) {
                return;
            }
            Annotation::possible_non_counter(name, pos)
        };
        // Series come sorted, so that those of a metric follow each other.
        if notes.last() != Some(&note) {
            notes.push(note);
        }
    }
}

/// Where an argument stands. That of a subquery is lost, as in Prometheus, which replaces it by its samples.
fn arg_pos(arg: &Node) -> PosRange {
    match &arg.kind {
        Kind::Range(RangeNode { source: RangeSource::Subquery(_), .. }) => PosRange::default(),
        _ => arg.pos,
    }
}

fn check_modifier(call: &Call, range: &RangeNode) -> Result<(), EvalError> {
    let (word, allowed): (&str, &[FunctionId]) = match range.modifier() {
        RangeModifier::None => return Ok(()),
        RangeModifier::Anchored => ("anchored", &ANCHORED),
        RangeModifier::Smoothed => ("smoothed", &SMOOTHED),
    };
    if allowed.contains(&call.func) {
        return Ok(());
    }
    let mut names: Vec<&str> =
        crate::ast::functions().iter().filter(|f| allowed.contains(&f.id)).map(|f| f.name).collect();
    names.sort_unstable();
    Err(EvalError::execution(format!(
        "{word} modifier can only be used with: {} - not with {}",
        names.join(", "),
        call.name
    )))
}

/// The part of ascending times within a window that moves forward.
#[derive(Default)]
struct Cursor {
    start: usize,
    end: usize,
}

impl Cursor {
    /// Moves to the times with `mint < t <= maxt`.
    fn advance(&mut self, times: &[i64], mint: i64, maxt: i64) {
        while self.end < times.len() && times[self.end] <= maxt {
            self.end += 1;
        }
        while self.start < self.end && times[self.start] <= mint {
            self.start += 1;
        }
    }

    fn range(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// Finds series that lost what told them apart with their name.
#[derive(Default)]
struct SameLabels(FxHashSet<Labels>);

impl SameLabels {
    fn check(&mut self, batch: &[EvalSeries]) -> Result<(), EvalError> {
        if batch.iter().all(|s| self.0.insert(s.labels.clone())) {
            Ok(())
        } else {
            Err(EvalError::same_labelset())
        }
    }
}
