//! Blocks that cover the same time.

use super::PlanBlock;

/// The first run of blocks that overlap, in the order given; empty when none do. `sorted` is ordered by `mint`.
///
/// A run grows as long as a block starts before the latest end so far, and ends with the first that does not.
pub fn first_overlap<'a>(sorted: &[&'a PlanBlock]) -> Vec<&'a PlanBlock> {
    let mut run: Vec<&PlanBlock> = Vec::new();
    let Some(mut end) = sorted.first().map(|b| b.maxt) else { return run };
    for pair in sorted.windows(2) {
        let (previous, block) = (pair[0], pair[1]);
        if block.mint < end {
            if run.is_empty() {
                run.push(previous);
            }
            run.push(block);
        } else if !run.is_empty() {
            break;
        }
        end = end.max(block.maxt);
    }
    run
}

/// Do any two of the blocks overlap? `sorted` is ordered by `mint`.
pub fn has_overlap(sorted: &[&PlanBlock]) -> bool {
    !first_overlap(sorted).is_empty()
}
