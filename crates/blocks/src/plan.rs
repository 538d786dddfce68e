//! `/api/v1/blocks/plan`: what a component is doing with its blocks and is going to do next.

use std::collections::BTreeMap;

use serde::Serialize;
use ulid::Ulid;

/// The work at one moment.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// When it was worked out, RFC 3339.
    pub computed_at: String,
    /// The next job of every group that has any.
    pub jobs: Vec<Job>,
    /// Groups that are not worked on.
    pub quarantined: Vec<SetAside>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Merges blocks.
    Compaction,
    /// Makes a coarser block.
    Downsampling,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for its turn.
    Planned,
    /// It is at work.
    Running,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// Key of the group of blocks.
    pub group: String,
    /// External labels of the group.
    pub labels: BTreeMap<String, String>,
    /// Resolution of the sources, ms.
    pub resolution: i64,
    /// First instant of the sources, ms.
    pub min_time: i64,
    /// End of the sources, ms, exclusive.
    pub max_time: i64,
    /// The sources.
    pub blocks: Vec<Ulid>,
}

/// A group that is set aside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetAside {
    /// Its key.
    pub group: String,
    /// Its external labels.
    pub labels: BTreeMap<String, String>,
    /// Its blocks.
    pub blocks: Vec<Ulid>,
    /// Why.
    pub error: String,
}
