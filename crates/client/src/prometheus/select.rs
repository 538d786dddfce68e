//! Series, label names, label values and metric metadata.

use std::collections::BTreeMap;
use std::fmt::Write;

use model::labels::Labels;
use model::matcher::Matcher;
use serde::Deserialize;
use url::Url;

use super::json::LabelMap;
use super::{Client, Error, format_time};

/// Metadata of one metric family as one scrape target declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MetricMetadata {
    /// Metric type, as in `# TYPE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Help text.
    pub help: String,
    /// Unit, often empty.
    pub unit: String,
}

impl Client {
    /// Label sets of the series that match all `matchers` and have samples in the closed range `[mint, maxt]` (ms).
    /// The order is the server's. At most `limit` series, all when it is 0.
    pub async fn series(
        &self,
        matchers: &[Matcher],
        mint: i64,
        maxt: i64,
        limit: u64,
    ) -> Result<Vec<Labels>, Error> {
        let mut url = self.url(&["api", "v1", "series"]);
        add_selection(&mut url, Some(matchers), mint, maxt, limit);
        let series: Vec<LabelMap> = self.get_data(url).await?;
        Ok(series.into_iter().map(|labels| labels.0).collect())
    }

    /// Label names of the matching series, sorted; of all series without matchers.
    pub async fn label_names(
        &self,
        matchers: &[Matcher],
        mint: i64,
        maxt: i64,
        limit: u64,
    ) -> Result<Vec<String>, Error> {
        let mut url = self.url(&["api", "v1", "labels"]);
        add_selection(&mut url, (!matchers.is_empty()).then_some(matchers), mint, maxt, limit);
        self.get_data(url).await
    }

    /// Values of the label `name` in the matching series, sorted; in all series without matchers.
    ///
    /// A name that is no classic label name goes in the `U__` form, which Prometheus reads since 3.0.
    pub async fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        mint: i64,
        maxt: i64,
        limit: u64,
    ) -> Result<Vec<String>, Error> {
        let mut url = self.url(&["api", "v1", "label", &escape_name(name), "values"]);
        add_selection(&mut url, (!matchers.is_empty()).then_some(matchers), mint, maxt, limit);
        self.get_data(url).await
    }

    /// Metadata by metric name. `metric` empty: all; `limit` negative: no limit on the number of metrics.
    pub async fn metric_metadata(
        &self,
        metric: &str,
        limit: i32,
    ) -> Result<BTreeMap<String, Vec<MetricMetadata>>, Error> {
        let mut url = self.url(&["api", "v1", "metadata"]);
        {
            let mut query = url.query_pairs_mut();
            if !metric.is_empty() {
                query.append_pair("metric", metric);
            }
            if limit >= 0 {
                query.append_pair("limit", &limit.to_string());
            }
        }
        self.get_data(url).await
    }
}

fn add_selection(url: &mut Url, matchers: Option<&[Matcher]>, mint: i64, maxt: i64, limit: u64) {
    let mut query = url.query_pairs_mut();
    if let Some(matchers) = matchers {
        query.append_pair("match[]", &selector(matchers));
    }
    query.append_pair("start", &format_time(mint)).append_pair("end", &format_time(maxt));
    if limit > 0 {
        query.append_pair("limit", &limit.to_string());
    }
}

/// Matchers as a PromQL selector, `{a="b",c=~"d"}`.
pub(super) fn selector(matchers: &[Matcher]) -> String {
    let mut text = String::from("{");
    for (i, matcher) in matchers.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        write!(text, "{matcher}").expect("writing to a string cannot fail");
    }
    text.push('}');
    text
}

/// The `U__` escaping of names beyond `[a-zA-Z_][a-zA-Z0-9_]*`: `_` doubled, other characters as `_<hex>_`.
fn escape_name(name: &str) -> String {
    let plain = |i: usize, c: char| c == '_' || c.is_ascii_alphabetic() || (c.is_ascii_digit() && i > 0);
    if name.chars().enumerate().all(|(i, c)| plain(i, c)) {
        return name.to_string();
    }
    let mut out = String::from("U__");
    for (i, c) in name.chars().enumerate() {
        match c {
            '_' => out.push_str("__"),
            c if plain(i, c) => out.push(c),
            c => write!(out, "_{:x}_", u32::from(c)).expect("writing to a string cannot fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_names_that_are_no_classic_label_names() {
        for (name, want) in [
            ("job", "job"),
            ("__name__", "__name__"),
            ("a.b", "U__a_2e_b"),
            ("a_b/c", "U__a__b_2f_c"),
            ("1st", "U___31_st"),
            ("ß", "U___df_"),
        ] {
            assert_eq!(escape_name(name), want);
        }
    }
}
