//! The embedded files and how they are sent: compressed at build time, with a tag, hashed ones for ever.

use std::io::Read;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::encoding::Encoding;

/// Files whose names change with their content are in this folder.
const HASHED: &str = "assets/";

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asset {
    /// Path below the root of the pages, without a slash in front.
    pub(crate) path: &'static str,
    /// Changes with the content.
    pub(crate) tag: &'static str,
    pub(crate) body: Body,
}

/// The content of a file.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "a program without the pages makes none")]
pub(crate) enum Body {
    /// As it is: what does not get smaller.
    Plain(&'static [u8]),
    /// Compressed only; who takes neither gets the gzip form unpacked.
    Compressed { brotli: &'static [u8], gzip: &'static [u8] },
}

/// The files of the pages.
#[derive(Clone, Copy, Debug)]
pub struct Assets(pub(crate) &'static [Asset]);

impl Assets {
    /// Those that were there when this program was built; none without a build of the pages.
    pub fn embedded() -> Self {
        Self(include!(concat!(env!("OUT_DIR"), "/assets.rs")))
    }

    /// Whether the pages are in this program.
    pub fn is_built(&self) -> bool {
        self.find("index.html").is_some()
    }

    pub(crate) fn find(&self, path: &str) -> Option<&'static Asset> {
        self.0.iter().find(|asset| asset.path == path)
    }

    /// The index as it was built.
    pub(crate) fn index(&self) -> Option<&'static str> {
        match self.find("index.html")?.body {
            Body::Plain(content) => std::str::from_utf8(content).ok(),
            Body::Compressed { .. } => None,
        }
    }
}

impl Asset {
    fn is_hashed(&self) -> bool {
        self.path.starts_with(HASHED)
    }

    /// Answers a request for this file.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let tag = format!("W/\"{}\"", self.tag);
        let cache = if self.is_hashed() { "public, max-age=31536000, immutable" } else { "no-cache" };
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(value) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, value);
        }
        if is_known(request, self.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(self.path)));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let content = match self.body {
            Body::Plain(content) => Bytes::from_static(content),
            Body::Compressed { brotli, gzip } => match Encoding::choose(request) {
                Encoding::Brotli => {
                    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
                    Bytes::from_static(brotli)
                }
                Encoding::Gzip => {
                    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                    Bytes::from_static(gzip)
                }
                Encoding::Identity => match unpack(gzip) {
                    Ok(content) => content,
                    Err(error) => {
                        tracing::error!(%error, file = self.path, "embedded file cannot be unpacked");
                        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                    }
                },
            },
        };
        (headers, content).into_response()
    }
}

/// Whether the request says that it has the content with this tag.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).trim_matches('"') == tag)
}

fn unpack(gzip: &'static [u8]) -> std::io::Result<Bytes> {
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(gzip).read_to_end(&mut content)?;
    Ok(content.into())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_unpacks_and_the_index_takes_data() {
        let assets = Assets::embedded();
        for asset in assets.0 {
            if let Body::Compressed { gzip, brotli } = asset.body {
                assert!(!unpack(gzip).unwrap().is_empty() && !brotli.is_empty(), "{}", asset.path);
            }
            assert_ne!(content_type(asset.path), "application/octet-stream", "{}", asset.path);
        }
        if assets.is_built() {
            assert_eq!(assets.index().unwrap().matches(crate::index::PLACE).count(), 1);
        }
    }

    #[test]
    fn tags_are_compared_weakly_and_in_lists() {
        let known = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            is_known(&headers, "abc")
        };
        assert!(known("\"abc\"") && known("W/\"abc\"") && known("\"x\", W/\"abc\"") && known("*"));
        assert!(!known("\"ab\"") && !known(""));
    }
}
