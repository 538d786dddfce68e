//! `/api/v1/blocks/overview`: what a page draws, some hundred bytes a block.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bucket::views::{Look, Marks, Partial, ViewKind};
use serde::Serialize;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::routes::BlocksApi;
use crate::view::time;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overview {
    label: String,
    refreshed_at: String,
    err: Option<String>,
    admin: bool,
    label_sets: Vec<BTreeMap<String, String>>,
    blocks: Vec<Block>,
    marks: Vec<Mark>,
    partial: Vec<PartialBlock>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    id: Ulid,
    min_time: i64,
    max_time: i64,
    /// Index into the label sets.
    set: usize,
    level: i64,
    resolution: i64,
    source: String,
    series: u64,
    samples: u64,
    chunks: u64,
    index_bytes: i64,
    chunk_bytes: i64,
    total_bytes: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<Ulid>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_time: Option<i64>,
}

#[derive(Serialize)]
struct Mark {
    id: Ulid,
    kind: &'static str,
    time: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    details: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

#[derive(Serialize)]
struct PartialBlock {
    id: Ulid,
    reason: &'static str,
}

pub(crate) fn overview(api: &BlocksApi, kind: ViewKind) -> Overview {
    let Look { metas, partial, refreshed_ms, error } = api.views.look(kind);
    let mut sets: HashMap<&BTreeMap<String, String>, usize> = HashMap::new();
    let mut blocks = Vec::with_capacity(metas.len());
    for meta in metas.values() {
        let next = sets.len();
        let set = *sets.entry(&meta.thanos.labels).or_insert(next);
        blocks.push(block(meta, set));
    }
    let mut label_sets = vec![BTreeMap::new(); sets.len()];
    for (labels, at) in &sets {
        label_sets[*at] = (*labels).clone();
    }
    let shown = |id: &Ulid| metas.contains_key(id) || (kind == ViewKind::Global && partial.contains_key(id));
    Overview {
        label: api.label.clone(),
        refreshed_at: time(refreshed_ms),
        err: error,
        admin: api.admin,
        label_sets,
        blocks,
        marks: marks(&api.views.marks(), shown),
        partial: partial
            .iter()
            .map(|(id, why)| PartialBlock {
                id: *id,
                reason: match why {
                    Partial::NoMeta => "no-meta",
                    Partial::CorruptMeta => "corrupt-meta",
                },
            })
            .collect(),
    }
}

fn block(meta: &Arc<BlockMeta>, set: usize) -> Block {
    let files = &meta.thanos.files;
    let total: i64 = files.iter().map(|file| file.size_bytes).fold(0, i64::saturating_add);
    let index = files.iter().find(|file| file.rel_path == bucket::block::INDEX_FILE);
    let chunks = files.iter().filter(|file| file.rel_path.starts_with("chunks/"));
    Block {
        id: meta.ulid,
        min_time: meta.min_time,
        max_time: meta.max_time,
        set,
        level: meta.compaction.level,
        resolution: meta.thanos.downsample.resolution,
        source: meta.thanos.source.as_str().to_owned(),
        series: meta.stats.num_series,
        samples: meta.stats.num_samples,
        chunks: meta.stats.num_chunks,
        index_bytes: index.map_or(0, |file| file.size_bytes),
        chunk_bytes: chunks.map(|file| file.size_bytes).fold(0, i64::saturating_add),
        total_bytes: total,
        parents: meta.compaction.parents.iter().map(|parent| parent.ulid).collect(),
        upload_time: meta.thanos.upload_time.0.map(|time| time.as_second()),
    }
}

fn marks(marks: &Marks, shown: impl Fn(&Ulid) -> bool) -> Vec<Mark> {
    let deletion = marks.deletion.iter().map(|(id, mark)| Mark {
        id: *id,
        kind: "deletion",
        time: mark.deletion_time,
        details: mark.details.clone(),
        reason: String::new(),
    });
    let no_compact = marks.no_compact.iter().map(|(id, mark)| Mark {
        id: *id,
        kind: "no-compact",
        time: mark.no_compact_time,
        details: mark.details.clone(),
        reason: mark.reason.clone(),
    });
    let no_downsample = marks.no_downsample.iter().map(|(id, mark)| Mark {
        id: *id,
        kind: "no-downsample",
        time: mark.no_downsample_time,
        details: mark.details.clone(),
        reason: mark.reason.clone(),
    });
    deletion.chain(no_compact).chain(no_downsample).filter(|mark| shown(&mark.id)).collect()
}
