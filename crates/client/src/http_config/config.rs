//! The YAML of an HTTP client configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::Error;
use crate::tls::{ClientTls, MinVersion};

/// An HTTP client configuration. Unknown fields are passed over, as in Thanos.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct HttpClientConfig {
    /// User and password.
    pub basic_auth: BasicAuth,
    /// Bearer token.
    pub bearer_token: String,
    /// File with the bearer token.
    #[serde(deserialize_with = "path")]
    pub bearer_token_file: Option<PathBuf>,
    /// Proxy for all requests; without it none is used.
    pub proxy_url: String,
    /// TLS.
    pub tls_config: TlsConfig,
    /// Connections.
    pub transport_config: TransportConfig,
}

/// User and password, the latter given or in a file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct BasicAuth {
    /// User.
    pub username: String,
    /// Password.
    pub password: String,
    /// File with the password.
    #[serde(deserialize_with = "path")]
    pub password_file: Option<PathBuf>,
}

impl BasicAuth {
    pub(super) fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

/// TLS files and checks.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct TlsConfig {
    /// CAs of servers.
    #[serde(deserialize_with = "path")]
    pub ca_file: Option<PathBuf>,
    /// Client certificate.
    #[serde(deserialize_with = "path")]
    pub cert_file: Option<PathBuf>,
    /// Client key.
    #[serde(deserialize_with = "path")]
    pub key_file: Option<PathBuf>,
    /// Name the server's certificate must have.
    pub server_name: String,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
}

/// Connections. Durations are in nanoseconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct TransportConfig {
    /// Most idle connections in all; without effect, for a client has one server and so the limit per host holds.
    pub max_idle_conns: i64,
    /// Most idle connections per host; 0 is 2, as in Go.
    pub max_idle_conns_per_host: i64,
    /// Time an idle connection is kept.
    pub idle_conn_timeout: i64,
    /// Not built; must be 0.
    pub response_header_timeout: i64,
    /// Without effect: no request asks to continue.
    pub expect_continue_timeout: i64,
    /// Not built; must be 0.
    pub max_conns_per_host: i64,
    /// Asks for answers without compression.
    pub disable_compression: bool,
    /// Time for a TLS handshake.
    pub tls_handshake_timeout: i64,
    /// Time for opening a TCP connection.
    pub dialer_timeout: i64,
}

impl Default for TransportConfig {
    fn default() -> Self {
        const SECOND: i64 = 1_000_000_000;
        Self {
            max_idle_conns: 100,
            max_idle_conns_per_host: 2,
            idle_conn_timeout: 90 * SECOND,
            response_header_timeout: 0,
            expect_continue_timeout: 10 * SECOND,
            max_conns_per_host: 0,
            disable_compression: false,
            tls_handshake_timeout: 10 * SECOND,
            dialer_timeout: 5 * SECOND,
        }
    }
}

/// An empty path is none.
fn path<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(deserializer)?;
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}

impl HttpClientConfig {
    /// Parses YAML; empty is the default.
    ///
    /// # Errors
    /// When it is malformed or asks for what does not go together.
    pub fn from_yaml(yaml: &str) -> Result<Self, Error> {
        if yaml.trim().is_empty() {
            return Ok(Self::default());
        }
        let config: Self = serde_saphyr::from_str(yaml).map_err(|error| Error::Config(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |text: &str| Err(Error::Config(text.to_owned()));
        if !self.bearer_token.is_empty() && self.bearer_token_file.is_some() {
            return refuse("at most one of bearer_token & bearer_token_file must be configured");
        }
        let bearer = !self.bearer_token.is_empty() || self.bearer_token_file.is_some();
        if bearer && !self.basic_auth.is_unset() {
            return refuse("at most one of basic_auth, bearer_token & bearer_token_file must be configured");
        }
        if !self.basic_auth.password.is_empty() && self.basic_auth.password_file.is_some() {
            return refuse("at most one of basic_auth password & password_file must be configured");
        }
        if self.transport_config.max_conns_per_host != 0 {
            return refuse("transport_config.max_conns_per_host is not built");
        }
        if self.transport_config.response_header_timeout != 0 {
            return refuse("transport_config.response_header_timeout is not built");
        }
        Ok(())
    }

    pub(super) fn build(&self) -> Result<reqwest::Client, Error> {
        let tls = ClientTls {
            ca_file: self.tls_config.ca_file.clone(),
            cert_file: self.tls_config.cert_file.clone(),
            key_file: self.tls_config.key_file.clone(),
            server_name: (!self.tls_config.server_name.is_empty())
                .then(|| self.tls_config.server_name.clone()),
            insecure_skip_verify: self.tls_config.insecure_skip_verify,
            // Prometheus's HTTP clients take 1.2, unlike the gRPC ones of Thanos.
            min_version: MinVersion::V1_2,
        };
        let transport = &self.transport_config;
        // The TCP connection and the handshake share one limit in the client below.
        let connecting = nanos(transport.dialer_timeout).zip(nanos(transport.tls_handshake_timeout));
        let per_host =
            usize::try_from(transport.max_idle_conns_per_host).ok().filter(|&count| count > 0).unwrap_or(2);
        let mut builder = reqwest::Client::builder()
            .use_preconfigured_tls((*tls.build_for_any_host(&[b"h2", b"http/1.1"])?).clone())
            .pool_max_idle_per_host(per_host)
            .pool_idle_timeout(nanos(transport.idle_conn_timeout))
            .redirect(reqwest::redirect::Policy::limited(10))
            .tcp_nodelay(true);
        if let Some((dial, handshake)) = connecting {
            builder = builder.connect_timeout(dial + handshake);
        }
        if transport.disable_compression {
            builder = builder.no_gzip();
        }
        builder = if self.proxy_url.is_empty() {
            builder.no_proxy()
        } else {
            builder.proxy(reqwest::Proxy::all(&self.proxy_url)?)
        };
        Ok(builder.build()?)
    }
}

/// A positive count of nanoseconds; zero or less is no limit, as in Go.
fn nanos(count: i64) -> Option<Duration> {
    u64::try_from(count).ok().filter(|&count| count > 0).map(Duration::from_nanos)
}
