//! The queriers among the endpoints, as engines to which parts of queries are left.

use std::collections::BTreeMap;

use model::labels::Labels;
use promql::distribute::{Partition, RemoteEngine};
use storeapi::TsdbRange;
use storeapi::endpoint::EndpointSet;
use storeapi::grpc::Remote;

use crate::config::QueryConfig;

/// The queriers, and what each holds.
pub(super) struct Engines {
    queriers: Vec<(String, Remote)>,
    descriptions: Vec<RemoteEngine>,
}

impl Engines {
    /// The queriers that hold all data there are; `None` when some data are behind other endpoints only, or a querier does not tell
    /// what it holds.
    pub(super) fn of(
        endpoints: &EndpointSet,
        config: &QueryConfig,
        replica_labels: &[String],
    ) -> Option<Self> {
        let mut engines = Engines { queriers: Vec::new(), descriptions: Vec::new() };
        for endpoint in endpoints.serving(|info| info.store.is_some() || info.query) {
            if !endpoint.query || endpoint.tsdb_infos.is_empty() {
                tracing::debug!(
                    address = endpoint.name,
                    "query is not distributed: the endpoint serves no Query API or does not tell its data"
                );
                return None;
            }
            engines.descriptions.push(describe(&endpoint.tsdb_infos, config, replica_labels));
            engines.queriers.push((endpoint.name, endpoint.remote));
        }
        Some(engines)
    }

    pub(super) fn descriptions(&self) -> &[RemoteEngine] {
        &self.descriptions
    }

    pub(super) fn address(&self, engine: usize) -> &str {
        &self.queriers[engine].0
    }

    pub(super) fn querier(&self, engine: usize) -> &Remote {
        &self.queriers[engine].1
    }
}

/// The partitions of a querier, from what it says of the TSDBs behind it.
fn describe(infos: &[TsdbRange], config: &QueryConfig, replica_labels: &[String]) -> RemoteEngine {
    let mut partitions: BTreeMap<Labels, Partition> = BTreeMap::new();
    for info in infos {
        let set = info.labels.without(replica_labels);
        let labels =
            if config.partition_labels.is_empty() { set.clone() } else { set.only(&config.partition_labels) };
        let replica = info.labels.only(replica_labels);
        let partition = partitions.entry(labels.clone()).or_insert_with(|| Partition {
            labels,
            label_sets: Vec::new(),
            replicas: Vec::new(),
            mint: info.min_time,
            maxt: info.max_time,
        });
        // A replica may have dropped its oldest block before the others did; only what all have is safe.
        partition.mint = if config.distributed_with_overlapping_interval {
            partition.mint.min(info.min_time)
        } else {
            partition.mint.max(info.min_time)
        };
        partition.maxt = partition.maxt.max(info.max_time);
        if !partition.label_sets.contains(&set) {
            partition.label_sets.push(set);
        }
        if !partition.replicas.contains(&replica) {
            partition.replicas.push(replica);
        }
    }
    RemoteEngine { partitions: partitions.into_values().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(pairs: &[(&str, &str)], min_time: i64, max_time: i64) -> TsdbRange {
        TsdbRange { labels: Labels::from_pairs(pairs.iter().copied()), min_time, max_time }
    }

    #[test]
    fn replicas_of_a_partition_are_one() {
        let infos = [
            info(&[("region", "eu"), ("zone", "1"), ("replica", "a")], 10, 50),
            info(&[("region", "eu"), ("zone", "1"), ("replica", "b")], 20, 60),
            info(&[("region", "us"), ("zone", "2")], 5, 70),
        ];
        let config = QueryConfig { partition_labels: vec!["region".into()], ..QueryConfig::default() };
        let engine = describe(&infos, &config, &["replica".to_owned()]);
        let [eu, us] = engine.partitions.as_slice() else { panic!("{engine:?}") };
        assert_eq!(eu.labels, Labels::from_pairs([("region", "eu")]));
        assert_eq!(eu.label_sets, [Labels::from_pairs([("region", "eu"), ("zone", "1")])]);
        assert_eq!((eu.mint, eu.maxt, eu.replicas.len()), (20, 60, 2));
        assert_eq!((us.mint, us.maxt, us.replicas.as_slice()), (5, 70, &[Labels::empty()][..]));

        let overlapping = QueryConfig { distributed_with_overlapping_interval: true, ..config };
        assert_eq!(describe(&infos, &overlapping, &["replica".to_owned()]).partitions[0].mint, 10);
    }
}
