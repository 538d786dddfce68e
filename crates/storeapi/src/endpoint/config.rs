//! Which endpoints are configured: flags, and the YAML of `--endpoint.sd-config`.

use client::dns::is_dynamic;
use client::grpc::{Compression, Options};
use client::tls::{ClientTls, MinVersion};
use serde::Deserialize;

/// Why a configuration of endpoints cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Not the YAML wanted.
    #[error("unable to unmarshal config content: {0}")]
    Yaml(String),
    /// A strict endpoint must be one address.
    #[error(
        "{0} is a dynamically specified endpoint i.e. it uses SD and that is not permitted under strict mode."
    )]
    StrictDynamic(String),
    /// Service configs are for groups.
    #[error("{0} service_config is only valid for endpoint groups.")]
    ServiceConfig(String),
    /// Only the default service config of groups is built.
    #[error(
        "{0} service_config is not supported by this build; groups are asked in turn with up to 3 attempts"
    )]
    ServiceConfigUnsupported(String),
    /// An unknown compression.
    #[error("endpoint {0}: {1}")]
    Compression(String, String),
    /// An unusable TLS version.
    #[error("endpoint {0}: {1}")]
    Tls(String, String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct TlsSettings {
    enabled: Option<bool>,
    insecure_skip_verify: Option<bool>,
    cert_file: Option<String>,
    key_file: Option<String>,
    ca_file: Option<String>,
    min_version: Option<String>,
}

impl TlsSettings {
    fn of_flags(flags: &EndpointFlags) -> Self {
        let path =
            |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let tls = &flags.tls;
        TlsSettings {
            enabled: Some(flags.options.tls.is_some()),
            insecure_skip_verify: Some(tls.insecure_skip_verify),
            cert_file: path(&tls.cert_file),
            key_file: path(&tls.key_file),
            ca_file: path(&tls.ca_file),
            min_version: Some(tls.min_version.as_str().to_owned()),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ClientSettings {
    tls_config: TlsSettings,
    server_name: String,
    compression: String,
}

impl ClientSettings {
    fn is_default(&self) -> bool {
        self.tls_config == TlsSettings::default() && self.server_name.is_empty()
    }

    /// The options of these settings, TLS settings that are absent taken from `fallback`.
    fn options(&self, name: &str, fallback: Option<&TlsSettings>) -> Result<Options, ConfigError> {
        let own = &self.tls_config;
        let touched = own.cert_file.is_some()
            || own.key_file.is_some()
            || own.ca_file.is_some()
            || own.insecure_skip_verify.is_some();
        let fallback = if own.enabled.is_some() { None } else { fallback };
        let enabled = own.enabled.unwrap_or(touched || fallback.and_then(|tls| tls.enabled).unwrap_or(false));
        let compression =
            self.compression.parse().map_err(|error| ConfigError::Compression(name.to_owned(), error))?;
        if !enabled {
            return Ok(Options { tls: None, compression });
        }
        let text = |own: &Option<String>, pick: fn(&TlsSettings) -> &Option<String>| {
            own.clone().or_else(|| fallback.and_then(|tls| pick(tls).clone())).filter(|text| !text.is_empty())
        };
        let min_version = text(&own.min_version, |tls| &tls.min_version);
        let min_version = MinVersion::parse(min_version.as_deref().unwrap_or("1.3"))
            .map_err(|error| ConfigError::Tls(name.to_owned(), error.to_string()))?;
        let skip = own.insecure_skip_verify.or_else(|| fallback.and_then(|tls| tls.insecure_skip_verify));
        Ok(Options {
            tls: Some(ClientTls {
                ca_file: text(&own.ca_file, |tls| &tls.ca_file).map(Into::into),
                cert_file: text(&own.cert_file, |tls| &tls.cert_file).map(Into::into),
                key_file: text(&own.key_file, |tls| &tls.key_file).map(Into::into),
                server_name: Some(self.server_name.clone()).filter(|name| !name.is_empty()),
                insecure_skip_verify: skip.unwrap_or(false),
                min_version,
            }),
            compression,
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct YamlEndpoint {
    strict: bool,
    group: bool,
    address: String,
    service_config: String,
    client_config: ClientSettings,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Yaml {
    default_client_config: ClientSettings,
    endpoints: Vec<YamlEndpoint>,
}

/// One configured endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Address, with a `dns+` or other prefix when it is to be looked up.
    pub address: String,
    /// Always queried, never forgotten.
    pub strict: bool,
    /// Several servers that are the same, asked in turn.
    pub group: bool,
    /// How to dial.
    pub options: Options,
}

/// Endpoints given by flags, and how those without settings of their own are dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointFlags {
    /// `--endpoint` (and `--store`, `--rule` and the other old forms).
    pub endpoints: Vec<String>,
    /// `--endpoint-group`.
    pub groups: Vec<String>,
    /// `--endpoint-strict` (and `--store-strict`).
    pub strict: Vec<String>,
    /// `--endpoint-group-strict`.
    pub strict_groups: Vec<String>,
    /// `--grpc-client-*` and `--grpc-compression`.
    pub options: Options,
    /// The TLS settings of `--grpc-client-tls-*`, also where `--grpc-client-tls-secure` does not switch TLS on. Endpoints of the
    /// file that have only some settings take the others from here.
    pub tls: ClientTls,
}

/// All configured endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointConfig {
    /// The endpoints, those of the file first.
    pub endpoints: Vec<EndpointSettings>,
    /// How endpoints found by file discovery and DNS are dialled.
    pub default_options: Options,
}

impl EndpointConfig {
    /// Joins the YAML of `--endpoint.sd-config` (may be empty) with the flags.
    pub fn parse(yaml: &str, flags: &EndpointFlags) -> Result<Self, ConfigError> {
        let yaml: Yaml = if yaml.trim().is_empty() {
            Yaml::default()
        } else {
            serde_saphyr::from_str(yaml).map_err(|error| ConfigError::Yaml(error.to_string()))?
        };
        let default = &yaml.default_client_config;
        let (default_options, fallback) = if default.is_default() {
            (flags.options.clone(), TlsSettings::of_flags(flags))
        } else {
            let own = default.options("default_client_config", None)?;
            (Options { compression: flags.options.compression, ..own }, default.tls_config.clone())
        };
        let mut endpoints = Vec::new();
        for endpoint in &yaml.endpoints {
            let name = &endpoint.address;
            if !endpoint.service_config.is_empty() {
                return Err(if endpoint.group {
                    ConfigError::ServiceConfigUnsupported(name.clone())
                } else {
                    ConfigError::ServiceConfig(name.clone())
                });
            }
            endpoint
                .client_config
                .compression
                .parse::<Compression>()
                .map_err(|error| ConfigError::Compression(name.clone(), error))?;
            let options = if endpoint.client_config.is_default() {
                default_options.clone()
            } else {
                endpoint.client_config.options(name, Some(&fallback))?
            };
            endpoints.push(EndpointSettings {
                address: name.clone(),
                strict: endpoint.strict,
                group: endpoint.group,
                options,
            });
        }
        let given = [
            (&flags.endpoints, false, false),
            (&flags.groups, false, true),
            (&flags.strict, true, false),
            (&flags.strict_groups, true, true),
        ];
        for (addresses, strict, group) in given {
            endpoints.extend(addresses.iter().map(|address| EndpointSettings {
                address: address.clone(),
                strict,
                group,
                options: default_options.clone(),
            }));
        }
        if let Some(bad) = endpoints.iter().find(|endpoint| endpoint.strict && is_dynamic(&endpoint.address))
        {
            return Err(ConfigError::StrictDynamic(bad.address.clone()));
        }
        Ok(EndpointConfig { endpoints, default_options })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_and_flags_are_joined() {
        let yaml = "
default_client_config:
  tls_config: {enabled: true, ca_file: /ca.pem}
endpoints:
- address: a:1
- address: dns+b:1
  group: true
  client_config: {compression: snappy, tls_config: {enabled: false}}
";
        let flags =
            EndpointFlags { endpoints: vec!["c:1".into()], strict: vec!["d:1".into()], ..Default::default() };
        let config = EndpointConfig::parse(yaml, &flags).unwrap();
        let addresses: Vec<_> =
            config.endpoints.iter().map(|e| (e.address.as_str(), e.strict, e.group)).collect();
        assert_eq!(
            addresses,
            [("a:1", false, false), ("dns+b:1", false, true), ("c:1", false, false), ("d:1", true, false)]
        );
        assert_eq!(config.endpoints[0].options.tls.as_ref().unwrap().ca_file, Some("/ca.pem".into()));
        assert_eq!(config.endpoints[1].options, Options { tls: None, compression: Compression::Snappy });
    }

    #[test]
    fn partial_settings_are_filled_up_from_the_flags() {
        let yaml = "
endpoints:
- {address: 'a:1', client_config: {tls_config: {cert_file: /c.pem, key_file: /k.pem}}}
- {address: 'b:1', client_config: {server_name: b, tls_config: {min_version: '1.2'}}}
- {address: 'c:1', client_config: {tls_config: {enabled: true}}}
";
        let tls = ClientTls { ca_file: Some("/ca.pem".into()), ..ClientTls::default() };
        let flags = EndpointFlags { tls: tls.clone(), ..Default::default() };
        let endpoints = EndpointConfig::parse(yaml, &flags).unwrap().endpoints;
        let of = |at: usize| endpoints[at].options.tls.clone();
        let filled =
            ClientTls { cert_file: Some("/c.pem".into()), key_file: Some("/k.pem".into()), ..tls.clone() };
        assert_eq!(of(0), Some(filled), "a setting of TLS switches it on");
        assert_eq!(of(1), None, "the flags do not switch it on, and neither does a version");
        assert_eq!(of(2), Some(ClientTls::default()), "switched on, an endpoint stands by itself");

        let secure = Options { tls: Some(tls.clone()), ..Options::default() };
        let flags = EndpointFlags { options: secure, tls, ..Default::default() };
        let endpoints = EndpointConfig::parse(yaml, &flags).unwrap().endpoints;
        let second = endpoints[1].options.tls.as_ref().unwrap();
        assert_eq!(
            (second.ca_file.clone(), second.min_version, second.server_name.as_deref()),
            (Some("/ca.pem".into()), MinVersion::V1_2, Some("b"))
        );
    }

    #[test]
    fn strict_endpoints_must_not_be_looked_up() {
        let flags = EndpointFlags { strict: vec!["dns+a:1".into()], ..Default::default() };
        assert_eq!(EndpointConfig::parse("", &flags), Err(ConfigError::StrictDynamic("dns+a:1".into())));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(
            EndpointConfig::parse("endpoints: 3", &EndpointFlags::default()),
            Err(ConfigError::Yaml(_))
        ));
        let yaml = "endpoints: [{address: 'a:1', client_config: {compression: lz4}}]";
        assert!(matches!(
            EndpointConfig::parse(yaml, &EndpointFlags::default()),
            Err(ConfigError::Compression(..))
        ));
    }
}
