//! `--http.config`: the web configuration of Prometheus's exporter toolkit — TLS, users, headers, rate limit. The file and
//! the files it names are read again when they change; whether TLS is on at all, and the rate limit, are decided at the start.

mod auth;
mod limit;
mod parse;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use rustls::ServerConfig;

use crate::http::plain;
use crate::listener::TlsSource;
use crate::tls::Watched;

/// Why a web configuration is unusable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("read web configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is malformed or has a value that is not allowed.
    #[error("web configuration {path}: {cause}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: String,
    },
    /// Its TLS part is unusable.
    #[error("web configuration {path}: {source}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: crate::tls::Error,
    },
}

/// A web configuration, ready for use.
struct Loaded {
    tls: Option<Arc<ServerConfig>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    users: auth::Users,
    rate_limit: Option<limit::Rate>,
}

/// A web configuration file that is followed.
#[derive(Clone)]
pub(crate) struct WebConfigFile {
    watched: Arc<Watched<Arc<Loaded>, Error>>,
    start: Arc<Loaded>,
}

impl WebConfigFile {
    /// Reads and checks the file at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let watched =
            Watched::new(move || parse::load(&path).map(|(loaded, files)| (Arc::new(loaded), files)));
        let start = watched.get()?;
        Ok(Self { watched: Arc::new(watched), start })
    }

    /// Where connections get their TLS configuration; `None` when TLS is off.
    pub(crate) fn tls_source(&self) -> Option<TlsSource> {
        self.start.tls.as_ref()?;
        let watched = self.watched.clone();
        Some(Arc::new(move || match watched.get() {
            Ok(loaded) if loaded.tls.is_some() => Ok(loaded.tls.clone()),
            Ok(_) => Err("the web configuration no longer has a TLS part".to_owned()),
            Err(error) => Err(error.to_string()),
        }))
    }

    /// Puts headers, users and rate limit before `router`.
    pub(crate) fn protect(self, router: Router) -> Router {
        let limiter = self.start.rate_limit.map(limit::Limiter::new).map(Arc::new);
        let cache = Arc::new(auth::Cache::default());
        router.layer(from_fn(move |request: Request, next: Next| {
            let (watched, limiter, cache) = (self.watched.clone(), limiter.clone(), cache.clone());
            async move {
                let loaded = match watched.get() {
                    Ok(loaded) => loaded,
                    Err(error) => {
                        tracing::error!(err = %error, "unable to parse web configuration");
                        return plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n");
                    }
                };
                if limiter.is_some_and(|limiter| !limiter.allow()) {
                    return plain(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n");
                }
                let mut response = if loaded.users.admit(request.headers(), &cache).await {
                    next.run(request).await
                } else {
                    unauthorized()
                };
                for (name, value) in &loaded.headers {
                    // What the handler set itself stays, as it would with Go's handlers, which run after.
                    response.headers_mut().entry(name).or_insert_with(|| value.clone());
                }
                response
            }
        }))
    }
}

fn unauthorized() -> Response {
    let mut response = plain(StatusCode::UNAUTHORIZED, "Unauthorized\n").into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    response
}
