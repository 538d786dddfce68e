//! The path under which a browser sees the pages, which a reverse proxy may have changed.

use axum::http::{HeaderMap, HeaderName};
use url::Url;

/// Where the prefix of links comes from.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    external: String,
    header: Option<HeaderName>,
}

impl Prefix {
    /// The prefix of `--web.external-prefix`; when that is empty, the one in the header that `--web.prefix-header` names.
    ///
    /// # Errors
    /// When the name is not one of a header.
    pub fn new(external: &str, header: &str) -> Result<Self, String> {
        let header = match header {
            "" => None,
            name => Some(name.parse().map_err(|_| format!("{name:?} is not the name of a header"))?),
        };
        Ok(Self { external: external.to_owned(), header })
    }

    /// The prefix for one request: empty, or `/a/b` without a slash at its end.
    pub(crate) fn of(&self, request: &HeaderMap) -> String {
        if !self.external.is_empty() {
            return path_of(&self.external);
        }
        let given = self.header.as_ref().and_then(|name| request.get(name)?.to_str().ok());
        given.map(path_of).unwrap_or_default()
    }
}

/// The path of what may be a whole URL. Scheme and host are dropped, so that a header cannot lead links to another site; so are
/// empty parts, which a browser would take for a host at the front.
fn path_of(given: &str) -> String {
    let base = Url::parse("http://localhost/").expect("a constant");
    let Ok(url) = base.join(given) else { return String::new() };
    let parts = url.path().split('/').filter(|part| !part.is_empty());
    parts.fold(String::new(), |path, part| path + "/" + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_counts() {
        for (given, path) in [
            ("", ""),
            ("/", ""),
            ("thanos", "/thanos"),
            ("/a/b/", "/a/b"),
            ("/a//b/../c", "/a/c"),
            ("//evil.example/x", "/x"),
            ("https://proxy.example/thanos/", "/thanos"),
            ("/\\evil.example", ""),
            ("/a?b=c#d", "/a"),
            ("http://[", ""),
            ("/<script>", "/%3Cscript%3E"),
        ] {
            assert_eq!(path_of(given), path, "{given}");
        }
    }

    #[test]
    fn the_flag_wins_over_the_header() {
        let mut request = HeaderMap::new();
        request.insert("x-forwarded-prefix", "/proxied".parse().unwrap());
        assert_eq!(Prefix::new("", "X-Forwarded-Prefix").unwrap().of(&request), "/proxied");
        assert_eq!(Prefix::new("/static", "X-Forwarded-Prefix").unwrap().of(&request), "/static");
        assert_eq!(Prefix::new("", "").unwrap().of(&request), "");
        assert_eq!(Prefix::new("", "X-Other").unwrap().of(&request), "");
        assert!(Prefix::new("", "a b").is_err());
    }
}
