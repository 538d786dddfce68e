//! TLS of the servers: certificates from disk, read again when the files change.

mod any_client;
mod files;
mod names;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) use any_client::any_client;
pub(crate) use files::Watched;
pub use names::{CipherSuites, Curves, TlsVersion};

use crate::listener::TlsSource;

/// Why TLS cannot be set up.
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
    /// Certificate, key, CA or versions do not go together.
    #[error("set up TLS: {0}")]
    Setup(String),
    /// A version, cipher suite or curve this build does not have.
    #[error("{0}")]
    Unsupported(String),
}

/// TLS of a gRPC server, as given by `--grpc-server-tls-*`.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// PEM file with the certificate chain.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// PEM file with the CAs of clients; when given, clients must present a certificate.
    pub client_ca: Option<PathBuf>,
    /// Lowest version taken.
    pub min_version: TlsVersion,
    /// TLS 1.2 suites taken; the suites of TLS 1.3 are always on, as in Go.
    pub cipher_suites: CipherSuites,
    /// Key exchange groups taken.
    pub curves: Curves,
}

impl ServerTls {
    /// Reads the files once, so that a fault is found at the start.
    ///
    /// # Errors
    /// When they are unusable.
    pub fn check(&self) -> Result<(), Error> {
        self.build().map(drop)
    }

    fn build(&self) -> Result<Arc<ServerConfig>, Error> {
        let verifier = match &self.client_ca {
            Some(path) => Some(verify_clients(path, false)?),
            None => None,
        };
        let mut config = server_config(&Identity::read(&self.cert, &self.key)?, verifier, |parts| {
            parts.min = self.min_version;
            parts.suites = self.cipher_suites.clone();
            parts.curves = self.curves.clone();
        })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    /// Follows the files: a change is taken up by the next connection; files that have become unusable are logged and the
    /// last good ones stay in use.
    pub(crate) fn into_source(self) -> TlsSource {
        let watched = Watched::new(move || {
            let paths = [Some(self.cert.clone()), Some(self.key.clone()), self.client_ca.clone()];
            Ok::<_, Error>((self.build()?, paths.into_iter().flatten().collect()))
        });
        Arc::new(move || watched.get().map(Some).map_err(|error| error.to_string()))
    }
}

/// A certificate chain with its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(crate) fn read(cert: &Path, key: &Path) -> Result<Self, Error> {
        let chain = certificates(cert, "server certificate")?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| Error::File {
            what: "server key",
            path: key.to_owned(),
            cause: error.to_string(),
        })?;
        Ok(Self { chain, key: private })
    }

    pub(crate) fn parse(cert: &str, key: &str) -> Result<Self, Error> {
        let chain = CertificateDer::pem_slice_iter(cert.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Setup(format!("inline certificate: {error}")))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|error| Error::Setup(format!("inline key: {error}")))?;
        Ok(Self { chain, key })
    }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let fault = |cause: String| Error::File { what, path: path.to_owned(), cause };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(|error| fault(error.to_string()))?;
    if chain.is_empty() {
        return Err(fault("no certificate in the file".to_owned()));
    }
    Ok(chain)
}

/// A verifier of client certificates against the CAs in `path`.
pub(crate) fn verify_clients(path: &Path, optional: bool) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "client CA")? {
        roots.add(certificate).map_err(|error| Error::File {
            what: "client CA",
            path: path.to_owned(),
            cause: error.to_string(),
        })?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), names::provider());
    if optional {
        builder = builder.allow_unauthenticated();
    }
    let verifier = builder.build().map_err(|error| Error::Setup(error.to_string()))?;
    Ok(verifier)
}

/// Versions, suites and curves of a server.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) min: TlsVersion,
    pub(crate) max: TlsVersion,
    pub(crate) suites: CipherSuites,
    pub(crate) curves: Curves,
}

/// Puts a server's TLS configuration together.
pub(crate) fn server_config(
    identity: &Identity,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    choose: impl FnOnce(&mut Parts),
) -> Result<ServerConfig, Error> {
    let mut parts = Parts { max: TlsVersion::V1_3, ..Parts::default() };
    choose(&mut parts);
    let mut provider = rustls::crypto::ring::default_provider();
    parts.suites.restrict(&mut provider);
    parts.curves.restrict(&mut provider);
    let builder = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(TlsVersion::range(parts.min, parts.max)?)
        .map_err(|error| Error::Setup(error.to_string()))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    builder
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(|error| Error::Setup(format!("certificate and key: {error}")))
}
