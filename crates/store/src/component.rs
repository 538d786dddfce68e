//! The gateway put together: servers, synchronization.

use std::{sync::Arc, time::Duration};

use bucket::{
    fetcher::{FetcherConfig, MetaFetcher},
    filters::{ConsistencyDelay, Deduplicate, DeletionMarks, LabelSharding, MetaFilter, TimePartition},
};
use objstore::Bucket;
use prometheus::Registry;
use server::{
    Probes, grpc, http,
    request_log::RequestLog,
    run::{ActorError, Group},
};
use storeapi::{
    Error as ApiError, Info, InfoProvider, InstrumentedStore, LimitedStore, SelectLimits, StoreApi,
    grpc::server as service,
};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::{BucketStore, Config, Error};

/// The first synchronization is tried so often and given up after so long.
const INITIAL_SYNC_RETRY: Duration = Duration::from_secs(10);
const INITIAL_SYNC_TIMEOUT: Duration = Duration::from_secs(30);

/// What the gateway is given besides its settings.
pub struct Parts {
    /// Where the blocks are.
    pub bucket: Arc<dyn Bucket>,
    /// For all metrics.
    pub registry: Registry,
    /// Which requests are logged.
    pub request_log: RequestLog,
}

/// A gateway that is ready to run.
pub struct Component {
    config: Config,
    store: Arc<BucketStore>,
    deletion: Arc<DeletionMarks>,
    probes: Probes,
    registry: Registry,
    grpc: grpc::Server,
}

/// Tells of the store once it is ready.
struct ReadyInfo {
    store: Arc<BucketStore>,
    probes: Probes,
}

impl InfoProvider for ReadyInfo {
    fn info(&self) -> Info {
        self.store.info()
    }

    fn try_info(&self) -> Result<Info, ApiError> {
        if self.probes.is_ready() { Ok(self.info()) } else { Err(ApiError::unavailable("Not ready")) }
    }
}

impl Component {
    /// Puts a gateway together. Nothing listens yet and the bucket is not asked.
    pub fn build(config: Config, parts: Parts) -> Result<Self, Error> {
        let Parts { bucket, registry, request_log } = parts;
        let probes = Probes::new("store", &registry)?;
        let deletion = Arc::new(DeletionMarks::new(
            Arc::clone(&bucket),
            config.ignore_deletion_marks_delay_ms,
            config.meta_fetch_concurrency,
        ));
        let fetcher = fetcher(&config, &bucket, Arc::clone(&deletion), &registry)?;
        let store =
            BucketStore::new(bucket, fetcher, config.store.clone(), config.index_cache.clone(), &registry)?;
        let limits = SelectLimits {
            series_per_request: config.store.limits.series,
            samples_per_request: config.store.limits.samples,
        };
        let measured = Arc::new(InstrumentedStore::new(Arc::clone(&store) as Arc<dyn StoreApi>, &registry)?);
        let limited = LimitedStore::new(measured, limits, &registry)?;
        let info = ReadyInfo { store: Arc::clone(&store), probes: probes.clone() };
        let services =
            grpc::Services::new().add(service::store(Arc::new(limited))).add(service::info(Arc::new(info)));
        let grpc = grpc::Server::new(
            config.grpc.clone(),
            probes.clone(),
            &registry,
            &[proto::FILE_DESCRIPTOR_SET],
            services,
            request_log,
        )?;
        Ok(Component { config, store, deletion, probes, registry, grpc })
    }

    /// The probes, for those who wait for readiness.
    pub fn probes(&self) -> &Probes {
        &self.probes
    }

    /// The store behind the APIs.
    pub fn store(&self) -> &Arc<BucketStore> {
        &self.store
    }

    /// Runs until `shutdown`, or until a part fails: a server that cannot listen, a bucket that cannot be read at the start. `routes`
    /// are those of the HTTP server beside probes and metrics.
    pub async fn run(self, routes: axum::Router, shutdown: CancellationToken) -> Result<(), Error> {
        let mut group = Group::new();
        self.add_to(routes, &mut group);
        group.add("shutdown", move |stop| async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = stop.cancelled() => {}
            }
            Ok(())
        });
        Ok(group.run().await?)
    }

    /// Adds the gateway's actors to a group: gRPC stops first, then synchronization, then HTTP.
    pub fn add_to(self, routes: axum::Router, group: &mut Group) {
        let Component { config, store, deletion, probes, registry, grpc } = self;
        let http = http::Server::new(config.http, probes.clone(), registry, routes);
        let synced = CancellationToken::new();
        let start_grpc = synced.clone();
        group.add("grpc", move |stop| async move {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = start_grpc.cancelled() => {}
            }
            Ok(grpc.run(stop).await?)
        });
        let idle_store = Arc::clone(&store);
        group.add("sync", move |stop| sync(store, deletion, config.sync_interval, probes, synced, stop));
        if let Some(every) = idle_store.idle_check_interval() {
            group.add("idle index-headers", move |stop| async move {
                let mut ticks = interval_at(Instant::now() + every, every.max(Duration::from_millis(10)));
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        _ = ticks.tick() => idle_store.close_idle_headers(),
                    }
                }
            });
        }
        group.add("http", move |stop| async move { Ok(http.run(stop).await?) });
        tracing::info!("starting store node");
    }
}

/// The fetcher with the filters of a gateway.
fn fetcher(
    config: &Config,
    bucket: &Arc<dyn Bucket>,
    deletion: Arc<DeletionMarks>,
    registry: &Registry,
) -> Result<MetaFetcher, Error> {
    let consistency = ConsistencyDelay::new(config.consistency_delay_ms, registry, "thanos_")?;
    let filters: Vec<Box<dyn MetaFilter>> = vec![
        Box::new(TimePartition { min_time: config.store.min_time, max_time: config.store.max_time }),
        Box::new(LabelSharding { rules: config.selector.clone(), replica_labels: Vec::new() }),
        Box::new(consistency),
        Box::new(deletion),
        Box::new(Deduplicate::new()),
    ];
    let fetching = FetcherConfig {
        concurrency: config.meta_fetch_concurrency,
        data_dir: Some(config.store.data_dir.clone()),
        discovery: config.discovery,
        metrics_prefix: "thanos_",
    };
    Ok(MetaFetcher::new(Arc::clone(bucket), fetching, filters, registry)?)
}

/// Synchronizes at the start, then again and again.
async fn sync(
    store: Arc<BucketStore>,
    deletion: Arc<DeletionMarks>,
    every: Duration,
    probes: Probes,
    synced: CancellationToken,
    stop: CancellationToken,
) -> Result<(), ActorError> {
    tracing::info!("initializing bucket store");
    let begin = Instant::now();
    let mut last_error = None;
    // The time is up when a try would begin after it.
    loop {
        let attempt = tokio::time::timeout_at(begin + INITIAL_SYNC_TIMEOUT, store.initial_sync());
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            outcome = attempt => match outcome {
                Ok(Ok(())) => break,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "initial synchronization failed");
                    last_error = Some(error);
                }
                Err(_) => {}
            },
        }
        if begin.elapsed() + INITIAL_SYNC_RETRY > INITIAL_SYNC_TIMEOUT {
            let why = last_error.map_or_else(|| "it takes too long".to_owned(), |error| error.to_string());
            return Err(format!("bucket store initial sync: {why}").into());
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(INITIAL_SYNC_RETRY) => {}
        }
    }
    let show_marks = || store.views().change_marks(|marks| marks.deletion = deletion.marked());
    show_marks();
    tracing::info!(init_duration = ?begin.elapsed(), "bucket store ready");
    probes.ready();
    synced.cancel();
    let every = every.max(Duration::from_millis(10));
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            outcome = store.sync() => match outcome {
                Ok(()) => show_marks(),
                Err(error) => tracing::warn!(%error, "syncing blocks failed"),
            },
        }
    }
}
