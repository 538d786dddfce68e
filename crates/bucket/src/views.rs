//! What people are shown of a bucket: its blocks as a component last saw them, and the marks on them.
//!
//! A component writes what it finds; the HTTP API reads. A look that failed leaves the blocks of the one before and says why.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use ulid::Ulid;

use crate::Error;
use crate::fetcher::{Fetched, Metas};
use crate::marks::{DeletionMark, NoCompactMark, NoDownsampleMark};

/// Which blocks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// Those that the component works with, after all of its filters.
    Loaded,
    /// All of the bucket.
    Global,
}

/// The blocks at one moment.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The blocks.
    pub metas: Arc<Metas>,
    /// Blocks without a meta.json that can be read.
    pub partial: Arc<BTreeMap<Ulid, Partial>>,
    /// When the bucket was last looked at, ms; 0 for never.
    pub refreshed_ms: i64,
    /// Why the last look failed or is not complete.
    pub error: Option<String>,
}

/// Why a block is partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// It has no meta.json: not yet uploaded whole, or deleted half-way.
    NoMeta,
    /// Its meta.json cannot be read.
    CorruptMeta,
}

/// The marks that are known.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Blocks to be deleted.
    pub deletion: BTreeMap<Ulid, DeletionMark>,
    /// Blocks not to be compacted.
    pub no_compact: BTreeMap<Ulid, NoCompactMark>,
    /// Blocks not to be downsampled.
    pub no_downsample: BTreeMap<Ulid, NoDownsampleMark>,
}

/// The views of one component. Clones are the same views.
#[derive(Clone, Debug, Default)]
pub struct BlockViews {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    loaded: RwLock<Look>,
    global: RwLock<Look>,
    marks: RwLock<Marks>,
}

impl BlockViews {
    /// Views that nothing was written to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was last seen.
    pub fn look(&self, kind: ViewKind) -> Look {
        self.slot(kind).read().clone()
    }

    /// Takes in what a fetch found.
    pub fn fetched(&self, kind: ViewKind, fetched: &Fetched, now_ms: i64) {
        let partial = fetched.partial.iter().map(|(id, error)| (*id, Partial::of(error))).collect();
        let look = Look {
            metas: Arc::new(fetched.metas.clone()),
            partial: Arc::new(partial),
            refreshed_ms: now_ms,
            error: fetched.incomplete(),
        };
        self.set(kind, look);
    }

    /// Replaces what is shown.
    pub fn set(&self, kind: ViewKind, look: Look) {
        *self.slot(kind).write() = look;
    }

    /// The bucket could not be looked at.
    pub fn failed(&self, kind: ViewKind, error: String, now_ms: i64) {
        let mut look = self.slot(kind).write();
        look.refreshed_ms = now_ms;
        look.error = Some(error);
    }

    /// The marks.
    pub fn marks(&self) -> Marks {
        self.inner.marks.read().clone()
    }

    /// Changes the marks: all of them after a look at the bucket, or the one that was just written.
    pub fn change_marks(&self, change: impl FnOnce(&mut Marks)) {
        change(&mut self.inner.marks.write());
    }

    fn slot(&self, kind: ViewKind) -> &RwLock<Look> {
        match kind {
            ViewKind::Loaded => &self.inner.loaded,
            ViewKind::Global => &self.inner.global,
        }
    }
}

impl Partial {
    /// What an error of a fetch says of a block.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::NoMeta { .. } => Self::NoMeta,
            _ => Self::CorruptMeta,
        }
    }
}

#[cfg(test)]
mod tests {
    use tsdb::meta::BlockMeta;

    use super::*;

    #[test]
    fn a_failed_look_keeps_the_blocks_of_the_last_one() {
        let views = BlockViews::new();
        assert_eq!(views.look(ViewKind::Loaded).refreshed_ms, 0);
        let meta = Arc::new(BlockMeta::new(Ulid(1), 0, 1));
        let fetched = Fetched {
            metas: Metas::from([(meta.ulid, meta)]),
            partial: [(Ulid(2), Error::NoMeta { id: Ulid(2) })].into(),
            ..Fetched::default()
        };
        views.fetched(ViewKind::Loaded, &fetched, 5);
        views.failed(ViewKind::Loaded, "bucket is away".into(), 7);
        let look = views.look(ViewKind::Loaded);
        assert_eq!((look.metas.len(), look.refreshed_ms), (1, 7));
        assert_eq!(look.partial.get(&Ulid(2)), Some(&Partial::NoMeta));
        assert_eq!(look.error.as_deref(), Some("bucket is away"));
        assert!(views.look(ViewKind::Global).metas.is_empty());
    }
}
