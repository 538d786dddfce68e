//! Logging of requests as `--request.logging-config` asks.

mod config;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use rpc::methods::{CallType, split_path};
use rpc::metrics::code_name;
use tonic::Code;

pub use config::Error;
use config::{Decision, Plan};

use crate::listener::ConnectionInfo;

/// Which requests are logged, and when. The default logs nothing.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    plan: Arc<Plan>,
}

impl RequestLog {
    /// Reads the YAML of `--request.logging-config`; empty logs nothing.
    ///
    /// # Errors
    /// When the YAML is malformed, has unknown fields, a bad level, or asks for starts without ends.
    pub fn from_yaml(yaml: &str) -> Result<Self, Error> {
        Ok(Self { plan: Arc::new(Plan::parse(yaml)?) })
    }

    /// Runs an HTTP request and logs it. `handler` is the name of the route.
    pub(crate) async fn http(&self, handler: &'static str, request: Request, next: Next) -> Response {
        let decision = self.plan.http_decision(request.uri(), request.headers());
        if decision == Decision::Nothing {
            return next.run(request).await;
        }
        let start = Instant::now();
        let method = format!("{} {}", request.method(), request.uri());
        let id = header(request.headers(), "x-request-id").to_owned();
        let agent = header(request.headers(), "user-agent").to_owned();
        let remote = match header(request.headers(), "x-forwarded-for") {
            "" => request
                .extensions()
                .get::<ConnectionInfo>()
                .map(|info| info.remote.to_string())
                .unwrap_or_default(),
            forwarded => forwarded.to_owned(),
        };
        if decision == Decision::StartAndEnd && self.plan.http_allows(tracing::Level::DEBUG) {
            tracing::debug!(
                protocol = "http",
                http.component = "server",
                http.start_time = %jiff::Timestamp::now(),
                http.method = method,
                http.request_id = id,
                http.user_agent = agent,
                thanos.method_name = handler,
                "started call"
            );
        }
        let response = next.run(request).await;
        let status = response.status().as_u16();
        let time_ms = start.elapsed().as_secs_f64() * 1000.0;
        macro_rules! finished {
            ($level:ident) => {
                tracing::$level!(
                    protocol = "http",
                    http.component = "server",
                    http.method = method,
                    http.request_id = id,
                    http.user_agent = agent,
                    http.status_code = status,
                    http.time_ms = time_ms,
                    http.remote_addr = remote,
                    thanos.method_name = handler,
                    "finished call"
                )
            };
        }
        if (200..500).contains(&status) {
            if self.plan.http_allows(tracing::Level::DEBUG) {
                finished!(debug);
            }
        } else {
            finished!(error);
        }
        response
    }

    /// Logs the start of a gRPC call, if asked to, and returns what logs its end.
    pub(crate) fn grpc(
        &self,
        path: &str,
        call: CallType,
        remote: Option<SocketAddr>,
        id: Option<&str>,
    ) -> Option<GrpcLog> {
        let decision = self.plan.grpc_decision(path);
        if decision == Decision::Nothing {
            return None;
        }
        let (service, method) = split_path(path)?;
        let log = GrpcLog {
            service: service.to_owned(),
            method: method.to_owned(),
            call,
            remote: remote.map(|remote| remote.to_string()).unwrap_or_default(),
            id: id.unwrap_or_default().to_owned(),
        };
        if decision == Decision::StartAndEnd {
            tracing::info!(
                protocol = "grpc",
                grpc.component = "server",
                grpc.service = log.service,
                grpc.method = log.method,
                grpc.method_type = log.call.as_str(),
                peer.address = log.remote,
                request.id = log.id,
                "started call"
            );
        }
        Some(log)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Logs the end of one gRPC call.
pub(crate) struct GrpcLog {
    service: String,
    method: String,
    call: CallType,
    remote: String,
    id: String,
}

impl GrpcLog {
    pub(crate) fn finished(&self, code: Code, took: Duration) {
        macro_rules! finished {
            ($level:ident) => {
                tracing::$level!(
                    protocol = "grpc",
                    grpc.component = "server",
                    grpc.service = self.service,
                    grpc.method = self.method,
                    grpc.method_type = self.call.as_str(),
                    peer.address = self.remote,
                    request.id = self.id,
                    grpc.code = code_name(code),
                    grpc.time_ms = took.as_secs_f64() * 1000.0,
                    "finished call"
                )
            };
        }
        match code {
            Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => finished!(error),
            _ => finished!(debug),
        }
    }
}
