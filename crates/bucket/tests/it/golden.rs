//! The bucket that Thanos filtered: the same blocks must be left after every filter.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use bucket::{
    fetcher::{Counts, Discovery, FetcherConfig, MetaFetcher, Metas, State},
    filters::{
        ConsistencyDelay, Deduplicate, DeletionMarks, LabelSharding, MarkGatherer, MetaFilter,
        ReplicaLabelRemover, TimeOrDuration, TimePartition,
    },
};
use objstore::{Bucket, FsBucket};
use prometheus::Registry;
use serde_json::Value;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// The folder of golden data: `THANOS_SHARED`, or `shared` beside the checkout.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn golden() -> Option<PathBuf> {
    let named = std::env::var_os("THANOS_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared"));
    let found = named.into_iter().chain(beside).map(|dir| dir.join("golden")).find(|dir| dir.is_dir());
    if found.is_none() {
        eprintln!("skipped: no golden data (set THANOS_SHARED)");
    }
    found
}

/// Unpacks the golden bucket.
fn unpack(golden: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let archive = golden.join("bucket/bucket.tar.zst");
    let status = std::process::Command::new("tar")
        .arg("--zstd")
        .arg("-xf")
        .arg(archive)
        .arg("-C")
        .arg(dir.path())
        .status();
    assert!(status.unwrap().success());
    dir
}

fn names(metas: &Metas) -> BTreeSet<String> {
    metas.keys().map(ToString::to_string).collect()
}

fn expected(step: &Value) -> BTreeSet<String> {
    step["blocks"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The filter that a step's text names.
fn filter(step: &str, bucket: &Arc<dyn Bucket>) -> Box<dyn MetaFilter> {
    let bucket = Arc::clone(bucket);
    match step {
        "time partition (whole time)" => Box::new(TimePartition {
            min_time: "0000-01-01T00:00:00Z".parse().unwrap(),
            max_time: "9999-12-31T23:59:59Z".parse().unwrap(),
        }),
        "label sharding (no relabel config)" => Box::new(LabelSharding::default()),
        "consistency delay 0s" => Box::new(ConsistencyDelay { delay_ms: 0 }),
        "consistency delay 30m0s" => Box::new(ConsistencyDelay { delay_ms: HOUR_MS / 2 }),
        "ignore deletion mark older than 24h0m0s" => Box::new(DeletionMarks::new(bucket, 24 * HOUR_MS, 4)),
        "remove replica label lookout" => Box::new(ReplicaLabelRemover { labels: vec!["lookout".into()] }),
        "deduplicate" => Box::new(Deduplicate::new()),
        "gather no-compact marks" => Box::new(MarkGatherer::no_compact(bucket, 4)),
        "gather no-downsample marks" => Box::new(MarkGatherer::no_downsample(bucket, 4)),
        other => panic!("unknown step {other}"),
    }
}

#[tokio::test]
async fn every_filter_leaves_the_blocks_that_thanos_leaves() {
    let Some(golden) = golden() else { return };
    let dir = unpack(&golden);
    let text = std::fs::read_to_string(golden.join("bucket/filters.json")).unwrap();
    let filters: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let now_ms = filters["evaluated_at_unix"].as_i64().unwrap() * 1000;
    let bucket: Arc<dyn Bucket> = Arc::new(FsBucket::new(dir.path()).unwrap());
    for (name, steps) in filters.iter().filter(|(_, steps)| steps.is_array()) {
        let fetcher =
            MetaFetcher::new(Arc::clone(&bucket), FetcherConfig::default(), Vec::new(), &Registry::new())
                .unwrap();
        let fetched = fetcher.fetch_at(now_ms).await.unwrap();
        assert!(fetched.is_complete());
        let steps = steps.as_array().unwrap();
        assert_eq!(names(&fetched.metas), expected(&steps[0]), "{name}: all");
        let partial: BTreeSet<String> = fetched.partial.keys().map(ToString::to_string).collect();
        let theirs: BTreeSet<String> = steps[0]["partial"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(partial, theirs, "{name}");

        let (mut metas, mut counts) = (fetched.metas, fetched.counts);
        for step in &steps[1..] {
            let after = step["after"].as_str().unwrap();
            filter(after, &bucket).filter(now_ms, &mut metas, &mut counts).await.unwrap();
            assert_eq!(names(&metas), expected(step), "{name}: {after}");
        }
        counts.set(State::Loaded, metas.len());
        check_counts(name, &steps.last().unwrap()["counts"], &counts);
        for block in steps.last().unwrap()["labels_after_all"].as_array().unwrap() {
            let id = block["block"].as_str().unwrap();
            let ours = &metas.iter().find(|(ours, _)| ours.to_string() == id).unwrap().1.thanos.labels;
            let theirs: BTreeMap<String, String> = serde_json::from_value(block["labels"].clone()).unwrap();
            assert_eq!(*ours, theirs, "{name}: {id}");
        }
    }
}

fn check_counts(name: &str, theirs: &Value, ours: &Counts) {
    let states = [
        State::CorruptedMeta,
        State::NoMeta,
        State::Loaded,
        State::TooFresh,
        State::Failed,
        State::LabelExcluded,
        State::TimeExcluded,
        State::Duplicate,
        State::MarkedForDeletion,
        State::MarkedForNoCompact,
        State::MarkedForNoDownsample,
    ];
    let mut seen = 0;
    for (key, count) in theirs.as_object().unwrap() {
        let Some(state) = states.iter().find(|state| key.contains(state.as_str())) else { continue };
        assert_eq!(ours.get(*state) as u64, count.as_f64().unwrap() as u64, "{name}: {key}");
        seen += 1;
    }
    assert!(seen > 0, "{name}: no count of {theirs} is known");
}

/// The filters of a store gateway with default flags.
fn store_filters(bucket: &Arc<dyn Bucket>) -> Vec<Box<dyn MetaFilter>> {
    let whole =
        TimePartition { min_time: TimeOrDuration::Time(i64::MIN), max_time: TimeOrDuration::Time(i64::MAX) };
    vec![
        Box::new(whole),
        Box::new(LabelSharding::default()),
        Box::new(ConsistencyDelay { delay_ms: 0 }),
        Box::new(DeletionMarks::new(Arc::clone(bucket), 24 * HOUR_MS, 4)),
        Box::new(Deduplicate::new()),
    ]
}

#[tokio::test]
async fn metrics_are_those_of_a_store() {
    let Some(golden) = golden() else { return };
    let dir = unpack(&golden);
    let text = std::fs::read_to_string(golden.join("bucket/filters.json")).unwrap();
    let now_ms = serde_json::from_str::<Value>(&text).unwrap()["evaluated_at_unix"].as_i64().unwrap() * 1000;
    let bucket: Arc<dyn Bucket> = Arc::new(FsBucket::new(dir.path()).unwrap());
    for (discovery, counts) in [
        (Discovery::Concurrent, "bucket/store-counts.txt"),
        (Discovery::Recursive, "bucket/store-counts.txt"),
        (Discovery::Concurrent, "bucket/store-counts.with-meta-of-version-2.txt"),
    ] {
        if counts.contains("version-2") {
            let id = "01M7W586T1WKXXRV6NGBNK6ZE6";
            std::fs::create_dir_all(dir.path().join(id)).unwrap();
            let meta = golden.join("bucket/meta-of-version-2.json");
            std::fs::copy(meta, dir.path().join(id).join("meta.json")).unwrap();
        }
        let registry = Registry::new();
        let config = FetcherConfig { discovery, ..FetcherConfig::default() };
        let fetcher =
            MetaFetcher::new(Arc::clone(&bucket), config, store_filters(&bucket), &registry).unwrap();
        let fetched = fetcher.fetch_at(now_ms).await.unwrap();
        assert_eq!(fetched.is_complete(), !counts.contains("version-2"));
        let mut text = String::new();
        prometheus::TextEncoder::new().encode_utf8(&registry.gather(), &mut text).unwrap();
        let ours: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for line in std::fs::read_to_string(golden.join(counts)).unwrap().lines() {
            // How often a store that runs for a while failed says nothing about one fetch.
            if line.starts_with("thanos_blocks_meta") && !line.contains("failures_total") {
                assert!(ours.contains(line), "{counts}: {line} is not among {ours:#?}");
            }
        }
    }
}
