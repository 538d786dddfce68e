//! What the bucket holds, as the last complete look at it told.

mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use bucket::fetcher::{MetaFetcher, Metas};
use bucket::filters::{Deduplicate, DeletionMarks, MarkGatherer};
use bucket::marks::{DeletionMark, NoCompactMark, NoDownsampleMark};
use parking_lot::RwLock;
use rustc_hash::FxHashSet;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::clock::Clock;
use crate::error::{Error, Result};

pub use shown::Showing;
pub(crate) use shown::wall_ms;

/// The bucket at one moment. Only complete views are ever kept: on half of one nothing may be deleted or merged.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When the bucket was looked at, ms; 0 before the first time.
    pub synced_ms: i64,
    /// The blocks that count.
    pub metas: Metas,
    /// Blocks without a meta.json that could be read.
    pub partial: BTreeMap<Ulid, Partial>,
    /// Blocks whose data others hold.
    pub duplicates: Vec<Arc<BlockMeta>>,
    /// Deletion marks, young ones included.
    pub deletion: BTreeMap<Ulid, DeletionMark>,
    /// Blocks that are not compacted.
    pub no_compact: FxHashSet<Ulid>,
    /// Blocks that are not downsampled.
    pub no_downsample: FxHashSet<Ulid>,
}

/// Why a block is partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// It has no meta.json: not yet uploaded whole, or deleted half-way.
    NoMeta,
    /// Its meta.json cannot be read; its data may be whole.
    CorruptMeta,
}

/// The filters whose findings belong to a view; the same instances are in the fetcher's list.
#[derive(Clone)]
pub struct Findings {
    /// Duplicates.
    pub deduplicate: Arc<Deduplicate>,
    /// Deletion marks.
    pub deletion: Arc<DeletionMarks>,
    /// No-compact marks.
    pub no_compact: Arc<MarkGatherer<NoCompactMark>>,
    /// No-downsample marks.
    pub no_downsample: Arc<MarkGatherer<NoDownsampleMark>>,
}

/// Keeps the view current.
pub struct Syncer {
    fetcher: MetaFetcher,
    findings: Findings,
    clock: Clock,
    view: RwLock<Arc<View>>,
    /// A fetch and the reading of its findings belong together.
    syncing: tokio::sync::Mutex<()>,
}

impl Syncer {
    /// Over a fetcher whose filters include `findings`.
    pub fn new(fetcher: MetaFetcher, findings: Findings, clock: Clock) -> Self {
        Self { fetcher, findings, clock, view: RwLock::default(), syncing: tokio::sync::Mutex::new(()) }
    }

    /// The last complete view.
    pub fn view(&self) -> Arc<View> {
        self.view.read().clone()
    }

    /// Looks at the bucket. An incomplete look is an error and leaves the view as it was.
    pub async fn sync(&self) -> Result<Arc<View>> {
        let _one = self.syncing.lock().await;
        let fetched = self.fetcher.fetch_at(self.clock.now_ms()).await.map_err(Error::retry("sync metas"))?;
        if let Some(why) = fetched.incomplete() {
            return Err(Error::Retry { what: "sync metas".to_owned(), why });
        }
        let partial = fetched
            .partial
            .iter()
            .map(|(id, error)| {
                let why = match error {
                    bucket::Error::NoMeta { .. } => Partial::NoMeta,
                    _ => Partial::CorruptMeta,
                };
                (*id, why)
            })
            .collect();
        let view = Arc::new(View {
            synced_ms: wall_ms(),
            metas: fetched.metas,
            partial,
            duplicates: self.findings.deduplicate.duplicate_metas(),
            deletion: self.findings.deletion.marked(),
            no_compact: self.findings.no_compact.marked().into_keys().collect(),
            no_downsample: self.findings.no_downsample.marked().into_keys().collect(),
        });
        *self.view.write() = view.clone();
        Ok(view)
    }
}
