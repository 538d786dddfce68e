//! Settings of the querier: plain data, as the flags give them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use model::labels::Labels;
use promql::parse::ParseOptions;
use storeapi::{Retrieval, SelectLimits, StoreSelector};
use tsdb::dedup::Algorithm;

use crate::tenancy::TenancyConfig;

/// What this program was built from, for `/api/v1/status/buildinfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildInfo {
    /// Version.
    pub version: String,
    /// Commit.
    pub revision: String,
    /// Branch.
    pub branch: String,
    /// Who built it.
    pub build_user: String,
    /// When it was built.
    pub build_date: String,
    /// The compiler; the field keeps Thanos's name.
    pub go_version: String,
}

/// Which APIs give partial answers when an endpoint fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialResponses {
    /// Queries and metadata of series (`--query.partial-response`).
    pub query: bool,
    /// `--rule.partial-response`.
    pub rules: bool,
    /// `--target.partial-response`.
    pub targets: bool,
    /// `--metric-metadata.partial-response`.
    pub metadata: bool,
    /// `--exemplar.partial-response`.
    pub exemplars: bool,
    /// `--status.partial-response`.
    pub status: bool,
}

impl Default for PartialResponses {
    fn default() -> Self {
        PartialResponses {
            query: true,
            rules: true,
            targets: true,
            metadata: true,
            exemplars: true,
            status: true,
        }
    }
}

/// Name of a PromQL engine (`--query.promql-engine`, parameter `engine`). There is one engine behind both; they differ in what
/// they explain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineName {
    /// `prometheus`.
    #[default]
    Prometheus,
    /// `thanos`.
    Thanos,
}

impl EngineName {
    /// The engine of a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "prometheus" => Some(EngineName::Prometheus),
            "thanos" => Some(EngineName::Thanos),
            _ => None,
        }
    }
}

/// Where queries are evaluated (`--query.mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueryMode {
    /// Here.
    #[default]
    Local,
    /// In parts by the queriers among the endpoints.
    Distributed,
}

/// Buckets of `thanos_store_api_query_duration_seconds`.
#[derive(Clone, Debug, PartialEq)]
pub struct TelemetryBuckets {
    /// Durations, seconds.
    pub durations: Vec<f64>,
    /// Numbers of samples.
    pub samples: Vec<f64>,
    /// Numbers of series.
    pub series: Vec<f64>,
}

impl Default for TelemetryBuckets {
    fn default() -> Self {
        TelemetryBuckets {
            durations: vec![0.1, 0.25, 0.75, 1.25, 1.75, 2.5, 3.0, 5.0, 10.0],
            samples: vec![100.0, 1000.0, 10_000.0, 100_000.0, 1_000_000.0],
            series: vec![10.0, 100.0, 1000.0, 10_000.0, 100_000.0],
        }
    }
}

/// Settings of the querier.
#[derive(Clone, Debug)]
pub struct QueryConfig {
    /// Labels that tell replicas apart (`--query.replica-label`).
    pub replica_labels: Vec<String>,
    /// How replicas are joined (`--deduplication.func`).
    pub deduplication: Algorithm,
    /// Longest evaluation (`--query.timeout`).
    pub timeout: Duration,
    /// Queries at once (`--query.max-concurrent`).
    pub max_concurrent: usize,
    /// Selects at once (`--query.max-concurrent-select`).
    pub max_concurrent_selects: usize,
    /// `--query.lookback-delta`; zero is the engine's default.
    pub lookback_delta: Duration,
    /// `--query.dynamic-lookback-delta`.
    pub dynamic_lookback_delta: bool,
    /// Engine when the request names none.
    pub default_engine: EngineName,
    /// Where queries are evaluated.
    pub mode: QueryMode,
    /// Labels that tell apart what the queriers of distributed mode hold; empty for all external labels but replica labels
    /// (`--query.partition-label`).
    pub partition_labels: Vec<String>,
    /// Of several TSDBs of a partition behind a querier the oldest time counts, not the newest of their oldest ones
    /// (`--query.distributed-with-overlapping-interval`).
    pub distributed_with_overlapping_interval: bool,
    /// `--query.auto-downsampling`.
    pub auto_downsampling: bool,
    /// `--query.instant.default.max_source_resolution`.
    pub instant_max_source_resolution: Duration,
    /// `--query.default-step`.
    pub default_step: Duration,
    /// `--query.default-evaluation-interval`: step of subqueries without one.
    pub default_evaluation_interval: Duration,
    /// `--query.metadata.default-time-range`; zero is all time.
    pub metadata_default_time_range: Duration,
    /// Which APIs give partial answers.
    pub partial_responses: PartialResponses,
    /// Parts of PromQL that are switched on.
    pub parse_options: ParseOptions,
    /// Metric names are dropped at the end only (`--enable-feature=promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// Counters are told by their `__type__` (`--enable-feature=type-and-unit-labels`).
    pub type_and_unit_labels: bool,
    /// Rates use start timestamps (`--enable-feature=use-start-timestamps`).
    pub use_start_timestamps: bool,
    /// Samples that one query may hold at once; 0 sets no limit (`--query.max-samples`).
    pub max_samples: u64,
    /// Bytes of chunks, samples, columns and results that one query may hold; 0 sets no limit (`--query.max-memory`).
    pub max_query_bytes: u64,
    /// Bytes that all queries together may hold; 0 sets no limit (`--query.max-memory-total`).
    pub max_total_bytes: u64,
    /// Folder of the log of running queries (`--query.active-query-path`).
    pub active_query_path: Option<PathBuf>,
    /// Tenants.
    pub tenancy: TenancyConfig,
    /// Labels announced beside those of the stores (`--selector-label`).
    pub selector_labels: Labels,
    /// Which label sets may be asked (`--selector.relabel-config`).
    pub selector: StoreSelector,
    /// Longest wait for a frame of a store (`--store.response-timeout`); zero is for ever.
    pub response_timeout: Duration,
    /// How far stores are read ahead.
    pub retrieval: Retrieval,
    /// Limits of the served StoreAPI (`--store.limits.request-*`).
    pub store_limits: SelectLimits,
    /// Buckets of the query telemetry.
    pub telemetry: TelemetryBuckets,
    /// All flags with their values, for `/api/v1/status/flags`.
    pub flags: BTreeMap<String, String>,
    /// For `/api/v1/status/buildinfo`.
    pub build_info: BuildInfo,
    /// Threads that decode series; 0 is one per CPU.
    pub evaluation_threads: usize,
}

impl Default for QueryConfig {
    fn default() -> Self {
        QueryConfig {
            replica_labels: Vec::new(),
            deduplication: Algorithm::Penalty,
            timeout: Duration::from_secs(120),
            max_concurrent: 20,
            max_concurrent_selects: 4,
            lookback_delta: Duration::ZERO,
            dynamic_lookback_delta: true,
            default_engine: EngineName::Prometheus,
            mode: QueryMode::Local,
            partition_labels: Vec::new(),
            distributed_with_overlapping_interval: false,
            auto_downsampling: false,
            instant_max_source_resolution: Duration::ZERO,
            default_step: Duration::from_secs(1),
            default_evaluation_interval: Duration::from_secs(60),
            metadata_default_time_range: Duration::ZERO,
            partial_responses: PartialResponses::default(),
            // As in Prometheus 3.14, where arithmetic on durations is no longer behind a switch.
            parse_options: ParseOptions { enable_duration_expressions: true, ..ParseOptions::default() },
            delayed_name_removal: false,
            type_and_unit_labels: false,
            use_start_timestamps: false,
            max_samples: 0,
            max_query_bytes: 0,
            max_total_bytes: 0,
            active_query_path: None,
            tenancy: TenancyConfig::default(),
            selector_labels: Labels::empty(),
            selector: StoreSelector::default(),
            response_timeout: Duration::ZERO,
            retrieval: Retrieval::Eager,
            store_limits: SelectLimits::default(),
            telemetry: TelemetryBuckets::default(),
            flags: BTreeMap::new(),
            build_info: BuildInfo::default(),
            evaluation_threads: 0,
        }
    }
}

impl QueryConfig {
    /// The lookback delta of a query, given the coarsest resolution (ms) it reads.
    ///
    /// Samples of downsampled data lie further apart than the usual 5 minutes look back.
    pub fn lookback_delta_for(&self, max_resolution_ms: i64) -> Duration {
        const FIVE_MINUTES: Duration = Duration::from_secs(300);
        const HOUR: Duration = Duration::from_secs(3600);
        let configured = self.lookback_delta;
        let resolution = Duration::from_millis(u64::try_from(max_resolution_ms).unwrap_or(0));
        if !self.dynamic_lookback_delta || resolution <= configured {
            configured
        } else if resolution > FIVE_MINUTES {
            configured.max(HOUR)
        } else {
            configured.max(FIVE_MINUTES)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookback_grows_with_resolution() {
        let config = QueryConfig::default();
        assert_eq!(config.lookback_delta_for(0), Duration::ZERO);
        assert_eq!(config.lookback_delta_for(300_000), Duration::from_secs(300));
        assert_eq!(config.lookback_delta_for(300_001), Duration::from_secs(3600));
        let fixed =
            QueryConfig { dynamic_lookback_delta: false, lookback_delta: Duration::from_secs(60), ..config };
        assert_eq!(fixed.lookback_delta_for(3_600_000), Duration::from_secs(60));
    }
}
