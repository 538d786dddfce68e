use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use prometheus::Registry;

use super::*;
use crate::prometheus::{Client, test_http_client};

/// A Prometheus that can be told to refuse reloads.
struct Peer {
    client: Client,
    reloads: Arc<AtomicUsize>,
    status: Arc<AtomicU16>,
}

async fn peer() -> Peer {
    let (reloads, status) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU16::new(200)));
    let (count, code) = (reloads.clone(), status.clone());
    let app = Router::new()
        .route(
            "/prom/-/reload",
            post(move || async move {
                count.fetch_add(1, Ordering::SeqCst);
                (StatusCode::from_u16(code.load(Ordering::SeqCst)).expect("code"), "no lifecycle")
            }),
        )
        .route("/prom/api/v1/status/runtimeinfo", get(|| async { "{}" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("free port");
    let base = format!("http://{}/prom", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Peer { client: Client::new(test_http_client(), base.parse().expect("address")), reloads, status }
}

fn options(dir: &std::path::Path) -> Options {
    std::fs::create_dir_all(dir.join("rules")).expect("folder");
    std::fs::write(dir.join("in.yml"), "a").expect("write");
    Options {
        config_file: Some(dir.join("in.yml")),
        config_output_file: Some(dir.join("out.yml")),
        watched_dirs: vec![dir.join("rules")],
        watch_interval: Duration::from_secs(3600),
        retry_interval: Duration::from_millis(5),
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

fn metric(registry: &Registry, name: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|f| f.name() == name).unwrap_or_else(|| panic!("no metric {name}"));
    let metric = &family.get_metric()[0];
    metric.get_counter().get_value() + metric.get_gauge().get_value()
}

#[tokio::test(flavor = "multi_thread")]
async fn reloads_on_a_change_of_configuration_or_rules_and_not_without() {
    let (dir, peer, registry) = (tempfile::tempdir().expect("folder"), peer().await, Registry::new());
    let shutdown = CancellationToken::new();
    let reloader =
        Reloader::new(options(dir.path()), Trigger::Http(peer.client.clone()), &registry, "thanos_sidecar_")
            .expect("new");
    let running = tokio::spawn(reloader.run(shutdown.clone()));
    until("the first reload", || peer.reloads.load(Ordering::SeqCst) == 1).await;
    assert_eq!(std::fs::read_to_string(dir.path().join("out.yml")).expect("output"), "a");

    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("in.new"), "b").expect("write");
    std::fs::rename(at("in.new"), at("in.yml")).expect("replace");
    until("a reload of the replaced file", || peer.reloads.load(Ordering::SeqCst) == 2).await;
    std::fs::write(at("rules/a.yml"), "groups: []").expect("write");
    until("a reload of the new rules", || peer.reloads.load(Ordering::SeqCst) >= 3).await;
    // A rule file is created and then filled, which may be seen as one change or two; let it settle.
    until("the last application", || {
        metric(&registry, "thanos_sidecar_reloader_last_reload_successful") == 1.0
            && std::fs::read_to_string(at("out.yml")).is_ok_and(|s| s == "b")
    })
    .await;

    let (applied, reloads) =
        (metric(&registry, "thanos_sidecar_reloader_config_apply_operations_total"), || {
            metric(&registry, "thanos_sidecar_reloader_reloads_total")
        });
    let before = reloads();
    std::fs::write(at("rules/a.yml"), "groups: []").expect("write the same");
    until("an application without a change", || {
        metric(&registry, "thanos_sidecar_reloader_config_apply_operations_total") > applied
    })
    .await;
    assert!(reloads() <= before + 1.0, "the same content made Prometheus reload");
    assert_eq!(metric(&registry, "thanos_sidecar_reloader_watches"), 3.0);
    shutdown.cancel();
    running.await.expect("no panic").expect("clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_a_refused_reload() {
    let (dir, peer, registry) = (tempfile::tempdir().expect("folder"), peer().await, Registry::new());
    peer.status.store(403, Ordering::SeqCst);
    let shutdown = CancellationToken::new();
    let reloader =
        Reloader::new(options(dir.path()), Trigger::Http(peer.client.clone()), &registry, "").expect("new");
    let running = tokio::spawn(reloader.run(shutdown.clone()));
    until("three tries", || peer.reloads.load(Ordering::SeqCst) >= 3).await;
    assert_eq!(metric(&registry, "reloader_last_reload_successful"), 0.0);
    peer.status.store(200, Ordering::SeqCst);
    until("success", || metric(&registry, "reloader_last_reload_successful") == 1.0).await;
    assert!(metric(&registry, "reloader_reloads_failed_total") >= 3.0);
    assert!(metric(&registry, "reloader_last_reload_success_timestamp_seconds") > 1e9);
    shutdown.cancel();
    running.await.expect("no panic").expect("clean end");
}

#[tokio::test]
async fn a_bad_configuration_at_the_start_is_an_error() {
    let (dir, peer) = (tempfile::tempdir().expect("folder"), peer().await);
    let run = |options: Options| {
        let trigger = Trigger::Http(peer.client.clone());
        let reloader = Reloader::new(options, trigger, &Registry::new(), "").expect("new");
        async move { reloader.run(CancellationToken::new()).await.expect_err("refused").to_string() }
    };
    let missing = Options { config_file: Some(dir.path().join("gone.yml")), ..options(dir.path()) };
    assert!(run(missing).await.contains("gone.yml to watcher"));
    let missing = Options { watched_dirs: vec![dir.path().join("gone")], ..options(dir.path()) };
    assert!(run(missing).await.contains("gone to watcher"));
    let unset = options(dir.path());
    std::fs::write(dir.path().join("in.yml"), "$(SURELY_THIS_IS_NOT_SET)").expect("write");
    assert!(run(unset).await.contains("unset environment variable \"SURELY_THIS_IS_NOT_SET\""));
}

#[tokio::test]
async fn says_what_a_refused_reload_needs() {
    let peer = peer().await;
    peer.status.store(403, Ordering::SeqCst);
    let error = Trigger::Http(peer.client.clone()).trigger().await.expect_err("refused").to_string();
    assert!(error.contains("403") && error.contains("--web.enable-lifecycle"), "{error}");
    let signal = Trigger::Signal { process_name: "prometheus".to_string(), client: peer.client.clone() };
    assert!(
        signal
            .trigger()
            .await
            .expect_err("no runtime information")
            .to_string()
            .starts_with("pre-reload check failed")
    );
}
