//! The querier put together: settings, then [`Querier::build`], then [`Querier::run`].

use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use server::Probes;
use server::grpc::Services;
use server::http::ApiOptions;
use storeapi::endpoint::{Discovery, EndpointSet, EndpointSetConfig};
use storeapi::grpc::server as grpc;
use storeapi::{
    ComponentType, Error, ErrorKind, Info, InfoProvider, InstrumentedStore, LimitedStore, ProxyConfig,
    ProxyStore, StoreApi, StoreDetails,
};
use tokio_util::sync::CancellationToken;

use crate::api::{BuildError, QueryApi};
use crate::config::QueryConfig;

/// Wait for the first update of the endpoints when `--store.response-timeout` sets none.
const FIRST_UPDATE_TIMEOUT: Duration = Duration::from_secs(30);

/// A querier that is not running yet.
pub struct Querier {
    api: Arc<QueryApi>,
    proxy: Arc<ProxyStore>,
    limited: Arc<dyn StoreApi>,
    endpoints: EndpointSet,
    discovery: Arc<Discovery>,
    probes: Probes,
    first_update_timeout: Duration,
}

impl Querier {
    /// Puts the querier together; nothing is dialled yet.
    pub fn build(
        config: QueryConfig,
        endpoint_set: EndpointSetConfig,
        discovery: Arc<Discovery>,
        probes: Probes,
        registry: &Registry,
    ) -> Result<Self, BuildError> {
        let endpoints = EndpointSet::new(endpoint_set, discovery.clone(), registry)?;
        let known = endpoints.clone();
        let proxy_config = ProxyConfig {
            selector_labels: config.selector_labels.clone(),
            selector: config.selector.clone(),
            response_timeout: config.response_timeout,
            retrieval: config.retrieval,
        };
        let proxy = Arc::new(ProxyStore::new(Arc::new(move || known.stores()), proxy_config, registry)?);
        let limited: Arc<dyn StoreApi> = Arc::new(LimitedStore::new(
            Arc::new(InstrumentedStore::new(proxy.clone(), registry)?),
            config.store_limits,
            registry,
        )?);
        let first_update_timeout =
            if config.response_timeout.is_zero() { FIRST_UPDATE_TIMEOUT } else { config.response_timeout };
        let api = Arc::new(QueryApi::new(config, limited.clone(), endpoints.clone(), registry)?);
        Ok(Querier { api, proxy, limited, endpoints, discovery, probes, first_update_timeout })
    }

    /// The query API, for the HTTP routes.
    pub fn api(&self) -> &Arc<QueryApi> {
        &self.api
    }

    /// The HTTP routes.
    pub fn routes(&self, options: &ApiOptions) -> axum::Router {
        crate::http::routes(self.api.clone(), options)
    }

    /// The gRPC services.
    pub fn services(&self) -> Services {
        let fanout = Arc::new(self.api.fanout.clone());
        let info = QuerierInfo { proxy: self.proxy.clone(), probes: self.probes.clone() };
        Services::new()
            .add(crate::grpc::service(self.api.clone()))
            .add(grpc::store(self.limited.clone()))
            .add(grpc::rules(fanout.clone()))
            .add(grpc::targets(fanout.clone()))
            .add(grpc::metadata(fanout.clone()))
            .add(grpc::exemplars(fanout.clone()))
            .add(grpc::status(fanout))
            .add(grpc::info(Arc::new(info)))
    }

    /// Looks names up and keeps the endpoints up to date until `shutdown`; ready after the first update, or a timeout.
    ///
    /// The HTTP server runs beside this; the gRPC server should open once the probes are ready.
    pub async fn run(self, shutdown: CancellationToken) {
        tracing::info!("performing initial DNS resolution for endpoints");
        tokio::select! {
            () = self.discovery.resolve() => {}
            () = shutdown.cancelled() => return,
        }
        let ready = async {
            if self.endpoints.wait_for_first_update(self.first_update_timeout).await {
                tracing::info!("initial endpoint discovery completed, marking gRPC as ready");
            } else {
                tracing::warn!(
                    timeout = ?self.first_update_timeout,
                    "timeout waiting for first endpoint update before marking gRPC as ready"
                );
            }
            if !shutdown.is_cancelled() {
                self.probes.ready();
            }
        };
        tokio::join!(
            async {
                tokio::select! {
                    () = ready => {}
                    () = shutdown.cancelled() => {}
                }
            },
            self.discovery.run(shutdown.clone()),
            self.endpoints.run(shutdown.clone()),
        );
    }
}

struct QuerierInfo {
    proxy: Arc<ProxyStore>,
    probes: Probes,
}

impl InfoProvider for QuerierInfo {
    fn info(&self) -> Info {
        let (min_time, max_time) = self.proxy.time_range();
        Info {
            label_sets: self.proxy.label_sets(),
            store: Some(StoreDetails {
                min_time,
                max_time,
                supports_sharding: true,
                supports_without_replica_labels: true,
                supports_projections: false,
                tsdb_infos: self.proxy.tsdb_infos(),
            }),
            // A querier tells no range of its exemplars, as in Thanos: it is not known here.
            exemplars: Some((0, 0)),
            rules: true,
            metric_metadata: true,
            targets: true,
            query: true,
            status: true,
            ..Info::new(ComponentType::Query)
        }
    }

    fn try_info(&self) -> Result<Info, Error> {
        if self.probes.is_ready() {
            Ok(self.info())
        } else {
            Err(Error::new(ErrorKind::Unknown, "Not ready"))
        }
    }
}
