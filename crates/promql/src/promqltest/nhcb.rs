//! Classic histograms as native ones with custom buckets: `load_with_nhcb`.

use std::collections::BTreeMap;

use model::histogram::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, HistogramError, Span};
use model::labels::{BUCKET_LABEL, Labels, LabelsBuilder, METRIC_NAME};
use model::value::parse_float;

use super::load::{LoadedSample, LoadedValue};

/// Why the series of a classic histogram make no native one.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NhcbError {
    #[error("series {0} has no label le")]
    NoBound(Labels),
    #[error("classic histogram {metric} at {t}: {why}")]
    Series { metric: Labels, t: i64, why: &'static str },
    #[error("classic histogram {metric} at {t}: {error}")]
    Histogram { metric: Labels, t: i64, error: HistogramError },
}

/// What the series of a classic histogram say at one time.
#[derive(Default)]
struct Classic {
    /// Bounds with cumulative counts, as they came.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

type Converted = BTreeMap<Labels, Vec<(i64, FloatHistogram)>>;

/// Converts the classic histograms among the series. Other series are left out.
pub(super) fn convert(series: &BTreeMap<Labels, Vec<LoadedSample>>) -> Result<Converted, NhcbError> {
    let mut collected: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
    for (labels, samples) in series {
        let name = labels.metric_name();
        let (base, part) = if let Some(base) = name.strip_suffix("_bucket") {
            if !labels.has(BUCKET_LABEL) {
                return Err(NhcbError::NoBound(labels.clone()));
            }
            match parse_float(labels.value(BUCKET_LABEL)) {
                Some(bound) if !bound.is_nan() => (base, Part::Bucket(bound)),
                _ => continue,
            }
        } else if let Some(base) = name.strip_suffix("_count") {
            (base, Part::Count)
        } else if let Some(base) = name.strip_suffix("_sum") {
            (base, Part::Sum)
        } else {
            continue;
        };
        let metric = LabelsBuilder::new(labels).set(METRIC_NAME, base).del(BUCKET_LABEL).labels();
        let times = collected.entry(metric).or_default();
        for sample in samples {
            let LoadedValue::Float(value) = sample.value else {
                continue;
            };
            let classic = times.entry(sample.t).or_default();
            match part {
                Part::Bucket(bound) => classic.buckets.push((bound, value)),
                Part::Count => classic.count = Some(value),
                Part::Sum => classic.sum = value,
            }
        }
    }
    let mut converted = Converted::new();
    for (metric, times) in collected {
        let mut histograms = Vec::with_capacity(times.len());
        for (t, classic) in times {
            let histogram = classic.into_histogram().map_err(|why| NhcbError::Series {
                metric: metric.clone(),
                t,
                why,
            })?;
            histogram.validate().map_err(|error| NhcbError::Histogram {
                metric: metric.clone(),
                t,
                error,
            })?;
            histograms.push((t, histogram));
        }
        converted.insert(metric, histograms);
    }
    Ok(converted)
}

#[derive(Clone, Copy)]
enum Part {
    Bucket(f64),
    Count,
    Sum,
}

impl Classic {
    fn into_histogram(mut self) -> Result<FloatHistogram, &'static str> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.buckets.dedup_by(|later, first| later.0 == first.0);
        if self.buckets.iter().any(|(_, count)| *count < 0.0) || self.count.is_some_and(|c| c < 0.0) {
            return Err("count must be non-negative");
        }
        if !self.buckets.is_sorted_by(|a, b| a.1 <= b.1) {
            return Err("count is not cumulative");
        }
        let last = self.buckets.last().copied();
        let count = self.count.or(last.map(|(_, c)| c)).unwrap_or(0.0);
        if last.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        if self.buckets.last().is_some_and(|(_, c)| *c != count) {
            return Err("count mismatch");
        }
        let whole = count.fract() == 0.0 && self.buckets.iter().all(|(_, c)| c.fract() == 0.0);
        let mut before = 0.0;
        let mut positive_buckets = Vec::with_capacity(self.buckets.len());
        for (_, cumulative) in &self.buckets {
            positive_buckets.push(cumulative - before);
            before = *cumulative;
        }
        let bounds = self.buckets.iter().map(|(bound, _)| *bound).filter(|b| *b != f64::INFINITY);
        let mut histogram = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: self.sum,
            positive_spans: vec![Span { offset: 0, length: self.buckets.len() as u32 }],
            positive_buckets,
            custom_values: bounds.collect(),
            ..Default::default()
        };
        // Whole counts go by way of an integer histogram, which keeps short gaps.
        histogram.compact(if whole { 2 } else { 0 });
        Ok(histogram)
    }
}
