//! HTTP client configuration: credentials, proxy, TLS, transport. Files with secrets are read for each request, files of TLS
//! when they change.

mod config;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder};
use url::Url;

pub use config::{BasicAuth, HttpClientConfig, TlsConfig, TransportConfig};

/// TLS files are looked at no more often than this.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Why an HTTP client cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Malformed YAML, settings that do not go together, or such that this build does not have.
    #[error("HTTP client configuration: {0}")]
    Config(String),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] crate::tls::Error),
    /// A file with a secret cannot be read.
    #[error("read {what} from {path}: {source}")]
    Secret {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The client could not be put together.
    #[error("build HTTP client: {0}")]
    Build(#[from] reqwest::Error),
}

/// An HTTP client that adds its credentials to each request. Clones share connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: HttpClientConfig,
    state: Mutex<State>,
}

impl From<reqwest::Client> for HttpClient {
    /// A client without credentials over `client`.
    fn from(client: reqwest::Client) -> Self {
        let state = State { client, prints: Vec::new(), checked: Instant::now() };
        Self { inner: Arc::new(Inner { config: HttpClientConfig::default(), state: Mutex::new(state) }) }
    }
}

#[derive(Debug)]
struct State {
    client: reqwest::Client,
    prints: Vec<Option<(u64, SystemTime)>>,
    checked: Instant,
}

impl HttpClient {
    /// Builds a client.
    ///
    /// # Errors
    /// When settings do not go together or a TLS file is unusable.
    pub fn new(config: HttpClientConfig) -> Result<Self, Error> {
        config.check()?;
        let client = config.build()?;
        let state = State { client, prints: prints(&config), checked: Instant::now() };
        Ok(Self { inner: Arc::new(Inner { config, state: Mutex::new(state) }) })
    }

    /// Begins a request with the credentials in place.
    ///
    /// # Errors
    /// When a file with a secret cannot be read.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Error> {
        let request = self.client().request(method, url);
        Ok(match self.authorization()? {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        })
    }

    /// The client below, built again when a TLS file has changed. It adds no credentials.
    pub fn client(&self) -> reqwest::Client {
        let mut state = self.inner.state.lock();
        if state.checked.elapsed() >= CHECK_EVERY {
            state.checked = Instant::now();
            let now = prints(&self.inner.config);
            if now != state.prints {
                match self.inner.config.build() {
                    Ok(client) => {
                        state.client = client;
                        state.prints = now;
                    }
                    Err(error) => {
                        tracing::error!(err = %error, "reloading TLS files failed, the last good ones stay in use");
                    }
                }
            }
        }
        state.client.clone()
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        let config = &self.inner.config;
        let text = if !config.basic_auth.is_unset() {
            let basic = &config.basic_auth;
            let password = match &basic.password_file {
                Some(path) => read_secret("password", path)?,
                None => basic.password.clone(),
            };
            format!("Basic {}", STANDARD.encode(format!("{}:{password}", basic.username)))
        } else if let Some(path) = &config.bearer_token_file {
            format!("Bearer {}", read_secret("bearer token", path)?)
        } else if !config.bearer_token.is_empty() {
            format!("Bearer {}", config.bearer_token)
        } else {
            return Ok(None);
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Error::Config("credentials hold characters that a header cannot".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn prints(config: &HttpClientConfig) -> Vec<Option<(u64, SystemTime)>> {
    let tls = &config.tls_config;
    let files = [&tls.ca_file, &tls.cert_file, &tls.key_file];
    let print = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.len(), meta.modified().ok()?))
    };
    files.into_iter().flatten().map(print).collect()
}

fn read_secret(what: &'static str, path: &PathBuf) -> Result<String, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Secret { what, path: path.clone(), source })?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests;
