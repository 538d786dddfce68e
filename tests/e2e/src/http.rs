//! Blocking HTTP for tests.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// An HTTP answer, read whole.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body)
            .with_context(|| format!("answer {} is not JSON: {:.500}", self.status, self.body))
    }
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be built")
    })
}

fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        // Fails only if a provider was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .timeout(Duration::from_secs(120))
            .build()
            .expect("the default client can be built")
    })
}

fn finish(request: reqwest::RequestBuilder) -> Result<Answer> {
    runtime().block_on(async {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Ok(Answer { status, headers, body: response.text().await? })
    })
}

/// PUT without a body.
pub fn put(url: &str) -> Result<Answer> {
    finish(client().put(url))
}

/// GET with query parameters.
pub fn get(url: &str, params: &[(&str, &str)]) -> Result<Answer> {
    finish(client().get(url).query(params)).with_context(|| format!("GET {url}"))
}

/// POST of a form.
pub fn post_form(url: &str, params: &[(&str, &str)]) -> Result<Answer> {
    finish(client().post(url).form(params)).with_context(|| format!("POST {url}"))
}

/// Does the URL answer 200?
pub fn is_ok(url: &str) -> bool {
    get(url, &[]).is_ok_and(|a| a.status == 200)
}
