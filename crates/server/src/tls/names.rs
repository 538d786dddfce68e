//! TLS versions, cipher suites and curves under the names of Go.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, NamedGroup, SupportedProtocolVersion};

use super::Error;

/// The provider of all TLS here.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A TLS version. Older ones than 1.2 are not offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    #[default]
    V1_3,
}

impl TlsVersion {
    /// Parses `1.2`, or `TLS12` as web configurations write it.
    ///
    /// # Errors
    /// When the version is unknown, or older than this build offers.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "1.2" | "TLS12" => Ok(Self::V1_2),
            "1.3" | "TLS13" => Ok(Self::V1_3),
            "1.0" | "1.1" | "TLS10" | "TLS11" => Err(Error::Unsupported(format!(
                "TLS version {text} is not offered by this build; the lowest is 1.2"
            ))),
            _ => Err(Error::Unsupported(format!("invalid TLS version: {text}"))),
        }
    }

    pub(crate) fn range(min: Self, max: Self) -> Result<&'static [&'static SupportedProtocolVersion], Error> {
        static BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];
        match (min, max) {
            (Self::V1_2, Self::V1_3) => Ok(&BOTH),
            (Self::V1_2, Self::V1_2) => Ok(&BOTH[..1]),
            (Self::V1_3, Self::V1_3) => Ok(&BOTH[1..]),
            (Self::V1_3, Self::V1_2) => {
                Err(Error::Setup("lowest TLS version is above the highest".to_owned()))
            }
        }
    }
}

/// A choice of TLS 1.2 cipher suites; empty is all.
#[derive(Clone, Debug, Default)]
pub struct CipherSuites(Vec<CipherSuite>);

impl CipherSuites {
    /// Parses Go's names, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
    ///
    /// # Errors
    /// When a name is unknown or the suite is not offered.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, Error> {
        let suite = |name: &T| match name.as_ref() {
            "TLS_AES_128_GCM_SHA256" => Ok(CipherSuite::TLS13_AES_128_GCM_SHA256),
            "TLS_AES_256_GCM_SHA384" => Ok(CipherSuite::TLS13_AES_256_GCM_SHA384),
            "TLS_CHACHA20_POLY1305_SHA256" => Ok(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => {
                Ok(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
            }
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => {
                Ok(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)
            }
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => Ok(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => Ok(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" => {
                Ok(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)
            }
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" => {
                Ok(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)
            }
            other => Err(Error::Unsupported(format!(
                "TLS cipher suite {other} is unknown or not offered by this build"
            ))),
        };
        names.iter().map(suite).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn restrict(&self, provider: &mut CryptoProvider) {
        if !self.0.is_empty() {
            // The suites of TLS 1.3 are not a matter of choice, as in Go.
            provider.cipher_suites.retain(|suite| suite.tls13().is_some() || self.0.contains(&suite.suite()));
        }
    }
}

/// A choice of key exchange groups; empty is all.
#[derive(Clone, Debug, Default)]
pub struct Curves(Vec<NamedGroup>);

impl Curves {
    /// Parses Go's names, such as `CurveP256`.
    ///
    /// # Errors
    /// When a name is unknown or the curve is not offered.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, Error> {
        let curve = |name: &T| match name.as_ref() {
            "CurveP256" => Ok(NamedGroup::secp256r1),
            "CurveP384" => Ok(NamedGroup::secp384r1),
            "X25519" => Ok(NamedGroup::X25519),
            other => {
                Err(Error::Unsupported(format!("TLS curve {other} is unknown or not offered by this build")))
            }
        };
        names.iter().map(curve).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn restrict(&self, provider: &mut CryptoProvider) {
        if !self.0.is_empty() {
            provider.kx_groups.retain(|group| self.0.contains(&group.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_go() {
        assert_eq!(TlsVersion::parse("1.2").unwrap(), TlsVersion::V1_2);
        assert!(TlsVersion::parse("1.1").unwrap_err().to_string().contains("not offered"));
        assert!(TlsVersion::parse("x").is_err());
        assert!(CipherSuites::parse(&["TLS_RSA_WITH_RC4_128_SHA"]).is_err());
        assert!(Curves::parse(&["CurveP521"]).is_err());
        let mut provider = rustls::crypto::ring::default_provider();
        CipherSuites::parse(&["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]).unwrap().restrict(&mut provider);
        assert_eq!(provider.cipher_suites.iter().filter(|suite| suite.tls13().is_none()).count(), 1);
        Curves::parse(&["X25519"]).unwrap().restrict(&mut provider);
        assert_eq!(provider.kx_groups.len(), 1);
    }
}
