//! Tells how far a job is, in the log and in the metrics, while it runs.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::metrics::Metrics;
use crate::progress::Progress;

/// How often a running job is logged.
const LOG_EVERY: Duration = Duration::from_secs(30);
/// How often its gauges move.
const GAUGE_EVERY: Duration = Duration::from_secs(2);

/// The gauges of a job; they go when it ends, however that is.
struct Gauges<'a> {
    metrics: &'a Metrics,
    labels: [&'a str; 2],
}

impl Gauges<'_> {
    fn set(&self, progress: &Progress, rate: Option<(f64, Duration)>) {
        let (done, total) = progress.get();
        self.metrics.job_series_done.with_label_values(&self.labels).set(done as f64);
        self.metrics.job_series_total.with_label_values(&self.labels).set(total as f64);
        if let Some((rate, left)) = rate {
            self.metrics.job_series_rate.with_label_values(&self.labels).set(rate);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let end = now.as_secs_f64() + left.as_secs_f64();
            self.metrics.job_expected_end.with_label_values(&self.labels).set(end);
        }
    }
}

impl Drop for Gauges<'_> {
    fn drop(&mut self) {
        let metrics = self.metrics;
        for gauge in [
            &metrics.job_series_done,
            &metrics.job_series_total,
            &metrics.job_series_rate,
            &metrics.job_expected_end,
        ] {
            // Failing to remove means that it was never set.
            let _ = gauge.remove_label_values(&self.labels);
        }
    }
}

/// Runs `job` and reports on `progress` beside it.
pub(super) async fn reporting<T>(
    kind: &'static str,
    group: &str,
    progress: &Progress,
    metrics: &Metrics,
    job: impl Future<Output = T>,
) -> T {
    let started = Instant::now();
    let gauges = Gauges { metrics, labels: [kind, group] };
    let mut ticks = tokio::time::interval(GAUGE_EVERY);
    let mut logged = started;
    tokio::pin!(job);
    loop {
        tokio::select! {
            result = &mut job => return result,
            _ = ticks.tick() => {
                let now = Instant::now();
                let rate = progress.rate(started, now);
                gauges.set(progress, rate);
                if now.duration_since(logged) >= LOG_EVERY && let Some((rate, left)) = rate {
                    logged = now;
                    let (done, total) = progress.get();
                    tracing::info!(
                        job = kind,
                        group,
                        series_done = done,
                        series_total = total,
                        series_per_second = format!("{rate:.0}"),
                        seconds_left = left.as_secs(),
                        "progress of job"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_running_job_shows_in_the_gauges_and_leaves_none_behind() {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::new(&registry).expect("a fresh registry");
        let progress = Progress::default();
        progress.set_total(100);
        progress.set_done(25);
        let value = |name: &str| {
            let families = registry.gather();
            let family = families.iter().find(|f| f.name() == name)?;
            family.get_metric().first().map(|m| m.get_gauge().get_value())
        };
        let job = async {
            while value("thanos_compact_job_expected_end_timestamp_seconds").is_none() {
                tokio::task::yield_now().await;
            }
            (value("thanos_compact_job_series_done"), value("thanos_compact_job_series_total"))
        };
        let seen = reporting("compaction", "0@1", &progress, &metrics, job).await;
        assert_eq!(seen, (Some(25.0), Some(100.0)));
        assert_eq!(value("thanos_compact_job_series_done"), None);
        assert_eq!(value("thanos_compact_job_expected_end_timestamp_seconds"), None);
    }
}
