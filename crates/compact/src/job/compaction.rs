//! Merges blocks of a group into one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
use crate::work::{BlockWork, Counts};

/// What the marks of sources say, as Thanos's.
const MARK_DETAILS: &str = "source of compacted block";

/// Sources checked at once.
const CHECKS: usize = 4;

/// Sources marked at once.
const MARKS: usize = 8;

/// Blocks of a group that are merged next.
#[derive(Clone, Debug)]
pub struct CompactionJob {
    /// Key of the group.
    pub key: String,
    /// The sources, by time.
    pub sources: Vec<Arc<BlockMeta>>,
    /// Some of them overlap.
    pub overlapping: bool,
    /// What lies behind the end of the source, by the defect "issue 347", is dropped.
    pub repair: bool,
}

/// How a job ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new block is in the bucket and the sources are marked.
    Compacted(Ulid),
    /// These sources have no samples; they are marked.
    Empty(Vec<Ulid>),
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
        Ok(Self { key: group.key.clone(), sources, overlapping, repair: false })
    }

    /// The job that writes one block of a group anew without what lies behind its end.
    pub fn repair(group: &Group, id: Ulid) -> Option<Self> {
        let source = group.blocks.iter().find(|m| m.ulid == id)?.clone();
        Some(Self { key: group.key.clone(), sources: vec![source], overlapping: false, repair: true })
    }

    fn ids(&self) -> Vec<Ulid> {
        self.sources.iter().map(|m| m.ulid).collect()
    }

    /// Runs the job to its end.
    pub async fn run(&self, context: &Context) -> Result<Outcome> {
        let Some(_lease) = context.leases.take(&self.ids()) else { return Ok(Outcome::Busy) };
        let dir = context.dir.join(&self.key);
        let resolution = resolution_label(self.sources.first().map_or(0, |m| m.thanos.downsample.resolution));
        let metrics = &context.metrics;
        metrics.runs_started.with_label_values(&[&resolution]).inc();
        let progress = Progress::default();
        let work = self.work(context, &dir, &progress);
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

    async fn work(&self, context: &Context, dir: &Path, progress: &Progress) -> Result<Outcome> {
        let ids = self.ids();
        tracing::info!(
            group = self.key,
            blocks = list(&ids),
            overlapping = self.overlapping,
            "compacting blocks"
        );
        fresh_dir(dir).await?;
        // The sources, and a result that is at most as large as all of them.
        let need = block_bytes(context, &self.sources).await?.saturating_mul(2);
        context.check_disk(&format!("compaction of {}", list(&ids)), need)?;

        let fetched = self.fetch_all(context, dir).await?;
        let (parent, merge, inputs) = (dir.to_owned(), context.settings.merge, fetched.clone());
        let merged =
            context.blocking(progress, move |work, p| work.merge(&inputs, &parent, merge, p)).await?;
        let Some(mut new) = merged else {
            return self.drop_empty(context, &fetched).await;
        };
        if ids.len() == 1 {
            // A block written anew has to be told from the one it takes the place of, which lists the same sources and
            // is older: of two such blocks every reader keeps the older. So it is a source of itself.
            new.compaction.sources.push(new.ulid);
            new.compaction.sources.sort_unstable();
        }
        self.check_counts(context, &fetched, &new).await?;
        let first = &self.sources[0].thanos;
        let plain = Thanos {
            labels: first.labels.clone(),
            resolution_ms: first.downsample.resolution,
            extensions: first.extensions.clone(),
        };
        let uploaded = context.publish(dir, new, plain, Source::COMPACTOR).await?;
        let marks = ids.iter().map(|id| {
            tracing::info!(block = %id, result = %uploaded.ulid, "marking compacted block for deletion");
            let mark = context.cleaner.mark_for_deletion(*id, MARK_DETAILS, context.clock.now_ms());
            async move {
                mark.await?;
                context.metrics.garbage_collected.inc();
                Ok::<_, Error>(())
            }
            .boxed()
        });
        stream::iter(marks.collect::<Vec<_>>()).buffer_unordered(MARKS).try_collect::<()>().await?;
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

    /// Marks the sources that have no samples, or none that are not deleted.
    async fn drop_empty(&self, context: &Context, fetched: &[PathBuf]) -> Result<Outcome> {
        let ids = self.ids();
        for (meta, counts) in self.sources.iter().zip(self.count(context, fetched).await?) {
            if counts.samples > 0 && !counts.tombstones {
                let samples = counts.samples;
                return Err(Error::Critical(format!(
                    "result of {} has no samples, but block {} has {samples}",
                    list(&ids),
                    meta.ulid
                )));
            }
        }
        for id in &ids {
            context.cleaner.mark_for_deletion(*id, MARK_DETAILS, context.clock.now_ms()).await?;
        }
        tracing::info!(group = self.key, blocks = list(&ids), "blocks have no samples; marked for deletion");
        Ok(Outcome::Empty(ids))
    }

    /// Is everything of the sources in the result? The counts of the metas tell it without reading a sample; where they do not agree
    /// with the result the sources are counted, since a meta can be wrong about its block.
    async fn check_counts(&self, context: &Context, fetched: &[PathBuf], new: &BlockMeta) -> Result<()> {
        let told: Vec<Counts> = self
            .sources
            .iter()
            .map(|meta| Counts {
                series: meta.stats.num_series,
                samples: meta.stats.num_samples,
                tombstones: meta.stats.num_tombstones > 0,
            })
            .collect();
        let Err(why) = self.compare_counts(&told, new) else { return Ok(()) };
        let counted = self.count(context, fetched).await?;
        self.compare_counts(&counted, new)
            .map_err(|why| Error::Critical(format!("result of {}: {why}", list(&self.ids()))))?;
        tracing::warn!(
            group = self.key,
            why,
            "meta.json of a source is wrong about its block; the result holds what the blocks hold"
        );
        Ok(())
    }

    async fn count(&self, context: &Context, fetched: &[PathBuf]) -> Result<Vec<Counts>> {
        let sources: Vec<_> = fetched.iter().cloned().zip(self.sources.iter().cloned()).collect();
        let count = move |work: &dyn BlockWork, p: &Progress| {
            sources.iter().map(|(dir, meta)| work.count(dir, meta, p)).collect()
        };
        context.blocking(&Progress::default(), count).await
    }

    fn compare_counts(&self, sources: &[Counts], new: &BlockMeta) -> std::result::Result<(), String> {
        let (mint, maxt) = (
            self.sources.iter().map(|m| m.min_time).min().unwrap_or(0),
            self.sources.iter().map(|m| m.max_time).max().unwrap_or(0),
        );
        if (new.min_time, new.max_time) != (mint, maxt) {
            return Err(format!("covers {}..{}, the sources {mint}..{maxt}", new.min_time, new.max_time));
        }
        let samples: u64 = sources.iter().map(|s| s.samples).sum();
        let (series_sum, series_max) = (
            sources.iter().map(|s| s.series).sum::<u64>(),
            sources.iter().map(|s| s.series).max().unwrap_or(0),
        );
        let (has_series, has_samples) = (new.stats.num_series, new.stats.num_samples);
        if has_series > series_sum || has_samples > samples {
            return Err(format!("{has_series} series of {series_sum}, {has_samples} samples of {samples}"));
        }
        if sources.iter().any(|s| s.tombstones) {
            return Ok(());
        }
        if has_series < series_max {
            return Err(format!("{has_series} series of at least {series_max}"));
        }
        if !self.overlapping && has_samples != samples {
            return Err(format!("{has_samples} samples of {samples}"));
        }
        Ok(())
    }

    /// Fetches the sources, and checks each while the next ones are fetched. After a failure nothing more is begun; what is under way is
    /// waited for, since calls to the file system go on when nobody waits for them, and would put files where the job has been cleaned up.
    async fn fetch_all(&self, context: &Context, dir: &Path) -> Result<Vec<PathBuf>> {
        let failed = AtomicBool::new(false);
        let note = |error: Error| {
            failed.store(true, Ordering::Relaxed);
            error
        };
        let fetches = self.sources.iter().map(|meta| {
            let (failed, note) = (&failed, &note);
            async move {
                match failed.load(Ordering::Relaxed) {
                    true => Err(Error::Cancelled),
                    false => self.fetch(context, dir.to_owned(), meta.clone()).await.map_err(note),
                }
            }
            .boxed()
        });
        let checks = |fetched: Result<(PathBuf, Arc<BlockMeta>)>| {
            let note = &note;
            async move {
                let (dir, meta) = fetched?;
                self.check(context, &dir, &meta).await.map_err(note)?;
                Ok(dir)
            }
            .boxed()
        };
        let done: Vec<Result<PathBuf>> = stream::iter(fetches.collect::<Vec<BoxFuture<'_, _>>>())
            .buffered(context.settings.fetch_concurrency.max(1))
            .map(checks)
            .buffered(CHECKS)
            .collect()
            .await;
        // The first one in order is never one that was not begun.
        done.into_iter().collect()
    }

    /// Fetches a source.
    async fn fetch(
        &self,
        context: &Context,
        parent: PathBuf,
        meta: Arc<BlockMeta>,
    ) -> Result<(PathBuf, Arc<BlockMeta>)> {
        let id = meta.ulid;
        let dir = parent.join(id.to_string());
        let download =
            bucket::download::download(context.bucket.as_ref(), id, &dir, context.settings.files_concurrency);
        tokio::select! {
            done = download => done.map_err(Error::retry(format!("download block {id}")))?,
            () = context.stop.cancelled() => return Err(Error::Cancelled),
        };
        Ok((dir, meta))
    }

    /// Checks that a source is sound.
    async fn check(&self, context: &Context, dir: &Path, meta: &Arc<BlockMeta>) -> Result<()> {
        let id = meta.ulid;
        let (check_dir, checked) = (dir.to_owned(), meta.clone());
        let progress = Progress::default();
        let health = context.blocking(&progress, move |work, p| work.check(&check_dir, &checked, p)).await?;
        if let Some(why) = health.outside {
            return Err(Error::Critical(format!("block {id}: chunks outside of the block: {why}")));
        }
        if let Some(why) = health.out_of_order {
            return Err(Error::OutOfOrderChunks { id, why });
        }
        if let (Some(why), false) = (health.issue_347, self.repair) {
            return Err(Error::Issue347 { id, why });
        }
        if let (Some(why), false) = (health.label_order, context.settings.accept_malformed_index) {
            return Err(Error::Critical(format!("block {id}: {why}; see --debug.accept-malformed-index")));
        }
        Ok(())
    }
}
