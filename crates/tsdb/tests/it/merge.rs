//! Merging the golden sources gives the files that Go's compactor made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tsdb::merge::{MergeInput, MergeMode, MergeOptions, merge_blocks};
use tsdb::meta::BlockMeta;

use crate::rewrite::same_files;
use crate::shared;

/// The blocks of some archives by name.
fn by_name(dirs: &[&Path]) -> BTreeMap<String, PathBuf> {
    let all = dirs.iter().flat_map(|dir| shared::block_dirs(dir));
    all.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

fn check(block: &Path, parents: &[String], blocks: &BTreeMap<String, PathBuf>, mode: MergeMode) {
    let meta = BlockMeta::read_dir(block).unwrap();
    let inputs: Vec<_> = parents.iter().map(|p| MergeInput::open(&blocks[p]).unwrap()).collect();
    for threads in [1, 3] {
        let out = tempfile::tempdir().unwrap();
        let mut options = MergeOptions::new(mode, meta.min_time, meta.max_time);
        options.threads = threads;
        let merged = merge_blocks(&inputs, out.path(), &options, &mut |_| Ok(())).unwrap();
        assert_eq!(merged.stats, meta.stats, "{}", block.display());
        same_files(block, out.path());
    }
}

#[test]
fn concatenates_as_go_does() {
    let Some(golden) = shared::golden() else { return };
    let source = shared::unpacked(&golden.join("compact/source-2h.tar.zst"));
    let compacted = shared::unpacked(&golden.join("compact/compacted.tar.zst"));
    let blocks = by_name(&[source.path(), compacted.path()]);
    let made = shared::block_dirs(compacted.path());
    assert_eq!(made.len(), 7);
    for block in made {
        let meta = BlockMeta::read_dir(&block).unwrap();
        let parents: Vec<String> = meta.compaction.parents.iter().map(|p| p.ulid.to_string()).collect();
        check(&block, &parents, &blocks, MergeMode::Compact);
    }
}

fn vertical(name: &str, mode: MergeMode) {
    let Some(golden) = shared::golden() else { return };
    let source = shared::unpacked(&golden.join(format!("vertical/{name}-source.tar.zst")));
    let compacted = shared::unpacked(&golden.join(format!("vertical/{name}-compacted.tar.zst")));
    let blocks = by_name(&[source.path(), compacted.path()]);
    let facts = std::fs::read(golden.join(format!("vertical/{name}-facts.json"))).unwrap();
    let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap();
    let made = facts["compacted"].as_array().unwrap();
    assert!(made.len() > 4);
    for fact in made {
        let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
        let parents: Vec<String> =
            fact["parents_in_the_order_of_reading"].as_array().unwrap().iter().map(text).collect();
        check(&blocks[&text(&fact["id"])], &parents, &blocks, mode);
    }
}

#[test]
fn merges_overlapping_blocks_as_go_does() {
    vertical("plain", MergeMode::Compact);
}

#[test]
fn merges_equal_replicas_as_go_does() {
    vertical("plain-twins", MergeMode::Compact);
}

#[test]
fn deduplicates_by_penalty_as_go_does() {
    vertical("penalty", MergeMode::Penalty);
}
