//! Hides blocks whose data another block has.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use super::MetaFilter;
use crate::{
    Result,
    fetcher::{Counts, Metas, State},
};

/// Hides a block when one of its group (same resolution and external labels) has all of its sources. Of two with the same sources
/// the older stays.
#[derive(Debug, Default)]
pub struct Deduplicate {
    duplicates: Mutex<Vec<Arc<BlockMeta>>>,
}

impl Deduplicate {
    /// Creates the filter.
    pub fn new() -> Self {
        Deduplicate::default()
    }

    /// The blocks hidden by the last fetch, sorted.
    pub fn duplicates(&self) -> Vec<Ulid> {
        self.duplicates.lock().iter().map(|meta| meta.ulid).collect()
    }

    /// The metas of the blocks hidden by the last fetch, by block.
    pub fn duplicate_metas(&self) -> Vec<Arc<BlockMeta>> {
        self.duplicates.lock().clone()
    }
}

/// The blocks of one group that others cover. Looked up by one source each, so that a group of many blocks is not compared pair by pair.
fn covered(mut group: Vec<&Arc<BlockMeta>>) -> Vec<Ulid> {
    group.sort_by_key(|meta| (std::cmp::Reverse(meta.compaction.sources.len()), meta.ulid));
    let mut covering: Vec<BTreeSet<Ulid>> = Vec::new();
    let mut with_source: HashMap<Ulid, Vec<usize>> = HashMap::new();
    let mut duplicates = Vec::new();
    for meta in group {
        let sources = &meta.compaction.sources;
        let hidden = match sources.first() {
            // No sources at all are in any other block's, once there is one.
            None => !covering.is_empty(),
            Some(first) => with_source.get(first).is_some_and(|covers| {
                covers.iter().any(|&at| sources.iter().all(|id| covering[at].contains(id)))
            }),
        };
        if hidden {
            duplicates.push(meta.ulid);
            continue;
        }
        for source in sources {
            with_source.entry(*source).or_default().push(covering.len());
        }
        covering.push(sources.iter().copied().collect());
    }
    duplicates
}

#[async_trait]
impl MetaFilter for Deduplicate {
    async fn filter(&self, _: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        let mut groups: HashMap<String, Vec<&Arc<BlockMeta>>> = HashMap::new();
        for meta in metas.values() {
            groups.entry(meta.group_key()).or_default().push(meta);
        }
        let mut duplicates: Vec<Ulid> = groups.into_values().flat_map(covered).collect();
        duplicates.sort_unstable();
        let hidden: Vec<Arc<BlockMeta>> = duplicates.iter().filter_map(|id| metas.remove(id)).collect();
        for _ in &hidden {
            counts.add(State::Duplicate);
        }
        *self.duplicates.lock() = hidden;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meta(n: u64, sources: &[u64]) -> Arc<BlockMeta> {
        let mut meta = BlockMeta::new(Ulid::from_parts(n, 0), 0, 1);
        meta.compaction.sources = sources.iter().map(|n| Ulid::from_parts(*n, 0)).collect();
        Arc::new(meta)
    }

    /// Pair by pair, as the rule is told.
    fn naive(group: &[Arc<BlockMeta>]) -> Vec<Ulid> {
        let mut sorted: Vec<_> = group.iter().collect();
        sorted.sort_by_key(|meta| (std::cmp::Reverse(meta.compaction.sources.len()), meta.ulid));
        let mut kept: Vec<&Arc<BlockMeta>> = Vec::new();
        let mut hidden = Vec::new();
        for meta in sorted {
            let covers = |other: &&Arc<BlockMeta>| {
                meta.compaction.sources.iter().all(|id| other.compaction.sources.contains(id))
            };
            if kept.iter().any(covers) { hidden.push(meta.ulid) } else { kept.push(meta) }
        }
        hidden
    }

    proptest! {
        #[test]
        fn hides_what_the_plain_rule_hides(sources in prop::collection::vec(prop::collection::vec(0u64..8, 0..5), 0..12)) {
            let group: Vec<_> = sources.iter().enumerate().map(|(n, sources)| meta(100 + n as u64, sources)).collect();
            prop_assert_eq!(covered(group.iter().collect()), naive(&group));
        }
    }

    #[tokio::test]
    async fn compares_blocks_of_one_group_only() {
        let filter = Deduplicate::new();
        let mut other = (*meta(3, &[1])).clone();
        other.thanos.labels.insert("a".into(), "b".into());
        let blocks = [meta(1, &[1]), meta(2, &[1, 2]), Arc::new(other)];
        let mut metas: Metas = blocks.into_iter().map(|meta| (meta.ulid, meta)).collect();
        let mut counts = Counts::default();
        filter.filter(0, &mut metas, &mut counts).await.unwrap();
        assert_eq!(metas.len(), 2);
        assert_eq!(filter.duplicates(), [Ulid::from_parts(1, 0)]);
        assert_eq!(counts.get(State::Duplicate), 1);
    }
}
