//! The APIs beside StoreAPI, proxied from Prometheus: rules, targets, metadata, exemplars, TSDB status.
//!
//! Prometheus does not put its external labels on rules, targets and exemplars, so that is done here.

mod convert;

use async_trait::async_trait;
use client::prometheus::{RuleType, TargetState};
use proto::matchers_from_proto;
use proto::thanos::{
    ExemplarData, ExemplarsRequest, MetricMetadata, MetricMetadataRequest, RuleGroup, RulesRequest,
    TargetDiscovery, TargetsRequest, TsdbStatistics, TsdbStatisticsRequest, rules_request, targets_request,
};
use server::Probes;
use storeapi::{Error, ExemplarsApi, MetadataApi, RulesApi, StatusApi, TargetsApi, WithWarnings};

use crate::peer::Peer;
use crate::store::api_error;

/// All of them over one Prometheus.
#[derive(Clone)]
pub struct Sister {
    peer: Peer,
    probes: Probes,
    /// Longest that Prometheus may take for its TSDB status.
    timeout: std::time::Duration,
}

impl Sister {
    /// The APIs over `peer`. `timeout` is for the TSDB status alone.
    pub fn new(peer: Peer, probes: Probes, timeout: std::time::Duration) -> Sister {
        Sister { peer, probes, timeout }
    }
}

#[async_trait]
impl RulesApi for Sister {
    async fn rules(&self, request: RulesRequest) -> Result<WithWarnings<Vec<RuleGroup>>, Error> {
        let kind = match rules_request::Type::try_from(request.r#type) {
            Ok(rules_request::Type::All) => RuleType::All,
            Ok(rules_request::Type::Alert) => RuleType::Alert,
            Ok(rules_request::Type::Record) => RuleType::Record,
            Err(_) => {
                return Err(Error::invalid_argument(format!("unknown type of rules {}", request.r#type)));
            }
        };
        let groups = self.peer.client().rules(kind).await.map_err(api_error)?;
        let external = self.peer.labels();
        Ok(WithWarnings::new(groups.into_iter().map(|group| convert::rule_group(group, &external)).collect()))
    }
}

#[async_trait]
impl TargetsApi for Sister {
    async fn targets(&self, request: TargetsRequest) -> Result<WithWarnings<TargetDiscovery>, Error> {
        let state = match targets_request::State::try_from(request.state) {
            Ok(targets_request::State::Any) => TargetState::Any,
            Ok(targets_request::State::Active) => TargetState::Active,
            Ok(targets_request::State::Dropped) => TargetState::Dropped,
            Err(_) => {
                return Err(Error::invalid_argument(format!("unknown state of targets {}", request.state)));
            }
        };
        let targets = self.peer.client().targets(state).await.map_err(api_error)?;
        Ok(WithWarnings::new(convert::targets(targets, &self.peer.labels())))
    }
}

#[async_trait]
impl MetadataApi for Sister {
    async fn metric_metadata(
        &self,
        request: MetricMetadataRequest,
    ) -> Result<WithWarnings<MetricMetadata>, Error> {
        let metadata =
            self.peer.client().metric_metadata(&request.metric, request.limit).await.map_err(api_error)?;
        Ok(WithWarnings::new(convert::metadata(metadata)))
    }
}

#[async_trait]
impl ExemplarsApi for Sister {
    async fn exemplars(&self, request: ExemplarsRequest) -> Result<WithWarnings<Vec<ExemplarData>>, Error> {
        let found = self.peer.client().exemplars(&request.query, request.start, request.end).await;
        let external = self.peer.labels();
        let found = found.map_err(api_error)?.into_iter().map(|data| convert::exemplars(data, &external));
        Ok(WithWarnings::new(found.collect()))
    }
}

#[async_trait]
impl StatusApi for Sister {
    async fn tsdb_statistics(
        &self,
        request: TsdbStatisticsRequest,
    ) -> Result<WithWarnings<TsdbStatistics>, Error> {
        if !self.probes.is_ready() {
            return Err(Error::new(storeapi::ErrorKind::Unknown, "not ready"));
        }
        let matchers = matchers_from_proto(&request.matchers)
            .map_err(|e| Error::new(storeapi::ErrorKind::Unknown, e).context("failed to convert matchers"))?;
        let external = self.peer.labels();
        // A Prometheus has one TSDB, of the tenant without a name.
        if !request.tenant.is_empty() || matchers.iter().any(|m| !m.matches(external.value(m.name()))) {
            return Ok(WithWarnings::default());
        }
        let limit = u32::try_from(request.limit).unwrap_or(0);
        let status = tokio::time::timeout(self.timeout, self.peer.client().tsdb_status(limit))
            .await
            .map_err(|_| Error::new(storeapi::ErrorKind::Unknown, "context deadline exceeded"))
            .and_then(|status| status.map_err(api_error))
            .map_err(|e| e.context("failed to get tsdb status from prometheus"))?;
        let entry = convert::tsdb_status(status, limit);
        Ok(WithWarnings::new(TsdbStatistics { statistics: [(String::new(), entry)].into() }))
    }
}
