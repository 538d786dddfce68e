//! Dialling gRPC servers: TLS, snappy, call metrics, request id, groups of servers behind one name.

mod channel;
mod connect;
mod group;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::prometheus::Registry;
use http::Uri;
use rpc::methods::Methods;
use rpc::metrics::CallMetrics;
use tonic::transport::Endpoint;

pub use channel::Channel;
pub use group::Group;

use crate::tls::ClientTls;

/// Silence after which a connection with calls in flight is tested. Half a second above Thanos's 10 s: Go's servers punish
/// pings that come sooner than 10 s after one another, and timers are not that exact.
const KEEP_ALIVE: Duration = Duration::from_millis(10_500);
/// Time a peer has for answering the test.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for opening a connection, that of Go's gRPC.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes that a stream may send before they are taken. Series answers are long streams; small windows would make their speed a matter of
/// latency.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all streams of a connection, the most that there is: it has room for the windows of 2047 streams that stand still. No stream may
/// have to wait for another, whose reader may wait for this one.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Compression of the messages sent and asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Messages as they are.
    #[default]
    None,
    /// Thanos's snappy.
    Snappy,
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "none" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            other => Err(format!("unknown gRPC compression {other:?}: must be none or snappy")),
        }
    }
}

/// How an endpoint is dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// TLS; `None` is plain text.
    pub tls: Option<ClientTls>,
    /// Compression of messages.
    pub compression: Compression,
}

/// Why an endpoint cannot be dialled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not `host:port`.
    #[error("gRPC address {address:?}: {cause}")]
    Address {
        /// The address.
        address: String,
        /// The cause.
        cause: String,
    },
    /// TLS cannot be set up.
    #[error("TLS for {address}: {source}")]
    Tls {
        /// The address.
        address: String,
        /// The cause.
        source: crate::tls::Error,
    },
    /// Descriptors or metrics are unusable.
    #[error("set up gRPC client metrics: {0}")]
    Metrics(String),
}

/// Makes channels that share their metrics. Clones are cheap.
#[derive(Clone)]
pub struct Dialer {
    shared: Arc<Shared>,
}

/// What all channels of a dialer share.
struct Shared {
    metrics: Option<CallMetrics>,
    methods: Methods,
    user_agent: String,
}

impl Dialer {
    /// Creates a dialer whose calls are counted under `grpc_client_*` in `registry`. `descriptors` are encoded
    /// `FileDescriptorSet`s of the services that will be called.
    ///
    /// # Errors
    /// When a descriptor cannot be read or the metrics are already registered.
    pub fn new(registry: Option<&Registry>, descriptors: &[&[u8]]) -> Result<Self, Error> {
        let methods = Methods::from_descriptors(descriptors, |_| true)
            .map_err(|error| Error::Metrics(error.to_string()))?;
        let metrics = registry
            .map(CallMetrics::client)
            .transpose()
            .map_err(|error| Error::Metrics(error.to_string()))?;
        let user_agent = format!("thanos-rust/{}", env!("CARGO_PKG_VERSION"));
        Ok(Self { shared: Arc::new(Shared { metrics, methods, user_agent }) })
    }

    /// Makes a channel to `address` (`host:port`). The connection is opened with the first call and opened again when lost;
    /// a call fails at once with Unavailable while the server cannot be reached. Needs a running tokio.
    ///
    /// # Errors
    /// When the address is malformed or a TLS file is unusable.
    pub fn dial(&self, address: &str, options: &Options) -> Result<Channel, Error> {
        let transport = self.transport(address, options)?;
        Ok(Channel::to_one(transport, options.compression, self.shared.clone()))
    }

    /// Makes a channel to a group of servers that are the same: each call goes to the next one, and is tried up to three
    /// times while servers are unavailable. The group starts without servers; see [`Group::set_addresses`].
    pub fn dial_group(&self, options: &Options) -> (Channel, Arc<Group>) {
        let group = Arc::new(Group::new(self.clone(), options.clone()));
        (Channel::to_group(group.clone(), options.compression, self.shared.clone()), group)
    }

    fn transport(&self, address: &str, options: &Options) -> Result<tonic::transport::Channel, Error> {
        let invalid = |cause: String| Error::Address { address: address.to_owned(), cause };
        let authority = match address.strip_prefix(':') {
            Some(port) => format!("localhost:{port}"),
            None => address.to_owned(),
        };
        let uri: Uri = format!("http://{authority}")
            .parse()
            .map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))?;
        if uri.port_u16().is_none() {
            return Err(invalid("missing port in address".to_owned()));
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(invalid("has a path; host:port is wanted".to_owned()));
        }
        let connector = connect::Connector::new(&uri, options.tls.clone())
            .map_err(|source| Error::Tls { address: address.to_owned(), source })?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{authority}")
            .parse()
            .map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))?;
        let endpoint = Endpoint::from(uri)
            .origin(origin)
            .user_agent(self.shared.user_agent.clone())
            .map_err(|error| invalid(error.to_string()))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            // A frame of series is written and read in one go; in the usual frames of 16 KiB each is a call of the system.
            .max_frame_size(1 << 20);
        Ok(endpoint.connect_with_connector_lazy(connector))
    }
}
