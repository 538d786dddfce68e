//! One pass of compaction: round after round until no group has anything left to do.

use std::collections::{BTreeMap, BTreeSet};

use bucket::block;
use bucket::marks::{self, NoCompactMark, reason};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use ulid::Ulid;

use super::{Compactor, OnCritical};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::job::{CompactionJob, Outcome};
use crate::plan::{ExcludeReason, PlanBlock, has_overlap};
use crate::view::View;

/// The jobs that a pass has finished. None of them may come again: whatever the reason, the pass would never end.
#[derive(Default)]
struct Done(Mutex<FxHashSet<(bool, Vec<Ulid>)>>);

impl Done {
    fn key(job: &CompactionJob) -> (bool, Vec<Ulid>) {
        (job.repair, job.sources.iter().map(|meta| meta.ulid).collect())
    }

    fn refuse(&self, job: &CompactionJob) -> Result<()> {
        match self.0.lock().contains(&Self::key(job)) {
            false => Ok(()),
            true => Err(Error::Retry {
                what: format!("compaction in group {}", job.key),
                why: "the blocks that were just compacted are planned again".to_owned(),
            }),
        }
    }

    fn note(&self, job: &CompactionJob, outcome: Outcome) -> Outcome {
        if outcome != Outcome::Busy {
            self.0.lock().insert(Self::key(job));
        }
        outcome
    }
}

impl Compactor {
    /// Compacts until nothing is left. Groups that fail are left for the next pass, and the first of their errors is returned when all
    /// others are done.
    pub(super) async fn compact_all(&self) -> Result<()> {
        let mut failed: BTreeSet<String> = BTreeSet::new();
        let mut first_error = None;
        let done = Done::default();
        loop {
            let view = self.syncer.sync().await?;
            let known = |id| view.metas.contains_key(&id) || view.deletion.contains_key(&id);
            self.memory.retain(known);
            let collected = self.collect_garbage(&view).await;
            if let Some(error) = collected.error {
                first_error.get_or_insert(error);
            }
            if collected.changed {
                continue;
            }
            let groups = self.groups(&view);
            self.quarantine.retain(|key| groups.iter().any(|g| g.key == key));
            let waiting: Vec<&Group> = groups
                .iter()
                .filter(|g| !failed.contains(&g.key))
                .filter(|g| !self.quarantine.holds(&g.key, g.blocks.iter().map(|m| m.ulid), self.now_ms()))
                .collect();
            let runs: Vec<BoxFuture<'_, _>> = waiting
                .into_iter()
                .map(|group| {
                    let run = self.compact_group(group, &view, &done);
                    async move { (group, run.await) }.boxed()
                })
                .collect();
            let mut rounds = stream::iter(runs).buffer_unordered(self.config.concurrency.max(1));
            let mut again = false;
            while let Some((group, result)) = rounds.next().await {
                match result {
                    Ok(did_something) => {
                        self.quarantine.release(&group.key);
                        again |= did_something;
                    }
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    Err(error) => match self.after_error(group, error, &done).await {
                        Ok(()) => again = true,
                        Err(error) if error.is_critical() => return Err(error),
                        Err(error) => {
                            tracing::warn!(group = group.key, %error, "compaction of group failed; trying again in the next pass");
                            failed.insert(group.key.clone());
                            first_error.get_or_insert(error);
                        }
                    },
                }
            }
            drop(rounds);
            self.context.metrics.quarantined_groups.set(self.quarantine.cases().len() as i64);
            if !again {
                return first_error.map_or(Ok(()), Err);
            }
        }
    }

    /// Plans and runs the next compaction of a group. True when there may be more to do.
    async fn compact_group(&self, group: &Group, view: &View, done: &Done) -> Result<bool> {
        let vertical = self.context.settings.vertical;
        let blocks = group.plan_blocks(&BTreeMap::new());
        let sorted: Vec<&PlanBlock> = blocks.iter().collect();
        if !vertical && has_overlap(&sorted) {
            let overlap = crate::plan::first_overlap(&sorted);
            let ids: Vec<String> = overlap.iter().map(|b| b.id.to_string()).collect();
            return Err(Error::Critical(format!("blocks overlap: {}", ids.join(" "))));
        }
        let planned = self.plan(group, &view.no_compact).await?;
        if planned.is_empty() {
            return Ok(false);
        }
        let chosen: Vec<&PlanBlock> = sorted.into_iter().filter(|b| planned.contains(&b.id)).collect();
        let job = CompactionJob::new(group, &planned, has_overlap(&chosen), vertical)?;
        done.refuse(&job)?;
        match done.note(&job, job.run(&self.context).await?) {
            Outcome::Compacted(_) => Ok(true),
            Outcome::Empty(ids) => {
                self.memory.found_empty(ids);
                Ok(true)
            }
            Outcome::Busy => Ok(false),
        }
    }

    /// The blocks to merge next; asks for index sizes and writes no-compact marks as planning needs it.
    async fn plan(&self, group: &Group, no_compact: &FxHashSet<Ulid>) -> Result<Vec<Ulid>> {
        let mut sizes: BTreeMap<Ulid, u64> = BTreeMap::new();
        loop {
            let plan = self.planner.plan(&group.plan_blocks(&sizes), no_compact);
            if plan.unknown_index_sizes.is_empty() {
                for (id, why) in &plan.exclude {
                    self.exclude(*id, *why).await?;
                }
                return Ok(plan.blocks);
            }
            for id in plan.unknown_index_sizes {
                let object = block::index(id);
                let attributes = self.context.bucket.attributes(&object).await;
                let size = attributes.map_err(Error::storage(format!("ask for the size of {object}")))?.size;
                // An index without bytes is found to be broken when the block is checked.
                sizes.insert(id, size.max(1));
            }
        }
    }

    async fn exclude(&self, id: Ulid, why: ExcludeReason) -> Result<()> {
        match why {
            ExcludeReason::IndexSize => {
                let details = format!(
                    "the indexes of the blocks to compact together are too large for a result under the limit of {} bytes",
                    self.planner.max_index_bytes
                );
                self.mark_no_compact(id, reason::INDEX_SIZE_EXCEEDING, details).await
            }
            ExcludeReason::DownsampledOverlap => {
                let details = "downsampled block that overlaps another one".to_owned();
                self.mark_no_compact(id, reason::DOWNSAMPLE_VERTICAL_COMPACTION, details).await
            }
        }
    }

    async fn mark_no_compact(&self, id: Ulid, why: &str, details: String) -> Result<()> {
        let mark = NoCompactMark {
            id,
            version: marks::VERSION,
            details,
            no_compact_time: self.now_ms().div_euclid(1000),
            reason: why.to_owned(),
        };
        let written = marks::write(self.context.bucket.as_ref(), id, &mark)
            .await
            .map_err(Error::retry(format!("mark block {id} for no compaction")))?;
        if written {
            self.context.metrics.blocks_marked.with_label_values(&["no-compact-mark.json", why]).inc();
        }
        Ok(())
    }

    /// What follows from a group's error: `Ok` when it was dealt with and the group can go on or waits; a critical error when everything
    /// stops; another one when the next pass has to try again.
    async fn after_error(&self, group: &Group, error: Error, done: &Done) -> Result<()> {
        match &error {
            Error::OutOfOrderChunks { id, why } if self.context.settings.skip_out_of_order => {
                return self.mark_no_compact(*id, reason::OUT_OF_ORDER_CHUNK, why.clone()).await;
            }
            Error::IndexTooLarge { largest, why } => {
                return self.mark_no_compact(*largest, reason::INDEX_SIZE_EXCEEDING, why.clone()).await;
            }
            Error::Issue347 { id, .. } => match self.repair(group, *id, done).await {
                Err(failed) if failed.is_critical() => return self.set_aside(group, failed),
                done => return done,
            },
            _ => {}
        }
        if !error.is_critical() {
            return Err(error);
        }
        self.set_aside(group, error)
    }

    /// Writes a block of the defect "issue 347" anew, without the chunks behind its end.
    async fn repair(&self, group: &Group, id: Ulid, done: &Done) -> Result<()> {
        let Some(job) = CompactionJob::repair(group, id) else { return Ok(()) };
        done.refuse(&job)?;
        match done.note(&job, job.run(&self.context).await?) {
            Outcome::Empty(ids) => self.memory.found_empty(ids),
            Outcome::Compacted(_) | Outcome::Busy => {}
        }
        Ok(())
    }

    fn set_aside(&self, group: &Group, error: Error) -> Result<()> {
        if self.config.on_critical != OnCritical::SetAside {
            return Err(error);
        }
        let blocks = group.blocks.iter().map(|m| m.ulid).collect();
        if self.quarantine.add(&group.key, error.to_string(), blocks, self.now_ms()) {
            tracing::error!(
                group = group.key,
                %error,
                "group cannot be compacted and is set aside until its blocks change; all others go on"
            );
        }
        Ok(())
    }
}
