//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`: buckets are grouped once, then looked at step by step.

use std::collections::BTreeMap;

use model::histogram::FloatHistogram;
use model::kahan;
use model::labels::{BUCKET_LABEL, Labels, LabelsBuilder};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{EvalSeries, Evaluator, Matrix, Scope, Sink, merge, quicksort};
use crate::annotations::Annotation;
use crate::ast::PosRange;
use crate::column::{Column, present};
use crate::error::EvalError;
use crate::functions::Notes;
use crate::functions::quantile::{
    ClassicBucket, Forced, bucket_fraction, bucket_quantile, histogram_fraction, histogram_quantile,
    left_by_quantile,
};
use crate::plan::{Call, Kind, Node};

/// The variance of observations estimated from the middles of buckets.
pub(super) fn variance(h: &FloatHistogram) -> f64 {
    let mean = h.sum / h.count;
    let (mut sum, mut c) = (0.0, 0.0);
    for b in h.all_iter().filter(|b| b.count != 0.0) {
        let middle = if h.uses_custom_buckets() {
            (b.upper + b.lower) / 2.0
        } else if b.lower <= 0.0 && b.upper >= 0.0 {
            0.0
        } else {
            let mean = (b.upper * b.lower).sqrt();
            if b.upper < 0.0 { -mean } else { mean }
        };
        let delta = middle - mean;
        (sum, c) = kahan::add(b.count * delta * delta, sum, c);
    }
    (sum + c) / h.count
}

/// The series of one histogram.
struct Group {
    /// Without `le`.
    labels: Labels,
    /// Series with their bounds: ascending if `sorted`, else in the order of the input.
    buckets: Vec<(f64, usize)>,
    /// Whether all bounds are different numbers. Else what comes first rests on the very steps of Go's sort.
    sorted: bool,
    /// Series that hold native histograms.
    natives: Vec<usize>,
}

/// The input of a function of histograms.
struct Input {
    matrix: Matrix,
    groups: Vec<Group>,
    /// Series that have floats and no readable bound, with what stands there.
    malformed: Vec<usize>,
    pos: PosRange,
}

/// The labels of a result by the quantile it is of.
type LabelsOf<'f> = dyn Fn(&Labels, f64) -> Labels + 'f;

/// What a function computes.
enum Of<'a> {
    /// A quantile by step, and those that were taken of the same histograms before.
    Quantile(&'a [f64], &'a [Vec<f64>]),
    Fraction(&'a [f64], &'a [f64]),
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let phis = self.scalar(&call.args[0], scope)?;
        let input = self.histogram_input(&call.args[1], scope)?;
        self.note_quantiles(&phis, call.args[0].pos);
        let mut forced = ForcedNotes::default();
        let series = self.each_histogram(&input, &Of::Quantile(&phis, &[]), None, scope, &mut forced)?;
        self.annotate_all(forced.into_notes(input.pos, scope.grid.count));
        self.finish_histograms(series, scope, sink)
    }

    pub(super) fn histogram_quantiles(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let Kind::Text(name) = &call.args[1].kind else {
            return Err(EvalError::execution("histogram_quantiles is called without a label"));
        };
        let input = self.histogram_input(&call.args[0], scope)?;
        let mut out = Vec::new();
        let mut forced = ForcedNotes::default();
        let mut earlier = Vec::new();
        for arg in &call.args[2..] {
            let phis = self.scalar(arg, scope)?;
            self.note_quantiles(&phis, arg.pos);
            let with_label = |labels: &Labels, phi: f64| {
                let mut builder = LabelsBuilder::new(labels);
                builder.set(name, &open_metrics_float(phi));
                builder.labels()
            };
            let of = Of::Quantile(&phis, &earlier);
            out.extend(self.each_histogram(&input, &of, Some(&with_label), scope, &mut forced)?);
            earlier.push(phis);
        }
        self.annotate_all(forced.into_notes(input.pos, scope.grid.count));
        self.finish_histograms(out, scope, sink)
    }

    pub(super) fn histogram_fraction(
        &self,
        call: &Call,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let (lower, upper) = (self.scalar(&call.args[0], scope)?, self.scalar(&call.args[1], scope)?);
        let input = self.histogram_input(&call.args[2], scope)?;
        let of = Of::Fraction(&lower, &upper);
        let series = self.each_histogram(&input, &of, None, scope, &mut ForcedNotes::default())?;
        self.finish_histograms(series, scope, sink)
    }

    fn finish_histograms(
        &self,
        series: Vec<EvalSeries>,
        scope: Scope<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        // The same labels may stand in several groups, whose names or bounds were all that differed. While names are kept, only steps of a
        // range are checked here, an instant query's result at its end.
        let checked = !self.options.delayed_name_removal || scope.grid.count > 1;
        sink(if checked { merge::merge_same_labels(series)? } else { series })
    }

    /// A quantile out of range is noted, whether or not there is anything to take it of.
    fn note_quantiles(&self, phis: &[f64], pos: PosRange) {
        let mut last = None;
        for phi in phis.iter().filter(|phi| !(0.0..=1.0).contains(*phi)) {
            if last.replace(phi.to_bits()) != Some(phi.to_bits()) {
                self.annotate(Annotation::invalid_quantile(*phi, pos));
            }
        }
    }

    /// Groups the series of a vector into histograms.
    fn histogram_input(&self, node: &Node, scope: Scope<'_>) -> Result<Input, EvalError> {
        let matrix = self.collect(node, scope)?;
        let mut groups: Vec<Group> = Vec::new();
        let mut by_labels: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut group = |labels: Labels| {
            *by_labels.entry(labels).or_insert_with_key(|labels| {
                let (labels, buckets, natives) = (labels.clone(), Vec::new(), Vec::new());
                groups.push(Group { labels, buckets, sorted: true, natives });
                groups.len() - 1
            })
        };
        let mut members: Vec<(usize, Option<f64>, usize)> = Vec::new();
        let mut malformed = Vec::new();
        for (i, s) in matrix.series.iter().enumerate() {
            if s.column.floats.iter().any(|v| present(*v)) {
                match model::value::parse_float(s.labels.value(BUCKET_LABEL)) {
                    Some(bound) => members.push((group(s.labels.without(&[BUCKET_LABEL])), Some(bound), i)),
                    None => malformed.push(i),
                }
            }
            if s.column.has_histograms() {
                members.push((group(s.labels.clone()), None, i));
            }
        }
        for (at, bound, i) in members {
            match bound {
                Some(bound) => groups[at].buckets.push((bound, i)),
                None => groups[at].natives.push(i),
            }
        }
        for g in &mut groups {
            let mut ascending = g.buckets.clone();
            ascending.sort_by(|a, b| a.0.total_cmp(&b.0));
            g.sorted = ascending.is_sorted_by(|a, b| a.0 < b.0);
            if g.sorted {
                g.buckets = ascending;
            }
        }
        // In the answer of an instant query native histograms come first.
        groups.sort_by_key(|g| g.natives.first().copied().unwrap_or(usize::MAX));
        Ok(Input { matrix, groups, malformed, pos: node.pos })
    }

    fn each_histogram(
        &self,
        input: &Input,
        of: &Of<'_>,
        labels_of: Option<&LabelsOf<'_>>,
        scope: Scope<'_>,
        forced_notes: &mut ForcedNotes,
    ) -> Result<Vec<EvalSeries>, EvalError> {
        let delayed = self.options.delayed_name_removal;
        let name = |labels: &Labels| if delayed { labels.metric_name().to_owned() } else { String::new() };
        let mut notes = Notes::new();
        for i in &input.malformed {
            let labels = &input.matrix.series[*i].labels;
            notes.push(Annotation::bad_bucket_label(&name(labels), labels.value(BUCKET_LABEL), input.pos));
        }
        let mut out: Vec<EvalSeries> = Vec::new();
        let mut buckets: Vec<ClassicBucket> = Vec::new();
        let columns = &input.matrix.series;
        for (at_group, group) in input.groups.iter().enumerate() {
            self.limits.check()?;
            let labels = if delayed { group.labels.clone() } else { merge::without_metadata(&group.labels) };
            let metric = name(&group.labels);
            // Labels may depend on the quantile, and that on the step; mostly there is one.
            let mut results: Vec<(u64, EvalSeries)> = Vec::new();
            let mut emit = |step: usize, key: f64, value: f64| {
                let bits = if labels_of.is_some() { key.to_bits() } else { 0 };
                let at = match results.iter().position(|(b, _)| *b == bits) {
                    Some(at) => at,
                    None => {
                        let labels = labels_of.map_or_else(|| labels.clone(), |f| f(&labels, key));
                        let series = EvalSeries { labels, drop_name: true, column: Column::default() };
                        results.push((bits, series));
                        results.len() - 1
                    }
                };
                results[at].1.column.push_float(step, value);
            };
            for step in 0..scope.grid.count {
                buckets.clear();
                for (bound, i) in &group.buckets {
                    let count = columns[*i].column.float(step);
                    if present(count) {
                        buckets.push(ClassicBucket { upper: *bound, count });
                    }
                }
                if !group.sorted {
                    if let Of::Quantile(_, earlier) = of {
                        for phis in *earlier {
                            sort_as_go(&mut buckets);
                            left_by_quantile(phis[step], &mut buckets);
                        }
                    }
                    sort_as_go(&mut buckets);
                }
                let native = group.natives.iter().find_map(|i| columns[*i].column.histogram(step));
                if native.is_some() && !buckets.is_empty() {
                    notes.push(Annotation::mixed_classic_native_histograms(&metric, input.pos));
                    continue;
                }
                // Within notes of native histograms the name is what is left of it by then.
                let metric_left = labels.metric_name();
                let (key, value) = match (of, native) {
                    (Of::Quantile(phis, _), Some(h)) => {
                        (phis[step], histogram_quantile(phis[step], h, metric_left, input.pos, &mut notes))
                    }
                    (Of::Fraction(lower, upper), Some(h)) => (
                        0.0,
                        histogram_fraction(lower[step], upper[step], h, metric_left, input.pos, &mut notes),
                    ),
                    (_, None) if buckets.is_empty() => continue,
                    (Of::Quantile(phis, _), None) => {
                        let (value, forced) = bucket_quantile(phis[step], &mut buckets);
                        if let Some(f) = forced {
                            forced_notes.add(&metric, (at_group, step), scope.grid.at(step), &f);
                        }
                        (phis[step], value)
                    }
                    (Of::Fraction(lower, upper), None) => {
                        (0.0, bucket_fraction(lower[step], upper[step], &mut buckets))
                    }
                };
                emit(step, key, value);
            }
            out.extend(results.into_iter().map(|(_, s)| s));
        }
        self.annotate_all(notes);
        Ok(out)
    }
}

fn sort_as_go(buckets: &mut [ClassicBucket]) {
    quicksort::sort(buckets, &|a, b| a.upper < b.upper);
}

/// Where counts of buckets had to be made monotonic, by metric name.
#[derive(Default)]
struct ForcedNotes(Vec<(String, ForcedNote)>);

struct ForcedNote {
    extent: Forced,
    min_ts: i64,
    max_ts: i64,
    /// How often, by step.
    steps: BTreeMap<usize, i64>,
    /// Which groups at which steps. What was forced for one quantile needs no more of it for the next.
    seen: FxHashSet<(usize, usize)>,
}

impl ForcedNotes {
    fn add(&mut self, metric: &str, (group, step): (usize, usize), ts: i64, forced: &Forced) {
        let at = self.0.iter().position(|(name, _)| name == metric).unwrap_or_else(|| {
            let (steps, seen) = (BTreeMap::new(), FxHashSet::default());
            let note = ForcedNote { extent: *forced, min_ts: ts, max_ts: ts, steps, seen };
            self.0.push((metric.to_owned(), note));
            self.0.len() - 1
        });
        let note = &mut self.0[at].1;
        if !note.seen.insert((group, step)) {
            return;
        }
        note.min_ts = note.min_ts.min(ts);
        note.max_ts = note.max_ts.max(ts);
        note.extent.min_bucket = note.extent.min_bucket.min(forced.min_bucket);
        note.extent.max_bucket = note.extent.max_bucket.max(forced.max_bucket);
        note.extent.max_diff = note.extent.max_diff.max(forced.max_diff);
        *note.steps.entry(step).or_default() += 1;
    }

    fn into_notes(self, pos: PosRange, steps: usize) -> Vec<Annotation> {
        self.0.into_iter().map(|(metric, note)| note.into_annotation(&metric, pos, steps)).collect()
    }
}

impl ForcedNote {
    fn into_annotation(self, metric: &str, pos: PosRange, steps: usize) -> Annotation {
        // Prometheus merges the notes of a step into two collections that share them, so that from the second step on the count
        // doubles at each. It wraps around after some sixty steps, and is of no use long before that; but it is what clients see.
        let mut count: Option<i64> = None;
        let first = self.steps.keys().next().copied().unwrap_or(steps);
        for step in first..steps {
            let times = self.steps.get(&step).copied().unwrap_or(0);
            count = Some(match count {
                None => times - 1,
                Some(count) => count.wrapping_add(times).wrapping_mul(2).wrapping_add(1),
            });
        }
        let Forced { min_bucket, max_bucket, max_diff } = self.extent;
        let times = (self.min_ts, self.max_ts);
        Annotation::forced_monotonicity(
            metric,
            pos,
            times,
            (min_bucket, max_bucket),
            max_diff,
            count.unwrap_or(0),
        )
    }
}

/// A float as OpenMetrics writes it: whole numbers with `.0`.
fn open_metrics_float(v: f64) -> String {
    if v == 1.0 {
        return "1.0".into();
    }
    if v == 0.0 {
        return "0.0".into();
    }
    if v == -1.0 {
        return "-1.0".into();
    }
    let text = model::value::format_float_g(v);
    if v.is_finite() && !text.contains(['e', '.']) { format!("{text}.0") } else { text }
}
