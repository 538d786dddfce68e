//! The CAs of the system, from the places where Linux distributions keep them (the list of Go's crypto/x509).

use std::path::PathBuf;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Adds the system's CAs. Finding none is no error here: every handshake will then tell that the issuer is unknown.
pub(super) fn add_system(roots: &mut RootCertStore) {
    let candidates = match std::env::var_os("SSL_CERT_FILE") {
        Some(path) => vec![PathBuf::from(path)],
        None => BUNDLES.iter().map(PathBuf::from).collect(),
    };
    for path in candidates {
        if let Ok(certificates) = CertificateDer::pem_file_iter(&path) {
            // Bundles hold certificates that are not fit as roots; those are passed over.
            roots.add_parsable_certificates(certificates.filter_map(Result::ok));
            return;
        }
    }
}
