//! The HTTP server: probes, metrics, API layers, web configuration, shutdown.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use prometheus::Registry;
use server::Probes;
use server::http::{self, ApiOptions, Instrumentation, Tenancy};
use server::request_log::RequestLog;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Running;
use crate::certs::Authority;

async fn serve(
    routes: Router,
    registry: Registry,
    web_config: Option<&std::path::Path>,
    grace: Duration,
) -> Running {
    let probes = Probes::new("query", &registry).unwrap();
    let config = http::Config {
        address: "127.0.0.1:0".into(),
        grace_period: grace,
        web_config: web_config.map(Into::into),
    };
    let bound = http::Server::new(config, probes.clone(), registry.clone(), routes).bind().await.unwrap();
    let address = bound.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(bound.run(stop.clone()));
    let mut waiting = tokio::time::interval(Duration::from_millis(1));
    while !probes.is_healthy() {
        waiting.tick().await;
    }
    Running { address, probes, registry, stop, task }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().no_gzip().build().unwrap()
}

#[tokio::test]
async fn probes_metrics_and_refusals() {
    let running = serve(Router::new(), Registry::new(), None, Duration::from_secs(5)).await;
    let base = format!("http://{}", running.address);
    let get = async |path: &str| {
        let response = client().get(format!("{base}{path}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get("/-/healthy").await, (200, "OK".into()));
    assert_eq!(get("/-/ready").await, (503, "NOT OK\n".into()));
    running.probes.ready();
    assert_eq!(get("/-/ready").await, (200, "OK".into()));
    assert_eq!(get("/nope").await, (404, "404 page not found\n".into()));
    assert_eq!(get("/debug/pprof/heap").await.0, 501);
    assert!(get("/metrics").await.1.contains("thanos_status{check=\"ready\",component=\"query\"} 1"));
    let probes = running.probes.clone();
    running.stopped().await;
    assert!(!probes.is_ready() && !probes.is_healthy());
}

#[tokio::test]
async fn api_routes_have_cors_gzip_and_metrics() {
    let registry = Registry::new();
    let tenancy =
        Tenancy { header: "thanos-tenant".parse().unwrap(), default_tenant: "default-tenant".into() };
    let options = ApiOptions {
        instrumentation: Instrumentation::new(&registry, Some(tenancy)).unwrap(),
        request_log: RequestLog::from_yaml(
            "options: {level: DEBUG, decision: {log_start: true, log_end: true}}",
        )
        .unwrap(),
        disable_cors: false,
    };
    let routes = Router::new()
        .route("/api/v1/big", http::api(&options, "big", get(|| async { "x".repeat(5000) })))
        .route("/api/v1/small", http::api(&options, "small", post(|| async { "small" })))
        .route(
            "/api/v1/broken",
            http::api(&options, "broken", get(async || -> &'static str { panic!("boom") })),
        );
    let running = serve(http::preflight(routes, false), registry, None, Duration::from_secs(5)).await;
    let base = format!("http://{}/api/v1", running.address);

    let response =
        client().get(format!("{base}/big")).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.headers()["vary"].to_str().unwrap().eq_ignore_ascii_case("accept-encoding"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&response.bytes().await.unwrap()[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.len(), 5000);

    let response = client()
        .post(format!("{base}/small"))
        .header("accept-encoding", "gzip")
        .header("thanos-tenant", "t")
        .send();
    let response = response.await.unwrap();
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(response.text().await.unwrap(), "small");

    let response = client().request(reqwest::Method::OPTIONS, format!("{base}/big")).send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["access-control-allow-methods"], "GET, POST, OPTIONS");

    // A handler that panics costs its request, not the process.
    let response = client().get(format!("{base}/broken")).send().await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(client().post(format!("{base}/small")).send().await.unwrap().status(), 200);

    let metrics = running.metrics();
    for line in [
        r#"http_requests_total{code="200",handler="big",method="get",tenant="default-tenant"} 1"#,
        r#"http_requests_total{code="200",handler="small",method="post",tenant="t"} 1"#,
        r#"http_inflight_requests{handler="big",method="GET",tenant="default-tenant"} 0"#,
        r#"http_request_duration_seconds_count{code="200",handler="big",method="get",tenant="default-tenant"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    running.stopped().await;
}

/// A route that tells when it is entered and answers when let go.
fn slow(entered: Arc<Notify>, go: Arc<Notify>) -> Router {
    Router::new().route(
        "/slow",
        get(move || async move {
            entered.notify_one();
            go.notified().await;
            "done"
        }),
    )
}

#[tokio::test]
async fn requests_in_flight_are_answered_at_shutdown() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running =
        serve(slow(entered.clone(), go.clone()), Registry::new(), None, Duration::from_secs(60)).await;
    let url = format!("http://{}/slow", running.address);
    let request = tokio::spawn(async move { client().get(url).send().await.unwrap().text().await.unwrap() });
    entered.notified().await;
    running.stop.cancel();
    go.notify_one();
    assert_eq!(request.await.unwrap(), "done");
    running.stopped().await;
}

#[tokio::test]
async fn a_spent_grace_period_cuts_requests_off() {
    for grace in [Duration::ZERO, Duration::from_millis(20)] {
        let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let running = serve(slow(entered.clone(), go), Registry::new(), None, grace).await;
        let url = format!("http://{}/slow", running.address);
        let request = tokio::spawn(async move { client().get(url).send().await.map(drop) });
        entered.notified().await;
        running.stopped().await;
        assert!(request.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn web_configuration_brings_tls_users_and_headers() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path());
    authority.issue("server", "localhost");
    let hash = bcrypt::hash("secret", 4).unwrap();
    let web = dir.path().join("web.yml");
    let yaml = format!(
        "tls_server_config: {{cert_file: server.pem, key_file: server.key}}\nbasic_auth_users: {{ann: {hash}}}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"
    );
    std::fs::write(&web, yaml).unwrap();
    let running = serve(Router::new(), Registry::new(), Some(&web), Duration::from_secs(5)).await;
    let url = format!("https://{}/-/healthy", running.address);
    let config = format!(
        "{{basic_auth: {{username: ann, password: secret}}, tls_config: {{ca_file: {}, server_name: localhost}}}}",
        authority.ca().display()
    );
    let config = client::http_config::HttpClientConfig::from_yaml(&config).unwrap();
    let known = client::http_config::HttpClient::new(config).unwrap();
    let response = known.request(reqwest::Method::GET, url.parse().unwrap()).unwrap().send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["x-frame-options"].as_bytes()),
        (200, &b"deny"[..])
    );
    let response = known.client().get(&url).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Basic");
    assert!(client().get(&url).send().await.is_err(), "the certificate is not trusted");
    running.stopped().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let running = serve(Router::new(), Registry::new(), None, Duration::ZERO).await;
    let registry = Registry::new();
    let probes = Probes::new("query", &registry).unwrap();
    let config =
        http::Config { address: running.address.to_string(), grace_period: Duration::ZERO, web_config: None };
    let error = http::Server::new(config, probes, registry, Router::new()).bind().await.err().unwrap();
    assert!(error.to_string().starts_with(&format!("listen HTTP on address {}", running.address)), "{error}");
    running.stopped().await;
}
