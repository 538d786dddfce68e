//! The accept loop under the HTTP and the gRPC server: TLS, connection age, draining within a grace period.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

/// Time a client has for its TLS handshake; a peer that only connects must not hold a task for ever.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept, which is nearly always a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a handler may know of the connection; a request extension.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// The peer's address.
    pub remote: SocketAddr,
    /// The client's certificate chain, leaf first; empty without client authentication.
    pub peer_certificates: Arc<[CertificateDer<'static>]>,
}

/// Gives the TLS configuration for the next connection; `None` serves plain text.
pub(crate) type TlsSource = Arc<dyn Fn() -> Result<Option<Arc<ServerConfig>>, String> + Send + Sync>;

/// How connections of a listener live.
pub(crate) struct Options {
    pub(crate) tls: Option<TlsSource>,
    pub(crate) http2_only: bool,
    pub(crate) max_connection_age: Option<Duration>,
    /// Time for requests in flight after shutdown begins; zero cuts them off.
    pub(crate) grace_period: Duration,
}

/// How a drain ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Every request was answered.
    Gracefully,
    /// The grace period is zero: connections were closed at once.
    AtOnce,
    /// The grace period ran out with connections still busy.
    Cut,
}

/// Opens the listening socket. An address without host, as in `:10902`, listens on every interface.
pub(crate) async fn bind(address: &str) -> std::io::Result<TcpListener> {
    match address.strip_prefix(':') {
        // The unspecified IPv6 address takes IPv4 as well, unless the machine has no IPv6.
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => TcpListener::bind(address).await,
    }
}

/// The address to tell: the one asked for, or the one that was chosen when that left it open.
pub(crate) fn shown_address(asked: &str, listener: &TcpListener) -> String {
    let chosen = asked.ends_with(":0").then(|| listener.local_addr().ok()).flatten();
    chosen.map_or_else(|| asked.to_owned(), |address| address.to_string())
}

/// Serves connections until `shutdown`, then drains them.
pub(crate) async fn serve<S, B>(
    listener: TcpListener,
    options: Options,
    service: S,
    shutdown: CancellationToken,
) -> Drained
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connections = JoinSet::new();
    let draining = CancellationToken::new();
    let options = Arc::new(options);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            // Reaps ended connections, so that the set holds only live ones.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    connections.spawn(connection(stream, remote, options.clone(), service.clone(), draining.clone()));
                }
                Err(error) => {
                    tracing::warn!(err = %error, "accepting a connection failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    if options.grace_period.is_zero() {
        connections.shutdown().await;
        return Drained::AtOnce;
    }
    draining.cancel();
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(options.grace_period, all).await.is_ok() {
        return Drained::Gracefully;
    }
    connections.shutdown().await;
    Drained::Cut
}

async fn connection<S, B>(
    stream: TcpStream,
    remote: SocketAddr,
    options: Arc<Options>,
    service: S,
    draining: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Answers are written in whole frames; waiting for more only delays them.
    let _ = stream.set_nodelay(true);
    let tls = match options.tls.as_ref().map(|source| source()) {
        None | Some(Ok(None)) => None,
        Some(Ok(Some(config))) => Some(config),
        Some(Err(error)) => {
            tracing::error!(err = %error, remote = %remote, "TLS configuration cannot be used; connection refused");
            return;
        }
    };
    let no_certificates: Arc<[CertificateDer<'static>]> = Arc::from(Vec::new());
    let Some(config) = tls else {
        let info = ConnectionInfo { remote, peer_certificates: no_certificates };
        return drive(TokioIo::new(stream), info, &options, service, draining).await;
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    let stream = tokio::select! {
        () = draining.cancelled() => return,
        handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake) => match handshake {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(err = %error, remote = %remote, "TLS handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(remote = %remote, "TLS handshake timed out");
                return;
            }
        },
    };
    let peer_certificates = match stream.get_ref().1.peer_certificates() {
        Some(chain) => chain.iter().map(|certificate| certificate.clone().into_owned()).collect(),
        None => no_certificates,
    };
    let info = ConnectionInfo { remote, peer_certificates };
    drive(TokioIo::new(stream), info, &options, service, draining).await;
}

async fn drive<I, S, B>(
    io: I,
    info: ConnectionInfo,
    options: &Options,
    service: S,
    draining: CancellationToken,
) where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let remote = info.remote;
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(info.clone());
        // Router services are always ready; each call gets its own clone as tower asks.
        service.clone().call(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    if options.http2_only {
        builder = builder.http2_only();
    }
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Some(Duration::from_secs(60)))
        // As Go writes them; some scripts compare.
        .title_case_headers(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_concurrent_streams(None)
        // As Go's gRPC server: a peer silent for two hours is asked, and dropped after 20 s.
        .keep_alive_interval(Some(Duration::from_secs(2 * 60 * 60)))
        .keep_alive_timeout(Duration::from_secs(20));
    let connection = builder.serve_connection_with_upgrades(io, service);
    tokio::pin!(connection);
    let age = async {
        match options.max_connection_age {
            Some(age) => tokio::time::sleep(jittered(age, remote)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(age);
    let mut ending = false;
    let outcome = loop {
        tokio::select! {
            outcome = connection.as_mut() => break outcome,
            () = draining.cancelled(), if !ending => {}
            () = &mut age, if !ending => {}
        }
        ending = true;
        connection.as_mut().graceful_shutdown();
    };
    if let Err(error) = outcome {
        tracing::debug!(err = %error, remote = %remote, "connection ended with an error");
    }
}

/// Spreads the age of connections by ±10 %, so that those opened together do not come back together.
fn jittered(age: Duration, remote: SocketAddr) -> Duration {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u16(remote.port());
    let share = (hasher.finish() % 2001) as f64 / 10_000.0 + 0.9;
    age.mul_f64(share)
}
