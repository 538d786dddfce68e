//! Tells how far a job is, in the log and in the metrics, while it runs.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::metrics::Metrics;
use crate::progress::Progress;

/// How often a running job is logged.
const LOG_EVERY: Duration = Duration::from_secs(30);
/// How often its gauges move.
const GAUGE_EVERY: Duration = Duration::from_secs(2);

/// Runs `job` and reports on `progress` beside it.
pub(super) async fn reporting<T>(
    kind: &'static str,
    group: &str,
    progress: &Progress,
    metrics: &Metrics,
    job: impl Future<Output = T>,
) -> T {
    let started = Instant::now();
    let labels = [kind, group];
    let (done_gauge, total_gauge) = (
        metrics.job_series_done.with_label_values(&labels),
        metrics.job_series_total.with_label_values(&labels),
    );
    let mut ticks = tokio::time::interval(GAUGE_EVERY);
    let mut logged = started;
    tokio::pin!(job);
    let result = loop {
        tokio::select! {
            result = &mut job => break result,
            _ = ticks.tick() => {
                let (done, total) = progress.get();
                done_gauge.set(done as f64);
                total_gauge.set(total as f64);
                let now = Instant::now();
                if now.duration_since(logged) >= LOG_EVERY && let Some((rate, left)) = progress.rate(started, now) {
                    logged = now;
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
    };
    // Failing to remove means that it was never set.
    let _ = metrics.job_series_done.remove_label_values(&labels);
    let _ = metrics.job_series_total.remove_label_values(&labels);
    result
}
