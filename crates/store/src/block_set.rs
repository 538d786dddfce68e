//! The blocks of one set of external labels, and which of them answer a request.

use std::sync::Arc;

use model::{labels::Labels, matcher::Matcher};
use ulid::Ulid;

use crate::block::Block;

/// Distances of samples that blocks may have, in ms, coarsest first: one hour, five minutes, raw.
pub(crate) const RESOLUTIONS: [i64; 3] = [3_600_000, 300_000, 0];

/// Blocks with equal external labels.
#[derive(Debug)]
pub(crate) struct BlockSet {
    pub(crate) labels: Labels,
    /// By resolution, in the order of [`RESOLUTIONS`], each sorted by time.
    blocks: [Vec<Arc<Block>>; 3],
}

impl BlockSet {
    pub(crate) fn new(labels: Labels) -> Self {
        BlockSet { labels, blocks: Default::default() }
    }

    /// Adds a block. Fails when its resolution is none that is known.
    pub(crate) fn add(&mut self, block: Arc<Block>) -> Result<(), String> {
        let resolution = block.meta.thanos.downsample.resolution;
        let Some(level) = RESOLUTIONS.iter().position(|known| *known == resolution) else {
            return Err(format!("unsupported downsampling resolution {resolution}"));
        };
        let key = |block: &Block| (block.meta.min_time, block.meta.max_time, block.id);
        let level = &mut self.blocks[level];
        let at = level.partition_point(|other| key(other) < key(&block));
        level.insert(at, block);
        Ok(())
    }

    /// Takes a block out.
    pub(crate) fn remove(&mut self, id: Ulid) {
        for level in &mut self.blocks {
            level.retain(|block| block.id != id);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.iter().all(Vec::is_empty)
    }

    /// The blocks that cover the closed range: those of the coarsest resolution that is allowed, and finer ones where it has gaps.
    /// Blocks that the block matchers refuse still fill their time, as in Thanos.
    pub(crate) fn select(
        &self,
        mint: i64,
        maxt: i64,
        max_resolution_ms: i64,
        block_matchers: &[Matcher],
    ) -> Vec<Arc<Block>> {
        let mut selected = Vec::new();
        let level = RESOLUTIONS.iter().position(|resolution| *resolution <= max_resolution_ms);
        // A negative limit allows raw data all the same, which is the least there is.
        self.fill(level.unwrap_or(RESOLUTIONS.len() - 1), mint, maxt, block_matchers, &mut selected);
        selected
    }

    fn fill(
        &self,
        level: usize,
        mint: i64,
        maxt: i64,
        block_matchers: &[Matcher],
        selected: &mut Vec<Arc<Block>>,
    ) {
        if mint > maxt {
            return;
        }
        let finer = level + 1 < RESOLUTIONS.len();
        let mut start = mint;
        for block in &self.blocks[level] {
            if block.meta.max_time <= mint {
                continue;
            }
            if block.meta.min_time > maxt {
                break;
            }
            if finer {
                self.fill(level + 1, start, block.meta.min_time.saturating_sub(1), block_matchers, selected);
            }
            if block.matches(block_matchers) {
                selected.push(Arc::clone(block));
            }
            start = block.meta.max_time;
        }
        if finer {
            self.fill(level + 1, start, maxt, block_matchers, selected);
        }
    }
}
