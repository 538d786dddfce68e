//! Which of the encodings a client takes.

use axum::http::{HeaderMap, header};

/// An encoding of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The smallest form that the client takes; its weights count only where they are zero.
    pub(crate) fn choose(request: &HeaderMap) -> Self {
        let mut brotli = None;
        let mut gzip = None;
        let mut any = None;
        let lists =
            request.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
        for item in lists.flat_map(|list| list.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or("");
            let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
            let taken = weight.parse::<f32>().is_ok_and(|weight| weight > 0.0);
            match name {
                name if name.eq_ignore_ascii_case("br") => brotli = Some(taken),
                name if name.eq_ignore_ascii_case("gzip") => gzip = Some(taken),
                "*" => any = Some(taken),
                _ => {}
            }
        }
        if brotli.or(any).unwrap_or(false) {
            Self::Brotli
        } else if gzip.or(any).unwrap_or(false) {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_form_that_is_taken() {
        let chosen = |accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            Encoding::choose(&headers)
        };
        assert_eq!(chosen("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(chosen("br;q=0, gzip;q=0.5"), Encoding::Gzip);
        assert_eq!(chosen("*"), Encoding::Brotli);
        assert_eq!(chosen("gzip;q=0, *;q=0"), Encoding::Identity);
        assert_eq!(chosen("br;q=x"), Encoding::Identity);
        assert_eq!(chosen("deflate"), Encoding::Identity);
        assert_eq!(Encoding::choose(&HeaderMap::new()), Encoding::Identity);
    }
}
