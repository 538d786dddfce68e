//! Whole runs: what is in the bucket afterwards, whatever fails on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bucket::marks::{self, DeletionMark};
use compact::coverage::Retention;
use objstore::{Bucket, Fault, FaultyBucket, IterOptions, MemoryBucket};
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::fake::{FakeWork, compactor, put};

const H: i64 = 3_600_000;

/// Long ago, at the border of 14 days, so that every block is past.
const START: i64 = 1_209_600_000 * 1000;

fn id(n: u64) -> Ulid {
    Ulid::from_parts(1_600_000_000_000 + n, 7)
}

async fn fill(bucket: &dyn Bucket, blocks: u64, clusters: &[&str]) -> BTreeSet<Ulid> {
    let mut ids = BTreeSet::new();
    for (c, cluster) in clusters.iter().enumerate() {
        for n in 0..blocks {
            let id = id(c as u64 * 10_000 + n);
            put(bucket, id, START + n as i64 * 2 * H, START + (n as i64 + 1) * 2 * H, cluster).await;
            ids.insert(id);
        }
    }
    ids
}

/// The whole blocks that carry no deletion mark.
async fn alive(bucket: &dyn Bucket) -> BTreeMap<Ulid, BlockMeta> {
    let mut alive = BTreeMap::new();
    for entry in bucket.list("", IterOptions::default()).await.expect("a listing") {
        let Ok(id) = entry.name.trim_end_matches('/').parse::<Ulid>() else { continue };
        let Ok(meta) = bucket::fetcher::read_meta(bucket, id).await else { continue };
        if marks::read::<DeletionMark>(bucket, id).await.expect("a readable mark").is_none() {
            alive.insert(id, meta);
        }
    }
    alive
}

fn sources(blocks: &BTreeMap<Ulid, BlockMeta>, resolution: i64) -> BTreeSet<Ulid> {
    let of_resolution = blocks.values().filter(|m| m.thanos.downsample.resolution == resolution);
    of_resolution.flat_map(|m| m.compaction.sources.clone()).collect()
}

#[tokio::test]
async fn two_hour_blocks_end_as_two_weeks_and_get_downsampled() {
    let bucket: Arc<dyn Bucket> = Arc::new(MemoryBucket::new());
    let all = fill(bucket.as_ref(), 12 * 28 + 1, &["a"]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let compactor = compactor(bucket.clone(), Arc::default(), dir.path(), Retention::default());
    compactor.run().await.expect("a clean run");
    let alive = alive(bucket.as_ref()).await;
    for resolution in [0, 300_000, 3_600_000] {
        let lengths: Vec<i64> = alive
            .values()
            .filter(|m| m.thanos.downsample.resolution == resolution)
            .map(|m| (m.max_time - m.min_time) / H)
            .collect();
        // The newest block of a group is never compacted, so the last two days wait for a newer one.
        match resolution {
            0 => assert!(lengths.contains(&(14 * 24)), "{lengths:?}"),
            _ => assert!(!lengths.is_empty(), "nothing at {resolution}"),
        }
    }
    assert_eq!(sources(&alive, 0), all, "every raw sample is still there");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing is left on the disk");
}

#[tokio::test]
async fn a_broken_group_does_not_stop_the_others() {
    let bucket: Arc<dyn Bucket> = Arc::new(MemoryBucket::new());
    fill(bucket.as_ref(), 9, &["a", "b"]).await;
    let work = Arc::new(FakeWork::default());
    work.broken.lock().insert(id(1));
    let dir = tempfile::tempdir().expect("a directory");
    let compactor = compactor(bucket.clone(), work, dir.path(), Retention::default());
    let quarantine = compactor.quarantine.clone();
    let error = compactor.run().await.expect_err("a group was set aside");
    assert!(error.is_critical() && error.to_string().contains("index is broken"), "{error}");
    let alive = alive(bucket.as_ref()).await;
    let longest = |cluster: &str| {
        let of_cluster = alive.values().filter(|m| m.thanos.labels["cluster"] == cluster);
        of_cluster.map(|m| (m.max_time - m.min_time) / H).max()
    };
    assert_eq!(longest("b"), Some(8), "the sound group is compacted");
    assert_eq!(longest("a"), Some(2), "the broken one is as it was");
    assert_eq!(quarantine.cases().len(), 1);
}

#[tokio::test]
async fn retention_waits_for_the_downsampled_copy_and_makes_it_itself() {
    let bucket: Arc<dyn Bucket> = Arc::new(MemoryBucket::new());
    // Three blocks that no compaction will ever make 40 h long.
    let all = fill(bucket.as_ref(), 3, &["a"]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let retention = Retention { keep_ms: [H, 0, 0] };
    compactor(bucket.clone(), Arc::default(), dir.path(), retention).run().await.expect("a clean run");
    let alive = alive(bucket.as_ref()).await;
    assert!(sources(&alive, 0).is_empty(), "raw data are past their retention");
    assert_eq!(sources(&alive, 300_000), all, "and their 5-minute copies are there");
}

/// Whatever the bucket refuses, and however often the run is started anew: no data are lost, and no half block is ever visible.
#[tokio::test]
async fn no_fault_loses_data() {
    for seed in 0..12 {
        let memory = Arc::new(MemoryBucket::new());
        let all = fill(memory.as_ref(), 30, &["a", "b"]).await;
        let faulty = faulty(memory.clone(), seed);
        let dir = tempfile::tempdir().expect("a directory");
        let work = Arc::new(FakeWork::default());
        for run in 0..=25 {
            if run == 25 {
                faulty.heal();
            }
            let compactor = compactor(faulty.clone(), work.clone(), dir.path(), Retention::default());
            let done = compactor.run().await;
            let visible = alive(memory.as_ref()).await;
            assert_eq!(sources(&visible, 0), all, "seed {seed}, run {run}: raw data are lost");
            for meta in visible.values() {
                for file in meta.thanos.files.iter().filter(|f| f.rel_path != "meta.json") {
                    let object = format!("{}/{}", meta.ulid, file.rel_path);
                    assert!(
                        memory.exists(&object).await.expect("memory"),
                        "seed {seed}: {object} is missing"
                    );
                }
            }
            if done.is_ok() {
                break;
            }
            assert!(run < 25, "seed {seed} does not get through without faults: {done:?}");
        }
    }
}

fn faulty(inner: Arc<MemoryBucket>, seed: u64) -> Arc<FaultyBucket> {
    let faulty = FaultyBucket::new(inner, seed);
    for fault in [Fault::Before, Fault::After, Fault::Midway] {
        faulty.inject_all(fault, 0.0015);
    }
    Arc::new(faulty)
}
