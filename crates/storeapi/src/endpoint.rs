//! The endpoint set: which endpoints there are, which of them answer, and what they serve.
//!
//! Every endpoint is asked for its Info again and again. One that never answered is not taken in; one that stops answering is
//! shown with its error but not queried, and forgotten after a while; a strict one is always queried.

mod config;
mod discovery;
mod metrics;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::join_all;
use model::labels::Labels;
use parking_lot::RwLock;
use prometheus::Registry;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::grpc::Remote;
use crate::info::{ComponentType, Info, TsdbRange};
use crate::proxy::StoreRef;
use crate::{Error, ErrorKind};

pub use config::{ConfigError, EndpointConfig, EndpointFlags, EndpointSettings};
pub use discovery::{Discovery, DiscoveryConfig};
pub use metrics::ConnectionLabel;
pub use state::EndpointStatus;

use metrics::Connections;
use state::Endpoint;

/// Pause between tries of an Info call to an endpoint that is not reachable yet.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// An endpoint that should be there.
#[derive(Clone, Debug)]
pub struct EndpointSpec {
    /// What it is called in status and warnings: `host:port`, or `thanos:///…` for a group.
    pub name: String,
    /// Always queried, never forgotten.
    pub strict: bool,
    /// The endpoint itself; takes part in no comparison, the name does.
    pub remote: Remote,
}

/// What an [`EndpointSource`] gives.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// Names of all endpoints that should be there.
    pub names: BTreeSet<String>,
    /// Those among them that were not known, dialled.
    pub fresh: Vec<EndpointSpec>,
}

/// Gives the endpoints that should be there at this moment.
pub trait EndpointSource: Send + Sync + 'static {
    /// The endpoints, each name once; those not `known` are dialled. Called for every update.
    fn endpoints(&self, known: &dyn Fn(&str) -> bool) -> Endpoints;
}

/// Times of an endpoint set.
#[derive(Clone, Debug)]
pub struct EndpointSetConfig {
    /// After this time without an answer an endpoint is forgotten.
    pub unhealthy_timeout: Duration,
    /// Time for one Info call, and between two updates.
    pub info_timeout: Duration,
    /// Labels of `thanos_store_nodes_grpc_connections`.
    pub metric_labels: Vec<ConnectionLabel>,
}

/// The set. Clones share it.
#[derive(Clone)]
pub struct EndpointSet {
    inner: Arc<Inner>,
}

struct Inner {
    config: EndpointSetConfig,
    source: Arc<dyn EndpointSource>,
    endpoints: RwLock<BTreeMap<String, Endpoint>>,
    /// Those that should be there and have never answered.
    unreached: RwLock<Vec<EndpointStatus>>,
    connections: Connections,
    updated: watch::Sender<bool>,
    /// One update at a time.
    updating: tokio::sync::Mutex<()>,
}

impl EndpointSet {
    /// A set that knows no endpoint yet.
    pub fn new(
        config: EndpointSetConfig,
        source: Arc<dyn EndpointSource>,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let connections = Connections::new(&config.metric_labels, registry)?;
        let inner = Inner {
            config,
            source,
            endpoints: RwLock::default(),
            unreached: RwLock::default(),
            connections,
            updated: watch::Sender::new(false),
            updating: tokio::sync::Mutex::default(),
        };
        Ok(EndpointSet { inner: Arc::new(inner) })
    }

    /// Updates every info timeout until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(self.inner.config.info_timeout.max(Duration::from_millis(10)));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // An update may stop half way: the set is only changed at its end, at once.
                () = shutdown.cancelled() => return,
                _ = async { tick.tick().await; self.update().await } => {}
            }
        }
    }

    /// Waits for the first update, at most for `timeout`.
    pub async fn wait_for_first_update(&self, timeout: Duration) -> bool {
        let mut updated = self.inner.updated.subscribe();
        let first = tokio::time::timeout(timeout, updated.wait_for(|updated| *updated)).await;
        matches!(first, Ok(Ok(_)))
    }

    /// Asks all endpoints for their Info and takes in what they say.
    pub async fn update(&self) {
        let _one_at_a_time = self.inner.updating.lock().await;
        let known = |name: &str| self.inner.endpoints.read().contains_key(name);
        let Endpoints { names, fresh } = self.inner.source.endpoints(&known);
        let mut to_ask: Vec<Endpoint> =
            fresh.into_iter().map(|spec| Endpoint::new(spec, Instant::now())).collect();
        to_ask.extend(
            self.inner.endpoints.read().values().filter(|known| names.contains(&known.name)).cloned(),
        );

        let timeout = self.inner.config.info_timeout;
        let asked = join_all(to_ask.into_iter().map(|mut endpoint| async move {
            let answer = info_in_time(&endpoint.remote, timeout).await;
            if let Err(error) = &answer {
                tracing::warn!(component = "endpointset", err = %format_args!("getting metadata: {error}"), address = endpoint.name, "update of endpoint failed");
            }
            endpoint.answered(answer, Instant::now(), SystemTime::now());
            endpoint
        }))
        .await;

        let mut next: BTreeMap<String, Endpoint> = BTreeMap::new();
        let mut unreached = Vec::new();
        {
            let mut endpoints = self.inner.endpoints.write();
            for endpoint in asked {
                let is_new = !endpoints.contains_key(&endpoint.name);
                if is_new && !endpoint.is_queryable() {
                    unreached.push(endpoint.status());
                    continue;
                }
                if !is_new && endpoint.is_timed_out(Instant::now(), self.inner.config.unhealthy_timeout) {
                    continue;
                }
                if is_new {
                    tracing::info!(
                        component = "endpointset",
                        address = endpoint.name,
                        extLset = endpoint.label_sets_text(),
                        "adding new {} with {}",
                        endpoint.component().name(),
                        endpoint.apis()
                    );
                }
                next.insert(endpoint.name.clone(), endpoint);
            }
            for (name, endpoint) in endpoints.iter().filter(|(name, _)| !next.contains_key(*name)) {
                tracing::info!(
                    component = "endpointset",
                    address = name,
                    extLset = endpoint.label_sets_text(),
                    "removing endpoint because it's unhealthy or does not exist"
                );
            }
            *endpoints = next.clone();
        }
        *self.inner.unreached.write() = unreached;
        warn_of_twins(&next);
        self.inner.connections.update(next.values().filter(|endpoint| endpoint.is_queryable()));
        self.inner.updated.send_replace(true);
    }

    /// All endpoints with their state, by name.
    pub fn status(&self) -> Vec<EndpointStatus> {
        self.inner.endpoints.read().values().map(Endpoint::status).collect()
    }

    /// Endpoints that should be there and have never answered, or not for so long that they were forgotten.
    pub fn unreached(&self) -> Vec<EndpointStatus> {
        self.inner.unreached.read().clone()
    }

    /// The stores to be queried.
    pub fn stores(&self) -> Vec<Arc<StoreRef>> {
        self.inner
            .endpoints
            .read()
            .values()
            .filter(|e| e.is_queryable())
            .filter_map(|e| e.store.clone())
            .collect()
    }

    /// The endpoints to be queried that serve an API.
    pub fn serving(&self, api: impl Fn(&Info) -> bool) -> Vec<ServingEndpoint> {
        let endpoints = self.inner.endpoints.read();
        let serving = endpoints.values().filter(|endpoint| endpoint.is_queryable() && api(&endpoint.info));
        serving
            .map(|endpoint| ServingEndpoint {
                name: endpoint.name.clone(),
                remote: endpoint.remote.clone(),
                component: endpoint.component(),
                label_sets: endpoint.info.label_sets.clone(),
                query: endpoint.info.query,
                tsdb_infos: endpoint
                    .info
                    .store
                    .as_ref()
                    .map_or_else(Vec::new, |store| store.tsdb_infos.clone()),
            })
            .collect()
    }
}

/// An endpoint that serves one of the APIs beside StoreAPI.
#[derive(Clone, Debug)]
pub struct ServingEndpoint {
    /// Its address.
    pub name: String,
    /// The endpoint.
    pub remote: Remote,
    /// Its kind.
    pub component: ComponentType,
    /// Its external label sets.
    pub label_sets: Vec<Labels>,
    /// Whether it serves the Query API.
    pub query: bool,
    /// What is behind its StoreAPI, when it tells.
    pub tsdb_infos: Vec<TsdbRange>,
}

/// Info of an endpoint, trying again while it is not reachable.
async fn info_in_time(remote: &Remote, timeout: Duration) -> Result<Info, Error> {
    let mut last = None;
    let calls = async {
        loop {
            match remote.info().await {
                Err(error) if error.kind() == ErrorKind::Unavailable => last = Some(error),
                Err(error) if error.kind() == ErrorKind::Unimplemented => {
                    return Err(Error::new(
                        ErrorKind::Unknown,
                        "cannot obtain metadata: neither info nor store client found",
                    ));
                }
                answer => return answer,
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    };
    match tokio::time::timeout(timeout, calls).await {
        Ok(answer) => answer,
        Err(_) => Err(last.unwrap_or_else(|| {
            Error::new(
                ErrorKind::DeadlineExceeded,
                "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
            )
        })),
    }
}

/// Producers with the same external labels spoil each other's blocks in the bucket.
fn warn_of_twins(endpoints: &BTreeMap<String, Endpoint>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for endpoint in endpoints.values().filter(|endpoint| endpoint.is_queryable() && endpoint.store.is_some())
    {
        if matches!(endpoint.component(), ComponentType::Sidecar | ComponentType::Rule) {
            let count = seen.entry(endpoint.label_sets_text()).or_default();
            *count += 1;
            if *count > 1 {
                tracing::warn!(
                    component = "endpointset",
                    address = endpoint.name,
                    extLset = endpoint.label_sets_text(),
                    duplicates = *count,
                    "found duplicate storeEndpoints producer (sidecar or ruler). This is not advised as it will malform data in in the same bucket"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
