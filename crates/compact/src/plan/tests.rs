use proptest::prelude::*;

use super::*;

const H: i64 = 3_600_000;

fn block(n: u128, from_h: i64, to_h: i64) -> PlanBlock {
    PlanBlock {
        id: Ulid(n),
        mint: from_h * H,
        maxt: to_h * H,
        series: 100,
        tombstones: 0,
        failed: false,
        index_bytes: Some(1000),
        resolution_ms: 0,
    }
}

fn ids(plan: &Plan) -> Vec<u128> {
    plan.blocks.iter().map(|id| id.0).collect()
}

fn plan(blocks: &[PlanBlock]) -> Plan {
    Planner::new(4, 64 << 30).plan(blocks, &FxHashSet::default())
}

#[test]
fn nothing_to_do_without_blocks_or_with_one() {
    assert_eq!(plan(&[]), Plan::default());
    assert_eq!(plan(&[block(1, 0, 2)]), Plan::default());
}

#[test]
fn a_full_range_of_eight_hours_is_merged() {
    let blocks: Vec<_> = (0..5).map(|i| block(i as u128, i * 2, i * 2 + 2)).collect();
    assert_eq!(ids(&plan(&blocks)), [0, 1, 2, 3]);
}

#[test]
fn a_range_with_a_gap_waits_until_a_newer_block_lies_behind_it() {
    // The newest block is left out of planning, so the one before it decides what is past.
    let mut blocks = vec![block(0, 0, 2), block(1, 2, 4), block(2, 6, 8), block(3, 8, 10)];
    assert_eq!(ids(&plan(&blocks)), [0, 1, 2], "full although a block is missing in the middle");
    blocks[2] = block(2, 4, 6);
    assert!(plan(&blocks).blocks.is_empty(), "6 to 8 may still come");
    blocks.push(block(4, 10, 12));
    assert_eq!(ids(&plan(&blocks)), [0, 1, 2], "a block from 8 on is there: it is late");
}

#[test]
fn ranges_before_the_epoch_are_aligned_downwards() {
    let blocks = vec![block(0, -8, -6), block(1, -6, -4), block(2, -4, -2), block(3, -2, 0), block(4, 0, 2)];
    assert_eq!(ids(&plan(&blocks)), [0, 1, 2, 3]);
}

#[test]
fn overlapping_blocks_go_first() {
    let blocks = vec![block(0, 0, 2), block(1, 0, 2), block(2, 1, 3), block(3, 4, 6), block(4, 4, 6)];
    assert_eq!(ids(&plan(&blocks)), [0, 1, 2]);
}

#[test]
fn overlapping_downsampled_blocks_are_excluded() {
    let mut blocks = vec![block(0, 0, 2), block(1, 0, 2), block(2, 4, 6)];
    for b in &mut blocks {
        b.resolution_ms = 300_000;
    }
    let plan = plan(&blocks);
    assert!(plan.blocks.is_empty());
    let expected =
        [(Ulid(0), ExcludeReason::DownsampledOverlap), (Ulid(1), ExcludeReason::DownsampledOverlap)];
    assert_eq!(plan.exclude, expected);
}

#[test]
fn marked_blocks_split_a_range() {
    let blocks: Vec<_> = (0..5).map(|i| block(i as u128, i * 2, i * 2 + 2)).collect();
    let marked: FxHashSet<_> = [Ulid(1)].into_iter().collect();
    assert_eq!(ids(&Planner::new(4, u64::MAX).plan(&blocks, &marked)), [2, 3]);
}

#[test]
fn the_largest_index_is_excluded_before_the_limit_is_reached() {
    let mut blocks: Vec<_> = (0..5).map(|i| block(i as u128, i * 2, i * 2 + 2)).collect();
    blocks[1].index_bytes = Some(50_000);
    let plan = Planner::new(4, 10_000).plan(&blocks, &FxHashSet::default());
    assert_eq!(plan.exclude, [(Ulid(1), ExcludeReason::IndexSize)]);
    assert_eq!(ids(&plan), [2, 3]);
}

#[test]
fn unknown_index_sizes_are_asked_for() {
    let mut blocks: Vec<_> = (0..5).map(|i| block(i as u128, i * 2, i * 2 + 2)).collect();
    blocks[2].index_bytes = None;
    assert_eq!(plan(&blocks).unknown_index_sizes, [Ulid(2)]);
    assert!(plan(&blocks).blocks.is_empty());
}

#[test]
fn a_large_block_with_many_tombstones_is_rewritten() {
    let mut blocks = vec![block(0, 0, 14 * 24), block(1, 14 * 24, 14 * 24 + 2)];
    assert!(plan(&blocks).blocks.is_empty());
    blocks[0].tombstones = 6;
    assert_eq!(ids(&plan(&blocks)), [0]);
}

#[test]
fn a_range_with_a_failed_block_is_passed_over() {
    let mut blocks: Vec<_> = (0..9).map(|i| block(i as u128, i * 2, i * 2 + 2)).collect();
    blocks[1].failed = true;
    assert_eq!(ids(&plan(&blocks)), [4, 5, 6, 7]);
}

proptest! {
    /// Merging as planned until there is nothing left ends, keeps every block within its aligned range, and loses no time.
    #[test]
    fn planning_ends_and_keeps_the_covered_time(starts in proptest::collection::btree_set(0i64..400, 1..60)) {
        let mut blocks: Vec<_> = starts.iter().map(|s| block(*s as u128, s * 2, s * 2 + 2)).collect();
        let covered: i64 = blocks.iter().map(|b| b.maxt - b.mint).sum();
        let first = blocks.iter().map(|b| b.mint).min();
        for round in 0u128.. {
            prop_assert!(round < 200, "does not end");
            let plan = plan(&blocks);
            if plan.blocks.is_empty() {
                break;
            }
            prop_assert!(plan.blocks.len() > 1);
            let (merged, rest): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|b| plan.blocks.contains(&b.id));
            let mint = merged.iter().map(|b| b.mint).min().unwrap_or(0);
            let maxt = merged.iter().map(|b| b.maxt).max().unwrap_or(0);
            prop_assert!(LEVEL_RANGES_MS.iter().any(|r| mint.div_euclid(*r) == (maxt - 1).div_euclid(*r)));
            blocks = rest;
            blocks.push(PlanBlock { id: Ulid(10_000 + round), mint, maxt, ..block(0, 0, 0) });
        }
        prop_assert_eq!(blocks.iter().map(|b| b.mint).min(), first);
        prop_assert!(blocks.iter().map(|b| b.maxt - b.mint).sum::<i64>() >= covered);
        let mut sorted: Vec<&PlanBlock> = blocks.iter().collect();
        sorted.sort_by_key(|b| b.mint);
        prop_assert!(!has_overlap(&sorted));
    }
}
