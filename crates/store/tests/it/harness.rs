//! A gateway in the test's process, over a directory of blocks.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bucket::fetcher::{Discovery, FetcherConfig, MetaFetcher};
use futures::TryStreamExt;
use model::matcher::Matcher;
use objstore::{Bucket, FsBucket};
use prometheus::Registry;
use store::{BucketStore, Component, Config, Parts, StoreConfig, cache::IndexCacheConfig};
use storeapi::{Error, Series, SeriesEvent, SeriesRequest, StoreApi};
use tokio_util::sync::CancellationToken;

/// The folder of golden data: `THANOS_SHARED`, or `shared` beside the checkout.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn golden() -> Option<PathBuf> {
    let named = std::env::var_os("THANOS_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared"));
    let found = named.into_iter().chain(beside).map(|dir| dir.join("golden")).find(|dir| dir.is_dir());
    if found.is_none() {
        eprintln!("skipped: no golden data (set THANOS_SHARED)");
    }
    found
}

/// Unpacks an archive into a directory.
pub(crate) fn unpack(archive: &Path, into: &Path) {
    let status =
        std::process::Command::new("tar").arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(into).status();
    assert!(status.unwrap().success(), "{}", archive.display());
}

/// All blocks of the recorded calls, in a new directory.
pub(crate) fn recorded_blocks(golden: &Path) -> tempfile::TempDir {
    let all = tempfile::tempdir().unwrap();
    for archive in [
        "raw/blocks.tar.zst",
        "downsample/blocks-raw.tar.zst",
        "downsample/blocks-5m.tar.zst",
        "downsample/blocks-1h.tar.zst",
    ] {
        unpack(&golden.join(archive), all.path());
    }
    let facts = std::fs::read_to_string(golden.join("storeapi/facts.json")).unwrap();
    let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
    let bucket = tempfile::tempdir().unwrap();
    for id in facts["store"]["blocks"].as_array().unwrap() {
        let id = id.as_str().unwrap();
        std::fs::rename(all.path().join(id), bucket.path().join(id)).expect(id);
    }
    bucket
}

/// A store without servers.
pub(crate) async fn open(
    bucket: Arc<dyn Bucket>,
    change: impl FnOnce(&mut StoreConfig),
) -> (Arc<BucketStore>, tempfile::TempDir) {
    let (store, data, _) = open_with_registry(bucket, change).await;
    (store, data)
}

pub(crate) async fn open_with_registry(
    bucket: Arc<dyn Bucket>,
    change: impl FnOnce(&mut StoreConfig),
) -> (Arc<BucketStore>, tempfile::TempDir, Registry) {
    let data = tempfile::tempdir().unwrap();
    let registry = Registry::new();
    let mut config = StoreConfig::new(data.path());
    change(&mut config);
    let fetching = FetcherConfig { data_dir: Some(config.data_dir.clone()), ..FetcherConfig::default() };
    let fetcher = MetaFetcher::new(Arc::clone(&bucket), fetching, Vec::new(), &registry).unwrap();
    let store = BucketStore::new(bucket, fetcher, config, IndexCacheConfig::default(), &registry).unwrap();
    store.initial_sync().await.unwrap();
    (store, data, registry)
}

/// A request for all times, raw.
pub(crate) fn request(matchers: Vec<Matcher>) -> SeriesRequest {
    SeriesRequest { min_time: i64::MIN, max_time: i64::MAX, matchers, ..SeriesRequest::default() }
}

/// The series of an answer, without hints.
pub(crate) async fn series(store: &dyn StoreApi, request: SeriesRequest) -> Result<Vec<Series>, Error> {
    let events: Vec<SeriesEvent> = store.series(request).await?.try_collect().await?;
    let series = events.into_iter().filter_map(|event| match event {
        SeriesEvent::Series(series) => Some(series),
        _ => None,
    });
    Ok(series.collect())
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) grpc: String,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), store::Error>>,
    _data: tempfile::TempDir,
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Settings of a gateway on free ports.
pub(crate) fn config(data: &Path) -> Config {
    Config {
        http: server::http::Config {
            address: free_address(),
            grace_period: Duration::ZERO,
            web_config: None,
        },
        grpc: server::grpc::Config {
            address: free_address(),
            grace_period: Duration::ZERO,
            max_connection_age: Duration::ZERO,
            tls: None,
        },
        sync_interval: Duration::from_secs(900),
        discovery: Discovery::Concurrent,
        meta_fetch_concurrency: 32,
        consistency_delay_ms: 0,
        ignore_deletion_marks_delay_ms: 24 * 3600 * 1000,
        selector: Vec::new(),
        index_cache: IndexCacheConfig::default(),
        store: StoreConfig::new(data),
    }
}

impl Gateway {
    /// Starts a gateway and waits until it is ready.
    pub(crate) async fn start(bucket: &Path) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = config(data.path());
        let grpc = config.grpc.address.clone();
        let bucket: Arc<dyn Bucket> = Arc::new(FsBucket::new(bucket).unwrap());
        let registry = Registry::new();
        let parts = Parts { bucket, registry, request_log: server::request_log::RequestLog::default() };
        let component = Component::build(config, parts).unwrap();
        let mut ready = component.probes().watch_ready();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(component.run(axum::Router::new(), shutdown.clone()));
        ready.wait_for(|ready| *ready).await.unwrap();
        Gateway { grpc, shutdown, task, _data: data }
    }

    /// A channel to it; gRPC opens right after readiness.
    pub(crate) async fn channel(&self) -> tonic::transport::Channel {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap();
        for _ in 0..500 {
            if let Ok(channel) = endpoint.connect().await {
                return channel;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("gRPC does not open at {}", self.grpc);
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}
