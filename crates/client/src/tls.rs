//! TLS of clients. The files are read for each new connection, so that renewed certificates need no restart.

mod fixed_name;
mod no_verify;
mod roots;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why a client's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or parsed.
    #[error("read {what} from {path}: {cause}")]
    File {
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: String,
    },
    /// Settings that do not go together.
    #[error("set up client TLS: {0}")]
    Setup(String),
}

/// Lowest TLS version a client accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    #[default]
    V1_3,
}

impl MinVersion {
    /// Parses `1.2` or `1.3`.
    ///
    /// # Errors
    /// For other versions; those below 1.2 are not offered by this build.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            "1.0" | "1.1" => Err(Error::Setup(format!(
                "TLS version {text} is not offered by this build; the lowest is 1.2"
            ))),
            other => Err(Error::Setup(format!("invalid TLS version: {other}"))),
        }
    }

    /// The version as [`parse`](Self::parse) reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }

    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
        match self {
            Self::V1_2 => &BOTH,
            Self::V1_3 => &BOTH[..1],
        }
    }
}

/// TLS of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// PEM file with the CAs of servers; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// PEM file with the client's certificate chain.
    pub cert_file: Option<PathBuf>,
    /// PEM file with the client's key.
    pub key_file: Option<PathBuf>,
    /// Name the server's certificate must have; without it the host that is dialled.
    pub server_name: Option<String>,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
    /// Lowest version accepted.
    pub min_version: MinVersion,
}

impl ClientTls {
    /// Builds the configuration from the files as they are now. `alpn` are the protocols offered.
    ///
    /// # Errors
    /// When a file is unusable, or only one of certificate and key is given.
    pub fn build(&self, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, Error> {
        self.build_with(alpn, None)
    }

    /// As [`ClientTls::build`], for users that dial by the host of a URL: `server_name` is held against the certificate
    /// whatever the host is. The name sent in the handshake is still the host's.
    pub(crate) fn build_for_any_host(&self, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, Error> {
        self.build_with(alpn, self.server_name.as_deref())
    }

    fn build_with(&self, alpn: &[&[u8]], fixed_name: Option<&str>) -> Result<Arc<ClientConfig>, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(self.min_version.versions())
            .map_err(|error| Error::Setup(error.to_string()))?;
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(no_verify::verifier(provider))
        } else {
            let mut roots = RootCertStore::empty();
            match &self.ca_file {
                Some(path) => {
                    for certificate in certificates(path, "CA")? {
                        roots.add(certificate).map_err(|error| fault("CA", path, error))?;
                    }
                }
                None => roots::add_system(&mut roots),
            }
            match fixed_name {
                None => builder.with_root_certificates(roots),
                Some(name) => builder
                    .dangerous()
                    .with_custom_certificate_verifier(fixed_name::verifier(roots, provider, name)?),
            }
        };
        let mut config = match (&self.cert_file, &self.key_file) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates(cert, "client certificate")?;
                let private =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| fault("client key", key, error))?;
                builder
                    .with_client_auth_cert(chain, private)
                    .map_err(|error| Error::Setup(error.to_string()))?
            }
            _ => return Err(Error::Setup("both client key and certificate must be provided".to_owned())),
        };
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn fault(what: &'static str, path: &Path, error: impl std::fmt::Display) -> Error {
    Error::File { what, path: path.to_owned(), cause: error.to_string() }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(|error| fault(what, path, error))?;
    if chain.is_empty() {
        return Err(fault(what, path, "no certificate in the file"));
    }
    Ok(chain)
}
