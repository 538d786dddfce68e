//! Scrape targets.

use jiff::Timestamp;
use model::labels::Labels;
use serde::Deserialize;

use super::{Client, Error, json};

/// Which targets to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// All.
    Any,
    /// Those that are scraped.
    Active,
    /// Those that relabelling dropped.
    Dropped,
}

/// Health of an active target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetHealth {
    /// The last scrape failed.
    Down,
    /// The last scrape went well.
    Up,
    /// Not scraped yet.
    #[default]
    Unknown,
}

/// A target that is scraped.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ActiveTarget {
    /// Labels before relabelling.
    #[serde(with = "json::labels")]
    pub discovered_labels: Labels,
    /// Labels after relabelling.
    #[serde(with = "json::labels")]
    pub labels: Labels,
    /// Name of the scrape job.
    pub scrape_pool: String,
    /// Address that is scraped.
    pub scrape_url: String,
    /// Address as seen from outside.
    pub global_url: String,
    /// Error of the last scrape, empty when it went well.
    pub last_error: String,
    /// Time of the last scrape; the year one when there was none.
    #[serde(with = "json::time")]
    pub last_scrape: Timestamp,
    /// Length of the last scrape in seconds.
    pub last_scrape_duration: f64,
    /// Health.
    pub health: TargetHealth,
}

impl Default for ActiveTarget {
    fn default() -> ActiveTarget {
        ActiveTarget {
            discovered_labels: Labels::default(),
            labels: Labels::default(),
            scrape_pool: String::new(),
            scrape_url: String::new(),
            global_url: String::new(),
            last_error: String::new(),
            last_scrape: json::zero_time(),
            last_scrape_duration: 0.0,
            health: TargetHealth::default(),
        }
    }
}

/// A target that relabelling dropped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DroppedTarget {
    /// Labels before relabelling.
    #[serde(with = "json::labels")]
    pub discovered_labels: Labels,
}

/// All targets of a Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetDiscovery {
    /// Those that are scraped.
    #[serde(deserialize_with = "json::null_default")]
    pub active_targets: Vec<ActiveTarget>,
    /// Those that relabelling dropped.
    #[serde(deserialize_with = "json::null_default")]
    pub dropped_targets: Vec<DroppedTarget>,
}

impl Client {
    /// The scrape targets in the given state.
    pub async fn targets(&self, state: TargetState) -> Result<TargetDiscovery, Error> {
        let mut url = self.url(&["api", "v1", "targets"]);
        match state {
            TargetState::Any => {}
            TargetState::Active => drop(url.query_pairs_mut().append_pair("state", "active")),
            TargetState::Dropped => drop(url.query_pairs_mut().append_pair("state", "dropped")),
        }
        self.get_data(url).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_targets() {
        let text = br#"{"status":"success","data":{"activeTargets":[{"discoveredLabels":{"__address__":"quay:1"},
            "labels":{"job":"quay"},"scrapePool":"quay","scrapeUrl":"http://quay:1/metrics","globalUrl":"http://quay:1/metrics",
            "lastError":"no route","lastScrape":"2024-05-01T10:00:00.5+02:00","lastScrapeDuration":0.25,"health":"down",
            "scrapeInterval":"15s","scrapeTimeout":"10s"}],"droppedTargets":[{"discoveredLabels":{"__address__":"buoy:1"}}],
            "droppedTargetCounts":{"quay":1}}}"#;
        let targets: TargetDiscovery = json::data(200, text, "u").expect("targets");
        let active = &targets.active_targets[0];
        assert_eq!(active.last_scrape.as_millisecond(), 1_714_550_400_500);
        assert_eq!((active.health, active.labels.get("job")), (TargetHealth::Down, Some("quay")));
        assert_eq!(targets.dropped_targets[0].discovered_labels.get("__address__"), Some("buoy:1"));

        let only_active: TargetDiscovery = json::data(
            200,
            br#"{"status":"success","data":{"activeTargets":[],"droppedTargets":null}}"#,
            "u",
        )
        .expect("null");
        assert_eq!(only_active, TargetDiscovery::default());
    }
}
