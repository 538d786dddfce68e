//! Hides blocks some time after they were marked for deletion.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use objstore::Bucket;
use parking_lot::Mutex;
use ulid::Ulid;

use super::{MetaFilter, gather::read_marks};
use crate::{
    Result,
    fetcher::{Counts, Metas, State},
    marks::DeletionMark,
};

/// Hides a block when its deletion mark is older than a delay. Until then the block that takes its place may not be known everywhere.
#[derive(Debug)]
pub struct DeletionMarks {
    bucket: Arc<dyn Bucket>,
    delay_ms: i64,
    concurrency: usize,
    marked: Mutex<BTreeMap<Ulid, DeletionMark>>,
}

impl DeletionMarks {
    /// Creates the filter, which reads `concurrency` marks at once.
    pub fn new(bucket: Arc<dyn Bucket>, delay_ms: i64, concurrency: usize) -> Self {
        DeletionMarks { bucket, delay_ms, concurrency, marked: Mutex::default() }
    }

    /// The marks found by the last fetch, young ones included.
    pub fn marked(&self) -> BTreeMap<Ulid, DeletionMark> {
        self.marked.lock().clone()
    }
}

#[async_trait]
impl MetaFilter for DeletionMarks {
    async fn filter(&self, now_ms: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        let marked: BTreeMap<Ulid, DeletionMark> = read_marks(&self.bucket, metas, self.concurrency).await?;
        for (id, mark) in &marked {
            let age_ms = now_ms.saturating_sub(mark.deletion_time.saturating_mul(1000));
            if age_ms > self.delay_ms {
                counts.add(State::MarkedForDeletion);
                metas.remove(id);
            }
        }
        *self.marked.lock() = marked;
        Ok(())
    }
}
