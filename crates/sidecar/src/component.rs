//! The sidecar put together: servers, heartbeat, reloader, shipper.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bucket::shipper::{LabelsFn, Shipper, ShipperConfig, ShipperMetrics};
use bucket::upload::HashFunc;
use client::prometheus::Client;
use client::reloader::{Reloader, Trigger};
use objstore::Bucket;
use prometheus::{IntGauge, Registry};
use server::request_log::RequestLog;
use server::run::{ActorError, Group};
use server::{Probes, grpc, http};
use storeapi::grpc::server as service;
use storeapi::{InstrumentedStore, LimitedStore, StoreApi};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use tsdb::meta::Source;

use crate::config::{Config, ReloadMethod};
use crate::heartbeat::Heartbeat;
use crate::info::SidecarInfo;
use crate::peer::Peer;
use crate::sister::Sister;
use crate::store::PrometheusStore;

/// Time between two passes of the shipper.
const SHIP_INTERVAL: Duration = Duration::from_secs(30);

/// What the sidecar is given besides its settings.
pub struct Parts {
    /// Client of the Prometheus.
    pub prometheus: Client,
    /// Where blocks go; `None` uploads nothing.
    pub bucket: Option<Arc<dyn Bucket>>,
    /// For all metrics.
    pub registry: Registry,
    /// Which requests are logged.
    pub request_log: RequestLog,
}

/// Why a sidecar cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A metric is registered already.
    #[error("register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The gRPC server cannot be set up.
    #[error("setup gRPC server: {0}")]
    Grpc(#[from] grpc::Error),
}

/// A sidecar that is ready to run.
pub struct Sidecar {
    config: Config,
    peer: Peer,
    probes: Probes,
    http: http::Server,
    grpc: grpc::Server,
    reloader: Reloader,
    shipper: Option<Shipper>,
    up: IntGauge,
}

impl Sidecar {
    /// Puts a sidecar together. Nothing listens yet and Prometheus is not asked.
    pub fn build(config: Config, parts: Parts) -> Result<Sidecar, BuildError> {
        let Parts { prometheus, bucket, registry, request_log } = parts;
        let probes = Probes::new("sidecar", &registry)?;
        let peer = Peer::new(prometheus.clone(), config.min_time.clone());
        let up = IntGauge::new(
            "thanos_sidecar_prometheus_up",
            "Boolean indicator whether the sidecar can reach its Prometheus peer.",
        )?;
        registry.register(Box::new(up.clone()))?;
        let trigger = match &config.reload_method {
            ReloadMethod::Http => Trigger::Http(prometheus),
            ReloadMethod::Signal { process_name } => {
                Trigger::Signal { process_name: process_name.clone(), client: prometheus }
            }
        };
        let reloader = Reloader::new(config.reloader.clone(), trigger, &registry, "thanos_sidecar_")?;
        if bucket.is_none() {
            info!("no supported bucket was configured, uploads will be disabled");
        }
        let shipper = match bucket {
            Some(bucket) => Some(shipper(&config, bucket, peer.clone(), &registry)?),
            None => None,
        };
        let services = services(&config, &peer, &probes, &registry)?;
        let descriptors = [proto::FILE_DESCRIPTOR_SET];
        let grpc = grpc::Server::new(
            config.grpc.clone(),
            probes.clone(),
            &registry,
            &descriptors,
            services,
            request_log,
        )?;
        let http = http::Server::new(config.http.clone(), probes.clone(), registry, axum::Router::new());
        Ok(Sidecar { config, peer, probes, http, grpc, reloader, shipper, up })
    }

    /// The probes, for those who wait for readiness.
    pub fn probes(&self) -> &Probes {
        &self.probes
    }

    /// Runs until `shutdown`, or until a part fails: a server that cannot listen, a Prometheus without external labels.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), server::run::Error> {
        let mut group = Group::new();
        self.add_to(&mut group);
        group.add("shutdown", move |stop| async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = stop.cancelled() => {}
            }
            Ok(())
        });
        group.run().await
    }

    /// Adds the sidecar's actors to a group.
    pub fn add_to(self, group: &mut Group) {
        let Sidecar { config, peer, probes, http, grpc, reloader, shipper, up } = self;
        group.add("http", move |stop| async move { Ok(http.run(stop).await?) });

        let start_grpc = CancellationToken::new();
        let heartbeat = Heartbeat {
            config: config.clone(),
            peer: peer.clone(),
            probes: probes.clone(),
            up,
            uploads: shipper.is_some(),
            start_grpc: start_grpc.clone(),
        };
        group.add("heartbeat", move |stop| async move { Ok(heartbeat.run(stop).await?) });
        group.add("reloader", move |stop| async move { Ok(reloader.run(stop).await?) });
        group.add("grpc", move |stop| async move {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = start_grpc.cancelled() => {}
            }
            Ok(grpc.run(stop).await?)
        });
        if let Some(shipper) = shipper {
            group.add("shipper", move |stop| ship(shipper, config, peer, stop));
        }
        info!("starting sidecar");
    }
}

fn shipper(
    config: &Config,
    bucket: Arc<dyn Bucket>,
    peer: Peer,
    registry: &Registry,
) -> Result<Shipper, prometheus::Error> {
    let settings = &config.shipper;
    let shipper = ShipperConfig {
        dir: config.tsdb_path.clone(),
        state_file: settings.meta_file_name.clone(),
        source: Source::SIDECAR,
        hash_func: if settings.hash_files { HashFunc::Sha256 } else { HashFunc::None },
        upload_compacted: settings.upload_compacted,
        allow_out_of_order_uploads: settings.allow_out_of_order_uploads,
        skip_corrupted_blocks: settings.skip_corrupted_blocks,
        upload_concurrency: settings.upload_concurrency,
    };
    let labels: LabelsFn = Arc::new(move || peer.labels());
    Ok(Shipper::new(bucket, shipper, labels, ShipperMetrics::register(registry, HashMap::new())?))
}

fn services(
    config: &Config,
    peer: &Peer,
    probes: &Probes,
    registry: &Registry,
) -> Result<grpc::Services, prometheus::Error> {
    let store: Arc<dyn StoreApi> = Arc::new(PrometheusStore::new(peer.clone(), registry)?);
    let store: Arc<dyn StoreApi> = Arc::new(InstrumentedStore::new(store, registry)?);
    let store: Arc<dyn StoreApi> = Arc::new(LimitedStore::new(store, config.limits, registry)?);
    let sister = Arc::new(Sister::new(peer.clone(), probes.clone(), config.get_config_timeout));
    let info = Arc::new(SidecarInfo { peer: peer.clone(), probes: probes.clone() });
    Ok(grpc::Services::new()
        .add(service::store(store))
        .add(service::rules(sister.clone()))
        .add(service::targets(sister.clone()))
        .add(service::metadata(sister.clone()))
        .add(service::exemplars(sister.clone()))
        .add(service::status(sister))
        .add(service::info(info)))
}

/// Ships until `stop`.
async fn ship(
    mut shipper: Shipper,
    config: Config,
    peer: Peer,
    stop: CancellationToken,
) -> Result<(), ActorError> {
    if let Err(err) = wal_is_there(&config.tsdb_path) {
        error!(%err, "WAL dir is not accessible. Is this dir a TSDB directory? If yes it is shared with TSDB?");
    }
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        known = tokio::time::timeout(config.ready_timeout, peer.has_labels()) => if known.is_err() {
            let waited = i64::try_from(config.ready_timeout.as_nanos()).unwrap_or(i64::MAX);
            let waited = model::duration::format_go(waited);
            return Err(format!("aborting as no external labels found after waiting {waited}").into());
        }
    }
    std::fs::read_dir(&config.tsdb_path)
        .map_err(|e| format!("opening tsdb directory: {}: {e}", config.tsdb_path.display()))?;
    let mut ticks = interval(SHIP_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        // A pass may be dropped anywhere: what it leaves is what a crash leaves, and the next start copes with that.
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            outcome = shipper.sync() => if let Err(err) = outcome {
                warn!(uploaded = err.uploaded, err = %err.cause, "shipping ended early");
            }
        }
    }
}

fn wal_is_there(dir: &std::path::Path) -> std::io::Result<()> {
    let wal = dir.join("wal");
    if std::fs::metadata(&wal)?.is_dir() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("{} is no folder", wal.display())))
    }
}

#[cfg(test)]
pub(crate) mod tests;
