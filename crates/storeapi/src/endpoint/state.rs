//! The state of one endpoint, as a function of its answers and the time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use model::labels::Labels;
use tokio::time::Instant;

use super::EndpointSpec;
use crate::Error;
use crate::grpc::Remote;
use crate::info::{ComponentType, Info, StoreDetails, TsdbRange};
use crate::proxy::StoreRef;

/// An endpoint with what it said last.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) name: String,
    pub(super) strict: bool,
    pub(super) remote: Remote,
    pub(super) info: Info,
    /// The StoreAPI part, if there is one.
    pub(super) store: Option<Arc<StoreRef>>,
    created: Instant,
    /// Time of the last answer.
    last_answer: Option<(Instant, SystemTime)>,
    last_error: Option<Error>,
    /// Whether it ever answered; until then its Info is a guess.
    known: bool,
}

/// What `/api/v1/stores` shows of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Its address.
    pub name: String,
    /// Time of the last answer.
    pub last_check: Option<SystemTime>,
    /// Why it did not answer last time.
    pub last_error: Option<String>,
    /// External label sets, empty ones left out.
    pub label_sets: Vec<Labels>,
    /// Its kind.
    pub component: ComponentType,
    /// Oldest time, ms.
    pub min_time: i64,
    /// Newest time, ms, inclusive.
    pub max_time: i64,
    /// It is asked whatever it said last, and never forgotten.
    pub strict: bool,
    /// It is asked now.
    pub queryable: bool,
    /// The APIs that it serves: `store`, `rules`, `targets`, …
    pub apis: Vec<&'static str>,
    /// What is behind its store, when it tells.
    pub tsdb_infos: Vec<TsdbRange>,
    /// Its version, when it tells.
    pub version: Option<String>,
}

impl Endpoint {
    pub(super) fn new(spec: EndpointSpec, now: Instant) -> Self {
        Endpoint {
            name: spec.name,
            strict: spec.strict,
            remote: spec.remote,
            info: Info::new(ComponentType::Unknown),
            store: None,
            created: now,
            last_answer: None,
            last_error: None,
            known: false,
        }
    }

    /// Takes in the outcome of an Info call. What was known stays after a failure; a strict endpoint that never answered is
    /// taken for a store with data of all times.
    pub(super) fn answered(&mut self, answer: Result<Info, Error>, now: Instant, wall: SystemTime) {
        match answer {
            Ok(info) => {
                self.info = info;
                self.known = true;
                self.last_answer = Some((now, wall));
                self.last_error = None;
            }
            Err(error) => {
                if !self.known {
                    self.info.store = Some(StoreDetails {
                        min_time: i64::MIN,
                        max_time: i64::MAX,
                        supports_sharding: false,
                        supports_without_replica_labels: false,
                        supports_projections: false,
                        tsdb_infos: Vec::new(),
                    });
                }
                self.last_error = Some(error);
            }
        }
        let api = Arc::new(self.remote.clone());
        self.store = StoreRef::from_info(api, Some(self.name.clone()), &self.info).map(Arc::new);
    }

    pub(super) fn is_queryable(&self) -> bool {
        self.strict || self.last_error.is_none()
    }

    pub(super) fn is_timed_out(&self, now: Instant, timeout: Duration) -> bool {
        let since_answer =
            now.duration_since(self.last_answer.map_or(self.created, |(answered, _)| answered));
        !self.strict && now.duration_since(self.created) >= timeout && since_answer >= timeout
    }

    pub(super) fn component(&self) -> ComponentType {
        self.info.component
    }

    pub(super) fn label_sets_text(&self) -> String {
        let mut sets: Vec<String> =
            self.info.label_sets.iter().filter(|set| !set.is_empty()).map(ToString::to_string).collect();
        sets.sort();
        sets.join(",")
    }

    /// The APIs served, as the log shows them.
    pub(super) fn apis(&self) -> String {
        let info = &self.info;
        let apis = [
            ("storeEndpoints", info.store.is_some()),
            ("rulesAPI", info.rules),
            ("exemplarsAPI", info.exemplars.is_some()),
            ("targetsAPI", info.targets),
            ("MetricMetadataAPI", info.metric_metadata),
            ("QueryAPI", info.query),
        ];
        let present: Vec<&str> = apis.iter().filter(|(_, served)| *served).map(|(name, _)| *name).collect();
        format!("[{}]", present.join(" "))
    }

    pub(super) fn status(&self) -> EndpointStatus {
        let (min_time, max_time) =
            self.info.store.as_ref().map_or((i64::MIN, i64::MAX), |store| (store.min_time, store.max_time));
        let known = self.known;
        EndpointStatus {
            name: self.name.clone(),
            last_check: self.last_answer.map(|(_, wall)| wall),
            last_error: self.last_error.as_ref().map(ToString::to_string),
            label_sets: self.info.label_sets.iter().filter(|set| !set.is_empty()).cloned().collect(),
            component: self.info.component,
            // Times of an endpoint that never answered are not shown as known.
            min_time: if known { min_time } else { 0 },
            max_time: if known { max_time } else { 0 },
            strict: self.strict,
            queryable: self.is_queryable(),
            apis: if known { self.served() } else { Vec::new() },
            tsdb_infos: self.info.store.iter().flat_map(|store| store.tsdb_infos.clone()).collect(),
            version: self.info.version.clone(),
        }
    }

    /// The APIs served, by their short names.
    fn served(&self) -> Vec<&'static str> {
        let info = &self.info;
        let apis = [
            ("store", info.store.is_some()),
            ("rules", info.rules),
            ("targets", info.targets),
            ("metadata", info.metric_metadata),
            ("exemplars", info.exemplars.is_some()),
            ("status", info.status),
            ("query", info.query),
        ];
        apis.into_iter().filter_map(|(name, served)| served.then_some(name)).collect()
    }
}
