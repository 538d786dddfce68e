//! The APIs beside StoreAPI — Rules, Targets, Metadata, Exemplars, Status — as small traits.
//!
//! Their messages are small, passed on mostly as they are, and shown as JSON, so the wire types are used directly. An answer is
//! whole: what was found, and what went wrong without stopping it.

use async_trait::async_trait;
use proto::thanos::{
    ExemplarData, ExemplarsRequest, MetricMetadata, MetricMetadataRequest, RuleGroup, RulesRequest,
    TargetDiscovery, TargetsRequest, TsdbStatistics, TsdbStatisticsRequest,
};

use crate::Error;

/// An answer and its warnings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WithWarnings<T> {
    /// The answer.
    pub value: T,
    /// What went wrong without stopping it.
    pub warnings: Vec<String>,
}

impl<T> WithWarnings<T> {
    /// An answer without warnings.
    pub fn new(value: T) -> Self {
        WithWarnings { value, warnings: Vec::new() }
    }
}

/// Rule groups with their state.
#[async_trait]
pub trait RulesApi: Send + Sync + 'static {
    /// Groups matching the request.
    async fn rules(&self, request: RulesRequest) -> Result<WithWarnings<Vec<RuleGroup>>, Error>;
}

/// Scrape targets.
#[async_trait]
pub trait TargetsApi: Send + Sync + 'static {
    /// Targets in the state asked for.
    async fn targets(&self, request: TargetsRequest) -> Result<WithWarnings<TargetDiscovery>, Error>;
}

/// Metadata of metrics.
#[async_trait]
pub trait MetadataApi: Send + Sync + 'static {
    /// Metadata of one metric or all, at most `limit` metrics when that is not negative.
    async fn metric_metadata(
        &self,
        request: MetricMetadataRequest,
    ) -> Result<WithWarnings<MetricMetadata>, Error>;
}

/// Exemplars of series.
#[async_trait]
pub trait ExemplarsApi: Send + Sync + 'static {
    /// Exemplars of the selectors in the request's expression.
    async fn exemplars(&self, request: ExemplarsRequest) -> Result<WithWarnings<Vec<ExemplarData>>, Error>;
}

/// Statistics of TSDB heads.
#[async_trait]
pub trait StatusApi: Send + Sync + 'static {
    /// Statistics by tenant; the empty tenant is the one of a single-tenant store.
    async fn tsdb_statistics(
        &self,
        request: TsdbStatisticsRequest,
    ) -> Result<WithWarnings<TsdbStatistics>, Error>;
}
