//! One pass of downsampling, and the retention that depends on it.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use super::Compactor;
use crate::coverage::{Expiry, downsample_jobs};
use crate::error::{Error, Result};
use crate::job::{Downsampled, run_downsample};

impl Compactor {
    /// Downsamples to 5 minutes, then to 1 hour, and applies retention. A block that fails does not stop the others, nor retention: what
    /// has no coarser copy yet is kept by it.
    pub(super) async fn downsample_and_retain(&self) -> Result<()> {
        let downsampled = match self.config.downsampling {
            true => self.downsample_all().await,
            false => Ok(()),
        };
        if matches!(downsampled, Err(Error::Cancelled)) {
            return downsampled;
        }
        let retained = match self.syncer.sync().await {
            Ok(view) => self.apply_retention(&view).await,
            Err(error) => Err(error),
        };
        downsampled.and(retained)
    }

    async fn downsample_all(&self) -> Result<()> {
        let mut first_error = None;
        // The second pass finds the 5-minute blocks of the first.
        for _ in 0..2 {
            let view = self.syncer.sync().await?;
            // Blocks past their retention are downsampled however short they are: else they would have to wait for a
            // compaction that may never come.
            let early = self
                .expired(&view, self.now_ms())
                .into_iter()
                .filter_map(|expiry| match expiry {
                    Expiry::DownsampleFirst(id) => Some(id),
                    Expiry::Delete(_) | Expiry::DeleteCovered(..) => None,
                })
                .collect();
            let jobs = downsample_jobs(view.metas.values(), &self.not_downsampled(&view), &early);
            let runs: Vec<BoxFuture<'_, _>> = jobs
                .iter()
                .filter_map(|job| Some((job, view.metas.get(&job.id)?)))
                .map(|(job, meta)| {
                    async move { (job, run_downsample(&self.context, meta, job).await) }.boxed()
                })
                .collect();
            let mut running = stream::iter(runs).buffer_unordered(self.config.downsample_concurrency.max(1));
            while let Some((job, result)) = running.next().await {
                match result {
                    Ok(Downsampled::Block(_) | Downsampled::Busy) => {}
                    Ok(Downsampled::Nothing) => self.memory.found_nothing_to_downsample(job.id),
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    Err(error) => {
                        tracing::error!(block = %job.id, %error, "failed to downsample block; the others go on");
                        // Whether the data or the moment is to blame: nothing but this block has to wait.
                        first_error.get_or_insert(Error::Retry {
                            what: format!("downsample block {}", job.id),
                            why: error.to_string(),
                        });
                    }
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}
