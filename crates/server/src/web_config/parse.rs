//! The YAML of a web configuration.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use rustls::ServerConfig;
use serde::Deserialize;

use super::limit::Rate;
use super::{Error, Loaded, auth};
use crate::tls::{self, CipherSuites, Curves, Identity, TlsVersion};

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    tls_server_config: Tls,
    http_server_config: Http,
    basic_auth_users: HashMap<String, String>,
    rate_limit: RateLimit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tls {
    cert: String,
    key: String,
    client_ca: String,
    cert_file: PathBuf,
    key_file: PathBuf,
    client_ca_file: PathBuf,
    client_auth_type: String,
    min_version: Option<String>,
    max_version: Option<String>,
    cipher_suites: Vec<String>,
    curve_preferences: Vec<String>,
    /// Without effect since Go 1.17, and here.
    prefer_server_cipher_suites: Option<bool>,
    client_allowed_sans: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    http2: bool,
    headers: HashMap<String, String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { http2: true, headers: HashMap::new() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RateLimit {
    burst: u32,
    interval: String,
}

/// Reads the file and tells which files it was made from.
pub(super) fn load(path: &Path) -> Result<(Loaded, Vec<PathBuf>), Error> {
    let yaml =
        std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let invalid = |cause: String| Error::Invalid { path: path.to_owned(), cause };
    let mut config: Config = if yaml.trim().is_empty() {
        Config::default()
    } else {
        serde_saphyr::from_str(&yaml).map_err(|error| invalid(error.to_string()))?
    };
    let mut files = vec![path.to_owned()];
    let directory = path.parent().unwrap_or(Path::new(""));
    let tls = &mut config.tls_server_config;
    for file in [&mut tls.cert_file, &mut tls.key_file, &mut tls.client_ca_file] {
        if !file.as_os_str().is_empty() {
            *file = directory.join(&*file);
            files.push(file.clone());
        }
    }
    let loaded = Loaded {
        tls: server_tls(tls, config.http_server_config.http2)
            .map_err(|source| Error::Tls { path: path.to_owned(), source })?
            .map(Arc::new),
        headers: headers(&config.http_server_config.headers).map_err(invalid)?,
        users: auth::Users::new(config.basic_auth_users).map_err(invalid)?,
        rate_limit: rate_limit(&config.rate_limit).map_err(invalid)?,
    };
    Ok((loaded, files))
}

fn server_tls(tls: &Tls, http2: bool) -> Result<Option<ServerConfig>, tls::Error> {
    let setup = |text: &str| Err(tls::Error::Setup(text.to_owned()));
    let has = |path: &Path, inline: &str| !path.as_os_str().is_empty() || !inline.is_empty();
    let has_cert = has(&tls.cert_file, &tls.cert);
    let has_key = has(&tls.key_file, &tls.key);
    let has_ca = has(&tls.client_ca_file, &tls.client_ca);
    if !has_cert && !has_key && !has_ca && tls.client_auth_type.is_empty() {
        return Ok(None);
    }
    if !has_cert {
        return setup("missing one of cert or cert_file");
    }
    if !has_key {
        return setup("missing one of key or key_file");
    }
    if tls.client_allowed_sans.is_some() {
        return Err(tls::Error::Unsupported("client_allowed_sans is not built".to_owned()));
    }
    if !tls.client_ca.is_empty() || tls.cert.is_empty() != tls.key.is_empty() {
        return Err(tls::Error::Unsupported(
            "client_ca inline, and a certificate and key of which one is inline and the other a file, are not built; use files"
                .to_owned(),
        ));
    }
    let identity = if tls.cert_file.as_os_str().is_empty() {
        Identity::parse(&tls.cert, &tls.key)?
    } else {
        Identity::read(&tls.cert_file, &tls.key_file)?
    };
    let verifier = match tls.client_auth_type.as_str() {
        "" | "NoClientCert" if has_ca => {
            return setup("client CA's have been configured without a Client Auth Policy");
        }
        "" | "NoClientCert" => None,
        "RequestClientCert" => Some(tls::any_client(false)),
        "RequireAnyClientCert" | "RequireClientCert" => Some(tls::any_client(true)),
        kind @ ("VerifyClientCertIfGiven" | "RequireAndVerifyClientCert") => {
            if !has_ca {
                return setup("client certificates are to be verified but there is no client_ca_file");
            }
            Some(tls::verify_clients(&tls.client_ca_file, kind == "VerifyClientCertIfGiven")?)
        }
        other => return setup(&format!("invalid ClientAuth: {other}")),
    };
    let version = |text: &Option<String>, default| text.as_deref().map_or(Ok(default), TlsVersion::parse);
    let (min, max) =
        (version(&tls.min_version, TlsVersion::V1_2)?, version(&tls.max_version, TlsVersion::V1_3)?);
    let suites = CipherSuites::parse(&tls.cipher_suites)?;
    let curves = Curves::parse(&tls.curve_preferences)?;
    if tls.prefer_server_cipher_suites == Some(false) {
        tracing::debug!("prefer_server_cipher_suites has no effect");
    }
    let mut config = tls::server_config(&identity, verifier, |parts| {
        (parts.min, parts.max, parts.suites, parts.curves) = (min, max, suites, curves);
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if http2 {
        config.alpn_protocols.insert(0, b"h2".to_vec());
    }
    Ok(Some(config))
}

/// The headers that may be set, with the values allowed; none is any.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

fn headers(wanted: &HashMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let mut out = Vec::with_capacity(wanted.len());
    for (name, value) in wanted {
        let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| known == name) else {
            return Err(format!("HTTP header {name:?} can not be configured"));
        };
        if !allowed.is_empty() && !allowed.contains(&value.as_str()) {
            return Err(format!(
                "invalid value for {name}. Expected one of: {allowed:?}, but got: {value:?}"
            ));
        }
        let name = name.parse::<HeaderName>().map_err(|error| error.to_string())?;
        out.push((
            name,
            HeaderValue::from_str(value).map_err(|error| format!("value of {value:?}: {error}"))?,
        ));
    }
    Ok(out)
}

fn rate_limit(config: &RateLimit) -> Result<Option<Rate>, String> {
    if config.interval.is_empty() || config.interval == "0" {
        return Ok(None);
    }
    let interval = model::duration::parse_go(&config.interval)
        .map_err(|error| format!("rate_limit interval: {error}"))?;
    match u64::try_from(interval) {
        Ok(0) => Ok(None),
        Ok(nanos) => Ok(Some(Rate { burst: config.burst, interval: std::time::Duration::from_nanos(nanos) })),
        Err(_) => Err("rate_limit interval is negative".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.yml");
        std::fs::write(&path, yaml).unwrap();
        load(&path).err().expect("the configuration is refused").to_string()
    }

    #[test]
    fn faults_are_refused_with_their_reason() {
        for (yaml, text) in [
            ("nope: 1", "nope"),
            ("tls_server_config: {cert_file: a}", "missing one of key or key_file"),
            ("tls_server_config: {key_file: a}", "missing one of cert or cert_file"),
            ("tls_server_config: {cert_file: a, key_file: b}", "server certificate"),
            ("http_server_config: {headers: {X-Nope: a}}", "can not be configured"),
            ("http_server_config: {headers: {X-Frame-Options: a}}", "invalid value for X-Frame-Options"),
            ("basic_auth_users: {ann: plain}", "not a bcrypt hash"),
            ("rate_limit: {burst: 1, interval: soon}", "rate_limit interval"),
        ] {
            let error = refused(yaml);
            assert!(error.contains(text), "{yaml}: {error}");
        }
    }

    #[test]
    fn an_empty_file_asks_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.yml");
        std::fs::write(&path, "").unwrap();
        let (loaded, files) = load(&path).unwrap();
        assert!(loaded.tls.is_none() && loaded.headers.is_empty() && loaded.rate_limit.is_none());
        assert_eq!(files, [path]);
    }
}
