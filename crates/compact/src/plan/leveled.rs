//! Leveled compaction: aligned ranges of growing length.

use rustc_hash::FxHashSet;
use ulid::Ulid;

use super::PlanBlock;

/// The first range, from the second-smallest level on, whose blocks may be merged. `sorted` is ordered by `mint` and lacks the
/// newest block of the group.
pub(super) fn select<'a>(
    ranges_ms: &[i64],
    sorted: &[&'a PlanBlock],
    excluded: &FxHashSet<Ulid>,
) -> Vec<&'a PlanBlock> {
    let Some(newest) = sorted.last() else { return Vec::new() };
    for &range in ranges_ms.iter().skip(1) {
        for part in split_by_range(sorted, range) {
            if part.len() < 2 || part.iter().any(|b| b.failed) {
                continue;
            }
            let (mint, maxt) = (part[0].mint, part[part.len() - 1].maxt);
            // A part that is not full waits as long as a block may still come for it.
            if maxt - mint != range && maxt > newest.mint {
                continue;
            }
            // Excluded blocks split a part: what lies between two of them is merged, so that no gap comes to lie in a block.
            if let Some(run) = part.split(|b| excluded.contains(&b.id)).find(|run| run.len() > 1) {
                return run.to_vec();
            }
        }
    }
    Vec::new()
}

/// Splits blocks by the aligned ranges (multiples of `range_ms` since the epoch) into which they fit whole; blocks that fit none are
/// left out. `sorted` is ordered by `mint`.
pub fn split_by_range<'a>(sorted: &[&'a PlanBlock], range_ms: i64) -> Vec<Vec<&'a PlanBlock>> {
    let mut parts: Vec<Vec<&PlanBlock>> = Vec::new();
    let mut rest = sorted;
    while let Some(first) = rest.first() {
        let end = first.mint.div_euclid(range_ms).saturating_add(1).saturating_mul(range_ms);
        let fitting = rest.iter().take_while(|b| b.maxt <= end).count();
        if fitting > 0 {
            parts.push(rest[..fitting].to_vec());
        }
        rest = &rest[fitting.max(1)..];
    }
    parts
}
