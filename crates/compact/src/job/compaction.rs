//! Merges blocks of a group into one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tsdb::meta::{BlockMeta, Source};
use ulid::Ulid;

use super::report::reporting;
use super::{Context, Thanos, block_bytes, fresh_dir, list, remove_dir};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::metrics::resolution_label;
use crate::progress::Progress;

/// Blocks of a group that are merged next.
#[derive(Clone, Debug)]
pub struct CompactionJob {
    /// Key of the group.
    pub key: String,
    /// The sources, by time.
    pub sources: Vec<Arc<BlockMeta>>,
    /// Some of them overlap.
    pub overlapping: bool,
}

/// How a job ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new block is in the bucket and the sources are marked.
    Compacted(Ulid),
    /// The sources have no samples; they are marked.
    Empty,
    /// Another job works on one of the sources.
    Busy,
}

impl CompactionJob {
    /// The job for the planned blocks of a group. Blocks that stem from the same data can only be merged with deduplication.
    pub fn new(group: &Group, ids: &[Ulid], overlapping: bool, vertical: bool) -> Result<Self> {
        let shared = group.shared_sources(ids);
        if !shared.is_empty() {
            if !vertical {
                let message = format!("blocks {} have sources in common: {}", list(ids), list(&shared));
                return Err(Error::Critical(message));
            }
            tracing::warn!(
                group = group.key,
                blocks = list(ids),
                shared = list(&shared),
                "blocks to merge have sources in common"
            );
        }
        let sources = group.blocks.iter().filter(|m| ids.contains(&m.ulid)).cloned().collect();
        Ok(Self { key: group.key.clone(), sources, overlapping })
    }

    fn ids(&self) -> Vec<Ulid> {
        self.sources.iter().map(|m| m.ulid).collect()
    }

    /// Runs the job to its end.
    pub async fn run(&self, context: &Context, now_ms: i64) -> Result<Outcome> {
        let Some(_lease) = context.leases.take(&self.ids()) else { return Ok(Outcome::Busy) };
        let dir = context.dir.join(&self.key);
        let resolution = resolution_label(self.sources.first().map_or(0, |m| m.thanos.downsample.resolution));
        let metrics = &context.metrics;
        metrics.runs_started.with_label_values(&[&resolution]).inc();
        let progress = Progress::default();
        let work = self.work(context, &dir, &progress, now_ms);
        let result = reporting("compaction", &self.key, &progress, metrics, work).await;
        match &result {
            Ok(outcome) => {
                metrics.runs_completed.with_label_values(&[&resolution]).inc();
                if matches!(outcome, Outcome::Compacted(_)) {
                    metrics.compactions.with_label_values(&[&resolution]).inc();
                    if self.overlapping {
                        metrics.vertical_compactions.with_label_values(&[&resolution]).inc();
                    }
                }
            }
            Err(_) => metrics.compaction_failures.with_label_values(&[&resolution]).inc(),
        }
        // Nothing in it is used again: a source that is fetched anew is a source that is known to be whole.
        remove_dir(&dir).await;
        result
    }

    async fn work(&self, context: &Context, dir: &Path, progress: &Progress, now_ms: i64) -> Result<Outcome> {
        let ids = self.ids();
        tracing::info!(
            group = self.key,
            blocks = list(&ids),
            overlapping = self.overlapping,
            "compacting blocks"
        );
        fresh_dir(dir).await?;
        // The sources, and a result that is at most as large as all of them.
        let need = self.sources.iter().map(|m| block_bytes(m)).sum::<u64>().saturating_mul(2);
        context.check_disk(&format!("compaction of {}", list(&ids)), need)?;

        let fetches: Vec<BoxFuture<'_, _>> =
            self.sources.iter().map(|meta| fetch(context, dir.to_owned(), meta.clone()).boxed()).collect();
        let concurrency = context.settings.fetch_concurrency.max(1);
        let fetched: Vec<PathBuf> = stream::iter(fetches).buffered(concurrency).try_collect().await?;
        let (parent, merge) = (dir.to_owned(), context.settings.merge);
        let merged =
            context.blocking(progress, move |work, p| work.merge(&fetched, &parent, merge, p)).await?;
        let Some(new) = merged else {
            for meta in &self.sources {
                if meta.stats.num_samples == 0 {
                    context.cleaner.mark_for_deletion(meta.ulid, "source of compacted block", now_ms).await?;
                }
            }
            tracing::info!(
                group = self.key,
                blocks = list(&ids),
                "blocks have no samples; marked for deletion"
            );
            return Ok(Outcome::Empty);
        };
        self.check_counts(&new)?;
        let first = &self.sources[0].thanos;
        let plain = Thanos {
            labels: first.labels.clone(),
            resolution_ms: first.downsample.resolution,
            extensions: first.extensions.clone(),
        };
        let uploaded = context.publish(dir, new, plain, Source::COMPACTOR).await?;
        for id in &ids {
            tracing::info!(block = %id, result = %uploaded.ulid, "marking compacted block for deletion");
            context.cleaner.mark_for_deletion(*id, "source of compacted block", now_ms).await?;
            context.metrics.garbage_collected.inc();
        }
        tracing::info!(
            group = self.key,
            result = %uploaded.ulid,
            sources = list(&ids),
            series = uploaded.stats.num_series,
            samples = uploaded.stats.num_samples,
            "compacted blocks"
        );
        Ok(Outcome::Compacted(uploaded.ulid))
    }

    /// Is everything of the sources in the result? Counts tell it without reading a sample.
    fn check_counts(&self, new: &BlockMeta) -> Result<()> {
        let wrong = |what: String| Err(Error::Critical(format!("result of {}: {what}", list(&self.ids()))));
        let (mint, maxt) = (
            self.sources.iter().map(|m| m.min_time).min().unwrap_or(0),
            self.sources.iter().map(|m| m.max_time).max().unwrap_or(0),
        );
        if (new.min_time, new.max_time) != (mint, maxt) {
            return wrong(format!("covers {}..{}, the sources {mint}..{maxt}", new.min_time, new.max_time));
        }
        let deleted = self.sources.iter().any(|m| m.stats.num_tombstones > 0);
        if deleted {
            return Ok(());
        }
        let samples: u64 = self.sources.iter().map(|m| m.stats.num_samples).sum();
        let (series_sum, series_max) = (
            self.sources.iter().map(|m| m.stats.num_series).sum::<u64>(),
            self.sources.iter().map(|m| m.stats.num_series).max().unwrap_or(0),
        );
        if new.stats.num_series > series_sum || new.stats.num_series < series_max {
            return wrong(format!("{} series of at least {series_max}", new.stats.num_series));
        }
        if new.stats.num_samples > samples || (!self.overlapping && new.stats.num_samples != samples) {
            return wrong(format!("{} samples of {samples}", new.stats.num_samples));
        }
        Ok(())
    }
}

/// Fetches a source and checks that it is sound.
async fn fetch(context: &Context, parent: PathBuf, meta: Arc<BlockMeta>) -> Result<PathBuf> {
    let id = meta.ulid;
    let dir = parent.join(id.to_string());
    let download =
        bucket::download::download(context.bucket.as_ref(), id, &dir, context.settings.files_concurrency);
    tokio::select! {
        done = download => done.map_err(Error::retry(format!("download block {id}")))?,
        () = context.stop.cancelled() => return Err(Error::Cancelled),
    };
    let (check_dir, checked) = (dir.clone(), meta.clone());
    let progress = Progress::default();
    let health = context.blocking(&progress, move |work, p| work.check(&check_dir, &checked, p)).await?;
    if let Some(why) = health.out_of_order {
        return Err(Error::OutOfOrderChunks { id, why });
    }
    if let Some(why) = health.outside {
        return Err(Error::Critical(format!("block {id}: chunks outside of the block: {why}")));
    }
    if let (Some(why), false) = (health.label_order, context.settings.accept_malformed_index) {
        return Err(Error::Critical(format!("block {id}: {why}; see --debug.accept-malformed-index")));
    }
    Ok(dir)
}
