//! Whether a compacted block covers time that the bucket has already.

use std::fmt;

use futures::TryStreamExt;
use model::labels::Labels;
use objstore::{Bucket, IterOptions};
use tsdb::meta::{BlockMeta, MAX_SIZE};
use ulid::Ulid;

use crate::{Error, Result, block};

/// Metas that are read at once.
const CONCURRENCY: usize = 16;

/// A block and its time range (half-open, ms).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    id: Ulid,
    mint: i64,
    maxt: i64,
}

impl From<&BlockMeta> for Span {
    fn from(meta: &BlockMeta) -> Span {
        Span { id: meta.ulid, mint: meta.min_time, maxt: meta.max_time }
    }
}

/// Blocks with common time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    spans: Vec<Span>,
}

impl fmt::Display for Overlap {
    /// As Prometheus describes overlaps: the time they all share, then the blocks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mint = self.spans.iter().map(|span| span.mint).max().unwrap_or_default();
        let maxt = self.spans.iter().map(|span| span.maxt).min().unwrap_or_default();
        let length = |mint: i64, maxt: i64| {
            model::duration::format_go((maxt.saturating_sub(mint) / 1000).saturating_mul(1_000_000_000))
        };
        let count = self.spans.len();
        write!(f, "[mint: {mint}, maxt: {maxt}, range: {}, blocks: {count}]: ", length(mint, maxt))?;
        for (i, Span { id, mint, maxt }) in self.spans.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}<ulid: {id}, mint: {mint}, maxt: {maxt}, range: {}>", length(*mint, *maxt))?;
        }
        Ok(())
    }
}

/// The blocks of the bucket that have our labels; read when first needed, once per pass.
#[derive(Default)]
pub(super) struct OverlapChecker {
    spans: Option<Vec<Span>>,
}

impl OverlapChecker {
    pub(super) fn is_loaded(&self) -> bool {
        self.spans.is_some()
    }

    /// Reads all metas of the bucket. Partial blocks are not there.
    ///
    /// Differs from Thanos: there one partial block in the bucket keeps all compacted blocks from being uploaded.
    pub(super) async fn load(&mut self, bucket: &dyn Bucket, labels: &Labels) -> Result<()> {
        let spans: Vec<Option<Span>> = bucket
            .iter("", IterOptions::default())
            .map_err(Error::from)
            .try_filter_map(
                |entry| async move { Ok(block::parse_dir(&entry.name).filter(|_| entry.is_dir())) },
            )
            .map_ok(|id| span_with_labels(bucket, id, labels))
            .try_buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        self.spans = Some(spans.into_iter().flatten().collect());
        Ok(())
    }

    /// Adds a block that was uploaded just now.
    pub(super) fn add(&mut self, meta: &BlockMeta) {
        if let Some(spans) = &mut self.spans {
            spans.push(meta.into());
        }
    }

    /// The blocks that overlap `meta`, with itself, if there are any.
    ///
    /// Differs from Thanos: overlaps among other blocks in the bucket do not matter.
    pub(super) fn overlap(&self, meta: &BlockMeta) -> Option<Overlap> {
        let new = Span::from(meta);
        let others = self.spans.iter().flatten().filter(|span| span.mint < new.maxt && new.mint < span.maxt);
        let mut spans: Vec<Span> = others.copied().collect();
        if spans.is_empty() {
            return None;
        }
        spans.push(new);
        spans.sort_by_key(|span| (span.mint, span.id));
        Some(Overlap { spans })
    }
}

async fn span_with_labels(bucket: &dyn Bucket, id: Ulid, labels: &Labels) -> Result<Option<Span>> {
    let json = match bucket.get(&block::meta(id), MAX_SIZE).await {
        Ok(json) => json,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let meta = BlockMeta::from_json(&json).map_err(|e| Error::CorruptMeta { id, why: e.to_string() })?;
    let same = Labels::from_pairs(meta.thanos.labels.iter()) == *labels;
    Ok(same.then(|| Span::from(&meta)))
}
