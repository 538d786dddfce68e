//! The envelope of Prometheus's API answers, and the shapes that its JSON shares between calls.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use model::labels::Labels;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, de::DeserializeOwned};

use super::Error;

#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    #[serde(default)]
    error: String,
}

/// The `data` of an answer, or its default when it is null; the envelope's own error if the call failed.
pub(super) fn data<T: DeserializeOwned + Default>(code: u16, body: &[u8], url: &str) -> Result<T, Error> {
    let envelope: Envelope<T> = serde_json::from_slice(body)
        .map_err(|e| Error::Parse { url: url.to_string(), reason: e.to_string() })?;
    if envelope.status != "success" {
        return Err(Error::Api { code, message: envelope.error });
    }
    Ok(envelope.data.unwrap_or_default())
}

/// A JSON object of strings as a label set; `null` is the empty set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LabelMap(pub(super) Labels);

impl<'de> Deserialize<'de> for LabelMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LabelMap, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = LabelMap;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of label values")
            }
            fn visit_unit<E>(self) -> Result<LabelMap, E> {
                Ok(LabelMap::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelMap, A::Error> {
                let mut pairs: Vec<(String, String)> =
                    Vec::with_capacity(map.size_hint().unwrap_or(8).min(64));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(LabelMap(Labels::from_pairs(pairs)))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

/// `serde(with)` module for label sets.
pub(super) mod labels {
    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
        Ok(LabelMap::deserialize(deserializer)?.0)
    }
}

/// `serde(with)` module for RFC 3339 times; an offset is folded into UTC.
pub(super) mod time {
    use super::*;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|e| D::Error::custom(format_args!("time {text:?}: {e}")))
    }
}

/// `serde(with)` module for RFC 3339 times that may be null.
pub(super) mod optional_time {
    use super::*;

    #[derive(Deserialize)]
    struct Time(#[serde(with = "super::time")] Timestamp);

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Time>::deserialize(deserializer)?.map(|time| time.0))
    }
}

/// The year one, Go's zero time: what Prometheus sends for "never".
pub(super) fn zero_time() -> Timestamp {
    Timestamp::from_second(-62_135_596_800).expect("the year one is in range")
}

/// Turns `null` into the default of the type; Go writes an empty list that way.
pub(super) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_envelope() {
        let ok: Vec<String> = data(200, br#"{"status":"success","data":["a"]}"#, "u").expect("data");
        assert_eq!(ok, ["a"]);
        let null: Vec<String> = data(200, br#"{"status":"success","data":null}"#, "u").expect("null");
        assert!(null.is_empty());
        let failed =
            data::<Vec<String>>(200, br#"{"status":"error","error":"no way"}"#, "u").expect_err("error");
        assert_eq!((failed.to_string(), failed.status_code()), ("no way".to_string(), Some(200)));
        let broken = data::<Vec<String>>(200, b"<html>", "http://a/b").expect_err("no JSON");
        assert!(broken.to_string().starts_with("parse response of http://a/b: "), "{broken}");
    }

    #[test]
    fn year_one_is_what_prometheus_writes() {
        assert_eq!("0001-01-01T00:00:00Z".parse::<Timestamp>().expect("time"), zero_time());
    }
}
