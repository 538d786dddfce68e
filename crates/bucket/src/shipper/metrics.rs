//! Metrics of the shipper; names follow Thanos.

use std::collections::HashMap;

use prometheus::{IntCounter, IntGauge, Opts, Registry};

/// The metrics of one shipper.
#[derive(Clone)]
pub struct ShipperMetrics {
    pub(super) dir_syncs: IntCounter,
    pub(super) dir_sync_failures: IntCounter,
    pub(super) uploads: IntCounter,
    pub(super) upload_failures: IntCounter,
    pub(super) corrupted_blocks: IntCounter,
    pub(super) uploaded_compacted: IntGauge,
}

impl ShipperMetrics {
    /// Registers the metrics, each with the given labels (such as `tenant`, where there are several shippers).
    pub fn register(
        registry: &Registry,
        labels: HashMap<String, String>,
    ) -> Result<ShipperMetrics, prometheus::Error> {
        let opts = |name: &str, help: &str| {
            Opts::new(format!("thanos_shipper_{name}"), help).const_labels(labels.clone())
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::with_opts(opts(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let uploaded_compacted = IntGauge::with_opts(opts(
            "upload_compacted_done",
            "If 1 it means shipper uploaded all compacted blocks from the filesystem.",
        ))?;
        registry.register(Box::new(uploaded_compacted.clone()))?;
        Ok(ShipperMetrics {
            dir_syncs: counter("dir_syncs_total", "Total number of dir syncs")?,
            dir_sync_failures: counter("dir_sync_failures_total", "Total number of failed dir syncs")?,
            uploads: counter("uploads_total", "Total number of uploaded blocks")?,
            upload_failures: counter("upload_failures_total", "Total number of block upload failures")?,
            corrupted_blocks: counter("corrupted_blocks_total", "Total number of corrupted blocks")?,
            uploaded_compacted,
        })
    }
}
