//! The HTTP client under the S3 bucket: TLS by rustls with ring, the limits of `http_config`, and the request log of `trace`.

use std::{sync::Arc, time::Instant};

use http::{Request, Response};
use opendal::{Buffer, HttpBody, HttpTransport, HttpTransporter};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio::sync::Semaphore;

use super::config::S3Config;
use crate::{Error, Result};

/// Builds the client.
pub(super) fn build(config: &S3Config, component: &str) -> Result<HttpTransporter> {
    let http = &config.http_config;
    // The process may have chosen a provider already; any later choice, this one included, is then without effect.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let per_host = if http.max_idle_conns_per_host == 0 { 2 } else { http.max_idle_conns_per_host };
    let in_all = if http.max_idle_conns == 0 { usize::MAX } else { http.max_idle_conns };
    let mut client = reqwest::Client::builder()
        .user_agent(format!("thanos-{component}/{}", env!("CARGO_PKG_VERSION")))
        .no_gzip()
        .pool_max_idle_per_host(per_host.min(in_all));
    if !http.idle_conn_timeout.is_zero() {
        client = client.pool_idle_timeout(http.idle_conn_timeout);
    }
    if !http.tls_handshake_timeout.is_zero() {
        client = client.connect_timeout(http.tls_handshake_timeout);
    }
    if http.insecure_skip_verify || http.tls_config.insecure_skip_verify {
        client = client.tls_danger_accept_invalid_certs(true);
    }
    let refuse = |what: &str, path: &str, error: &dyn std::fmt::Display| {
        Error::config(format!("create S3 client: {what} {path}: {error}"))
    };
    let tls = &http.tls_config;
    if !tls.ca_file.is_empty() {
        let pem =
            std::fs::read(&tls.ca_file).map_err(|error| refuse("read ca_file", &tls.ca_file, &error))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| refuse("parse ca_file", &tls.ca_file, &error))?;
        client = client.tls_certs_only(authorities);
    }
    if tls.cert_file.is_empty() != tls.key_file.is_empty() {
        return Err(Error::config("create S3 client: cert_file and key_file of tls_config go together"));
    }
    if !tls.cert_file.is_empty() {
        let mut pem = std::fs::read(&tls.cert_file)
            .map_err(|error| refuse("read cert_file", &tls.cert_file, &error))?;
        let key =
            std::fs::read(&tls.key_file).map_err(|error| refuse("read key_file", &tls.key_file, &error))?;
        pem.push(b'\n');
        pem.extend_from_slice(&key);
        let identity = reqwest::Identity::from_pem(&pem)
            .map_err(|error| refuse("parse cert_file and key_file", &tls.cert_file, &error))?;
        client = client.identity(identity);
    }
    let client = client.build().map_err(|error| Error::config(format!("create S3 client: {error}")))?;
    let limit = (http.max_conns_per_host > 0).then(|| Arc::new(Semaphore::new(http.max_conns_per_host)));
    Ok(HttpTransporter::new(Transport { inner: client.into(), limit, trace: config.trace.enable }))
}

struct Transport {
    inner: ReqwestTransport,
    limit: Option<Arc<Semaphore>>,
    trace: bool,
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        let _permit = match &self.limit {
            Some(limit) => Some(limit.acquire().await.map_err(|_| {
                opendal::Error::new(opendal::ErrorKind::Unexpected, "requests are not let through any more")
            })?),
            None => None,
        };
        let traced = self.trace.then(|| (request.method().clone(), request.uri().clone(), Instant::now()));
        let response = self.inner.fetch(request).await;
        if let Some((method, uri, start)) = traced {
            let seconds = start.elapsed().as_secs_f64();
            match &response {
                Ok(response) => {
                    tracing::debug!(%method, %uri, status = response.status().as_u16(), seconds, "s3 request");
                }
                Err(error) => tracing::debug!(%method, %uri, %error, seconds, "s3 request"),
            }
        }
        response
    }
}
