//! The subject of a client's certificate: just enough DER to find one name in it.

/// A field of the subject that may name the tenant (`--query.tenant-certificate-field`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateField {
    /// `organization`.
    Organization,
    /// `organizationalUnit`.
    OrganizationalUnit,
    /// `commonName`.
    CommonName,
}

impl CertificateField {
    /// The field of a name; `None` for the empty one, which asks for no field.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Organization, Self::OrganizationalUnit, Self::CommonName]
            .into_iter()
            .find(|field| field.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::OrganizationalUnit => "organizationalUnit",
            Self::CommonName => "commonName",
        }
    }

    /// The object identifier, encoded.
    fn oid(self) -> [u8; 3] {
        match self {
            Self::Organization => [0x55, 4, 10],
            Self::OrganizationalUnit => [0x55, 4, 11],
            Self::CommonName => [0x55, 4, 3],
        }
    }

    /// The first value of the field in a certificate's subject.
    pub(super) fn of(self, certificate: Option<&[u8]>) -> Result<String, String> {
        let Some(certificate) = certificate else {
            return Err("could not get required certificate field from client cert".to_owned());
        };
        subject(certificate)
            .and_then(|subject| attribute(subject, self.oid()))
            .filter(|value| !value.is_empty())
            .ok_or_else(|| format!("could not get {} field from client cert", self.as_str()))
    }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
/// `[0]`, around the version.
const VERSION: u8 = 0xa0;
/// UTF8String, PrintableString, T61String, IA5String.
const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];

/// Takes the first element: its tag and content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of the first element, which must have this tag, and what follows.
fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, ..)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The subject of a certificate: the fifth part behind the version (serial, algorithm, issuer, validity, subject).
fn subject(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, behind)) = expect(rest, VERSION) {
        rest = behind;
    }
    for _ in 0..4 {
        (_, _, rest) = element(rest)?;
    }
    expect(rest, SEQUENCE).map(|(subject, _)| subject)
}

/// The first value of an attribute in a list of names.
fn attribute(mut names: &[u8], wanted: [u8; 3]) -> Option<String> {
    while !names.is_empty() {
        let (mut set, rest) = expect(names, SET)?;
        names = rest;
        while !set.is_empty() {
            let (pair, rest) = expect(set, SEQUENCE)?;
            set = rest;
            let (oid, value) = expect(pair, OID)?;
            let (tag, value, _) = element(value)?;
            if oid == wanted && TEXTS.contains(&tag) {
                return std::str::from_utf8(value).ok().map(str::to_owned);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "team ä");
        params.distinguished_name.push(DnType::CommonName, "client");
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn fields_of_the_subject_are_found() {
        let der = certificate();
        assert_eq!(CertificateField::Organization.of(Some(&der)), Ok("team ä".to_owned()));
        assert_eq!(CertificateField::CommonName.of(Some(&der)), Ok("client".to_owned()));
        assert_eq!(
            CertificateField::OrganizationalUnit.of(Some(&der)),
            Err("could not get organizationalUnit field from client cert".to_owned())
        );
        assert!(CertificateField::CommonName.of(None).unwrap_err().starts_with("could not get required"));
    }

    #[test]
    fn broken_bytes_are_no_panic() {
        let der = certificate();
        for at in 0..der.len() {
            for field in [CertificateField::Organization, CertificateField::CommonName] {
                drop(field.of(Some(&der[..at])));
                let mut broken = der.clone();
                broken[at] ^= 0xff;
                drop(field.of(Some(&broken)));
            }
        }
    }
}
