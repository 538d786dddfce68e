//! A summary metric, which the metrics library lacks: quantiles over the last ten minutes, sum and count over all.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType, Quantile, Summary};

/// Quantiles shown.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
/// How long an observation counts for the quantiles.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Most observations kept for the quantiles of one series, the newest: 24 bytes each.
const MAX_KEPT: usize = 2048;

#[derive(Default)]
struct Observed {
    recent: VecDeque<(Instant, f64)>,
    sum: f64,
    count: u64,
}

impl Observed {
    fn observe(&mut self, at: Instant, value: f64) {
        if self.recent.len() == MAX_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((at, value));
        self.sum += value;
        self.count += 1;
    }

    fn summary(&self, now: Instant) -> Summary {
        let young = |(at, _): &&(Instant, f64)| now.saturating_duration_since(*at) <= MAX_AGE;
        let mut values: Vec<f64> = self.recent.iter().filter(young).map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        let quantiles = QUANTILES.map(|q| {
            let rank = ((q * values.len() as f64).ceil() as usize).saturating_sub(1);
            let mut quantile = Quantile::default();
            quantile.set_quantile(q);
            quantile.set_value(values.get(rank).copied().unwrap_or(f64::NAN));
            quantile
        });
        let mut summary = Summary::default();
        summary.set_quantile(quantiles.to_vec());
        summary.set_sample_sum(self.sum);
        summary.set_sample_count(self.count);
        summary
    }
}

/// Summaries told apart by one label. Clones are the same.
#[derive(Clone)]
pub(super) struct SummaryVec {
    desc: Desc,
    label: &'static str,
    series: Arc<[(&'static str, Mutex<Observed>)]>,
}

impl SummaryVec {
    /// Summaries for the given values of a label, beside which all have the constant ones.
    pub(super) fn new(
        name: &str,
        help: &str,
        constant: HashMap<String, String>,
        label: &'static str,
        values: &[&'static str],
    ) -> Result<Self, prometheus::Error> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), vec![label.to_owned()], constant)?;
        let series = values.iter().map(|value| (*value, Mutex::default())).collect();
        Ok(SummaryVec { desc, label, series })
    }

    /// Counts a value in for the series with that label value, which is one of those given at first.
    pub(super) fn observe(&self, label_value: &str, value: f64) {
        if let Some((_, observed)) = self.series.iter().find(|(known, _)| *known == label_value) {
            observed.lock().observe(Instant::now(), value);
        }
    }
}

impl Collector for SummaryVec {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = Instant::now();
        let metrics = self.series.iter().map(|(value, observed)| {
            let mut own = LabelPair::default();
            own.set_name(self.label.to_owned());
            own.set_value((*value).to_owned());
            let mut labels = self.desc.const_label_pairs.clone();
            labels.push(own);
            labels.sort();
            let mut metric = Metric::from_label(labels);
            metric.set_summary(observed.lock().summary(now));
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(metrics.collect());
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_last_ten_minutes() {
        let begun = Instant::now();
        let mut observed = Observed::default();
        for value in 1..=100 {
            observed.observe(begun, f64::from(value));
        }
        let quantiles = |at: Instant| -> Vec<f64> {
            observed.summary(at).get_quantile().iter().map(Quantile::value).collect()
        };
        assert_eq!(quantiles(begun), [50.0, 90.0, 99.0]);
        let late = begun + MAX_AGE + Duration::from_millis(1);
        assert!(quantiles(late).iter().all(|value| value.is_nan()));
        assert_eq!(
            (observed.summary(late).sample_sum(), observed.summary(late).sample_count()),
            (5050.0, 100)
        );
    }

    #[test]
    fn no_more_observations_are_kept_than_said() {
        let mut observed = Observed::default();
        (0..3 * MAX_KEPT).for_each(|value| observed.observe(Instant::now(), value as f64));
        assert_eq!((observed.recent.len(), observed.count), (MAX_KEPT, 3 * MAX_KEPT as u64));
    }
}
