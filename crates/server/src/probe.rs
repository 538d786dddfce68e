//! Health and readiness of a component: one state behind `/-/healthy`, `/-/ready`, the gRPC health service and
//! `thanos_status`. Every change is logged once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use prometheus::{GaugeVec, Opts, Registry};
use tokio::sync::watch;

/// The probes of one component. Clones share the state.
#[derive(Clone, Debug)]
pub struct Probes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    component: String,
    ready: watch::Sender<bool>,
    healthy: AtomicBool,
    /// What was logged last: 0 nothing, 1 ready, 2 not ready. The first `not_ready` is logged though nothing changes.
    logged: AtomicU8,
    status: GaugeVec,
}

impl Probes {
    /// Creates probes that are neither ready nor healthy and registers `thanos_status` for `component`.
    ///
    /// # Errors
    /// When the metric is already registered.
    pub fn new(component: &str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let status = GaugeVec::new(
            Opts::new("thanos_status", "State of the component: 1 when the check passes, 0 when it fails.")
                .const_label("component", component),
            &["check"],
        )?;
        registry.register(Box::new(status.clone()))?;
        status.with_label_values(&["ready"]).set(0.0);
        status.with_label_values(&["healthy"]).set(0.0);
        let inner = Inner {
            component: component.to_owned(),
            ready: watch::Sender::new(false),
            healthy: AtomicBool::new(false),
            logged: AtomicU8::new(0),
            status,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The component's name as in metrics and logs.
    pub fn component(&self) -> &str {
        &self.inner.component
    }

    /// Marks the component ready for requests.
    pub fn ready(&self) {
        self.inner.status.with_label_values(&["ready"]).set(1.0);
        self.inner.ready.send_replace(true);
        if self.inner.logged.swap(1, Ordering::AcqRel) != 1 {
            tracing::info!(status = "ready", "changing probe status");
        }
    }

    /// Marks the component not ready; `reason` goes to the log.
    pub fn not_ready(&self, reason: Option<&str>) {
        self.inner.status.with_label_values(&["ready"]).set(0.0);
        self.inner.ready.send_replace(false);
        if self.inner.logged.swap(2, Ordering::AcqRel) != 2 {
            tracing::warn!(status = "not-ready", reason = reason.unwrap_or("null"), "changing probe status");
        }
    }

    /// Marks the process alive; the HTTP server does this once it listens.
    pub fn healthy(&self) {
        self.inner.status.with_label_values(&["healthy"]).set(1.0);
        self.inner.healthy.store(true, Ordering::Release);
        tracing::info!(status = "healthy", "changing probe status");
    }

    /// Marks the process as ending.
    pub fn not_healthy(&self, reason: Option<&str>) {
        self.inner.status.with_label_values(&["healthy"]).set(0.0);
        self.inner.healthy.store(false, Ordering::Release);
        tracing::info!(status = "not-healthy", reason = reason.unwrap_or("null"), "changing probe status");
    }

    /// Whether the component takes requests.
    pub fn is_ready(&self) -> bool {
        *self.inner.ready.borrow()
    }

    /// Whether the process is alive.
    pub fn is_healthy(&self) -> bool {
        self.inner.healthy.load(Ordering::Acquire)
    }

    /// Follows readiness, for the gRPC health service and for tests that wait.
    pub fn watch_ready(&self) -> watch::Receiver<bool> {
        self.inner.ready.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_follows_the_probes() {
        let registry = Registry::new();
        let probes = Probes::new("sidecar", &registry).unwrap();
        assert!(!probes.is_ready() && !probes.is_healthy());
        probes.healthy();
        probes.ready();
        assert!(probes.is_ready() && probes.is_healthy());
        let text = crate::metrics::encode_text(&registry);
        assert!(text.contains(r#"thanos_status{check="ready",component="sidecar"} 1"#), "{text}");
        probes.not_ready(Some("gone"));
        probes.not_healthy(None);
        let text = crate::metrics::encode_text(&registry);
        assert!(text.contains(r#"thanos_status{check="ready",component="sidecar"} 0"#), "{text}");
        assert!(Probes::new("sidecar", &registry).is_err());
    }
}
