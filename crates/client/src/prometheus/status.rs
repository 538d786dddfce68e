//! Flags, configuration, version, oldest sample and TSDB statistics.

use futures::StreamExt;
use http::Method;
use http::header::HeaderMap;
use jiff::Timestamp;
use model::labels::Labels;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{Client, Error, error_body, json, read_body};

/// Longest line of `/metrics` that is looked at; no sample of interest is near it.
const MAX_LINE_BYTES: usize = 64 << 10;

const LOWEST_TIMESTAMP: &[u8] = b"prometheus_tsdb_lowest_timestamp_seconds";

/// The start-up flags of Prometheus that matter to a sidecar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Flags {
    /// Data folder.
    #[serde(rename = "storage.tsdb.path")]
    pub tsdb_path: String,
    /// Shortest block in milliseconds.
    #[serde(rename = "storage.tsdb.min-block-duration", deserialize_with = "duration")]
    pub min_block_duration_ms: i64,
    /// Longest block in milliseconds.
    #[serde(rename = "storage.tsdb.max-block-duration", deserialize_with = "duration")]
    pub max_block_duration_ms: i64,
    /// File that lists the uploaded blocks, without which Prometheus does not compact; empty when not in use.
    #[serde(rename = "storage.tsdb.delay-compact-file.path")]
    pub delay_compact_file: String,
    /// Whether the admin API is on.
    #[serde(rename = "web.enable-admin-api", deserialize_with = "boolean")]
    pub enable_admin_api: bool,
    /// Whether reload and quit over HTTP are on.
    #[serde(rename = "web.enable-lifecycle", deserialize_with = "boolean")]
    pub enable_lifecycle: bool,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    model::duration::parse_prometheus(&text)
        .map_err(|e| D::Error::custom(format_args!("duration {text:?}: {e}")))
}

fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format_args!("{text:?} is not a boolean")))
}

/// What Prometheus says of its last configuration reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeInfo {
    /// Whether the last reload went well.
    pub reload_config_success: bool,
    /// Time of the last reload that went well.
    #[serde(with = "json::time")]
    pub last_config_time: Timestamp,
}

/// One line of the TSDB statistics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Stat {
    /// Metric name, label name or label pair.
    pub name: String,
    /// Its count or bytes.
    pub value: u64,
}

/// Statistics of the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeadStats {
    /// Number of series.
    pub num_series: u64,
    /// Number of distinct label pairs.
    pub num_label_pairs: i64,
    /// Number of chunks.
    pub chunk_count: i64,
    /// Time of the oldest sample (ms).
    pub min_time: i64,
    /// Time of the newest sample (ms).
    pub max_time: i64,
}

/// Cardinality statistics of the head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TsdbStatus {
    /// Totals.
    pub head_stats: HeadStats,
    /// Series by metric name, highest first.
    #[serde(deserialize_with = "json::null_default")]
    pub series_count_by_metric_name: Vec<Stat>,
    /// Values by label name, highest first.
    #[serde(deserialize_with = "json::null_default")]
    pub label_value_count_by_label_name: Vec<Stat>,
    /// Bytes of values by label name, highest first.
    #[serde(deserialize_with = "json::null_default")]
    pub memory_in_bytes_by_label_name: Vec<Stat>,
    /// Series by label pair, highest first.
    #[serde(deserialize_with = "json::null_default")]
    pub series_count_by_label_value_pair: Vec<Stat>,
}

impl Client {
    /// The start-up flags; `None` when the server has no such call (Prometheus before 2.2).
    pub async fn flags(&self) -> Result<Option<Flags>, Error> {
        let url = self.url(&["api", "v1", "status", "flags"]);
        let at = url.to_string();
        let response = self.send(Method::GET, url, HeaderMap::new(), Default::default()).await?;
        match response.status().as_u16() {
            404 => Ok(None),
            200 => json::data(200, &read_body(response).await?, &at).map(Some),
            code => Err(Error::Status { code, body: error_body(response).await }),
        }
    }

    /// The `global.external_labels` of the running configuration.
    pub async fn external_labels(&self) -> Result<Labels, Error> {
        #[derive(Default, Deserialize)]
        struct Config {
            yaml: String,
        }
        let url = self.url(&["api", "v1", "status", "config"]);
        let at = url.to_string();
        let config: Config = self.get_data(url).await?;
        external_labels(&config.yaml).map_err(|reason| Error::Parse { url: at, reason })
    }

    /// Version of the server, as `2.42.0`; `0` when it has no such call (Prometheus before 2.14).
    pub async fn build_version(&self) -> Result<String, Error> {
        #[derive(Default, Deserialize)]
        struct BuildInfo {
            version: String,
        }
        let url = self.url(&["api", "v1", "status", "buildinfo"]);
        match self.get_data::<BuildInfo>(url).await {
            Ok(info) => Ok(info.version),
            Err(Error::Status { code: 404 | 405, .. }) => Ok("0".to_string()),
            Err(error) => Err(error),
        }
    }

    /// State of the last configuration reload.
    pub async fn runtime_info(&self) -> Result<RuntimeInfo, Error> {
        let url = self.url(&["api", "v1", "status", "runtimeinfo"]);
        let at = url.to_string();
        let info: Option<RuntimeInfo> = self.get_data(url).await?;
        info.ok_or_else(|| Error::Parse { url: at, reason: "the data field is empty".to_string() })
    }

    /// Cardinality statistics with at most `limit` lines each; the server's default when it is 0.
    pub async fn tsdb_status(&self, limit: u32) -> Result<TsdbStatus, Error> {
        let mut url = self.url(&["api", "v1", "status", "tsdb"]);
        if limit > 0 {
            url.query_pairs_mut().append_pair("limit", &limit.to_string());
        }
        let at = url.to_string();
        let status: Option<TsdbStatus> = self.get_data(url).await?;
        status.ok_or_else(|| Error::Parse { url: at, reason: "the data field is empty".to_string() })
    }

    /// Time of the oldest sample in milliseconds, from the metric `prometheus_tsdb_lowest_timestamp_seconds`.
    ///
    /// `i64::MIN` before the first block is cut, when Prometheus does not know it yet; `None` when the server does not
    /// have the metric (an agent).
    pub async fn lowest_timestamp(&self) -> Result<Option<i64>, Error> {
        let url = self.url(&["metrics"]);
        let at = url.to_string();
        let response = self.send_2xx(Method::GET, url, HeaderMap::new(), Default::default()).await?;
        let mut scan = LineScan::default();
        let mut stream = response.bytes_stream();
        while let Some(part) = stream.next().await {
            let part =
                part.map_err(|source| Error::Request { method: Method::GET, url: at.clone(), source })?;
            if let Some(value) = scan.push(&part) {
                return parse_lowest(&value).map(Some).map_err(|reason| Error::Parse { url: at, reason });
            }
        }
        match scan.finish() {
            Some(value) => parse_lowest(&value).map(Some).map_err(|reason| Error::Parse { url: at, reason }),
            None => Ok(None),
        }
    }
}

/// Reads `global.external_labels` out of a Prometheus configuration.
fn external_labels(yaml: &str) -> Result<Labels, String> {
    #[derive(Default, Deserialize)]
    struct Global {
        #[serde(default)]
        external_labels: Option<std::collections::BTreeMap<String, String>>,
    }
    #[derive(Default, Deserialize)]
    struct Config {
        #[serde(default)]
        global: Option<Global>,
    }
    // The text was printed by Prometheus from its own structures and its length is capped by the body limit; the
    // parser's budget is for hostile input and would refuse large but honest configurations.
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    let config: Option<Config> = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|e| format!("Prometheus configuration: {e}"))?;
    let labels = config.and_then(|c| c.global).and_then(|g| g.external_labels).unwrap_or_default();
    Ok(Labels::from_pairs(labels))
}

/// Finds the line of the lowest timestamp in a body that arrives in parts, keeping no more than one line.
#[derive(Default)]
struct LineScan {
    line: Vec<u8>,
    /// The current line is longer than the cap; skip to its end.
    overlong: bool,
}

impl LineScan {
    fn push(&mut self, part: &[u8]) -> Option<String> {
        let mut rest = part;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.extend(&rest[..end]);
            if let Some(value) = self.finish() {
                return Some(value);
            }
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        None
    }

    fn extend(&mut self, part: &[u8]) {
        if self.overlong || self.line.len() + part.len() > MAX_LINE_BYTES {
            self.overlong = true;
            self.line.clear();
        } else {
            self.line.extend_from_slice(part);
        }
    }

    /// Ends the line; its value text, if it is the one.
    fn finish(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.overlong) {
            return None;
        }
        let rest = line.strip_prefix(LOWEST_TIMESTAMP)?;
        // Labels are not expected, but a proxy may add some.
        let rest = match rest.first()? {
            b' ' | b'\t' => rest,
            b'{' => &rest[rest.iter().rposition(|b| *b == b'}')? + 1..],
            _ => return None,
        };
        String::from_utf8_lossy(rest).split_ascii_whitespace().next().map(str::to_string)
    }
}

fn parse_lowest(text: &str) -> Result<i64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("lowest timestamp {text:?} is not a number"))?;
    let ms = seconds * 1000.0;
    // Prometheus has i64::MAX milliseconds there until it knows better. The widest range is the safe answer: it keeps
    // queriers from leaving this Prometheus out.
    Ok(if ms == i64::MAX as f64 { i64::MIN } else { ms as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(parts: &[&str]) -> Option<String> {
        let mut scan = LineScan::default();
        for part in parts {
            if let Some(value) = scan.push(part.as_bytes()) {
                return Some(value);
            }
        }
        scan.finish()
    }

    #[test]
    fn finds_the_lowest_timestamp_across_parts() {
        let help = "# HELP prometheus_tsdb_lowest_timestamp_seconds Lowest.\n";
        assert_eq!(
            scan(&[help, "prometheus_tsdb_lowest_time", "stamp_seconds 1.5e+09\nup 1\n"]).as_deref(),
            Some("1.5e+09")
        );
        assert_eq!(
            scan(&["prometheus_tsdb_lowest_timestamp_seconds{a=\"b c\"} 12 34"]).as_deref(),
            Some("12")
        );
        assert_eq!(scan(&["prometheus_tsdb_lowest_timestamp_seconds_other 1\n"]), None);
        let long = "x".repeat(MAX_LINE_BYTES);
        assert_eq!(
            scan(&[&long, &long, "\nprometheus_tsdb_lowest_timestamp_seconds 7\n"]).as_deref(),
            Some("7")
        );
    }

    #[test]
    fn an_unknown_lowest_timestamp_is_the_widest_range() {
        assert_eq!(parse_lowest("9.223372036854776e+15"), Ok(i64::MIN));
        assert_eq!(parse_lowest("1.7e+09"), Ok(1_700_000_000_000));
        assert!(parse_lowest("soon").is_err());
    }

    #[test]
    fn reads_external_labels_from_a_configuration() {
        let read = |yaml: &str| external_labels(yaml).map(|l| l.to_string());
        assert_eq!(
            read("global:\n  external_labels:\n    replica: \"0\"\n    cluster: eu1\n").as_deref(),
            Ok("{cluster=\"eu1\", replica=\"0\"}")
        );
        // Bare scalars are taken as the text they are.
        assert_eq!(
            read("global:\n  external_labels:\n    a: 1\n    b: true\n").as_deref(),
            Ok("{a=\"1\", b=\"true\"}")
        );
        for none in [
            "",
            "global:\n  scrape_interval: 15s\n",
            "global: {}\nscrape_configs:\n- job_name: a\n",
            "global:\n  external_labels: {}\n",
        ] {
            assert_eq!(read(none).as_deref(), Ok("{}"), "{none:?}");
        }
        assert!(read("global: [").is_err());
        assert!(read("global:\n  external_labels: [a]\n").is_err());
    }

    #[test]
    fn reads_flags() {
        let text = br#"{"status":"success","data":{"storage.tsdb.path":"/data","storage.tsdb.min-block-duration":"2h",
            "storage.tsdb.max-block-duration":"1d12h","web.enable-lifecycle":"true","web.enable-admin-api":"false",
            "storage.tsdb.retention":"0s","query.timeout":"2m"}}"#;
        let flags: Flags = json::data(200, text, "u").expect("flags");
        assert_eq!(flags.min_block_duration_ms, 7_200_000);
        assert_eq!(flags.max_block_duration_ms, 36 * 3_600_000);
        assert_eq!((flags.enable_lifecycle, flags.enable_admin_api), (true, false));
        assert_eq!(flags.delay_compact_file, "");
        let broken = json::data::<Flags>(
            200,
            br#"{"status":"success","data":{"storage.tsdb.min-block-duration":"2 hours"}}"#,
            "u",
        );
        assert!(broken.is_err());
    }
}
