//! The whole sidecar in this process, over its sockets.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::grpc::{Dialer, Options as DialOptions};
use client::prometheus::Client;
use client::reloader::Options;
use e2e::process::free_port;
use e2e::programs::Prometheus;
use model::labels::Labels;
use model::matcher::{MatchType, Matcher};
use objstore::{Bucket, MemoryBucket};
use prometheus::Registry;
use proto::thanos::{
    ExemplarsRequest, MetricMetadataRequest, RulesRequest, TargetsRequest, TsdbStatisticsRequest,
    label_matcher, rule,
};
use sidecar::{Config, Parts, ReloadMethod, ShipperConfig, Sidecar};
use storeapi::grpc::Remote;
use storeapi::{
    ExemplarsApi, LabelValuesRequest, MetadataApi, RulesApi, SelectLimits, StatusApi, StoreApi, TargetsApi,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::prometheus::{http_client, write_blocks};

/// A sidecar that runs.
struct Running {
    http: String,
    grpc: String,
    registry: Registry,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), server::run::Error>>,
}

fn config(data: &Path) -> Config {
    let server = |port: u16| format!("127.0.0.1:{port}");
    Config {
        http: server::http::Config {
            address: server(free_port()),
            grace_period: Duration::from_secs(5),
            web_config: None,
        },
        grpc: server::grpc::Config {
            address: server(free_port()),
            grace_period: Duration::from_secs(5),
            max_connection_age: Duration::ZERO,
            tls: None,
        },
        ready_timeout: Duration::from_secs(60),
        get_config_interval: Duration::from_millis(50),
        get_config_timeout: Duration::from_secs(10),
        tsdb_path: data.to_path_buf(),
        reloader: Options {
            config_file: None,
            config_output_file: None,
            watched_dirs: Vec::new(),
            watch_interval: Duration::from_secs(60),
            retry_interval: Duration::from_millis(50),
        },
        reload_method: ReloadMethod::Http,
        min_time: Arc::new(|| i64::MIN),
        limits: SelectLimits::default(),
        shipper: ShipperConfig {
            meta_file_name: "thanos.shipper.json".to_string(),
            upload_compacted: true,
            ignore_unequal_block_size: false,
            allow_out_of_order_uploads: false,
            skip_corrupted_blocks: false,
            hash_files: false,
            upload_concurrency: 0,
        },
    }
}

fn start(config: Config, prometheus_url: &str, bucket: Option<Arc<dyn Bucket>>) -> Running {
    let registry = Registry::new();
    let (http, grpc) = (format!("http://{}", config.http.address), config.grpc.address.clone());
    let parts = Parts {
        prometheus: Client::new(http_client(), prometheus_url.parse().expect("address")),
        bucket,
        registry: registry.clone(),
        request_log: server::request_log::RequestLog::from_yaml("").expect("no request log"),
    };
    let shutdown = CancellationToken::new();
    let sidecar = Sidecar::build(config, parts).expect("sidecar");
    let task = tokio::spawn(sidecar.run(shutdown.clone()));
    Running { http, grpc, registry, shutdown, task }
}

impl Running {
    async fn status(&self, path: &str) -> Option<u16> {
        let response = http_client().get(format!("{}{path}", self.http)).send().await.ok()?;
        Some(response.status().as_u16())
    }

    async fn until_status(&self, path: &str, want: u16) {
        let waiting = async {
            while self.status(path).await != Some(want) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        waited.unwrap_or_else(|_| panic!("{path} did not become {want}"));
    }

    async fn grpc_is_open(&self) -> bool {
        tokio::net::TcpStream::connect(&self.grpc).await.is_ok()
    }

    fn up(&self) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|f| f.name() == "thanos_sidecar_prometheus_up").expect("metric");
        family.get_metric()[0].get_gauge().get_value()
    }

    fn remote(&self) -> Remote {
        let dialer = Dialer::new(None, &[proto::FILE_DESCRIPTOR_SET]).expect("dialer");
        Remote::new(dialer.dial(&self.grpc, &DialOptions::default()).expect("channel"))
    }

    async fn stop(self) -> Result<(), server::run::Error> {
        self.shutdown.cancel();
        self.task.await.expect("no panic")
    }
}

/// Runs a helper of the end-to-end tests, which blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("no panic")
}

const EXTERNAL: [(&str, &str); 2] = [("cluster", "eu1"), ("replica", "0")];

#[tokio::test(flavor = "multi_thread")]
async fn is_ready_with_its_prometheus_and_follows_it() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().to_path_buf();
    let data = blocking(move || write_blocks(&path)).await;
    let rules = dir.path().join("rules.yml");
    std::fs::write(
        &rules,
        "groups:\n- name: tide\n  rules:\n  - {record: 'tide:max', expr: max(tide_metres)}\n  - alert: Low\n    expr: \
         tide_metres < 0\n    labels: {severity: page, replica: mine}\n",
    )
    .expect("write");
    // It scrapes itself, for targets, metadata and head statistics. The address is known only when it runs.
    let port = free_port();
    let text = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n  external_labels: {{cluster: eu1, replica: '0'}}\n\
         rule_files: ['{}']\nscrape_configs:\n- job_name: self\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n",
        rules.display()
    );
    let (path, data_dir) = (dir.path().to_path_buf(), data.clone());
    let prometheus = blocking(move || {
        Prometheus::start_with_config(&path, "prometheus", &data_dir, &text).expect("Prometheus")
    })
    .await;

    // Nothing answers at first.
    let mut proxy = Proxy::start(&prometheus.url).await;
    proxy.set(false);
    let bucket = Arc::new(MemoryBucket::new());
    let running = start(config(&data), &proxy.url, Some(bucket.clone()));
    running.until_status("/-/healthy", 200).await;
    assert_eq!(running.status("/-/ready").await, Some(503));
    assert!(!running.grpc_is_open().await);
    assert_eq!(running.up(), 0.0);

    proxy.set(true);
    running.until_status("/-/ready", 200).await;
    until("the gRPC port is open", || running.grpc_is_open()).await;
    assert_eq!(running.up(), 1.0);
    apis(&running.remote()).await;
    until("both blocks are shipped", || async {
        bucket.objects().keys().filter(|name| name.ends_with("/meta.json")).count() >= 2
    })
    .await;

    proxy.set(false);
    running.until_status("/-/ready", 503).await;
    assert_eq!(running.up(), 0.0);
    let error = running.remote().info().await.expect_err("not ready").to_string();
    assert!(error.ends_with("Not ready"), "{error}");
    proxy.set(true);
    running.until_status("/-/ready", 200).await;
    running.remote().info().await.expect("ready again");
    running.stop().await.expect("clean end");
}

async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// All services over gRPC.
async fn apis(remote: &Remote) {
    let external = Labels::from_pairs(EXTERNAL);
    let info = remote.info().await.expect("info");
    assert_eq!(info.component.name(), "sidecar");
    assert_eq!(info.label_sets, std::slice::from_ref(&external));
    let store = info.store.expect("store");
    assert!(store.supports_sharding && store.supports_without_replica_labels);
    assert_eq!((store.max_time, store.tsdb_infos.len()), (i64::MAX, 1));
    assert!(info.rules && info.targets && info.metric_metadata && info.status && !info.query);
    assert!(info.exemplars.is_some());

    let request = LabelValuesRequest {
        label: "basin".to_string(),
        end: i64::MAX,
        matchers: vec![Matcher::new(MatchType::Eq, "cluster", "eu1").expect("matcher")],
        ..LabelValuesRequest::default()
    };
    assert_eq!(remote.label_values(request).await.expect("values").values, ["n"]);

    let groups = remote.rules(RulesRequest::default()).await.expect("rules").value;
    let labels: Vec<_> = groups[0]
        .rules
        .iter()
        .map(|rule| match rule.result.as_ref().expect("a kind") {
            rule::Result::Recording(rule) => proto::label_set_labels(rule.labels.as_ref()).to_string(),
            rule::Result::Alert(rule) => proto::label_set_labels(rule.labels.as_ref()).to_string(),
        })
        .collect();
    assert_eq!(
        labels,
        ["{cluster=\"eu1\", replica=\"0\"}", "{cluster=\"eu1\", replica=\"0\", severity=\"page\"}"]
    );

    // Prometheus takes some seconds to find its targets.
    let targets = || async { remote.targets(TargetsRequest::default()).await.expect("targets").value };
    until("there are targets", || async { !targets().await.active_targets.is_empty() }).await;
    let targets = targets().await;
    let labels = proto::label_set_labels(targets.active_targets[0].labels.as_ref());
    assert_eq!((labels.get("job"), labels.get("replica")), (Some("self"), Some("0")));

    let request =
        MetricMetadataRequest { metric: String::new(), limit: -1, ..MetricMetadataRequest::default() };
    remote.metric_metadata(request).await.expect("metadata");

    let request = ExemplarsRequest {
        query: "up".to_string(),
        start: 0,
        end: 1_000_000_000_000,
        ..ExemplarsRequest::default()
    };
    assert!(remote.exemplars(request).await.expect("exemplars").value.is_empty());
    let request = ExemplarsRequest { query: "up{".to_string(), ..ExemplarsRequest::default() };
    let error = remote.exemplars(request).await.expect_err("bad query");
    assert_eq!(error.kind(), storeapi::ErrorKind::InvalidArgument, "{error}");

    let statistics =
        |matchers| TsdbStatisticsRequest { limit: 2, matchers, ..TsdbStatisticsRequest::default() };
    let status = remote.tsdb_statistics(statistics(vec![])).await.expect("status").value;
    assert!(status.statistics[""].series_count_by_metric_name.len() <= 2);
    let elsewhere = proto::thanos::LabelMatcher {
        r#type: label_matcher::Type::Eq.into(),
        name: "cluster".to_string(),
        value: "us1".to_string(),
    };
    assert!(
        remote
            .tsdb_statistics(statistics(vec![elsewhere]))
            .await
            .expect("status")
            .value
            .statistics
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_without_external_labels() {
    let dir = tempfile::tempdir().expect("folder");
    let (path, data) = (dir.path().to_path_buf(), dir.path().join("data"));
    let prometheus =
        blocking(move || Prometheus::start(&path, "prometheus", &path.join("data"), &[]).expect("start"))
            .await;
    let running = start(config(&data), &prometheus.url, None);
    let ended =
        tokio::time::timeout(Duration::from_secs(60), running.task).await.expect("ends").expect("no panic");
    let error = ended.expect_err("no labels").to_string();
    assert!(error.contains("no external labels configured on Prometheus server"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn is_never_ready_beside_a_prometheus_that_compacts() {
    let flags = r#"{"status":"success","data":{"storage.tsdb.min-block-duration":"2h","storage.tsdb.max-block-duration":"1d12h"}}"#;
    let config_text = r#"{"status":"success","data":{"yaml":"global: {external_labels: {replica: a}}"}}"#;
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    let app = axum::Router::new()
        .route(
            "/api/v1/status/flags",
            axum::routing::get(move || async move {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                flags
            }),
        )
        .route("/api/v1/status/config", axum::routing::get(move || async move { config_text }))
        .route("/metrics", axum::routing::get(|| async { "prometheus_tsdb_lowest_timestamp_seconds 1\n" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let dir = tempfile::tempdir().expect("folder");
    let running = start(config(dir.path()), &url, Some(Arc::new(MemoryBucket::new())));
    until("the flags are looked at again and again", || async {
        asked.load(std::sync::atomic::Ordering::SeqCst) > 3
    })
    .await;
    assert_eq!(running.status("/-/ready").await, Some(503));
    running.stop().await.expect("clean end");

    // Without a bucket the flags do not matter; nor when told to ignore them. There is no buildinfo here, as in 2.13.
    let running = start(config(dir.path()), &url, None);
    running.until_status("/-/ready", 200).await;
    running.stop().await.expect("clean end");
    let mut ignoring = config(dir.path());
    ignoring.shipper.ignore_unequal_block_size = true;
    let running = start(ignoring, &url, Some(Arc::new(MemoryBucket::new())));
    running.until_status("/-/ready", 200).await;
    running.stop().await.expect("clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_up_uploading_when_there_are_no_labels_for_long() {
    let dir = tempfile::tempdir().expect("folder");
    let mut config = config(dir.path());
    config.ready_timeout = Duration::from_millis(1500);
    // Nobody listens there.
    let url = format!("http://127.0.0.1:{}", free_port());
    let running = start(config, &url, Some(Arc::new(MemoryBucket::new())));
    let ended =
        tokio::time::timeout(Duration::from_secs(60), running.task).await.expect("ends").expect("no panic");
    let error = ended.expect_err("no labels").to_string();
    assert!(error.contains("aborting as no external labels found after waiting 1.5s"), "{error}");
}

/// Passes requests on to a server, or refuses them.
struct Proxy {
    url: String,
    open: Arc<std::sync::atomic::AtomicBool>,
}

impl Proxy {
    async fn start(to: &str) -> Proxy {
        let open = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let (to, passes, client) = (to.to_string(), open.clone(), http_client());
        let app = axum::Router::new().fallback(move |request: axum::extract::Request| async move {
            let refused = || {
                let response = axum::http::Response::builder().status(502);
                response.body(axum::body::Body::empty()).expect("response")
            };
            if !passes.load(std::sync::atomic::Ordering::SeqCst) {
                return refused();
            }
            let (parts, body) = request.into_parts();
            let url = format!("{to}{}", parts.uri);
            let body = axum::body::to_bytes(body, usize::MAX).await.expect("body");
            let request = client.request(parts.method, url).headers(parts.headers).body(body);
            let Ok(answer) = request.send().await else { return refused() };
            let mut response = axum::http::Response::builder().status(answer.status());
            for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
                response = response.header(name, value);
            }
            response.body(axum::body::Body::from_stream(answer.bytes_stream())).expect("response")
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Proxy { url, open }
    }

    fn set(&mut self, open: bool) {
        self.open.store(open, std::sync::atomic::Ordering::SeqCst);
    }
}
