//! The index: one file for every page, filled with what the browser has to know of this component, under a strict policy.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Serialize;

use crate::assets::Assets;
use crate::prefix::Prefix;

/// Where the built index has room for the data.
pub(crate) const PLACE: &str = "__THANOS_DATA__";

/// What is served in place of the pages when they were not built.
const UNBUILT: &str = include_str!("unbuilt.html");

/// What the pages show of this component.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The component's name: `query`, `store`, `compact`.
    pub component: &'static str,
    /// Version of the program.
    pub version: String,
    /// Revision it was built from.
    pub revision: String,
    /// The pages in the navigation, in order.
    pub pages: Vec<&'static str>,
    /// The page that `/` leads to.
    pub home: &'static str,
    /// Settings and abilities that the pages need.
    pub features: serde_json::Value,
}

/// The data of one answer.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    page: &'a Page,
    prefix: &'a str,
    nonce: &'a str,
}

/// Makes the answers.
pub(crate) struct Index {
    pub(crate) page: Page,
    pub(crate) prefix: Prefix,
    pub(crate) assets: Assets,
}

impl Index {
    /// The index for one request. The nonce allows styles that the program of the pages makes, and no others.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        match self.fill(request) {
            Ok((nonce, html)) => answer(&nonce, html),
            Err(error) => {
                tracing::error!(error, "index of the pages cannot be made");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    fn fill(&self, request: &HeaderMap) -> Result<(String, String), String> {
        let nonce = nonce()?;
        let prefix = self.prefix.of(request);
        let data = Data { page: &self.page, prefix: &prefix, nonce: &nonce };
        let data = serde_json::to_string(&data).map_err(|error| error.to_string())?;
        let template = self.assets.index().unwrap_or(UNBUILT);
        Ok((nonce, template.replacen(PLACE, &in_script(&data), 1)))
    }
}

fn answer(nonce: &str, html: String) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    );
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, &policy),
        // The data may be others after a restart, and the nonce is for one answer.
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    (headers, html).into_response()
}

fn nonce() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("random bytes: {error}"))?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

/// JSON that can stand in a `<script>` element: nothing in it ends the element or a line of script.
fn in_script(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_leave_its_element() {
        let json = serde_json::to_string("</script><!--&\u{2028}").unwrap();
        let safe = in_script(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), "</script><!--&\u{2028}");
    }

    #[test]
    fn nonces_differ() {
        assert_ne!(nonce().unwrap(), nonce().unwrap());
    }
}
