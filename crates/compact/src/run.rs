//! The queues: compaction, downsampling with retention, and cleaning, each with a loop of its own.
//!
//! Differs from Thanos: there, one iteration does all of it in turn, so that a long compaction backlog keeps downsampling, retention and
//! deletion waiting, and one broken group stops all. Without `--wait` the same steps run once, in Thanos's order.

mod compaction;
mod downsampling;
mod garbage;
mod retention;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashSet;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::clean::Cleaner;
use crate::coverage::{Expiry, Retention, downsample_jobs};
use crate::error::{Error, Result};
use crate::group::{Group, group, simulate};
use crate::job::Context;
use crate::memory::Memory;
use crate::plan::Planner;
use crate::quarantine::Quarantine;
use crate::view::{Syncer, View};

/// What happens when a group cannot be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCritical {
    /// The group is set aside; everything else goes on.
    SetAside,
    /// All work stops, the process stays up and says so in `thanos_compact_halted`.
    Halt,
    /// The process ends with an error.
    Exit,
}

/// How the compactor runs.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// Go on for ever instead of doing everything once.
    pub wait: bool,
    /// Between two passes of compaction, and of downsampling.
    pub wait_interval: Duration,
    /// Between two runs of the cleaner; zero leaves cleaning to the passes.
    pub cleanup_interval: Duration,
    /// Between two updates of the gauges of work to do; zero turns them off.
    pub progress_interval: Duration,
    /// Groups compacted at once.
    pub concurrency: usize,
    /// Blocks downsampled at once.
    pub downsample_concurrency: usize,
    /// Blocks are downsampled.
    pub downsampling: bool,
    /// What is kept.
    pub retention: Retention,
    /// Data past their retention stay until a coarser copy is there.
    pub keep_until_downsampled: bool,
    /// What happens with a group that cannot be worked on.
    pub on_critical: OnCritical,
}

/// The compactor, ready to run.
#[derive(Clone)]
pub struct Compactor {
    /// What it works on.
    pub context: Context,
    /// What the bucket holds.
    pub syncer: Arc<Syncer>,
    /// What is compacted next.
    pub planner: Planner,
    /// How it runs.
    pub config: RunConfig,
    /// Groups that are set aside.
    pub quarantine: Arc<Quarantine>,
    /// What was found out about blocks.
    pub memory: Arc<Memory>,
}

/// Empties the working directory: what a process that was killed has left there is used by nobody.
async fn clear(dir: &Path) -> Result<()> {
    let what = || format!("clear {}", dir.display());
    let mut entries = tokio::fs::read_dir(dir).await.map_err(Error::local(what()))?;
    while let Some(entry) = entries.next_entry().await.map_err(Error::local(what()))? {
        let is_dir = entry.file_type().await.map_err(Error::local(what()))?.is_dir();
        let removed = match is_dir {
            true => tokio::fs::remove_dir_all(entry.path()).await,
            false => tokio::fs::remove_file(entry.path()).await,
        };
        removed.map_err(Error::local(what()))?;
    }
    Ok(())
}

impl Compactor {
    fn now_ms(&self) -> i64 {
        self.context.clock.now_ms()
    }

    fn cleaner(&self) -> &Cleaner {
        &self.context.cleaner
    }

    /// Runs until everything is done (without `wait`), or until the context's token is cancelled.
    ///
    /// # Errors
    /// Without `wait`: the first error of the pass, or that groups had to be set aside. With `wait`: only a critical error, when told to
    /// exit on one.
    pub async fn run(self) -> Result<()> {
        clear(&self.context.dir).await?;
        if !self.config.wait {
            let done = self.once().await;
            if done.is_ok() {
                self.context.metrics.iterations.inc();
            }
            return done;
        }
        let stop = self.context.stop.clone();
        let compaction = self.repeat("compaction", self.config.wait_interval, || self.compact_all());
        let downsampling = self
            .repeat("downsampling and retention", self.config.wait_interval, || self.downsample_and_retain());
        let cleaning = async {
            match self.config.cleanup_interval {
                Duration::ZERO => stop.cancelled().await,
                every => return self.repeat("cleaning", every, || self.clean()).await,
            }
            Ok(())
        };
        let progress = async {
            match self.config.progress_interval {
                Duration::ZERO => stop.cancelled().await,
                every => return self.repeat("progress", every, || self.update_progress()).await,
            }
            Ok(())
        };
        let ended = tokio::try_join!(compaction, downsampling, cleaning, progress);
        match (ended, self.config.on_critical) {
            (Err(error), OnCritical::Halt) if error.is_critical() => {
                self.context.metrics.halted.set(1);
                tracing::error!(%error, "critical error detected; halting");
                stop.cancelled().await;
                Ok(())
            }
            (Err(error), _) => Err(error),
            (Ok(_), _) => Ok(()),
        }
    }

    /// Everything once.
    async fn once(&self) -> Result<()> {
        let view = self.syncer.sync().await?;
        self.cleaner().delete_marked(&view, self.now_ms()).await;
        self.compact_all().await?;
        self.downsample_and_retain().await?;
        self.cleaner().delete_partial(&*self.syncer.sync().await?, self.now_ms()).await;
        self.cleaner().tidy().await;
        let cases = self.quarantine.cases();
        match cases.iter().next() {
            None => Ok(()),
            Some((group, case)) => {
                let (count, reason) = (cases.len(), &case.reason);
                Err(Error::Critical(format!(
                    "{count} groups could not be compacted, among them {group}: {reason}"
                )))
            }
        }
    }

    async fn clean(&self) -> Result<()> {
        let view = self.syncer.sync().await?;
        self.cleaner().delete_marked(&view, self.now_ms()).await;
        self.cleaner().delete_partial(&view, self.now_ms()).await;
        self.cleaner().tidy().await;
        Ok(())
    }

    async fn update_progress(&self) -> Result<()> {
        let view = self.syncer.sync().await?;
        self.set_todo(&view, self.now_ms());
        Ok(())
    }

    /// Sets the gauges of work to do.
    fn set_todo(&self, view: &View, now_ms: i64) {
        let metrics = &self.context.metrics;
        let (mut compactions, mut blocks) = (0, 0);
        for group in self.groups(view) {
            let todo = simulate(&self.planner, group.plan_blocks(&Default::default()), &view.no_compact);
            compactions += todo.compactions;
            blocks += todo.blocks;
        }
        metrics.todo_compactions.set(compactions as i64);
        metrics.todo_compaction_blocks.set(blocks as i64);
        let jobs = match self.config.downsampling {
            true => {
                downsample_jobs(view.metas.values(), &self.not_downsampled(view), &Default::default()).len()
            }
            false => 0,
        };
        metrics.todo_downsample_blocks.set(jobs as i64);
        metrics.todo_deletion_blocks.set(self.expired(view, now_ms).len() as i64);
    }

    /// The groups of a view, without the blocks that were found to be empty, that are marked for deletion, or that retention lets go
    /// since a coarser block has their data. Merged with others, the data of a block that goes would stay, and would be downsampled
    /// a second time, into a block that overlaps the first.
    pub(crate) fn groups(&self, view: &View) -> Vec<Group> {
        let mut out = self.memory.empty();
        out.extend(view.deletion.keys().copied());
        out.extend(self.expired(view, self.now_ms()).into_iter().filter_map(|expiry| match expiry {
            Expiry::DeleteCovered(id, _) => Some(id),
            Expiry::Delete(_) | Expiry::DownsampleFirst(_) => None,
        }));
        group(view.metas.values().filter(|meta| !out.contains(&meta.ulid)))
    }

    /// The blocks that are not downsampled: somebody marked them, or nothing would be left of them.
    pub(crate) fn not_downsampled(&self, view: &View) -> FxHashSet<Ulid> {
        let mut blocks = self.memory.nothing_to_downsample();
        blocks.extend(view.no_downsample.iter().copied());
        blocks
    }

    /// The blocks whose retention has passed.
    fn expired(&self, view: &View, now_ms: i64) -> Vec<Expiry> {
        let keep = self.config.keep_until_downsampled && self.config.downsampling;
        let marked = |id| view.deletion.contains_key(&id);
        self.config.retention.expired(view.metas.values(), &self.not_downsampled(view), &marked, now_ms, keep)
    }

    /// Runs `pass` again and again until the program stops. Passes that may succeed the next time are counted and logged.
    async fn repeat<F, Fut>(&self, what: &'static str, every: Duration, pass: F) -> Result<()>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<()>>,
    {
        let stop: &CancellationToken = &self.context.stop;
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return Ok(()),
            }
            match pass().await {
                Ok(()) => {
                    if what == "compaction" {
                        self.context.metrics.iterations.inc();
                    }
                }
                Err(Error::Cancelled) => return Ok(()),
                Err(_) if stop.is_cancelled() => return Ok(()),
                Err(error) if error.is_critical() => return Err(error),
                Err(error) => {
                    self.context.metrics.retries.inc();
                    tracing::warn!(%error, queue = what, "pass failed; trying again the next time");
                }
            }
        }
    }
}
