//! Selects over StoreAPI, replica dedup, fan-out of rules, targets, metadata and exemplars, the Prometheus HTTP API.

mod active;
mod api;
mod config;
mod engine_metrics;
mod fanout;
mod gate;
mod grpc;
mod http;
mod params;
mod querier;
mod reach;
mod remote;
mod select;
mod telemetry;
mod tenancy;

pub use active::{Active, ActiveQueries};
pub use api::{BuildError, Evaluated, QueryApi, QueryOptions};
pub use config::{BuildInfo, EngineName, PartialResponses, QueryConfig, QueryMode, TelemetryBuckets};
pub use fanout::{Fanout, MergedGroup, MergedTargets, RuleFilter, Sourced};
pub use gate::{Entered, Gate};
pub use http::respond::{ApiError, ApiErrorKind};
pub use querier::Querier;
pub use select::{
    SelectContext, SelectFailed, SelectOptions, SelectStats, SelectTasks, StoreQueryable, series_labels,
};
pub use telemetry::QueryTelemetry;
pub use tenancy::{CertificateField, DEFAULT_TENANT_HEADER, TenancyConfig};
