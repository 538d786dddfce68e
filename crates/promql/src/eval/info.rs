//! `info`: adds labels of info series, such as `target_info`, found by `instance` and `job`.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::labels::{Labels, LabelsBuilder, METRIC_NAME};
use model::matcher::{MatchType, Matcher};
use model::series::{SampleBuffer, SeriesSet as _};
use model::value::is_stale;
use rustc_hash::FxHashMap;

use super::{EvalSeries, Evaluator, Matrix, Scope, Sink, merge};
use crate::annotations::Annotation;
use crate::column::{Cell, Column, present};
use crate::error::EvalError;
use crate::plan::{Call, InfoSelect};
use crate::source::SelectParams;

/// The labels by which series find their info series.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// An info series: its value at each step is the time of the sample found there.
struct InfoSeries {
    labels: Labels,
    /// ms, [`crate::column::ABSENT`] where there is none.
    times: Column,
}

impl Evaluator<'_> {
    pub(super) fn info(&self, call: &Call, scope: Scope<'_>, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let default = InfoSelect { matchers: None, at: None, offset: 0 };
        let select = call.info.as_ref().unwrap_or(&default);
        let before = self.samples_now();
        let base = self.collect(&call.args[0], scope)?;
        let all: Vec<Matcher> = select.matchers.clone().unwrap_or_default();
        let (names, data): (Vec<Matcher>, Vec<Matcher>) =
            all.into_iter().partition(|m| m.name() == METRIC_NAME);
        let names = name_matchers(names)?;
        // Series that are info series themselves stay as they are.
        let is_info: Vec<bool> =
            base.series.iter().map(|s| names.iter().all(|m| m.matches(s.labels.metric_name()))).collect();
        let infos = self.info_series(&base, &is_info, &names, &data, (call, select), scope)?;
        let series = self.enrich(base, &is_info, &infos, &data, scope)?;
        let series = merge::merge_same_labels(series)?;
        self.settle_samples(before, super::sample_count(&series))?;
        sink(series)
    }

    /// Selects the info series that can belong to any base series, and finds their samples.
    fn info_series(
        &self,
        base: &Matrix,
        is_info: &[bool],
        names: &[Matcher],
        data: &[Matcher],
        (call, select): (&Call, &InfoSelect),
        scope: Scope<'_>,
    ) -> Result<Vec<InfoSeries>, EvalError> {
        let mut matchers = Vec::new();
        for label in IDENTIFYING {
            let values: BTreeSet<&str> = base
                .series
                .iter()
                .zip(is_info)
                .filter(|(_, is_info)| !**is_info)
                .map(|(s, _)| s.labels.value(label))
                .filter(|v| !v.is_empty())
                .collect();
            if !values.is_empty() {
                let pattern = values.into_iter().map(quote_meta).collect::<Vec<_>>().join("|");
                matchers.push(matcher(MatchType::Re, label, &pattern)?);
            }
        }
        if matchers.is_empty() {
            return Ok(Vec::new());
        }
        matchers.extend(data.iter().chain(names).cloned());
        let (start, end) = match select.at {
            Some(at) => (at, at),
            None => (scope.grid.start, scope.grid.last()),
        };
        let params = SelectParams {
            matchers,
            mint: start.saturating_sub(self.lookback - 1).saturating_sub(select.offset),
            maxt: end.saturating_sub(select.offset),
            step: scope.grid.step,
            func: "info".into(),
            ..Default::default()
        };
        if let Some(recorder) = &self.recorder {
            recorder.select(call, &params);
        }
        let mut set = self.source.select(&params).map_err(EvalError::of_storage)?;
        let mut out = Vec::new();
        let mut buffer = SampleBuffer::new();
        while let Some(series) = set.next_series() {
            self.limits.check()?;
            let series = series.map_err(EvalError::of_storage)?;
            buffer.clear();
            series
                .samples
                .samples_into(params.mint, params.maxt, &mut buffer)
                .map_err(EvalError::of_samples)?;
            let mut times = Column::default();
            let mut behind = 0;
            for step in 0..scope.grid.count {
                let reference = select.at.unwrap_or(scope.grid.at(step)).saturating_sub(select.offset);
                while behind < buffer.len() && buffer.timestamps[behind] <= reference {
                    behind += 1;
                }
                let Some(at) = behind.checked_sub(1) else { continue };
                let t = buffer.timestamps[at];
                if t <= reference.saturating_sub(self.lookback) {
                    continue;
                }
                match buffer.histograms.get(at) {
                    Some(Some(h)) if is_stale(h.sum) => {}
                    Some(Some(_)) => {
                        let text =
                            format!("this should be an info metric, with float samples: {}", series.labels);
                        return Err(EvalError::Execution(text));
                    }
                    _ if is_stale(buffer.floats[at]) => {}
                    _ => {
                        scope.counts.add(step, 1, 1);
                        times.push_float(step, t as f64);
                    }
                }
            }
            if !times.is_empty() {
                self.add_samples(times.sample_count())?;
                out.push(InfoSeries { labels: series.labels, times });
            }
        }
        self.annotate_all(set.warnings().into_iter().map(Annotation::storage_warning));
        Ok(out)
    }

    /// Adds to each base series, step by step, the data labels of its info series.
    fn enrich(
        &self,
        base: Matrix,
        is_info: &[bool],
        infos: &[InfoSeries],
        data: &[Matcher],
        scope: Scope<'_>,
    ) -> Result<Vec<EvalSeries>, EvalError> {
        let signature = |labels: &Labels| labels.only(&IDENTIFYING);
        let signatures: Vec<Labels> = infos.iter().map(|info| signature(&info.labels)).collect();
        // Without an info series, a series stays only if the data label matchers are content with labels that are not there.
        let keep_bare = data.iter().all(Matcher::matches_empty);
        let wanted = |label: &str| data.is_empty() || data.iter().any(|m| m.name() == label);
        let mut made: FxHashMap<(Labels, Arc<[usize]>), Labels> = FxHashMap::default();
        let mut out = Vec::new();
        // The info series at each step, by signature: checked for ambiguity even where no base series needs them.
        let mut current: Vec<FxHashMap<&Labels, Vec<usize>>> = Vec::new();
        // Steps are done one after the other in Prometheus, so that the error of the earliest one is the query's.
        let mut failed: Option<(usize, EvalError)> = None;
        for step in 0..scope.grid.count {
            self.limits.check()?;
            if !base.series.iter().any(|s| s.column.is_present(step)) {
                current.push(FxHashMap::default());
                continue;
            }
            match newest(infos, &signatures, step) {
                Ok(found) => current.push(found),
                Err(error) => {
                    failed = Some((step, error));
                    break;
                }
            }
        }
        for (s, is_info) in base.series.iter().zip(is_info) {
            if *is_info {
                out.push(s.clone());
                continue;
            }
            let own = signature(&s.labels);
            let mut results: FxHashMap<Arc<[usize]>, EvalSeries> = FxHashMap::default();
            let mut order: Vec<Arc<[usize]>> = Vec::new();
            for (step, current) in current.iter().enumerate() {
                let Some(cell): Option<Cell> = s.column.get(step) else { continue };
                let found: Arc<[usize]> =
                    current.get(&own).map(|f| Arc::from(f.as_slice())).unwrap_or_default();
                if found.is_empty() && !keep_bare {
                    continue;
                }
                if !results.contains_key(&found) {
                    let key = (s.labels.clone(), found.clone());
                    let labels = match made.get(&key) {
                        Some(labels) => labels.clone(),
                        None => {
                            let labels = match with_data_labels(&s.labels, infos, &found, &wanted) {
                                Ok(labels) => labels,
                                Err(error) => {
                                    if failed.as_ref().is_none_or(|(at, _)| step < *at) {
                                        failed = Some((step, error));
                                    }
                                    break;
                                }
                            };
                            made.insert(key, labels.clone());
                            labels
                        }
                    };
                    order.push(found.clone());
                    results.insert(
                        found.clone(),
                        EvalSeries { labels, drop_name: s.drop_name, column: Column::default() },
                    );
                }
                if let Some(result) = results.get_mut(&found) {
                    result.column.push(step, cell);
                }
            }
            out.extend(order.iter().filter_map(|key| results.remove(key)));
        }
        match failed {
            Some((_, error)) => Err(error),
            None => Ok(out),
        }
    }
}

/// The info series at a step by signature: for each metric name the one with the newest sample.
fn newest<'s>(
    infos: &[InfoSeries],
    signatures: &'s [Labels],
    step: usize,
) -> Result<FxHashMap<&'s Labels, Vec<usize>>, EvalError> {
    let mut all: FxHashMap<&Labels, Vec<usize>> = FxHashMap::default();
    for (i, (info, signature)) in infos.iter().zip(signatures).enumerate() {
        let t = info.times.float(step);
        if !present(t) {
            continue;
        }
        let found = all.entry(signature).or_default();
        match found.iter_mut().find(|other| infos[**other].labels.metric_name() == info.labels.metric_name())
        {
            None => found.push(i),
            Some(other) => {
                let theirs = infos[*other].times.float(step);
                if theirs < t {
                    *other = i;
                } else if theirs == t {
                    let text = format!(
                        "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                        infos[*other].labels, theirs as i64, info.labels, t as i64
                    );
                    return Err(EvalError::Execution(text));
                }
            }
        }
    }
    Ok(all)
}

/// The labels with those of the info series that are wanted and not there yet.
fn with_data_labels(
    base: &Labels,
    infos: &[InfoSeries],
    found: &[usize],
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Labels, EvalError> {
    let mut added: Vec<(&str, &str)> = Vec::new();
    for i in found {
        for (name, value) in infos[*i].labels.iter().filter(|(name, _)| *name != METRIC_NAME && wanted(name))
        {
            match added.iter().find(|(n, _)| *n == name) {
                Some((_, v)) if *v != value => {
                    return Err(EvalError::Execution(format!("conflicting label: {name}")));
                }
                Some(_) => {}
                None if base.has(name) => {}
                None => added.push((name, value)),
            }
        }
    }
    let mut builder = LabelsBuilder::new(base);
    for (name, value) in added {
        builder.set(name, value);
    }
    Ok(builder.labels())
}

/// The matchers of the metric name: `target_info` if there are none; with only negative ones, all names that end in `_info`.
fn name_matchers(names: Vec<Matcher>) -> Result<Vec<Matcher>, EvalError> {
    if names.iter().any(|m| matches!(m.ty(), MatchType::Eq | MatchType::Re)) {
        return Ok(names);
    }
    if names.is_empty() {
        return Ok(vec![Matcher::equal(METRIC_NAME, "target_info")]);
    }
    let mut all = vec![matcher(MatchType::Re, METRIC_NAME, ".+_info")?];
    all.extend(names);
    Ok(all)
}

fn matcher(ty: MatchType, name: &str, value: &str) -> Result<Matcher, EvalError> {
    Matcher::new(ty, name, value).map_err(|e| EvalError::Execution(e.to_string()))
}

/// Escapes what has a meaning in regular expressions.
fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
