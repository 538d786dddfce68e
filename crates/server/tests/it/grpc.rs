//! The gRPC server with our own client: health, reflection, snappy, panics, TLS with certificates that change, age.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use client::grpc::{Channel, Compression, Dialer, Options};
use client::tls::ClientTls;
use http::{Request, Response};
use prometheus::Registry;
use server::grpc::{self, Services};
use server::request_log::RequestLog;
use server::tls::ServerTls;
use server::{Probes, tls};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::Running;
use crate::certs::Authority;

/// Stands in for a generated service whose handlers panic.
#[derive(Clone)]
struct Panicking;

impl NamedService for Panicking {
    const NAME: &'static str = "grpc.reflection.v1alpha.Nothing";
}

impl tower::Service<Request<Body>> for Panicking {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        Box::pin(async { panic!("boom") })
    }
}

fn config(tls: Option<ServerTls>) -> grpc::Config {
    grpc::Config {
        address: "127.0.0.1:0".into(),
        grace_period: Duration::from_secs(10),
        max_connection_age: Duration::from_secs(3600),
        tls,
    }
}

async fn serve(config: grpc::Config) -> Running {
    let registry = Registry::new();
    let probes = Probes::new("store", &registry).unwrap();
    let log =
        RequestLog::from_yaml("options: {level: DEBUG, decision: {log_start: true, log_end: true}}").unwrap();
    let services = Services::new().add(Panicking);
    let descriptors = [tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET];
    let server = grpc::Server::new(config, probes.clone(), &registry, &descriptors, services, log).unwrap();
    let bound = server.bind().await.unwrap();
    let address = bound.local_addr().unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(bound.run(stop.clone()));
    Running { address, probes, registry, stop, task }
}

fn dial(running: &Running, options: &Options) -> Channel {
    Dialer::new(None, &[tonic_health::pb::FILE_DESCRIPTOR_SET])
        .unwrap()
        .dial(&running.address.to_string(), options)
        .unwrap()
}

async fn health(channel: Channel) -> Result<i32, tonic::Status> {
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await?;
    Ok(answer.into_inner().status)
}

async fn health_is(channel: &Channel, status: i32) {
    let mut waiting = tokio::time::interval(Duration::from_millis(1));
    while health(channel.clone()).await.unwrap() != status {
        waiting.tick().await;
    }
}

#[tokio::test]
async fn health_follows_readiness() {
    let running = serve(config(None)).await;
    let channel = dial(&running, &Options::default());
    health_is(&channel, 2).await;
    running.probes.ready();
    health_is(&channel, 1).await;
    running.probes.not_ready(None);
    health_is(&channel, 2).await;
    running.stopped().await;
}

async fn reflect(channel: Channel) -> Vec<String> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let stream = tokio_stream::once(request);
    let mut answers =
        ServerReflectionClient::new(channel).server_reflection_info(stream).await.unwrap().into_inner();
    let answer: ServerReflectionResponse = answers.message().await.unwrap().unwrap();
    match answer.message_response.unwrap() {
        MessageResponse::ListServicesResponse(list) => {
            list.service.into_iter().map(|service| service.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reflection_snappy_and_call_metrics() {
    let running = serve(config(None)).await;
    let registry = Registry::new();
    let dialer = Dialer::new(Some(&registry), &[tonic_health::pb::FILE_DESCRIPTOR_SET]).unwrap();
    let snappy = Options { compression: Compression::Snappy, ..Options::default() };
    let channel = dialer.dial(&running.address.to_string(), &snappy).unwrap();
    health(channel.clone()).await.unwrap();
    assert!(reflect(channel).await.contains(&"grpc.health.v1.Health".to_owned()));
    let server = running.metrics();
    let client = server::metrics::encode_text(&registry);
    let check = r#"grpc_method="Check",grpc_service="grpc.health.v1.Health",grpc_type="unary""#;
    for (text, line) in [
        (&server, format!("grpc_server_started_total{{{check}}} 1")),
        (&server, format!("grpc_server_msg_received_total{{{check}}} 1")),
        (&server, format!("grpc_server_msg_sent_total{{{check}}} 1")),
        (&client, format!("grpc_client_msg_sent_total{{{check}}} 1")),
        (&client, format!("grpc_client_msg_received_total{{{check}}} 1")),
        (&client, format!("grpc_client_handled_total{{grpc_code=\"OK\",{check}}} 1")),
    ] {
        assert!(text.contains(&line), "{line} is missing in {text}");
    }
    running.stopped().await;
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_counted() {
    let running = serve(config(None)).await;
    let mut client = tonic::client::Grpc::new(dial(&running, &Options::default()));
    let path = http::uri::PathAndQuery::from_static("/grpc.reflection.v1alpha.Nothing/Do");
    let codec = tonic_prost_codec();
    client.ready().await.unwrap();
    let status =
        client.unary(tonic::Request::new(HealthCheckRequest::default()), path, codec).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "boom"));
    assert!(running.metrics().contains("grpc_req_panics_recovered_total 1"));
    assert_eq!(health(dial(&running, &Options::default())).await.unwrap(), 2);
    running.stopped().await;
}

fn tonic_prost_codec() -> tonic_prost::ProstCodec<HealthCheckRequest, HealthCheckRequest> {
    tonic_prost::ProstCodec::default()
}

fn server_tls(
    cert: std::path::PathBuf,
    key: std::path::PathBuf,
    client_ca: Option<std::path::PathBuf>,
) -> ServerTls {
    ServerTls {
        cert,
        key,
        client_ca,
        min_version: tls::TlsVersion::V1_3,
        cipher_suites: tls::CipherSuites::default(),
        curves: tls::Curves::default(),
    }
}

#[tokio::test]
async fn tls_takes_up_new_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path());
    let (cert, key) = authority.issue("server", "one.example");
    let running = serve(config(Some(server_tls(cert, key, None)))).await;
    let trusting = |name: &str| {
        let tls = ClientTls {
            ca_file: Some(authority.ca()),
            server_name: Some(name.into()),
            ..ClientTls::default()
        };
        Options { tls: Some(tls), ..Options::default() }
    };
    health(dial(&running, &trusting("one.example"))).await.unwrap();
    assert_eq!(health(dial(&running, &trusting("two.example"))).await.unwrap_err().code(), Code::Unavailable);
    let skipping = Options {
        tls: Some(ClientTls { insecure_skip_verify: true, ..ClientTls::default() }),
        compression: Compression::Snappy,
    };
    health(dial(&running, &skipping)).await.unwrap();
    assert!(health(dial(&running, &Options::default())).await.is_err(), "plain text is not answered");
    authority.issue("server", "two.example");
    // The files are looked at once a second at most.
    let mut waiting = tokio::time::interval(Duration::from_millis(20));
    while health(dial(&running, &trusting("two.example"))).await.is_err() {
        waiting.tick().await;
    }
    running.stopped().await;
}

#[tokio::test]
async fn a_client_ca_asks_for_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path());
    let (cert, key) = authority.issue("server", "localhost");
    let (client_cert, client_key) = authority.issue("client", "client");
    let running = serve(config(Some(server_tls(cert, key, Some(authority.ca()))))).await;
    let mut tls = ClientTls { ca_file: Some(authority.ca()), ..ClientTls::default() };
    let without = Options { tls: Some(tls.clone()), ..Options::default() };
    assert!(health(dial(&running, &without)).await.is_err());
    (tls.cert_file, tls.key_file) = (Some(client_cert), Some(client_key));
    health(dial(&running, &Options { tls: Some(tls), ..Options::default() })).await.unwrap();
    running.stopped().await;
}

#[tokio::test]
async fn unusable_tls_files_are_an_error_at_the_start() {
    let registry = Registry::new();
    let probes = Probes::new("store", &registry).unwrap();
    let tls = server_tls("/nope.pem".into(), "/nope.key".into(), None);
    let server =
        grpc::Server::new(config(Some(tls)), probes, &registry, &[], Services::new(), RequestLog::default())
            .unwrap();
    let error = server.bind().await.err().unwrap().to_string();
    assert!(error.starts_with("setup gRPC server TLS: read server certificate from /nope.pem: "), "{error}");
}

#[tokio::test]
async fn old_connections_are_ended_and_calls_go_on() {
    let running = serve(grpc::Config { max_connection_age: Duration::from_millis(30), ..config(None) }).await;
    let channel = dial(&running, &Options::default());
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(150) {
        health(channel.clone()).await.unwrap();
    }
    running.stopped().await;
}

#[tokio::test]
async fn groups_pass_over_servers_that_are_away() {
    let running = serve(config(None)).await;
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dialer = Dialer::new(None, &[tonic_health::pb::FILE_DESCRIPTOR_SET]).unwrap();
    let (channel, group) = dialer.dial_group(&Options::default());
    assert_eq!(health(channel.clone()).await.unwrap_err().code(), Code::Unavailable);
    group.set_addresses(&[away.to_string(), running.address.to_string()]).unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    for _ in 0..4 {
        health(channel.clone()).await.unwrap();
        served.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(served.load(Ordering::Relaxed), 4);
    assert!(group.set_addresses(&["no port".to_owned()]).is_err());
    running.stopped().await;
}
