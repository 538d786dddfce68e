//! What the queues are doing and are going to do next, for people.

use std::collections::BTreeMap;
use std::sync::Arc;

use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::coverage::downsample_jobs;
use crate::group::Group;
use crate::run::Compactor;
use crate::view::{View, wall_ms};

/// A job that is running, or the next one of its group.
#[derive(Clone, Debug, PartialEq)]
pub struct NextJob {
    /// The key of the group.
    pub group: String,
    /// External labels of the group.
    pub labels: BTreeMap<String, String>,
    /// Resolution of the sources, ms.
    pub resolution_ms: i64,
    /// First instant of the sources, ms.
    pub min_time: i64,
    /// End of the sources, ms, exclusive.
    pub max_time: i64,
    /// The sources.
    pub blocks: Vec<Ulid>,
    /// It makes a coarser block; else it merges.
    pub downsampling: bool,
    /// It is at work now.
    pub running: bool,
}

/// A group that is set aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its key.
    pub group: String,
    /// Its external labels.
    pub labels: BTreeMap<String, String>,
    /// Its blocks.
    pub blocks: Vec<Ulid>,
    /// Why.
    pub reason: String,
}

/// The work at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// When it was worked out, ms.
    pub at_ms: i64,
    /// Jobs, compactions first.
    pub jobs: Vec<NextJob>,
    /// Groups set aside.
    pub waiting: Vec<Waiting>,
}

impl Compactor {
    /// Works out from the last view of the bucket what comes next. The bucket is not asked: sizes of indexes that no meta tells count
    /// as nothing, so a compaction may be shown that planning will then leave out.
    pub fn outlook(&self) -> Outlook {
        let view = self.syncer.view();
        let groups = self.groups(&view);
        let mut outlook = Outlook { at_ms: wall_ms(), ..Outlook::default() };
        let cases = self.quarantine.cases();
        for group in &groups {
            match cases.get(&group.key) {
                Some(case) => outlook.waiting.push(Waiting {
                    group: group.key.clone(),
                    labels: group.labels.clone(),
                    blocks: case.blocks.clone(),
                    reason: case.reason.clone(),
                }),
                None => outlook.jobs.extend(self.next_compaction(group, &view)),
            }
        }
        if self.config.downsampling {
            let jobs =
                downsample_jobs(view.metas.values(), &self.not_downsampled(&view), &Default::default());
            let sources = jobs.iter().filter_map(|job| view.metas.get(&job.id));
            outlook.jobs.extend(sources.map(|meta| self.job(std::slice::from_ref(meta), true)));
        }
        outlook
    }

    fn next_compaction(&self, group: &Group, view: &View) -> Option<NextJob> {
        let mut blocks = group.plan_blocks(&BTreeMap::new());
        for block in &mut blocks {
            block.index_bytes.get_or_insert(0);
        }
        let chosen = self.planner.plan(&blocks, &view.no_compact).blocks;
        let metas: Vec<_> = group.blocks.iter().filter(|meta| chosen.contains(&meta.ulid)).cloned().collect();
        (!metas.is_empty()).then(|| self.job(&metas, false))
    }

    /// `metas` has at least one block.
    fn job(&self, metas: &[Arc<BlockMeta>], downsampling: bool) -> NextJob {
        let first = &metas[0];
        NextJob {
            group: first.group_key(),
            labels: first.thanos.labels.clone(),
            resolution_ms: first.thanos.downsample.resolution,
            min_time: metas.iter().map(|meta| meta.min_time).min().unwrap_or_default(),
            max_time: metas.iter().map(|meta| meta.max_time).max().unwrap_or_default(),
            blocks: metas.iter().map(|meta| meta.ulid).collect(),
            downsampling,
            running: metas.iter().all(|meta| self.context.leases.is_held(meta.ulid)),
        }
    }
}
