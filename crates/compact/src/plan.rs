//! Which blocks of a group are compacted next: a pure function of what the blocks' metas say.
//!
//! The rules are Prometheus's leveled compaction as Thanos applies it to a bucket (`pkg/compact/planner.go`): overlapping blocks
//! first; then, from the smallest range to the largest, the first aligned range that is full or past; then single blocks with
//! many tombstones. Nothing here touches the bucket: marks that a plan asks for are part of its result.

mod leveled;
mod overlap;
#[cfg(test)]
mod tests;

use rustc_hash::FxHashSet;
use ulid::Ulid;

pub use leveled::split_by_range;
pub use overlap::{first_overlap, has_overlap};

/// Time ranges of the compaction levels in ms: 1 h, 2 h, 8 h, 2 d, 14 d.
pub const LEVEL_RANGES_MS: [i64; 5] = [3_600_000, 7_200_000, 28_800_000, 172_800_000, 1_209_600_000];

/// Share of `--compact.block-max-index-size` that the sum of the source indexes may reach: their union is hardly ever larger.
const INDEX_SIZE_SHARE: f64 = 0.85;

/// A block with more than this share of deleted series is rewritten.
const TOMBSTONE_SHARE: f64 = 0.05;

/// What planning needs to know of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanBlock {
    /// The block.
    pub id: Ulid,
    /// First instant in ms.
    pub mint: i64,
    /// End in ms, exclusive.
    pub maxt: i64,
    /// Series in the block.
    pub series: u64,
    /// Tombstones in the block.
    pub tombstones: u64,
    /// A compaction of it failed before, as its meta says.
    pub failed: bool,
    /// Size of the index in bytes; `None` when the meta does not tell.
    pub index_bytes: Option<u64>,
    /// Downsampling resolution in ms, 0 for raw.
    pub resolution_ms: i64,
}

/// Why a block is left out of compaction from now on; written into its no-compact mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExcludeReason {
    /// The result's index would come too close to the limit of the index format.
    IndexSize,
    /// Downsampled blocks that overlap cannot be merged.
    DownsampledOverlap,
}

/// What to do with a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The blocks to merge into one, by time; empty when there is nothing to do.
    pub blocks: Vec<Ulid>,
    /// Blocks that get a no-compact mark first.
    pub exclude: Vec<(Ulid, ExcludeReason)>,
    /// Blocks whose index size has to be asked for before planning can go on.
    pub unknown_index_sizes: Vec<Ulid>,
}

/// The limits of planning.
#[derive(Clone, Debug)]
pub struct Planner {
    /// Ranges of the levels in ms, ascending; each a multiple of the one before.
    pub ranges_ms: Vec<i64>,
    /// Largest index in bytes that a result may have.
    pub max_index_bytes: u64,
}

impl Planner {
    /// A planner up to the level `max_level` (1 to 4: 2 h, 8 h, 2 d, 14 d).
    pub fn new(max_level: usize, max_index_bytes: u64) -> Self {
        let levels = (max_level + 1).clamp(1, LEVEL_RANGES_MS.len());
        Self { ranges_ms: LEVEL_RANGES_MS[..levels].to_vec(), max_index_bytes }
    }

    /// Plans the next step of a group. `blocks` are all blocks of the group; `no_compact` those that carry a no-compact mark.
    pub fn plan(&self, blocks: &[PlanBlock], no_compact: &FxHashSet<Ulid>) -> Plan {
        let mut sorted: Vec<&PlanBlock> = blocks.iter().collect();
        sorted.sort_by_key(|b| (b.mint, b.maxt, b.id));
        let mut excluded = no_compact.clone();
        let mut plan = Plan::default();
        loop {
            let chosen = self.choose(&sorted, &excluded);
            let exclude = self.refuse(&chosen, &mut plan.unknown_index_sizes);
            if !plan.unknown_index_sizes.is_empty() {
                return plan;
            }
            if exclude.is_empty() {
                plan.blocks = chosen.iter().map(|b| b.id).collect();
                return plan;
            }
            excluded.extend(exclude.iter().map(|(id, _)| *id));
            plan.exclude.extend(exclude);
        }
    }

    fn choose<'a>(&self, sorted: &[&'a PlanBlock], excluded: &FxHashSet<Ulid>) -> Vec<&'a PlanBlock> {
        let mut free: Vec<&PlanBlock> =
            sorted.iter().copied().filter(|b| !excluded.contains(&b.id)).collect();
        let overlap = first_overlap(&free);
        if !overlap.is_empty() {
            return overlap;
        }
        // The newest block has just been uploaded: it stays as it is, which leaves a window for looking after it by hand.
        let Some((newest, older)) = sorted.split_last() else { return Vec::new() };
        if !excluded.contains(&newest.id) {
            free.pop();
        }
        let leveled = leveled::select(&self.ranges_ms, older, excluded);
        if !leveled.is_empty() {
            return leveled;
        }
        self.most_deleted(&free).map(|b| vec![b]).unwrap_or_default()
    }

    /// The newest of the large blocks in which more than a twentieth of the series have tombstones.
    fn most_deleted<'a>(&self, free: &[&'a PlanBlock]) -> Option<&'a PlanBlock> {
        let large = self.ranges_ms[self.ranges_ms.len() / 2];
        free.iter()
            .rev()
            .take_while(|b| b.maxt - b.mint >= large)
            .find(|b| b.tombstones as f64 / (b.series + 1) as f64 > TOMBSTONE_SHARE)
            .copied()
    }

    /// The blocks that have to be left out before the chosen ones can be merged.
    fn refuse(&self, chosen: &[&PlanBlock], unknown: &mut Vec<Ulid>) -> Vec<(Ulid, ExcludeReason)> {
        if has_overlap(chosen) {
            let downsampled: Vec<_> = chosen
                .iter()
                .filter(|b| b.resolution_ms != 0)
                .map(|b| (b.id, ExcludeReason::DownsampledOverlap))
                .collect();
            if !downsampled.is_empty() {
                return downsampled;
            }
        }
        if chosen.len() < 2 {
            return Vec::new();
        }
        unknown.extend(chosen.iter().filter(|b| b.index_bytes.is_none()).map(|b| b.id));
        let total: u64 = chosen.iter().filter_map(|b| b.index_bytes).fold(0, u64::saturating_add);
        if (total as f64) < self.max_index_bytes as f64 * INDEX_SIZE_SHARE {
            return Vec::new();
        }
        // The first of the largest, as in Thanos.
        let largest = chosen.iter().rev().max_by_key(|b| b.index_bytes.unwrap_or(0));
        largest.map(|b| vec![(b.id, ExcludeReason::IndexSize)]).unwrap_or_default()
    }
}
