//! `--endpoint.sd-config`: endpoints with their own TLS and compression.

use serde::Deserialize;

use crate::dns::is_dynamic;
use crate::grpc::{Compression, Options};
use crate::tls::{ClientTls, MinVersion};

/// Why an endpoint configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Malformed YAML.
    #[error("parse endpoint configuration: {0}")]
    Yaml(String),
    /// A strict endpoint that would be looked up.
    #[error(
        "{0} is a dynamically specified endpoint i.e. it uses SD and that is not permitted under strict mode."
    )]
    StrictDynamic(String),
    /// A service config where none can be.
    #[error("{0} service_config is only valid for endpoint groups.")]
    ServiceConfig(String),
    /// A service config at all.
    #[error(
        "{0}: service_config is not built; groups are served in turn, with three attempts while unavailable"
    )]
    ServiceConfigNotBuilt(String),
    /// TLS or compression of an endpoint.
    #[error("endpoint {address}: {cause}")]
    Client {
        /// The endpoint's address.
        address: String,
        /// The cause.
        cause: String,
    },
}

/// One endpoint to query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `host:port`, maybe with a lookup prefix.
    pub address: String,
    /// Queried even while unhealthy.
    pub strict: bool,
    /// The address stands for a group of which one server answers.
    pub group: bool,
    /// How it is dialled.
    pub options: Options,
}

impl Endpoint {
    /// An endpoint given by a flag, dialled with the options of the `--grpc-client-*` flags.
    ///
    /// # Errors
    /// When it is strict and would be looked up.
    pub fn from_flag(address: &str, strict: bool, group: bool, options: &Options) -> Result<Self, Error> {
        let endpoint = Self { address: address.to_owned(), strict, group, options: options.clone() };
        endpoint.check()?;
        Ok(endpoint)
    }

    fn check(&self) -> Result<(), Error> {
        if self.strict && is_dynamic(&self.address) {
            return Err(Error::StrictDynamic(self.address.clone()));
        }
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    default_client_config: Client,
    endpoints: Vec<Settings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    strict: bool,
    group: bool,
    address: String,
    service_config: String,
    client_config: Client,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Client {
    tls_config: Tls,
    server_name: String,
    compression: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Tls {
    enabled: Option<bool>,
    insecure_skip_verify: Option<bool>,
    cert_file: Option<String>,
    key_file: Option<String>,
    ca_file: Option<String>,
    min_version: Option<String>,
}

impl Client {
    /// Whether nothing of TLS is said, so that the flags hold.
    fn is_silent(&self) -> bool {
        let Tls { enabled, insecure_skip_verify, cert_file, key_file, ca_file, min_version } =
            &self.tls_config;
        enabled.is_none()
            && insecure_skip_verify.is_none()
            && cert_file.is_none()
            && key_file.is_none()
            && ca_file.is_none()
            && min_version.is_none()
            && self.server_name.is_empty()
    }

    fn client_tls(&self) -> Result<Option<ClientTls>, String> {
        let tls = &self.tls_config;
        if tls.enabled != Some(true) {
            return Ok(None);
        }
        let file = |path: &Option<String>| path.as_ref().filter(|path| !path.is_empty()).map(Into::into);
        let min_version = match tls.min_version.as_deref() {
            None | Some("") => MinVersion::default(),
            Some(text) => MinVersion::parse(text).map_err(|error| error.to_string())?,
        };
        Ok(Some(ClientTls {
            ca_file: file(&tls.ca_file),
            cert_file: file(&tls.cert_file),
            key_file: file(&tls.key_file),
            server_name: (!self.server_name.is_empty()).then(|| self.server_name.clone()),
            insecure_skip_verify: tls.insecure_skip_verify.unwrap_or(false),
            min_version,
        }))
    }
}

impl Tls {
    /// Fills what is not said from `fallback`. TLS is on when any file or skip-verify is given.
    fn filled(&self, fallback: &Self) -> Self {
        let says_tls = self.cert_file.is_some()
            || self.key_file.is_some()
            || self.ca_file.is_some()
            || self.insecure_skip_verify.is_some();
        let enabled = self.enabled.or(says_tls.then_some(true)).or(fallback.enabled).or(Some(false));
        Self {
            enabled,
            insecure_skip_verify: self.insecure_skip_verify.or(fallback.insecure_skip_verify),
            cert_file: self.cert_file.clone().or_else(|| fallback.cert_file.clone()),
            key_file: self.key_file.clone().or_else(|| fallback.key_file.clone()),
            ca_file: self.ca_file.clone().or_else(|| fallback.ca_file.clone()),
            min_version: self.min_version.clone().or_else(|| fallback.min_version.clone()),
        }
    }

    /// The TLS of the flags in this form.
    fn of(options: &Options) -> Self {
        let Some(tls) = &options.tls else {
            return Self { enabled: Some(false), ..Self::default() };
        };
        let text =
            |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        Self {
            enabled: Some(true),
            insecure_skip_verify: Some(tls.insecure_skip_verify),
            cert_file: text(&tls.cert_file),
            key_file: text(&tls.key_file),
            ca_file: text(&tls.ca_file),
            min_version: Some(if tls.min_version == MinVersion::V1_2 { "1.2" } else { "1.3" }.to_owned()),
        }
    }
}

/// Parses an endpoint configuration. `flags` are the options of the `--grpc-client-*` flags, which hold where the
/// configuration is silent.
///
/// # Errors
/// When the YAML is malformed or an endpoint cannot be as it says.
pub fn parse(yaml: &str, flags: &Options) -> Result<Vec<Endpoint>, Error> {
    if yaml.trim().is_empty() {
        return Ok(Vec::new());
    }
    let config: Config = serde_saphyr::from_str(yaml).map_err(|error| Error::Yaml(error.to_string()))?;
    let default = &config.default_client_config;
    let (mut global, mut global_tls) = (flags.clone(), Tls::of(flags));
    let for_default = |cause: String| Error::Client { address: "default_client_config".to_owned(), cause };
    if !default.is_silent() {
        let filled = Client { tls_config: default.tls_config.filled(&Tls::default()), ..default.clone() };
        global.tls = filled.client_tls().map_err(for_default)?;
        global_tls = filled.tls_config;
    }
    if !default.compression.is_empty() {
        global.compression = default.compression.parse().map_err(for_default)?;
    }
    let mut endpoints = Vec::with_capacity(config.endpoints.len());
    for settings in config.endpoints {
        let Settings { strict, group, address, service_config, client_config } = settings;
        if !service_config.is_empty() {
            return Err(if group {
                Error::ServiceConfigNotBuilt(address)
            } else {
                Error::ServiceConfig(address)
            });
        }
        let fault = |cause: String| Error::Client { address: address.clone(), cause };
        let mut options = global.clone();
        if !client_config.is_silent() {
            // An endpoint that says whether TLS is on stands for itself; one that does not takes over what it leaves out.
            let empty = Tls::default();
            let fallback = if client_config.tls_config.enabled.is_some() { &empty } else { &global_tls };
            let filled =
                Client { tls_config: client_config.tls_config.filled(fallback), ..client_config.clone() };
            options.tls = filled.client_tls().map_err(fault)?;
        }
        if !client_config.compression.is_empty() {
            options.compression = client_config.compression.parse::<Compression>().map_err(fault)?;
        }
        let endpoint = Endpoint { address, strict, group, options };
        endpoint.check()?;
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_takes_the_flags_and_files_turn_tls_on() {
        let flags = Options {
            tls: Some(ClientTls { ca_file: Some("/ca".into()), ..ClientTls::default() }),
            ..Options::default()
        };
        let yaml = "endpoints:\n- address: a:1\n- {address: b:1, strict: true, client_config: {tls_config: {cert_file: /c, key_file: /k}}}\n- {address: c:1, group: true, client_config: {compression: snappy, tls_config: {enabled: false}}}\n- {address: d:1, client_config: {server_name: n, tls_config: {enabled: true}}}\n";
        let endpoints = parse(yaml, &flags).unwrap();
        assert_eq!(endpoints[0].options, flags);
        let tls = endpoints[1].options.tls.as_ref().unwrap();
        assert_eq!(
            (tls.cert_file.as_deref(), tls.ca_file.as_deref()),
            (Some("/c".as_ref()), Some("/ca".as_ref()))
        );
        assert!(endpoints[1].strict && endpoints[2].group);
        assert_eq!(endpoints[2].options, Options { tls: None, compression: Compression::Snappy });
        let tls = endpoints[3].options.tls.as_ref().unwrap();
        assert_eq!((tls.ca_file.as_deref(), tls.server_name.as_deref()), (None, Some("n")));
    }

    #[test]
    fn default_client_config_stands_above_the_flags() {
        let yaml = "default_client_config: {tls_config: {ca_file: /d}, compression: snappy}\nendpoints: [{address: a:1}]";
        let endpoints = parse(yaml, &Options::default()).unwrap();
        assert_eq!(endpoints[0].options.tls.as_ref().unwrap().ca_file.as_deref(), Some("/d".as_ref()));
        assert_eq!(endpoints[0].options.compression, Compression::Snappy);
    }

    #[test]
    fn faults_are_refused() {
        for (yaml, text) in [
            ("endpoints: [{address: dns+a:1, strict: true}]", "not permitted under strict mode"),
            ("endpoints: [{address: a:1, service_config: x}]", "only valid for endpoint groups"),
            ("endpoints: [{address: a:1, group: true, service_config: x}]", "not built"),
            ("endpoints: [{address: a:1, client_config: {compression: zip}}]", "compression"),
            (
                "endpoints: [{address: a:1, client_config: {tls_config: {enabled: true, min_version: '1.0'}}}]",
                "not offered",
            ),
            ("endpoints: 3", "parse endpoint configuration"),
        ] {
            let error = parse(yaml, &Options::default()).unwrap_err().to_string();
            assert!(error.contains(text), "{yaml}: {error}");
        }
        assert!(parse("", &Options::default()).unwrap().is_empty());
    }
}
