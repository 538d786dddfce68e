//! What the compactor has found out about blocks, so that it is not found out again in every pass. Lost with the process, at the cost of
//! looking once more.

use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use ulid::Ulid;

use crate::inspect::Depth;

/// Facts about blocks, which never change.
#[derive(Debug, Default)]
pub struct Memory {
    facts: Mutex<Facts>,
}

#[derive(Debug, Default)]
struct Facts {
    /// How far blocks were inspected without a finding.
    sound: FxHashMap<Ulid, Depth>,
    /// Blocks without a sample.
    empty: FxHashSet<Ulid>,
    /// Blocks of which nothing is left at the next resolution.
    nothing_to_downsample: FxHashSet<Ulid>,
}

impl Memory {
    /// Was the block inspected that far and found sound?
    pub(crate) fn is_sound(&self, id: Ulid, depth: Depth) -> bool {
        self.facts.lock().sound.get(&id).is_some_and(|seen| *seen == depth || *seen == Depth::Index)
    }

    pub(crate) fn found_sound(&self, id: Ulid, depth: Depth) {
        self.facts.lock().sound.insert(id, depth);
    }

    /// Blocks that compaction found to have no samples.
    pub(crate) fn empty(&self) -> FxHashSet<Ulid> {
        self.facts.lock().empty.clone()
    }

    pub(crate) fn found_empty(&self, ids: impl IntoIterator<Item = Ulid>) {
        self.facts.lock().empty.extend(ids);
    }

    /// Blocks that never get a coarser copy, since it would have no samples.
    pub(crate) fn nothing_to_downsample(&self) -> FxHashSet<Ulid> {
        self.facts.lock().nothing_to_downsample.clone()
    }

    pub(crate) fn found_nothing_to_downsample(&self, id: Ulid) {
        self.facts.lock().nothing_to_downsample.insert(id);
    }

    /// Forgets the blocks that are not there any more.
    pub(crate) fn retain(&self, is_there: impl Fn(Ulid) -> bool) {
        let mut facts = self.facts.lock();
        facts.sound.retain(|id, _| is_there(*id));
        facts.empty.retain(|id| is_there(*id));
        facts.nothing_to_downsample.retain(|id| is_there(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_was_read_says_that_the_files_are_there() {
        let memory = Memory::default();
        memory.found_sound(Ulid(1), Depth::Index);
        memory.found_sound(Ulid(2), Depth::Files);
        assert!(memory.is_sound(Ulid(1), Depth::Files) && memory.is_sound(Ulid(2), Depth::Files));
        assert!(!memory.is_sound(Ulid(2), Depth::Index) && !memory.is_sound(Ulid(3), Depth::Files));
        memory.retain(|id| id == Ulid(2));
        assert!(!memory.is_sound(Ulid(1), Depth::Files));
    }
}
