//! What downsampling and retention decide from metas and the time alone.
//!
//! Both ask the same question: for which data is there a coarser copy? A downsampled block lists the same level-1 sources as the
//! block it was made from, so the sources answer it whatever the blocks' borders are.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tsdb::meta::BlockMeta;
use ulid::Ulid;

/// The resolutions in ms: raw, 5 minutes, 1 hour.
pub const RESOLUTIONS_MS: [i64; 3] = [0, 300_000, 3_600_000];

/// A raw block of at least this length in ms is downsampled to 5 minutes.
pub const FIVE_MINUTES_FROM_MS: i64 = 40 * 3_600_000;
/// A 5-minute block of at least this length in ms is downsampled to 1 hour.
pub const ONE_HOUR_FROM_MS: i64 = 10 * 24 * 3_600_000;

/// How long each resolution is kept, in ms; 0 keeps for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// By the index of the resolution in [`RESOLUTIONS_MS`].
    pub keep_ms: [i64; 3],
}

/// A block whose retention has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It can go.
    Delete(Ulid),
    /// It can go, since these blocks hold its data at a coarser resolution: once they are known to be whole.
    DeleteCovered(Ulid, Vec<Ulid>),
    /// Its data are to be kept at a coarser resolution, and are not there yet: it has to be downsampled first.
    DownsampleFirst(Ulid),
}

/// A block to downsample, and to which resolution in ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownsampleJob {
    /// The block.
    pub id: Ulid,
    /// The resolution of the result in ms.
    pub to_ms: i64,
}

/// The sources that stand behind blocks of each resolution, with a block that has each.
struct Covered([FxHashMap<Ulid, Ulid>; 3]);

impl Covered {
    fn new<'a>(metas: impl IntoIterator<Item = &'a Arc<BlockMeta>>) -> Self {
        let mut sources: [FxHashMap<Ulid, Ulid>; 3] = Default::default();
        for meta in metas {
            if let Some(level) = level_of(meta) {
                sources[level].extend(meta.compaction.sources.iter().map(|source| (*source, meta.ulid)));
            }
        }
        Self(sources)
    }

    /// Are all data of the block there at resolution `level`?
    fn at(&self, meta: &BlockMeta, level: usize) -> bool {
        meta.compaction.sources.iter().all(|source| self.0[level].contains_key(source))
    }

    /// The blocks of resolution `level` that have the data of the block, if they have all.
    fn by(&self, meta: &BlockMeta, level: usize) -> Option<Vec<Ulid>> {
        let blocks: Option<BTreeSet<Ulid>> =
            meta.compaction.sources.iter().map(|source| self.0[level].get(source).copied()).collect();
        blocks.map(|blocks| blocks.into_iter().collect())
    }
}

fn level_of(meta: &BlockMeta) -> Option<usize> {
    RESOLUTIONS_MS.iter().position(|r| *r == meta.thanos.downsample.resolution)
}

impl Retention {
    fn has_passed(&self, meta: &BlockMeta, level: usize, now_ms: i64) -> bool {
        let keep = self.keep_ms[level];
        keep > 0 && now_ms > meta.max_time.saturating_add(keep)
    }

    /// The blocks whose retention has passed at `now_ms`. With `keep_until_downsampled` a block is only let go when a coarser block
    /// holds its data, when no coarser resolution would keep them either, or when it never gets downsampled: it is among
    /// `no_downsample`, or names no sources. A coarser block that is `marked` for deletion itself holds nothing.
    pub fn expired<'a>(
        &self,
        metas: impl IntoIterator<Item = &'a Arc<BlockMeta>> + Clone,
        no_downsample: &FxHashSet<Ulid>,
        marked: &dyn Fn(Ulid) -> bool,
        now_ms: i64,
        keep_until_downsampled: bool,
    ) -> Vec<Expiry> {
        // Most of the time nothing has passed, and nothing has to be known of the sources.
        let sources = metas.clone();
        let covered = LazyCell::new(|| Covered::new(sources.into_iter().filter(|meta| !marked(meta.ulid))));
        let mut expired = Vec::new();
        for meta in metas {
            let Some(level) = level_of(meta) else { continue };
            if !self.has_passed(meta, level, now_ms) {
                continue;
            }
            let wanted =
                (level + 1..RESOLUTIONS_MS.len()).any(|coarser| !self.has_passed(meta, coarser, now_ms));
            let never = meta.compaction.sources.is_empty() || no_downsample.contains(&meta.ulid);
            if !keep_until_downsampled || !wanted || never {
                expired.push(Expiry::Delete(meta.ulid));
                continue;
            }
            let there = (level + 1..RESOLUTIONS_MS.len()).find_map(|coarser| covered.by(meta, coarser));
            expired.push(match there {
                Some(blocks) => Expiry::DeleteCovered(meta.ulid, blocks),
                None => Expiry::DownsampleFirst(meta.ulid),
            });
        }
        expired
    }
}

/// The blocks to downsample now. `marked` carry a no-downsample mark; `early` are wanted before they are long enough (their
/// retention has passed). A block is done when every source of it stands behind a block of the next resolution.
pub fn downsample_jobs<'a>(
    metas: impl IntoIterator<Item = &'a Arc<BlockMeta>> + Clone,
    marked: &FxHashSet<Ulid>,
    early: &FxHashSet<Ulid>,
) -> Vec<DownsampleJob> {
    let covered = Covered::new(metas.clone());
    let mut jobs: Vec<(usize, i64, DownsampleJob)> = Vec::new();
    for meta in metas {
        let (to, from_ms) = match level_of(meta) {
            Some(0) => (1, FIVE_MINUTES_FROM_MS),
            Some(1) => (2, ONE_HOUR_FROM_MS),
            _ => continue,
        };
        let long_enough =
            meta.max_time.saturating_sub(meta.min_time) >= from_ms || early.contains(&meta.ulid);
        let has_sources = !meta.compaction.sources.is_empty();
        if long_enough && has_sources && !marked.contains(&meta.ulid) && !covered.at(meta, to) {
            jobs.push((to, meta.min_time, DownsampleJob { id: meta.ulid, to_ms: RESOLUTIONS_MS[to] }));
        }
    }
    jobs.sort_by_key(|(to, mint, job)| (*to, *mint, job.id));
    jobs.into_iter().map(|(_, _, job)| job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600_000;

    fn meta(n: u128, hours: i64, resolution: i64, sources: &[u128]) -> Arc<BlockMeta> {
        let mut meta = BlockMeta::new(Ulid(n), 0, hours * H);
        meta.thanos.downsample.resolution = resolution;
        meta.compaction.sources = sources.iter().map(|s| Ulid(*s)).collect();
        Arc::new(meta)
    }

    fn nobody(_: Ulid) -> bool {
        false
    }

    fn none() -> FxHashSet<Ulid> {
        FxHashSet::default()
    }

    fn jobs(metas: &[Arc<BlockMeta>]) -> Vec<(u128, i64)> {
        downsample_jobs(metas, &none(), &none()).into_iter().map(|j| (j.id.0, j.to_ms)).collect()
    }

    #[test]
    fn only_long_blocks_are_downsampled() {
        assert_eq!(jobs(&[meta(1, 39, 0, &[1]), meta(2, 40, 0, &[2])]), [(2, 300_000)]);
        assert_eq!(jobs(&[meta(1, 239, 300_000, &[1]), meta(2, 240, 300_000, &[2])]), [(2, 3_600_000)]);
        assert!(jobs(&[meta(1, 1000, 3_600_000, &[1])]).is_empty());
    }

    #[test]
    fn a_block_is_done_when_all_its_sources_are_covered() {
        let raw = meta(1, 48, 0, &[1, 2]);
        assert_eq!(jobs(&[raw.clone(), meta(5, 48, 300_000, &[1])]).len(), 1);
        assert!(jobs(&[raw, meta(5, 48, 300_000, &[1, 2, 3])]).is_empty());
    }

    #[test]
    fn marked_blocks_are_left_and_early_ones_taken() {
        let metas = [meta(1, 48, 0, &[1]), meta(2, 2, 0, &[2])];
        let marked = FxHashSet::from_iter([Ulid(1)]);
        let early = FxHashSet::from_iter([Ulid(2)]);
        assert_eq!(downsample_jobs(&metas, &marked, &early), [DownsampleJob { id: Ulid(2), to_ms: 300_000 }]);
    }

    #[test]
    fn retention_counts_from_the_end_of_a_block() {
        let retention = Retention { keep_ms: [10 * H, 0, 0] };
        let block = [meta(1, 2, 0, &[1])];
        assert!(retention.expired(&block, &none(), &nobody, 12 * H, false).is_empty());
        assert_eq!(retention.expired(&block, &none(), &nobody, 12 * H + 1, false), [Expiry::Delete(Ulid(1))]);
        assert!(Retention::default().expired(&block, &none(), &nobody, i64::MAX, false).is_empty());
    }

    #[test]
    fn raw_data_stay_until_a_coarser_block_holds_them() {
        let retention = Retention { keep_ms: [10 * H, 0, 0] };
        let raw = meta(1, 2, 0, &[1, 2]);
        let now = 100 * H;
        assert_eq!(
            retention.expired(std::slice::from_ref(&raw), &none(), &nobody, now, true),
            [Expiry::DownsampleFirst(Ulid(1))]
        );
        let half = meta(5, 2, 300_000, &[1]);
        assert_eq!(
            retention.expired(&[raw.clone(), half], &none(), &nobody, now, true),
            [Expiry::DownsampleFirst(Ulid(1))]
        );
        let whole = meta(5, 2, 300_000, &[1, 2]);
        let metas = [raw.clone(), whole];
        assert_eq!(
            retention.expired(&metas, &none(), &nobody, now, true),
            [Expiry::DeleteCovered(Ulid(1), vec![Ulid(5)])]
        );
        let going = |id| id == Ulid(5);
        assert_eq!(
            retention.expired(&metas, &none(), &going, now, true),
            [Expiry::DownsampleFirst(Ulid(1))],
            "a copy that is marked for deletion is none"
        );
        let marked = FxHashSet::from_iter([Ulid(1)]);
        assert_eq!(retention.expired(&[raw], &marked, &nobody, now, true), [Expiry::Delete(Ulid(1))]);
    }

    #[test]
    fn nothing_is_held_back_for_resolutions_that_are_past_as_well() {
        let retention = Retention { keep_ms: [10 * H, 20 * H, 30 * H] };
        let raw = [meta(1, 2, 0, &[1])];
        assert_eq!(
            retention.expired(&raw, &none(), &nobody, 25 * H, true),
            [Expiry::DownsampleFirst(Ulid(1))]
        );
        assert_eq!(retention.expired(&raw, &none(), &nobody, 33 * H, true), [Expiry::Delete(Ulid(1))]);
    }
}
