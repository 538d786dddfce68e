//! A store as the proxy sees it: where it is, what it has, what it can do.

use std::fmt;
use std::sync::Arc;

use model::labels::Labels;
use model::matcher::Matcher;

use crate::api::StoreApi;
use crate::external_labels::label_sets_match;
use crate::info::{Info, StoreDetails, TsdbRange};

/// A store with what it last announced.
pub struct StoreRef {
    /// The store.
    pub api: Arc<dyn StoreApi>,
    /// Its address; `None` for one inside this process.
    pub address: Option<String>,
    /// External label sets, empty ones left out.
    pub label_sets: Vec<Labels>,
    /// Oldest time, ms.
    pub min_time: i64,
    /// Newest time, ms, inclusive.
    pub max_time: i64,
    /// What is behind it, when it tells.
    pub tsdb_infos: Vec<TsdbRange>,
    /// Whether it applies `ShardInfo` itself.
    pub supports_sharding: bool,
    /// Whether it applies `without_replica_labels` itself.
    pub supports_without_replica_labels: bool,
}

impl StoreRef {
    /// A store at an address with what it announced; `None` when it serves no StoreAPI.
    pub fn from_info(api: Arc<dyn StoreApi>, address: Option<String>, info: &Info) -> Option<Self> {
        let store: &StoreDetails = info.store.as_ref()?;
        Some(StoreRef {
            api,
            address,
            label_sets: info.label_sets.iter().filter(|labels| !labels.is_empty()).cloned().collect(),
            min_time: store.min_time,
            max_time: store.max_time,
            tsdb_infos: store.tsdb_infos.clone(),
            supports_sharding: store.supports_sharding,
            supports_without_replica_labels: store.supports_without_replica_labels,
        })
    }

    /// Its label sets as text, which is how some warnings name it.
    pub(super) fn id(&self) -> String {
        let mut sets: Vec<String> = self.label_sets.iter().map(ToString::to_string).collect();
        sets.sort();
        if sets.is_empty() { "Store Gateway".to_owned() } else { sets.join(",") }
    }

    /// Why the store cannot have what is asked for; `None` if it may.
    pub fn mismatch(
        &self,
        mint: i64,
        maxt: i64,
        matchers: &[Matcher],
        store_matchers: &[Vec<Matcher>],
    ) -> Option<&'static str> {
        if mint > self.max_time || maxt < self.min_time {
            return Some("does not have data within this time period");
        }
        if !store_matchers.is_empty() {
            let Some(address) = &self.address else {
                return Some("the store is not remote, cannot match __address__");
            };
            let matches = |matchers: &Vec<Matcher>| {
                matchers.iter().all(|matcher| matcher.name() != "__address__" || matcher.matches(address))
            };
            if !store_matchers.iter().any(matches) {
                return Some("__address__ does not match debug store metadata matchers");
            }
        }
        if !label_sets_match(matchers, &self.label_sets) {
            return Some("external labels does not match request label matchers");
        }
        None
    }
}

impl fmt::Display for StoreRef {
    /// As warnings name a store.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.as_deref().unwrap_or_default();
        write!(f, "Addr: {address} MinTime: {} MaxTime: {}", self.min_time, self.max_time)
    }
}
