//! `thanos_store_api_query_duration_seconds`: query durations by how much the stores sent.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, Registry};

use crate::config::TelemetryBuckets;

/// Observes queries by the size of what they read.
pub struct QueryTelemetry {
    durations: HistogramVec,
    samples: Vec<f64>,
    series: Vec<f64>,
}

impl QueryTelemetry {
    /// Registers the metric.
    pub fn new(buckets: &TelemetryBuckets, registry: &Registry) -> Result<Self, prometheus::Error> {
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "thanos_store_api_query_duration_seconds",
                "Duration of the Thanos Store API select phase for a query.",
            )
            .buckets(buckets.durations.clone()),
            &["series_le", "samples_le", "tenant"],
        )?;
        registry.register(Box::new(durations.clone()))?;
        Ok(QueryTelemetry { durations, samples: buckets.samples.clone(), series: buckets.series.clone() })
    }

    /// Counts a query that read so many series and samples.
    pub fn observe(&self, series: u64, samples: u64, tenant: &str, took: Duration) {
        let labels = [bucket(&self.series, series), bucket(&self.samples, samples), tenant.to_owned()];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        self.durations.with_label_values(&labels).observe(took.as_secs_f64());
    }
}

/// The first bound that holds the value.
fn bucket(bounds: &[f64], value: u64) -> String {
    let bound = bounds.iter().find(|bound| value as f64 <= **bound);
    bound.map_or_else(|| "+Inf".to_owned(), |bound| model::value::format_float_plain(*bound))
}
