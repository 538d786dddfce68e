//! Metrics of the reloader; names and help follow Thanos.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

pub(super) struct Metrics {
    pub(super) reloads: IntCounter,
    pub(super) reload_errors: IntCounter,
    pub(super) last_reload_success: IntGauge,
    last_reload_success_time: Gauge,
    pub(super) config_apply: IntCounter,
    pub(super) config_apply_errors: IntCounter,
    pub(super) config_expansion_errors: IntGauge,
    pub(super) info: IntGaugeVec,
    pub(super) watches: IntGauge,
    pub(super) watch_events: IntCounter,
    pub(super) watch_errors: IntCounter,
}

impl Metrics {
    pub(super) fn register(registry: &Registry, prefix: &str) -> Result<Metrics, prometheus::Error> {
        let opts = |name: &str, help: &str| Opts::new(format!("{prefix}reloader_{name}"), help);
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::with_opts(opts(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::with_opts(opts(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let last_reload_success_time = Gauge::with_opts(opts(
            "last_reload_success_timestamp_seconds",
            "Timestamp of the last successful reload",
        ))?;
        registry.register(Box::new(last_reload_success_time.clone()))?;
        let info = IntGaugeVec::new(
            opts(
                "info",
                "A metric with a constant '1' value labeled by reload method (either 'http' or 'signal').",
            ),
            &["method"],
        )?;
        registry.register(Box::new(info.clone()))?;
        Ok(Metrics {
            reloads: counter("reloads_total", "Total number of reload requests.")?,
            reload_errors: counter("reloads_failed_total", "Total number of reload requests that failed.")?,
            last_reload_success: gauge(
                "last_reload_successful",
                "Whether the last reload attempt was successful",
            )?,
            last_reload_success_time,
            config_apply: counter(
                "config_apply_operations_total",
                "Total number of config apply operations.",
            )?,
            config_apply_errors: counter(
                "config_apply_operations_failed_total",
                "Total number of config apply operations that failed.",
            )?,
            config_expansion_errors: gauge(
                "config_environment_variable_expansion_errors",
                "Number of environment variable expansions that failed during the last operation.",
            )?,
            info,
            watches: gauge("watches", "Number of resources watched by the reloader.")?,
            watch_events: counter(
                "watch_events_total",
                "Total number of events received by the reloader from the watcher.",
            )?,
            watch_errors: counter(
                "watch_errors_total",
                "Total number of errors received by the reloader from the watcher.",
            )?,
        })
    }

    pub(super) fn set_success_time(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_reload_success_time.set(now.as_secs_f64());
    }
}
