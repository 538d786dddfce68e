//! Writes a block at a coarser resolution.

use std::sync::Arc;
use std::time::Instant;

use tsdb::meta::{BlockMeta, Source};
use ulid::Ulid;

use super::report::reporting;
use super::{Context, Thanos, block_bytes, fresh_dir, remove_dir};
use crate::coverage::DownsampleJob;
use crate::error::{Error, Result};
use crate::metrics::resolution_label;
use crate::progress::Progress;

/// How a downsampling ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Downsampled {
    /// The new block is in the bucket.
    Block(Ulid),
    /// Nothing is left of the block at that resolution.
    Nothing,
    /// Another job works on the block.
    Busy,
}

/// Downsamples one block.
pub async fn run_downsample(
    context: &Context,
    meta: &Arc<BlockMeta>,
    job: &DownsampleJob,
) -> Result<Downsampled> {
    let Some(_lease) = context.leases.take(&[job.id]) else { return Ok(Downsampled::Busy) };
    let resolution = resolution_label(meta.thanos.downsample.resolution);
    let (dir, progress, started) =
        (context.dir.join(job.id.to_string()), Progress::default(), Instant::now());
    let work = work(context, meta, job, &progress);
    let result = reporting("downsample", &meta.group_key(), &progress, &context.metrics, work).await;
    match &result {
        Ok(_) => {
            context.metrics.downsamples.with_label_values(&[&resolution]).inc();
            let seconds = started.elapsed().as_secs_f64();
            context.metrics.downsample_seconds.with_label_values(&[&resolution]).observe(seconds);
        }
        Err(_) => context.metrics.downsample_failures.with_label_values(&[&resolution]).inc(),
    }
    remove_dir(&dir).await;
    result
}

async fn work(
    context: &Context,
    meta: &Arc<BlockMeta>,
    job: &DownsampleJob,
    progress: &Progress,
) -> Result<Downsampled> {
    let id = job.id;
    let dir = context.dir.join(id.to_string());
    tracing::info!(block = %id, from_ms = meta.thanos.downsample.resolution, to_ms = job.to_ms, "downsampling block");
    fresh_dir(&dir).await?;
    let need = block_bytes(context, std::slice::from_ref(meta)).await?.saturating_mul(2);
    context.check_disk(&format!("downsampling of {id}"), need)?;
    let source = dir.join(id.to_string());
    let download =
        bucket::download::download(context.bucket.as_ref(), id, &source, context.settings.files_concurrency);
    tokio::select! {
        done = download => done.map_err(Error::retry(format!("download block {id}")))?,
        () = context.stop.cancelled() => return Err(Error::Cancelled),
    };
    let (checked_dir, checked) = (source.clone(), meta.clone());
    context
        .blocking(&Progress::default(), move |work, p| {
            let health = work.check(&checked_dir, &checked, p)?;
            if let Some(why) = health.outside.or(health.issue_347) {
                return Err(Error::Critical(format!("block {}: {why}", checked.ulid)));
            }
            match health.out_of_order {
                Some(why) => Err(Error::OutOfOrderChunks { id: checked.ulid, why }),
                None => Ok(()),
            }
        })
        .await?;
    let (parent, to_ms) = (dir.clone(), job.to_ms);
    let made = context.blocking(progress, move |work, p| work.downsample(&source, &parent, to_ms, p)).await?;
    let Some(new) = made else {
        tracing::info!(block = %id, "nothing is left of the block at this resolution");
        return Ok(Downsampled::Nothing);
    };
    if new.compaction.sources != meta.compaction.sources || new.compaction.level != meta.compaction.level {
        return Err(Error::Critical(format!(
            "result of downsampling {id} does not name the block's sources"
        )));
    }
    let plain = Thanos {
        labels: meta.thanos.labels.clone(),
        resolution_ms: job.to_ms,
        extensions: meta.thanos.extensions.clone(),
    };
    let uploaded = context.publish(&dir, new, plain, Source::COMPACTOR).await?;
    tracing::info!(block = %id, result = %uploaded.ulid, to_ms = job.to_ms, "downsampled block");
    Ok(Downsampled::Block(uploaded.ulid))
}
