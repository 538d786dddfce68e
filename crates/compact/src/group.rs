//! Groups of blocks that may be merged with one another: same external labels, same resolution.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::plan::{Plan, PlanBlock, Planner};

/// The blocks of one stream at one resolution.
#[derive(Clone, Debug)]
pub struct Group {
    /// `<resolution in ms>@<hash of the external labels>`; also the name of the working directory.
    pub key: String,
    /// External labels, replica labels removed when those are deduplicated.
    pub labels: BTreeMap<String, String>,
    /// Resolution in ms, 0 for raw.
    pub resolution_ms: i64,
    /// The blocks by `mint`.
    pub blocks: Vec<Arc<BlockMeta>>,
}

/// Sorts blocks into groups, ordered by key.
pub fn group<'a>(metas: impl IntoIterator<Item = &'a Arc<BlockMeta>>) -> Vec<Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for meta in metas {
        let key = meta.group_key();
        groups
            .entry(key.clone())
            .or_insert_with(|| Group {
                key,
                labels: meta.thanos.labels.clone(),
                resolution_ms: meta.thanos.downsample.resolution,
                blocks: Vec::new(),
            })
            .blocks
            .push(meta.clone());
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    for group in &mut groups {
        group.blocks.sort_by_key(|m| (m.min_time, m.max_time, m.ulid));
    }
    groups
}

impl From<&BlockMeta> for PlanBlock {
    fn from(meta: &BlockMeta) -> Self {
        let index = meta.thanos.files.iter().find(|f| f.rel_path == bucket::block::INDEX_FILE);
        Self {
            id: meta.ulid,
            mint: meta.min_time,
            maxt: meta.max_time,
            series: meta.stats.num_series,
            tombstones: meta.stats.num_tombstones,
            failed: meta.compaction.failed,
            index_bytes: index.map(|f| f.size_bytes).and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0),
            resolution_ms: meta.thanos.downsample.resolution,
        }
    }
}

impl Group {
    /// What planning sees of the blocks. `index_bytes` has sizes that the metas do not tell.
    pub fn plan_blocks(&self, index_bytes: &BTreeMap<Ulid, u64>) -> Vec<PlanBlock> {
        self.blocks
            .iter()
            .map(|meta| {
                let mut block = PlanBlock::from(meta.as_ref());
                block.index_bytes = block.index_bytes.or_else(|| index_bytes.get(&meta.ulid).copied());
                block
            })
            .collect()
    }

    /// The level-1 blocks that stand behind more than one of `ids`.
    pub fn shared_sources(&self, ids: &[Ulid]) -> Vec<Ulid> {
        let mut seen = FxHashSet::default();
        let chosen = self.blocks.iter().filter(|m| ids.contains(&m.ulid));
        let mut shared: Vec<Ulid> =
            chosen.flat_map(|m| m.compaction.sources.iter()).filter(|s| !seen.insert(**s)).copied().collect();
        shared.sort_unstable();
        shared.dedup();
        shared
    }
}

/// Work that compaction has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Todo {
    /// Compactions to run.
    pub compactions: u64,
    /// Blocks that go into them, counted once for each time they are a source.
    pub blocks: u64,
}

/// Plays all compactions of a group through until nothing is left, on metas alone. Unknown index sizes count as 0.
pub fn simulate(planner: &Planner, mut blocks: Vec<PlanBlock>, no_compact: &FxHashSet<Ulid>) -> Todo {
    let mut todo = Todo::default();
    let mut excluded = no_compact.clone();
    for block in &mut blocks {
        block.index_bytes.get_or_insert(0);
    }
    // Every round takes at least one block out of the plan, so there are fewer rounds than blocks, but for rewrites of single
    // blocks, which clear the block's tombstones.
    for round in 0..=2 * blocks.len() as u128 {
        let Plan { blocks: chosen, exclude, .. } = planner.plan(&blocks, &excluded);
        excluded.extend(exclude.into_iter().map(|(id, _)| id));
        if chosen.is_empty() {
            break;
        }
        todo.compactions += 1;
        todo.blocks += chosen.len() as u64;
        let (merged, rest): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|b| chosen.contains(&b.id));
        blocks = rest;
        blocks.extend(merged.into_iter().reduce(|a, b| PlanBlock {
            mint: a.mint.min(b.mint),
            maxt: a.maxt.max(b.maxt),
            series: a.series.max(b.series),
            index_bytes: Some(a.index_bytes.unwrap_or(0).max(b.index_bytes.unwrap_or(0))),
            failed: false,
            ..a
        }));
        if let Some(result) = blocks.last_mut() {
            result.id = Ulid(u128::MAX - round);
            result.tombstones = 0;
        }
    }
    todo
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(n: u128, from_h: i64, to_h: i64, replica: &str) -> Arc<BlockMeta> {
        let mut meta = BlockMeta::new(Ulid(n), from_h * 3_600_000, to_h * 3_600_000);
        meta.thanos.labels = BTreeMap::from([("replica".to_owned(), replica.to_owned())]);
        meta.compaction.sources = vec![Ulid(n)];
        Arc::new(meta)
    }

    #[test]
    fn streams_and_resolutions_are_kept_apart() {
        let mut coarse = meta(9, 0, 2, "a").as_ref().clone();
        coarse.thanos.downsample.resolution = 300_000;
        let metas = [meta(2, 2, 4, "a"), meta(1, 0, 2, "a"), meta(3, 0, 2, "b"), Arc::new(coarse)];
        let groups = group(&metas);
        assert_eq!(groups.len(), 3);
        let raw = groups.iter().find(|g| g.blocks.len() == 2).expect("two raw blocks of a");
        assert_eq!(raw.blocks.iter().map(|m| m.ulid.0).collect::<Vec<_>>(), [1, 2]);
        assert!(raw.key.starts_with("0@"), "{}", raw.key);
        assert!(groups.iter().any(|g| g.key.starts_with("300000@")));
    }

    #[test]
    fn todo_counts_every_step_to_the_top() {
        // Eight days of 2-hour blocks: 24 of 8 h (12 blocks a day / 4 = 3 a day), then 4 of two days; the newest block stays.
        let metas: Vec<_> = (0..96).map(|i| meta(i as u128 + 1, i * 2, i * 2 + 2, "a")).collect();
        let groups = group(&metas);
        let todo = simulate(
            &Planner::new(4, u64::MAX),
            groups[0].plan_blocks(&BTreeMap::new()),
            &FxHashSet::default(),
        );
        // The last 8 h need the newest block, which is left out of planning, and the last two days need those 8 h.
        assert_eq!(todo, Todo { compactions: 23 + 3, blocks: 23 * 4 + 3 * 6 });
    }

    #[test]
    fn shared_sources_are_found() {
        let mut twin = meta(2, 0, 2, "a").as_ref().clone();
        twin.compaction.sources = vec![Ulid(1), Ulid(2)];
        let groups = group(&[meta(1, 0, 2, "a"), Arc::new(twin)]);
        assert_eq!(groups[0].shared_sources(&[Ulid(1), Ulid(2)]), [Ulid(1)]);
        assert!(groups[0].shared_sources(&[Ulid(2)]).is_empty());
    }
}
