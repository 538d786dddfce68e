//! The metrics that the two engines of Thanos have of themselves. There is one engine here; a query counts under the name it was asked for.

mod summary;

use std::collections::HashMap;

use prometheus::{Counter, Gauge, HistogramOpts, HistogramVec, IntCounter, IntGauge, Opts, Registry};
use promql::stats::QueryStats;

use crate::config::EngineName;
use summary::SummaryVec;

/// Parts of a query's time, as label values.
const SLICES: [&str; 4] = ["inner_eval", "prepare_time", "queue_time", "result_sort"];

/// How many queries of one engine run.
struct Running {
    now: IntGauge,
    total: Option<IntCounter>,
}

/// Metrics of the engines.
pub(crate) struct EngineMetrics {
    prometheus: Running,
    thanos_local: Running,
    thanos_distributed: Running,
    samples: IntCounter,
    durations: SummaryVec,
    duration_histogram: HistogramVec,
}

/// A query that runs; it is counted until this is dropped.
pub(crate) struct RunningQuery(IntGauge);

impl Drop for RunningQuery {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl EngineMetrics {
    /// Registers the metrics.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = |engine: &str, mode: &str| {
            HashMap::from([("engine".to_owned(), engine.to_owned()), ("mode".to_owned(), mode.to_owned())])
        };
        let of_prometheus = labels("prometheus", "local");
        let opts = |name: &str, help: &str| Opts::new(name, help).const_labels(of_prometheus.clone());
        let now = "Queries that are being executed.";
        let thanos = |mode| -> Result<Running, prometheus::Error> {
            let opts = |name: &str, help: &str| Opts::new(name, help).const_labels(labels("thanos", mode));
            let running = IntGauge::with_opts(opts("thanos_engine_queries", now))?;
            let total = IntCounter::with_opts(opts("thanos_engine_queries_total", "Queries so far."))?;
            registry.register(Box::new(running.clone()))?;
            registry.register(Box::new(total.clone()))?;
            Ok(Running { now: running, total: Some(total) })
        };
        let running = IntGauge::with_opts(opts("prometheus_engine_queries", now))?;
        let samples = IntCounter::with_opts(opts(
            "prometheus_engine_query_samples_total",
            "Samples that all queries have read.",
        ))?;
        let durations = SummaryVec::new(
            "prometheus_engine_query_duration_seconds",
            "How long the parts of queries took, in seconds.",
            of_prometheus.clone(),
            "slice",
            &SLICES,
        )?;
        let duration_histogram = HistogramVec::new(
            HistogramOpts::new(
                "prometheus_engine_query_duration_histogram_seconds",
                "How long the parts of queries took, in seconds.",
            )
            .const_labels(of_prometheus.clone())
            .buckets(vec![0.01, 0.1, 1.0, 10.0]),
            &["slice"],
        )?;
        for slice in SLICES {
            duration_histogram.with_label_values(&[slice]);
        }
        // The gate of the querier limits queries, not the engine; and there is no query log, as in Thanos.
        let unlimited = Gauge::with_opts(opts(
            "prometheus_engine_queries_concurrent_max",
            "Most queries at once of the engine itself; -1 for no limit.",
        ))?;
        unlimited.set(-1.0);
        let log = Gauge::with_opts(opts(
            "prometheus_engine_query_log_enabled",
            "Whether there is a log of queries.",
        ))?;
        let log_failures = Counter::with_opts(opts(
            "prometheus_engine_query_log_failures_total",
            "Failures to write to the log of queries.",
        ))?;
        registry.register(Box::new(running.clone()))?;
        registry.register(Box::new(samples.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(duration_histogram.clone()))?;
        registry.register(Box::new(unlimited))?;
        registry.register(Box::new(log))?;
        registry.register(Box::new(log_failures))?;
        Ok(EngineMetrics {
            prometheus: Running { now: running, total: None },
            thanos_local: thanos("local")?,
            thanos_distributed: thanos("distributed")?,
            samples,
            durations,
            duration_histogram,
        })
    }

    /// A query begins to run.
    pub(crate) fn begin(&self, engine: EngineName, distributed: bool) -> RunningQuery {
        let running = match (engine, distributed) {
            (EngineName::Prometheus, _) => &self.prometheus,
            (EngineName::Thanos, false) => &self.thanos_local,
            (EngineName::Thanos, true) => &self.thanos_distributed,
        };
        if let Some(total) = &running.total {
            total.inc();
        }
        running.now.inc();
        RunningQuery(running.now.clone())
    }

    /// A query has run. As in Thanos, only those asked of the engine of Prometheus are measured.
    pub(crate) fn observe(&self, engine: EngineName, stats: &QueryStats) {
        if engine != EngineName::Prometheus {
            return;
        }
        self.samples.inc_by(stats.samples.total_queryable);
        let timings = stats.timings;
        for (slice, took) in [("prepare_time", timings.prepare), ("inner_eval", timings.inner_eval)]
            .into_iter()
            .chain((!timings.result_sort.is_zero()).then_some(("result_sort", timings.result_sort)))
        {
            self.durations.observe(slice, took.as_secs_f64());
            self.duration_histogram.with_label_values(&[slice]).observe(took.as_secs_f64());
        }
    }
}
