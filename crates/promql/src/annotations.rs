//! Warnings and infos of a query: what happened, and where in the query.
//!
//! Texts are Prometheus's (`util/annotations`), since clients show and match them. Annotations of the same text are one; the last
//! one's position stays, as in Prometheus.

use rustc_hash::FxHashMap;

use crate::ast::PosRange;
use model::quote::quote;
use model::time::format_rfc3339;
use model::value::format_float_g as g;

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The result may be wrong.
    Warning,
    /// The result is right; the query may not be what was meant.
    Info,
}

/// An operation on histograms, as texts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramOperation {
    /// Addition.
    Add,
    /// Subtraction.
    Sub,
    /// Aggregation.
    Agg,
}

impl HistogramOperation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Add => "addition",
            Self::Sub => "subtraction",
            Self::Agg => "aggregation",
        }
    }
}

/// The end of the line that stands for what was cut from a list.
pub const OMITTED: &str = " annotations omitted";

/// One warning or info.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    level: Level,
    /// `None` for warnings of the storage, which have no place in the query.
    pos: Option<PosRange>,
    text: String,
    detail: Option<Detail>,
}

/// What is gathered over annotations of the same text.
#[derive(Clone, Debug, PartialEq)]
enum Detail {
    ForcedMonotonicity {
        min_ts: i64,
        max_ts: i64,
        min_bucket: f64,
        max_bucket: f64,
        max_diff: f64,
        /// Wraps around; see `histogram_quantile`.
        count: i64,
    },
    StartTimeOverlap {
        count: u64,
    },
}

fn warning(pos: PosRange, text: String) -> Annotation {
    Annotation {
        level: Level::Warning,
        pos: Some(pos),
        text: format!("PromQL warning: {text}"),
        detail: None,
    }
}

fn info(pos: PosRange, text: String) -> Annotation {
    Annotation { level: Level::Info, pos: Some(pos), text: format!("PromQL info: {text}"), detail: None }
}

/// Adds the metric name where there is one.
fn named(text: &str, metric: &str) -> String {
    if metric.is_empty() { text.to_owned() } else { format!("{text} for metric name {}", quote(metric)) }
}

#[allow(missing_docs, reason = "each is one text, which says it")]
impl Annotation {
    /// A warning of the storage, without a position.
    pub fn storage_warning(text: impl Into<String>) -> Self {
        Self { level: Level::Warning, pos: None, text: text.into(), detail: None }
    }

    pub fn invalid_quantile(q: f64, pos: PosRange) -> Self {
        warning(pos, format!("quantile value should be between 0 and 1, got {}", g(q)))
    }

    pub fn invalid_ratio(ratio: f64, capped: f64, pos: PosRange) -> Self {
        warning(
            pos,
            format!("ratio value should be between -1 and 1, got {}, capping to {}", g(ratio), g(capped)),
        )
    }

    pub fn bad_bucket_label(metric: &str, label: &str, pos: PosRange) -> Self {
        warning(
            pos,
            named(
                &format!("bucket label \"le\" is missing or has a malformed value of {}", quote(label)),
                metric,
            ),
        )
    }

    pub fn mixed_floats_histograms(metric: &str, pos: PosRange) -> Self {
        warning(pos, format!("encountered a mix of histograms and floats for metric name {}", quote(metric)))
    }

    pub fn mixed_floats_histograms_aggregation(pos: PosRange) -> Self {
        warning(pos, "encountered a mix of histograms and floats for aggregation".into())
    }

    pub fn mixed_classic_native_histograms(metric: &str, pos: PosRange) -> Self {
        warning(pos, named("vector contains a mix of classic and native histograms", metric))
    }

    pub fn native_histogram_not_counter(metric: &str, pos: PosRange) -> Self {
        warning(pos, format!("this native histogram metric is not a counter: {}", quote(metric)))
    }

    pub fn native_histogram_not_gauge(metric: &str, pos: PosRange) -> Self {
        warning(pos, format!("this native histogram metric is not a gauge: {}", quote(metric)))
    }

    pub fn mixed_exponential_custom(metric: &str, pos: PosRange) -> Self {
        let text =
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name";
        warning(pos, format!("{text} {}", quote(metric)))
    }

    pub fn incompatible_bucket_layout(operator: &str, pos: PosRange) -> Self {
        warning(pos, format!("incompatible bucket layout encountered for binary operator {operator}"))
    }

    pub fn sort_in_range_query(pos: PosRange) -> Self {
        warning(
            pos,
            "sort is ineffective for range queries since results are always ordered by labels".into(),
        )
    }

    pub fn histogram_counter_reset_collision(pos: PosRange, operation: HistogramOperation) -> Self {
        warning(pos, format!("conflicting counter resets during histogram {}", operation.as_str()))
    }

    pub fn start_time_overlap(metric: &str, pos: PosRange) -> Self {
        let text = "sample has start time that overlaps with previous sample timestamp";
        Self {
            detail: Some(Detail::StartTimeOverlap { count: 1 }),
            ..warning(pos, format!("{text} for metric {}", quote(metric)))
        }
    }

    pub fn possible_non_counter(metric: &str, pos: PosRange) -> Self {
        let text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
        info(pos, format!("{text} {}", quote(metric)))
    }

    pub fn possible_non_counter_label(metric: &str, type_label: &str, pos: PosRange) -> Self {
        let text = "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\"";
        info(pos, format!("{text}, got {}: {}", quote(type_label), quote(metric)))
    }

    /// Times and buckets are the least and the greatest; `count` is one less than how often it was needed.
    pub fn forced_monotonicity(
        metric: &str,
        pos: PosRange,
        (min_ts, max_ts): (i64, i64),
        (min_bucket, max_bucket): (f64, f64),
        max_diff: f64,
        count: i64,
    ) -> Self {
        let text = "input to histogram_quantile needed to be fixed for monotonicity \
                    (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
        let detail = Detail::ForcedMonotonicity { min_ts, max_ts, min_bucket, max_bucket, max_diff, count };
        Self { detail: Some(detail), ..info(pos, named(text, metric)) }
    }

    pub fn incompatible_types_in_binop(left: &str, operator: &str, right: &str, pos: PosRange) -> Self {
        let text = "incompatible sample types encountered for binary operator";
        info(pos, format!("{text} {}: {left} {operator} {right}", quote(operator)))
    }

    pub fn histogram_ignored_in_aggregation(aggregation: &str, pos: PosRange) -> Self {
        info(pos, format!("ignored histogram in {aggregation} aggregation"))
    }

    pub fn histogram_ignored_in_mixed_range(metric: &str, pos: PosRange) -> Self {
        let text = "ignored histograms in a range containing both floats and histograms for metric name";
        info(pos, format!("{text} {}", quote(metric)))
    }

    pub fn quantile_nan_result(metric: &str, pos: PosRange) -> Self {
        info(pos, named("input to histogram_quantile has NaN observations, result is NaN", metric))
    }

    pub fn quantile_nan_skew(metric: &str, pos: PosRange) -> Self {
        info(pos, named("input to histogram_quantile has NaN observations, result is skewed higher", metric))
    }

    pub fn fraction_nans(metric: &str, pos: PosRange) -> Self {
        info(
            pos,
            named(
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
                metric,
            ),
        )
    }

    pub fn mismatched_custom_buckets(pos: PosRange, operation: HistogramOperation) -> Self {
        info(pos, format!("mismatched custom buckets were reconciled during {}", operation.as_str()))
    }

    /// How grave it is.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Where in the query; `None` for warnings of the storage.
    pub fn pos(&self) -> Option<PosRange> {
        self.pos
    }

    /// The text without the position.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with what was gathered and the position as line:column of `query`.
    pub fn describe(&self, query: &str) -> String {
        let Some(pos) = self.pos.filter(|_| !query.is_empty()) else {
            return self.text.clone();
        };
        let place = line_and_column(query, pos.start);
        match &self.detail {
            None => format!("{} ({place})", self.text),
            Some(Detail::ForcedMonotonicity { min_ts, max_ts, min_bucket, max_bucket, max_diff, count }) => {
                format!(
                    "{}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {} ({place})",
                    self.text,
                    g(*min_bucket),
                    g(*max_bucket),
                    two_digits(*max_diff),
                    count.wrapping_add(1),
                    format_rfc3339(min_ts.div_euclid(1000) * 1000),
                    format_rfc3339(max_ts.div_euclid(1000) * 1000),
                )
            }
            Some(Detail::StartTimeOverlap { count }) if *count > 1 => {
                format!("{} ({count} occurrences) ({place})", self.text)
            }
            Some(Detail::StartTimeOverlap { .. }) => format!("{} ({place})", self.text),
        }
    }

    /// Takes in what an earlier annotation of the same text gathered.
    fn absorb(&mut self, earlier: Annotation) {
        match (&mut self.detail, earlier.detail) {
            (
                Some(Detail::ForcedMonotonicity { min_ts, max_ts, min_bucket, max_bucket, max_diff, count }),
                Some(Detail::ForcedMonotonicity {
                    min_ts: t0,
                    max_ts: t1,
                    min_bucket: b0,
                    max_bucket: b1,
                    max_diff: d,
                    count: n,
                }),
            ) => {
                *min_ts = t0.min(*min_ts);
                *max_ts = t1.max(*max_ts);
                *min_bucket = b0.min(*min_bucket);
                *max_bucket = b1.max(*max_bucket);
                *max_diff = d.max(*max_diff);
                *count = count.wrapping_add(n).wrapping_add(1);
                self.pos = earlier.pos;
            }
            (Some(Detail::StartTimeOverlap { count }), Some(Detail::StartTimeOverlap { count: n })) => {
                *count += n;
                self.pos = earlier.pos;
            }
            _ => {}
        }
    }
}

/// `%.2g` of Go.
fn two_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return g(value);
    }
    let rounded = format!("{value:.1e}");
    let (mantissa, exponent) = rounded.split_once('e').expect("the exponent form has an e");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if (-4..2).contains(&exponent) {
        let value: f64 = rounded.parse().expect("what was just printed is a number");
        return model::value::format_float_plain(value);
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A byte offset as `line:column`, both from 1.
pub fn line_and_column(query: &str, at: usize) -> String {
    let Some(before) = query.as_bytes().get(..at) else {
        return "invalid position".into();
    };
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rposition(|b| *b == b'\n').map_or(at + 1, |last| at - last);
    format!("{line}:{column}")
}

/// The annotations of a query, each text once.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    list: Vec<Annotation>,
    by_text: FxHashMap<String, usize>,
}

impl Annotations {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one; an earlier one of the same text is replaced.
    pub fn add(&mut self, mut annotation: Annotation) {
        if let Some(slot) = self.by_text.get(&annotation.text).and_then(|i| self.list.get_mut(*i)) {
            let earlier = std::mem::replace(slot, Annotation::storage_warning(""));
            annotation.absorb(earlier);
            *slot = annotation;
            return;
        }
        self.by_text.insert(annotation.text.clone(), self.list.len());
        self.list.push(annotation);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Annotations) {
        for annotation in other.list {
            self.add(annotation);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The annotations in the order in which their texts first came.
    pub fn iter(&self) -> impl Iterator<Item = &Annotation> {
        self.list.iter()
    }

    /// How many warnings and infos there are. Warnings of the storage count as neither.
    pub fn count(&self) -> (usize, usize) {
        let of = |level| self.list.iter().filter(|a| a.level == level && a.pos.is_some()).count();
        (of(Level::Warning), of(Level::Info))
    }

    /// The texts for a response, warnings and infos, each list cut at a maximum (0: no maximum) with a line that says how many more.
    pub fn as_strings(
        &self,
        query: &str,
        max_warnings: usize,
        max_infos: usize,
    ) -> (Vec<String>, Vec<String>) {
        let all = |_: &Annotation| true;
        (self.texts(Level::Warning, query, max_warnings, all), self.texts(Level::Info, query, max_infos, all))
    }

    /// As [`as_strings`](Self::as_strings) in one list, where only what the engine says is cut: each warning of the storage may
    /// be about another part of it.
    pub fn with_all_of_storage(&self, query: &str, max: usize) -> Vec<String> {
        let of_storage = |a: &Annotation| a.pos.is_none();
        let of_engine = |a: &Annotation| a.pos.is_some();
        let mut texts = self.texts(Level::Warning, query, 0, of_storage);
        texts.extend(self.texts(Level::Warning, query, max, of_engine));
        texts.extend(self.texts(Level::Info, query, max, of_engine));
        texts
    }

    fn texts(&self, level: Level, query: &str, max: usize, keep: fn(&Annotation) -> bool) -> Vec<String> {
        let kept = || self.list.iter().filter(move |a| a.level == level && keep(a));
        let total = kept().count();
        let shown = if max == 0 { total } else { max.min(total) };
        let mut texts: Vec<String> = kept().take(shown).map(|a| a.describe(query)).collect();
        if shown < total {
            let name = if level == Level::Warning { "warning" } else { "info" };
            texts.push(format!("{} more {name}{OMITTED}", total - shown));
        }
        texts
    }
}

impl Extend<Annotation> for Annotations {
    fn extend<T: IntoIterator<Item = Annotation>>(&mut self, annotations: T) {
        annotations.into_iter().for_each(|a| self.add(a));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_texts_are_one_and_the_last_position_stays() {
        let mut all = Annotations::new();
        all.add(Annotation::possible_non_counter("m", PosRange::new(5, 6)));
        all.add(Annotation::possible_non_counter("m", PosRange::new(9, 10)));
        let (warnings, infos) = all.as_strings("rate(m) + rate(m)", 10, 10);
        assert!(warnings.is_empty());
        let text = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"m\" (1:10)";
        assert_eq!(infos, [text]);
    }

    #[test]
    fn forced_monotonicity_gathers_its_extent() {
        let mut all = Annotations::new();
        for (ts, lo, hi, diff) in [(1000, 1.0, 2.0, 0.5), (61_000, 0.5, 4.0, 123.0)] {
            all.add(Annotation::forced_monotonicity("", PosRange::new(0, 1), (ts, ts), (lo, hi), diff, 0));
        }
        let (_, infos) = all.as_strings("x", 0, 0);
        assert!(infos[0].ends_with(
            "#histogram_quantile), from buckets 0.5 to 4, with a max diff of 1.2e+02, over 2 samples \
             from 1970-01-01T00:00:01Z to 1970-01-01T00:01:01Z (1:1)"
        ));
    }

    #[test]
    fn long_lists_are_cut() {
        let mut all = Annotations::new();
        (0..12).for_each(|i| all.add(Annotation::storage_warning(format!("w{i}"))));
        let (warnings, _) = all.as_strings("q", 10, 10);
        assert_eq!((warnings.len(), warnings[10].as_str()), (11, "2 more warning annotations omitted"));
        assert_eq!(all.count(), (0, 0));
        (0..12)
            .for_each(|i| all.add(Annotation::possible_non_counter(&format!("m{i}"), PosRange::new(0, 1))));
        let texts = all.with_all_of_storage("q", 10);
        assert_eq!((texts.len(), texts[22].as_str()), (23, "2 more info annotations omitted"));
    }

    #[test]
    fn positions_count_lines_and_columns() {
        assert_eq!(line_and_column("a\nbc", 3), "2:2");
        assert_eq!(line_and_column("a", 0), "1:1");
        assert_eq!(line_and_column("a", 9), "invalid position");
    }
}
