//! The HTTP server of a component: probes, `/metrics`, the component's own routes, `--http.config`.

mod api;
mod instrument;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use hyper::body::Incoming;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub use api::{ApiOptions, RequestId, api, preflight};
pub use instrument::{Instrumentation, Tenancy};

use crate::listener::{self, Drained};
use crate::metrics;
use crate::probe::Probes;
use crate::web_config::WebConfigFile;

/// Where and how the HTTP server listens.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host:port`; an empty host is every interface.
    pub address: String,
    /// Time for requests in flight at shutdown; zero cuts them off.
    pub grace_period: Duration,
    /// `--http.config`: file with TLS, users and headers.
    pub web_config: Option<PathBuf>,
}

/// Why the HTTP server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The web configuration is unusable.
    #[error("server could not be started: {0}")]
    WebConfig(#[from] crate::web_config::Error),
    /// The address cannot be listened on.
    #[error("listen HTTP on address {address}: {source}")]
    Listen {
        /// The address asked for.
        address: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// The HTTP server, not yet listening.
pub struct Server {
    config: Config,
    probes: Probes,
    router: Router,
}

/// The HTTP server, listening.
pub struct Bound {
    listener: TcpListener,
    web_config: Option<WebConfigFile>,
    server: Server,
}

impl Server {
    /// Joins `routes` with the routes every component has: probes, `/metrics`, and the refusal of `/debug/pprof`.
    pub fn new(config: Config, probes: Probes, registry: Registry, routes: Router) -> Self {
        let (healthy, ready) = (probes.clone(), probes.clone());
        let router = routes
            .route("/-/healthy", get(move || async move { probe_answer(healthy.is_healthy()) }))
            .route("/-/ready", get(move || async move { probe_answer(ready.is_ready()) }))
            .route("/metrics", get(move || async move { metrics_answer(registry) }))
            .route("/debug/pprof", any(no_profiles))
            .route("/debug/pprof/{*name}", any(no_profiles))
            .route("/debug/fgprof", any(no_profiles))
            .fallback(not_found);
        Self { config, probes, router }
    }

    /// Opens the socket and reads the web configuration.
    ///
    /// # Errors
    /// When the address is taken or malformed, or the web configuration is unusable.
    pub async fn bind(self) -> Result<Bound, Error> {
        let web_config = self.config.web_config.as_deref().map(WebConfigFile::open).transpose()?;
        let address = self.config.address.clone();
        let listener = listener::bind(&address).await.map_err(|source| Error::Listen { address, source })?;
        tracing::info!(
            service = "http/server",
            component = self.probes.component(),
            address = listener::shown_address(&self.config.address, &listener),
            "listening for requests and metrics"
        );
        Ok(Bound { listener, web_config, server: self })
    }

    /// Binds and serves until `shutdown`; see [`Bound::run`].
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        self.bind().await?.run(shutdown).await;
        Ok(())
    }
}

impl Bound {
    /// The address listened on, with the port that was chosen for port 0.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Marks the component healthy and serves. On `shutdown` the component becomes not ready, requests in flight are
    /// answered within the grace period, and at last it is not healthy.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { listener, web_config, server: Server { config, probes, router } } = self;
        let component = probes.component().to_owned();
        probes.healthy();
        let tls = web_config.as_ref().and_then(WebConfigFile::tls_source);
        tracing::info!(
            service = "http/server",
            component,
            address = config.address,
            "{}",
            if tls.is_some() { "TLS is enabled." } else { "TLS is disabled." }
        );
        let router = match web_config {
            Some(file) => file.protect(router),
            None => router,
        };
        let stopping = shutdown.clone();
        let (noted, name) = (probes.clone(), component.clone());
        let note = async move {
            stopping.cancelled().await;
            noted.not_ready(None);
            tracing::info!(service = "http/server", component = name, "internal server is shutting down");
        };
        let options = listener::Options {
            tls,
            http2_only: false,
            max_connection_age: None,
            grace_period: config.grace_period,
        };
        let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
            let router = router.clone();
            async move { Ok::<_, Infallible>(answer(router, request.map(Body::new)).await) }
        });
        let ((), drained) = tokio::join!(note, listener::serve(listener, options, service, shutdown));
        match drained {
            Drained::Gracefully => {
                tracing::info!(service = "http/server", component, "internal server is shutdown gracefully");
            }
            Drained::AtOnce => {
                tracing::info!(service = "http/server", component, "internal server is shutdown")
            }
            Drained::Cut => tracing::error!(
                service = "http/server",
                component,
                err = "grace period exceeded",
                "internal server shut down failed"
            ),
        }
        probes.not_healthy(None);
    }
}

/// Answers one request; a panic in a handler is logged and answered with 500, and the process goes on.
async fn answer(router: Router, request: Request) -> Response {
    use futures::FutureExt;
    let path = request.uri().path().to_owned();
    match std::panic::AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(payload) => {
            tracing::error!(panic = crate::panic::message(&*payload), path, "recovered from panic");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n")
        }
    }
}

/// A plain-text answer as Go's `http.Error` gives it.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, text).into_response()
}

fn probe_answer(passes: bool) -> Response {
    if passes { "OK".into_response() } else { plain(StatusCode::SERVICE_UNAVAILABLE, "NOT OK\n") }
}

fn metrics_answer(registry: Registry) -> Response {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(metrics::TEXT_FORMAT))],
        metrics::encode_text(&registry),
    )
        .into_response()
}

async fn no_profiles() -> Response {
    plain(
        StatusCode::NOT_IMPLEMENTED,
        "profiles in Go's pprof form are not built; use perf or another native profiler on this process\n",
    )
}

async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}
