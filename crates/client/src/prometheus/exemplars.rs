//! Exemplars.

use model::labels::Labels;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{Client, Error, format_time, json};

/// The exemplars of one series.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExemplarData {
    /// Labels of the series.
    #[serde(default, with = "json::labels")]
    pub series_labels: Labels,
    /// The exemplars, in the server's order.
    #[serde(default, deserialize_with = "json::null_default")]
    pub exemplars: Vec<Exemplar>,
}

/// One exemplar.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Exemplar {
    /// Labels of the exemplar itself.
    #[serde(default, with = "json::labels")]
    pub labels: Labels,
    /// Its value.
    #[serde(deserialize_with = "float_text")]
    pub value: f64,
    /// Its time in milliseconds.
    #[serde(rename = "timestamp", deserialize_with = "seconds")]
    pub timestamp_ms: i64,
}

/// A sample value as Prometheus's API writes it: a string.
pub(super) fn float_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    model::value::parse_float(&text)
        .ok_or_else(|| D::Error::custom(format_args!("sample value {text:?} is not a number")))
}

/// A time in decimal seconds, as milliseconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok((f64::deserialize(deserializer)? * 1000.0).round() as i64)
}

impl Client {
    /// Exemplars of the series in `query` (a PromQL expression) in the closed range `[mint, maxt]` (ms).
    pub async fn exemplars(&self, query: &str, mint: i64, maxt: i64) -> Result<Vec<ExemplarData>, Error> {
        let mut url = self.url(&["api", "v1", "query_exemplars"]);
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("start", &format_time(mint))
            .append_pair("end", &format_time(maxt));
        self.get_data(url).await
    }
}
