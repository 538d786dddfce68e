use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use objstore::{Fault, FaultyBucket, MemoryBucket, Operation};
use prometheus::Registry;
use proptest::prelude::*;
use tempfile::TempDir;
use tsdb::meta::UploadTime;

use super::*;

/// A data folder with made-up blocks, a bucket, and what a shipper needs.
struct World {
    dir: TempDir,
    memory: Arc<MemoryBucket>,
    bucket: Arc<FaultyBucket>,
    registry: Registry,
    config: ShipperConfig,
}

fn id(n: u64) -> Ulid {
    Ulid::from_parts(1_700_000_000_000 + n, u128::from(n))
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().expect("folder");
        let memory = Arc::new(MemoryBucket::new());
        let config = ShipperConfig {
            dir: dir.path().to_path_buf(),
            state_file: DEFAULT_STATE_FILE.to_string(),
            source: Source::SIDECAR,
            hash_func: HashFunc::None,
            upload_compacted: false,
            allow_out_of_order_uploads: false,
            skip_corrupted_blocks: false,
            upload_concurrency: 2,
        };
        let bucket = Arc::new(FaultyBucket::new(memory.clone(), 1));
        World { dir, memory, bucket, registry: Registry::new(), config }
    }

    /// Block `n` of the given level, with the hours `from..to`.
    fn block(&self, n: u64, level: i64, from: i64, to: i64) -> Ulid {
        let mut meta = BlockMeta::new(id(n), from * 3_600_000, to * 3_600_000);
        meta.stats.num_samples = 10;
        meta.compaction.level = level;
        meta.compaction.sources = vec![id(n)];
        let dir = self.dir.path().join(id(n).to_string());
        std::fs::create_dir_all(dir.join("chunks")).expect("folder");
        std::fs::write(dir.join("chunks/000001"), format!("first of {n}")).expect("chunks");
        std::fs::write(dir.join("chunks/000002"), format!("second of {n}")).expect("chunks");
        std::fs::write(dir.join("index"), format!("index of {n}")).expect("index");
        std::fs::write(dir.join("tombstones"), "none").expect("tombstones");
        meta.write_prometheus_dir(&dir).expect("meta");
        id(n)
    }

    fn shipper(&mut self) -> Shipper {
        self.registry = Registry::new();
        let metrics = ShipperMetrics::register(&self.registry, HashMap::new()).expect("metrics");
        let labels: LabelsFn = Arc::new(|| Labels::from_pairs([("cluster", "eu1"), ("replica", "0")]));
        Shipper::new(self.bucket.clone(), self.config.clone(), labels, metrics)
    }

    fn state(&self) -> Vec<Ulid> {
        State::read(&self.dir.path().join(DEFAULT_STATE_FILE)).expect("state").uploaded
    }

    fn metric(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|f| f.name() == name).expect(name);
        let metric = &family.get_metric()[0];
        metric.get_counter().get_value() + metric.get_gauge().get_value()
    }

    /// Blocks that are there for a reader; panics if one of them is not whole.
    fn visible(&self) -> Vec<Ulid> {
        let objects = self.memory.objects();
        let objects: BTreeMap<String, _> =
            objects.into_iter().map(|(name, bytes)| (name.to_string(), bytes)).collect();
        let mut blocks = Vec::new();
        for (name, bytes) in &objects {
            let Some(block) = name.strip_suffix("/meta.json") else { continue };
            let meta = BlockMeta::from_json(bytes).expect("meta");
            assert_eq!(meta.ulid.to_string(), block);
            assert_eq!(meta.thanos.source, Source::SIDECAR);
            assert_eq!(meta.thanos.segment_files, ["000001", "000002"]);
            let files: Vec<_> =
                meta.thanos.files.iter().map(|f| (f.rel_path.as_str(), f.size_bytes)).collect();
            for (file, size) in &files[..3] {
                assert_eq!(objects[&format!("{block}/{file}")].len() as i64, *size, "{block}/{file}");
            }
            assert_eq!(
                files.iter().map(|f| f.0).collect::<Vec<_>>(),
                ["chunks/000001", "chunks/000002", "index", "meta.json"]
            );
            blocks.push(meta.ulid);
        }
        blocks
    }

    fn links_left(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("thanos/upload")).map_or(0, |entries| entries.count())
    }
}

#[tokio::test]
async fn uploads_each_block_once_with_the_thanos_section() {
    let mut world = World::new();
    let (a, b) = (world.block(2, 1, 0, 2), world.block(1, 1, 2, 4));
    world.block(3, 2, 4, 12);
    let empty = world.block(4, 1, 12, 14);
    let mut meta = BlockMeta::new(empty, 0, 1);
    meta.stats.num_samples = 0;
    meta.write_prometheus_dir(world.dir.path().join(empty.to_string())).expect("meta");
    std::fs::create_dir(world.dir.path().join("wal")).expect("folder");
    std::fs::create_dir(world.dir.path().join(format!("{}.tmp-for-creation", id(9)))).expect("folder");

    let mut shipper = world.shipper();
    assert_eq!(shipper.sync().await.expect("pass"), 2);
    assert_eq!(world.visible(), [b, a], "the compacted and the empty block stay");
    assert_eq!(world.state(), [a, b], "by their start");
    assert_eq!(world.links_left(), 0);
    assert!(!world.memory.objects().keys().any(|name| name.contains("tombstones")));
    let local = BlockMeta::read_dir(world.dir.path().join(a.to_string())).expect("meta");
    assert_eq!(local.thanos, tsdb::meta::Thanos::default(), "Prometheus's own meta.json is as it was");
    let json = &world.memory.objects()[&format!("{a}/meta.json")];
    let shipped = BlockMeta::from_json(json).expect("meta");
    assert_eq!(
        Labels::from_pairs(shipped.thanos.labels.iter()).to_string(),
        "{cluster=\"eu1\", replica=\"0\"}"
    );
    assert_ne!(shipped.thanos.upload_time, UploadTime::default());
    assert_eq!(shipper.sync().await.expect("pass"), 0);
    assert_eq!(world.metric("thanos_shipper_uploads_total"), 2.0);
    assert_eq!(world.metric("thanos_shipper_dir_syncs_total"), 2.0);
    assert!(!shipper.are_all_blocks_uploaded().await.expect("readable"));

    // What the compactor has removed from the bucket is not uploaded again; what Prometheus has deleted is forgotten.
    world.memory.delete(&format!("{a}/meta.json")).await.expect("deleted");
    std::fs::remove_dir_all(world.dir.path().join(b.to_string())).expect("deleted");
    assert_eq!(shipper.sync().await.expect("pass"), 0);
    assert_eq!(world.state(), [a]);
}

#[tokio::test]
async fn a_lost_or_broken_state_file_costs_nothing() {
    let mut world = World::new();
    let a = world.block(1, 1, 0, 2);
    let mut shipper = world.shipper();
    shipper.sync().await.expect("pass");
    for content in ["", "{\"version\":7}", "nonsense"] {
        std::fs::write(shipper.state_path(), content).expect("write");
        assert_eq!(shipper.sync().await.expect("pass"), 0, "{content:?}");
        assert_eq!(world.state(), [a]);
    }
    assert!(shipper.are_all_blocks_uploaded().await.expect("readable"));
}

#[tokio::test]
async fn the_first_block_that_fails_ends_the_pass_unless_order_does_not_matter() {
    let mut world = World::new();
    let (a, b, c) = (world.block(1, 1, 0, 2), world.block(2, 1, 2, 4), world.block(3, 1, 4, 6));
    std::fs::remove_file(world.dir.path().join(b.to_string()).join("index")).expect("removed");
    let mut shipper = world.shipper();
    let error = shipper.sync().await.expect_err("no index");
    assert_eq!((error.uploaded, world.visible()), (1, vec![a]));
    assert!(error.to_string().starts_with(&format!("upload {b}: ")), "{error}");
    assert_eq!(world.metric("thanos_shipper_dir_sync_failures_total"), 1.0);
    assert_eq!(world.metric("thanos_shipper_upload_failures_total"), 0.0);

    world.config.allow_out_of_order_uploads = true;
    let mut shipper = world.shipper();
    let error = shipper.sync().await.expect_err("no index");
    assert_eq!((error.uploaded, error.to_string().as_str()), (1, "failed to sync 1/0 blocks"));
    assert_eq!(world.visible(), [a, c]);
    assert_eq!(world.metric("thanos_shipper_upload_failures_total"), 1.0);
    assert_eq!(world.metric("thanos_shipper_dir_syncs_total"), 1.0);
    assert_eq!(world.links_left(), 0);
}

#[tokio::test]
async fn corrupted_blocks_end_the_pass_or_are_skipped() {
    let mut world = World::new();
    let (a, b) = (world.block(1, 1, 0, 2), world.block(2, 1, 2, 4));
    std::fs::write(world.dir.path().join(a.to_string()).join("meta.json"), "{").expect("write");
    let error = world.shipper().sync().await.expect_err("broken meta.json");
    assert!(error.to_string().contains(&a.to_string()), "{error}");
    assert!(world.visible().is_empty());
    world.config.skip_corrupted_blocks = true;
    let error = world.shipper().sync().await.expect_err("counted");
    assert_eq!((error.uploaded, error.to_string().as_str()), (1, "failed to sync 0/1 blocks"));
    assert_eq!(world.visible(), [b]);
    assert_eq!(world.metric("thanos_shipper_corrupted_blocks_total"), 1.0);
}

#[tokio::test]
async fn compacted_blocks_go_up_if_they_overlap_nothing_of_their_stream() {
    let mut world = World::new();
    world.config.upload_compacted = true;
    let (a, b) = (world.block(1, 2, 0, 8), world.block(2, 1, 8, 10));
    assert_eq!(world.shipper().sync().await.expect("pass"), 2);
    assert_eq!(world.metric("thanos_shipper_upload_compacted_done"), 1.0);

    // A partial block, one of another stream, and one without time in common do not matter.
    world.memory.upload(&format!("{}/index", id(50)), "x".into()).await.expect("upload");
    let mut other = BlockMeta::new(id(51), 0, 100 * 3_600_000);
    other.thanos.labels.insert("cluster".to_string(), "us1".to_string());
    world
        .memory
        .upload(&format!("{}/meta.json", id(51)), other.to_json().expect("meta").into())
        .await
        .expect("upload");
    let c = world.block(3, 2, 10, 18);
    assert_eq!(world.shipper().sync().await.expect("pass"), 1);

    let d = world.block(4, 3, 16, 20);
    let error = world.shipper().sync().await.expect_err("overlap").to_string();
    let want = format!(
        "Found overlap or error during sync, cannot upload compacted block, details: shipping compacted block {d} is \
         blocked; overlap spotted: [mint: 57600000, maxt: 64800000, range: 2h0m0s, blocks: 2]: <ulid: {c}, mint: \
         36000000, maxt: 64800000, range: 8h0m0s>, <ulid: {d}, mint: 57600000, maxt: 72000000, range: 4h0m0s>"
    );
    assert_eq!(error, want);
    world.config.allow_out_of_order_uploads = true;
    assert_eq!(world.shipper().sync().await.expect("no check then"), 1);
    for block in [a, b, c, d] {
        assert!(world.memory.exists(&format!("{block}/meta.json")).await.expect("answer"));
    }
}

#[tokio::test]
async fn without_external_labels_nothing_is_uploaded() {
    let mut world = World::new();
    world.block(1, 1, 0, 2);
    let mut shipper = world.shipper();
    shipper.labels = Arc::new(Labels::default);
    let error = shipper.sync().await.expect_err("no labels").to_string();
    assert!(error.contains("empty external labels are not allowed"), "{error}");
    assert!(world.memory.objects().is_empty());
}

#[tokio::test]
async fn hashes_are_written_when_asked_for() {
    let mut world = World::new();
    world.config.hash_func = HashFunc::Sha256;
    let a = world.block(1, 1, 0, 2);
    world.shipper().sync().await.expect("pass");
    let meta = BlockMeta::from_json(&world.memory.objects()[&format!("{a}/meta.json")]).expect("meta");
    let hashes: Vec<_> = meta.thanos.files.iter().map(|f| f.hash.as_ref().map(|h| h.func.as_str())).collect();
    assert_eq!(hashes, [Some("SHA256"), Some("SHA256"), Some("SHA256"), None]);
}

/// Cuts the bucket off after every possible number of operations: what is visible is whole at any time, and the next
/// process finishes the work.
#[tokio::test]
async fn a_crash_after_any_bucket_operation_loses_nothing() {
    for cut in 0.. {
        let mut world = World::new();
        let blocks: Vec<Ulid> = (0..3).map(|n| world.block(n, 1, 2 * n as i64, 2 * n as i64 + 2)).collect();
        world.bucket.cut_after(cut);
        let crashed = world.shipper().sync().await.is_err();
        let before = world.visible();
        assert!(blocks.starts_with(&before), "older blocks first, at {cut}");
        // A process that is killed leaves its links behind.
        let left = world.dir.path().join("thanos/upload").join(blocks[0].to_string());
        std::fs::create_dir_all(left.join("chunks")).expect("folder");
        std::fs::write(left.join("chunks/000007"), "left over").expect("write");
        world.bucket.heal();
        let uploaded = world.shipper().sync().await.expect("healed");
        assert_eq!(before.len() + uploaded, 3, "at {cut}");
        assert_eq!((world.visible(), world.state()), (blocks.clone(), blocks), "at {cut}");
        assert_eq!(world.links_left(), 0);
        if !crashed {
            assert!(cut > 9, "three files, meta.json and a question per block");
            break;
        }
    }
}

/// Drops a pass at every await: as a process that is killed there.
#[tokio::test]
async fn a_pass_dropped_anywhere_loses_nothing() {
    for polls in 1.. {
        let mut world = World::new();
        let blocks: Vec<Ulid> = (0..2).map(|n| world.block(n, 1, 2 * n as i64, 2 * n as i64 + 2)).collect();
        let count = AtomicUsize::new(0);
        let mut shipper = world.shipper();
        let mut pass = Box::pin(shipper.sync());
        let finished = std::future::poll_fn(|cx| {
            if count.fetch_add(1, Ordering::Relaxed) == polls {
                return std::task::Poll::Ready(false);
            }
            pass.as_mut().poll(cx).map(|outcome| outcome.is_ok())
        })
        .await;
        drop(pass);
        world.visible();
        world.shipper().sync().await.expect("next process");
        assert_eq!((world.visible(), world.state()), (blocks.clone(), blocks), "at {polls}");
        assert_eq!(world.links_left(), 0);
        if finished {
            break;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Random blocks, random faults, restarts at random: never a half block, and at last all of them.
    #[test]
    fn random_faults_never_show_half_a_block_nor_lose_one(
        seed in 1u64..,
        levels in prop::collection::vec(1i64..3, 1..6),
        probability in 0.0f64..0.5,
        out_of_order in any::<bool>(),
        restarts in prop::collection::vec(any::<bool>(), 8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let mut world = World::new();
            world.bucket = Arc::new(FaultyBucket::new(world.memory.clone(), seed));
            world.config.upload_compacted = true;
            world.config.allow_out_of_order_uploads = out_of_order;
            let mut blocks: Vec<Ulid> = levels
                .iter()
                .enumerate()
                .map(|(n, level)| world.block(n as u64, *level, 2 * n as i64, 2 * n as i64 + 2))
                .collect();
            for operation in [Operation::Exists, Operation::Upload, Operation::Iter, Operation::Get] {
                for fault in [Fault::Before, Fault::After, Fault::Midway, Fault::Permanent] {
                    world.bucket.inject(operation, fault, probability / 2.0);
                }
            }
            let mut shipper = world.shipper();
            for restart in restarts {
                // Failing is what this is about.
                let _ = shipper.sync().await;
                let visible = world.visible();
                if !out_of_order {
                    assert!(blocks.starts_with(&visible), "seed {seed}: {visible:?}");
                }
                if restart {
                    shipper = world.shipper();
                }
            }
            world.bucket.heal();
            shipper.sync().await.expect("healed");
            blocks.sort();
            assert_eq!(world.visible(), blocks, "seed {seed}");
            assert_eq!(world.state(), blocks, "seed {seed}");
        });
    }
}
