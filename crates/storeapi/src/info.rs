//! What an endpoint says about itself over the Info API.

use model::labels::Labels;
use proto::thanos::info::{
    ExemplarsInfo, InfoResponse, MetricMetadataInfo, QueryApiInfo, RulesInfo, StatusInfo, StoreInfo,
    TargetsInfo, TsdbInfo,
};
use proto::{label_set, label_set_labels};

use crate::Error;

/// Kinds of components, by the names they announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentType {
    /// Querier.
    Query,
    /// Ruler.
    Rule,
    /// Sidecar.
    Sidecar,
    /// Store gateway.
    Store,
    /// Receiver.
    Receive,
    /// A store of unknown kind.
    Debug,
    /// Not known, as of an endpoint that never answered.
    Unknown,
}

impl ComponentType {
    /// The name on the wire and in `/api/v1/stores`.
    pub fn name(self) -> &'static str {
        match self {
            ComponentType::Query => "query",
            ComponentType::Rule => "rule",
            ComponentType::Sidecar => "sidecar",
            ComponentType::Store => "store",
            ComponentType::Receive => "receive",
            ComponentType::Debug => "debug",
            ComponentType::Unknown => "unknown component type",
        }
    }

    /// The component of a name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "query" => ComponentType::Query,
            "rule" => ComponentType::Rule,
            "sidecar" => ComponentType::Sidecar,
            "store" => ComponentType::Store,
            "receive" => ComponentType::Receive,
            "debug" => ComponentType::Debug,
            _ => ComponentType::Unknown,
        }
    }
}

/// Labels and times of one TSDB or block stream behind a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsdbRange {
    /// External labels.
    pub labels: Labels,
    /// Oldest time, ms.
    pub min_time: i64,
    /// Newest time, ms, inclusive.
    pub max_time: i64,
}

/// The Store part of an Info answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDetails {
    /// Oldest time, ms.
    pub min_time: i64,
    /// Newest time, ms, inclusive.
    pub max_time: i64,
    /// Whether the store applies `ShardInfo` itself.
    pub supports_sharding: bool,
    /// Whether the store applies `without_replica_labels` itself.
    pub supports_without_replica_labels: bool,
    /// Whether the store applies projections itself.
    pub supports_projections: bool,
    /// What is behind the store, when it tells.
    pub tsdb_infos: Vec<TsdbRange>,
}

/// An Info answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The component.
    pub component: ComponentType,
    /// External label sets of the data.
    pub label_sets: Vec<Labels>,
    /// StoreAPI, if served.
    pub store: Option<StoreDetails>,
    /// Exemplars API, if served: its time range, ms.
    pub exemplars: Option<(i64, i64)>,
    /// Rules API is served.
    pub rules: bool,
    /// Metadata API is served.
    pub metric_metadata: bool,
    /// Targets API is served.
    pub targets: bool,
    /// Query API is served.
    pub query: bool,
    /// Status API is served.
    pub status: bool,
    /// The version, where the endpoint tells it: ours do, beside the message.
    pub version: Option<String>,
}

impl Info {
    /// An answer that announces nothing but the component.
    pub fn new(component: ComponentType) -> Self {
        Info {
            component,
            label_sets: Vec::new(),
            store: None,
            exemplars: None,
            rules: false,
            metric_metadata: false,
            targets: false,
            query: false,
            status: false,
            version: None,
        }
    }

    /// The wire form.
    pub fn to_proto(&self) -> InfoResponse {
        InfoResponse {
            label_sets: self.label_sets.iter().map(label_set).collect(),
            component_type: self.component.name().to_owned(),
            store: self.store.as_ref().map(|store| StoreInfo {
                min_time: store.min_time,
                max_time: store.max_time,
                supports_sharding: store.supports_sharding,
                supports_without_replica_labels: store.supports_without_replica_labels,
                tsdb_infos: store
                    .tsdb_infos
                    .iter()
                    .map(|tsdb| TsdbInfo {
                        labels: Some(label_set(&tsdb.labels)),
                        min_time: tsdb.min_time,
                        max_time: tsdb.max_time,
                    })
                    .collect(),
                supports_projections: store.supports_projections,
            }),
            rules: self.rules.then_some(RulesInfo {}),
            metric_metadata: self.metric_metadata.then_some(MetricMetadataInfo {}),
            targets: self.targets.then_some(TargetsInfo {}),
            exemplars: self.exemplars.map(|(min_time, max_time)| ExemplarsInfo { min_time, max_time }),
            query: self.query.then_some(QueryApiInfo {}),
            status: self.status.then_some(StatusInfo {}),
        }
    }

    /// Reads the wire form.
    pub fn from_proto(response: &InfoResponse) -> Self {
        Info {
            component: ComponentType::from_name(&response.component_type),
            label_sets: response.label_sets.iter().map(|set| label_set_labels(Some(set))).collect(),
            store: response.store.as_ref().map(|store| StoreDetails {
                min_time: store.min_time,
                max_time: store.max_time,
                supports_sharding: store.supports_sharding,
                supports_without_replica_labels: store.supports_without_replica_labels,
                supports_projections: store.supports_projections,
                tsdb_infos: store
                    .tsdb_infos
                    .iter()
                    .map(|tsdb| TsdbRange {
                        labels: label_set_labels(tsdb.labels.as_ref()),
                        min_time: tsdb.min_time,
                        max_time: tsdb.max_time,
                    })
                    .collect(),
            }),
            exemplars: response.exemplars.as_ref().map(|exemplars| (exemplars.min_time, exemplars.max_time)),
            rules: response.rules.is_some(),
            metric_metadata: response.metric_metadata.is_some(),
            targets: response.targets.is_some(),
            query: response.query.is_some(),
            status: response.status.is_some(),
            version: None,
        }
    }
}

/// Says what an endpoint serves at this moment; asked for every Info call.
pub trait InfoProvider: Send + Sync + 'static {
    /// The present state.
    fn info(&self) -> Info;

    /// The present state, or why it cannot be told: an endpoint that is not ready fails the call, so that queriers see it.
    fn try_info(&self) -> Result<Info, Error> {
        Ok(self.info())
    }
}

impl<F: Fn() -> Info + Send + Sync + 'static> InfoProvider for F {
    fn info(&self) -> Info {
        self()
    }
}
