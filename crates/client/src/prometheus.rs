//! HTTP client of one Prometheus server: what the sidecar asks of its peer.
//!
//! Answers are parsed into plain data. The remote-read call is the exception: its protobuf messages are handed over as
//! bytes (frame by frame, checksums verified), so that this crate needs no generated types and the reader can keep
//! chunk data borrowed from the frame.
//!
//! Every JSON body is capped at [`MAX_BODY_BYTES`]; `/metrics` is scanned line by line and never held whole.

mod exemplars;
mod json;
mod query;
mod remote_read;
mod rules;
mod select;
mod status;
mod targets;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::de::DeserializeOwned;
use url::Url;

use crate::http_config::HttpClient;

pub use exemplars::{Exemplar, ExemplarData};
pub use query::{InstantResult, InstantSample};
pub use remote_read::{FrameDecoder, FrameError, FrameStream, MAX_FRAME_BYTES, RemoteReadResponse};
pub use rules::{Alert, AlertInstance, AlertState, RecordingRule, Rule, RuleGroup, RuleType};
pub use select::MetricMetadata;
pub use status::{Flags, HeadStats, RuntimeInfo, Stat, TsdbStatus};
pub use targets::{ActiveTarget, DroppedTarget, TargetDiscovery, TargetHealth, TargetState};

/// Most bytes of one JSON or YAML answer that is read into memory (512 MiB).
pub const MAX_BODY_BYTES: usize = 512 << 20;

/// Most bytes of an error answer that are kept for the message.
const MAX_ERROR_BODY_BYTES: usize = 64 << 10;

/// Why a call to Prometheus failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credentials of the request cannot be had.
    #[error(transparent)]
    Http(#[from] crate::http_config::Error),
    /// The request could not be sent, or the answer broke off.
    #[error("perform {method} request against {url}: {}", chain(.source))]
    Request {
        /// HTTP method of the request.
        method: Method,
        /// Address of the request.
        url: String,
        /// What the HTTP client says.
        source: reqwest::Error,
    },
    /// Prometheus answered with a status outside of 2xx.
    #[error("expected 2xx response, got {code}. Body: {body}")]
    Status {
        /// HTTP status code.
        code: u16,
        /// Body of the answer, cut to a readable length.
        body: String,
    },
    /// The answer is 2xx but its envelope says that the call failed.
    #[error("{message}")]
    Api {
        /// HTTP status code.
        code: u16,
        /// The `error` field.
        message: String,
    },
    /// The answer could not be understood.
    #[error("parse response of {url}: {reason}")]
    Parse {
        /// Address of the request.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The answer is longer than the cap.
    #[error("response of {url} is longer than {limit} bytes")]
    TooLarge {
        /// Address of the request.
        url: String,
        /// The cap in bytes.
        limit: usize,
    },
    /// A frame of a streamed remote-read answer is broken.
    #[error("remote read stream of {url}: {source}")]
    Frame {
        /// Address of the request.
        url: String,
        /// What is wrong with the frame.
        source: FrameError,
    },
}

impl Error {
    /// Status code of the answer, when there was one that says that the call failed.
    pub fn status_code(&self) -> Option<u16> {
        match self {
            Error::Status { code, .. } | Error::Api { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// An error with its causes; the HTTP client's own message names only the outermost.
fn chain(error: &reqwest::Error) -> String {
    let mut out = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = next {
        if !out.is_empty() {
            out.push_str(": ");
        }
        out.push_str(&cause.to_string());
        next = cause.source();
    }
    if out.is_empty() { error.to_string() } else { out }
}

/// Client of one Prometheus. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: HttpClient,
    base: Url,
    user_agent: Option<HeaderValue>,
}

impl Client {
    /// A client of the Prometheus at `base` (its path is kept as a prefix) that sends through `http`.
    pub fn new(http: impl Into<HttpClient>, base: Url) -> Client {
        Client { http: http.into(), base, user_agent: None }
    }

    /// The same client, naming itself `agent` to the server.
    pub fn with_user_agent(mut self, agent: &str) -> Client {
        self.user_agent = HeaderValue::from_str(agent).ok();
        self
    }

    /// Address of the Prometheus.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `base` with `segments` appended to its path; each is percent-encoded.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Sends a request and returns the answer whatever its status is.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<reqwest::Response, Error> {
        let mut request = self.http.request(method.clone(), url.clone())?.headers(headers);
        if let Some(agent) = &self.user_agent {
            request = request.header(USER_AGENT, agent.clone());
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        request.send().await.map_err(|source| Error::Request { method, url: url.to_string(), source })
    }

    /// Sends a request and returns the answer if its status is 2xx.
    async fn send_2xx(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<reqwest::Response, Error> {
        let response = self.send(method, url, headers, body).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status().as_u16();
        Err(Error::Status { code, body: error_body(response).await })
    }

    async fn get_body(&self, url: Url) -> Result<(u16, Bytes), Error> {
        let response = self.send_2xx(Method::GET, url, HeaderMap::new(), Bytes::new()).await?;
        let code = response.status().as_u16();
        Ok((code, read_body(response).await?))
    }

    /// GET of an API address; returns the `data` field, or its default for 204.
    async fn get_data<T: DeserializeOwned + Default>(&self, url: Url) -> Result<T, Error> {
        let at = url.to_string();
        let (code, body) = self.get_body(url).await?;
        if code == 204 {
            return Ok(T::default());
        }
        json::data(code, &body, &at)
    }

    /// POST of a form to an API address; returns the answer's code and body.
    async fn post_form(&self, url: Url, form: &[(&str, String)]) -> Result<(u16, Bytes), Error> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let response = self.send_2xx(Method::POST, url, headers, Bytes::from(body)).await?;
        let code = response.status().as_u16();
        Ok((code, read_body(response).await?))
    }
}

/// Reads the whole body of an answer, up to [`MAX_BODY_BYTES`].
async fn read_body(response: reqwest::Response) -> Result<Bytes, Error> {
    let url = response.url().to_string();
    let too_large = || Error::TooLarge { url: url.clone(), limit: MAX_BODY_BYTES };
    let announced = response.content_length().unwrap_or(0);
    if announced > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    let mut stream = response.bytes_stream();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|source| Error::Request { method: Method::GET, url: url.clone(), source })?;
        if body.len() + part.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

/// The text of an error answer; a body that cannot be read is left empty, since the status is what matters.
pub(crate) async fn error_body(response: reqwest::Response) -> String {
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(part)) = stream.next().await {
        let room = MAX_ERROR_BODY_BYTES - body.len();
        body.extend_from_slice(&part[..part.len().min(room)]);
        if body.len() == MAX_ERROR_BODY_BYTES {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

fn header(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// A time in milliseconds as the decimal seconds of Prometheus's API parameters.
///
/// Times further out than nine quadrillion seconds are pulled in: a double holds no more whole seconds exactly, and
/// Prometheus's parser overflows on the smallest and largest millisecond.
pub(crate) fn format_time(ms: i64) -> String {
    const LIMIT_MS: i64 = 9_000_000_000_000_000_000;
    let ms = ms.clamp(-LIMIT_MS, LIMIT_MS);
    let (sign, abs) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    if abs % 1000 == 0 {
        return format!("{sign}{}", abs / 1000);
    }
    let text = format!("{sign}{}.{:03}", abs / 1000, abs % 1000);
    text.trim_end_matches('0').to_string()
}

/// A plain HTTP client; in the binary the provider is chosen once at start.
#[cfg(test)]
pub(crate) fn test_http_client() -> reqwest::Client {
    // A second test finds it installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("client without settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_times_as_decimal_seconds() {
        for (ms, text) in [
            (0, "0"),
            (1, "0.001"),
            (-1, "-0.001"),
            (1500, "1.5"),
            (-62_167_219_200_000, "-62167219200"),
            (1_700_000_000_120, "1700000000.12"),
            (i64::MIN, "-9000000000000000"),
            (i64::MAX, "9000000000000000"),
        ] {
            assert_eq!(format_time(ms), text, "{ms}");
        }
    }

    #[test]
    fn keeps_the_path_of_the_base_address() {
        let client = |base: &str| Client::new(test_http_client(), Url::parse(base).expect("address"));
        for (base, want) in [
            ("http://a:9090", "http://a:9090/api/v1/read"),
            ("http://a:9090/", "http://a:9090/api/v1/read"),
            ("http://a:9090/prom", "http://a:9090/prom/api/v1/read"),
            ("http://a:9090/prom/", "http://a:9090/prom/api/v1/read"),
        ] {
            assert_eq!(client(base).url(&["api", "v1", "read"]).as_str(), want);
        }
    }
}
