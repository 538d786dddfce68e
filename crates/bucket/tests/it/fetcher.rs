use std::{sync::Arc, time::Duration};

use bucket::{
    Error,
    fetcher::{Discovery, FetcherConfig, MetaFetcher, State},
    filters::{LabelSharding, parse_selector},
};
use objstore::{Bucket, Fault, FaultyBucket, FsBucket, MemoryBucket, Operation};
use prometheus::Registry;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

fn meta(n: u64) -> BlockMeta {
    let id = Ulid::from_parts(1_700_000_000_000 + n, u128::from(n));
    let mut meta = BlockMeta::new(id, 0, 1000);
    meta.thanos.labels.insert("region".into(), format!("r{n}"));
    meta.compaction.sources = vec![id];
    meta
}

async fn put(bucket: &dyn Bucket, meta: &BlockMeta) {
    bucket.upload(&format!("{}/meta.json", meta.ulid), meta.to_json().unwrap().into()).await.unwrap();
    bucket.upload(&format!("{}/index", meta.ulid), "index".into()).await.unwrap();
}

fn fetcher(bucket: Arc<dyn Bucket>, config: FetcherConfig) -> MetaFetcher {
    MetaFetcher::new(bucket, config, Vec::new(), &Registry::new()).unwrap()
}

#[tokio::test]
async fn metas_come_from_memory_then_disk_then_the_bucket() {
    let memory = Arc::new(MemoryBucket::new());
    let faulty = Arc::new(FaultyBucket::new(memory.clone(), 1));
    for n in 0..5 {
        put(memory.as_ref(), &meta(n)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let config = FetcherConfig { data_dir: Some(dir.path().to_owned()), ..FetcherConfig::default() };
    let first = fetcher(faulty.clone(), config.clone());
    assert_eq!(first.fetch().await.unwrap().metas.len(), 5);
    let cached = dir.path().join("meta-syncer").join(meta(3).ulid.to_string()).join("meta.json");
    assert_eq!(std::fs::read(&cached).unwrap(), meta(3).to_json().unwrap());

    // From here on the bucket gives no content.
    faulty.inject(Operation::Get, Fault::Permanent, 1.0);
    std::fs::remove_dir_all(dir.path().join("meta-syncer")).unwrap();
    assert!(first.fetch().await.unwrap().is_complete(), "memory");
    faulty.heal();
    std::fs::create_dir_all(dir.path().join("meta-syncer")).unwrap();
    let second = fetcher(faulty.clone(), config.clone());
    second.fetch().await.unwrap();
    faulty.inject(Operation::Get, Fault::Permanent, 1.0);
    let third = fetcher(faulty.clone(), config);
    assert!(third.fetch().await.unwrap().is_complete(), "disk");

    // A broken copy on disk is removed, and what cannot be read makes the view incomplete; the rest is there.
    std::fs::write(&cached, "{").unwrap();
    let fourth = fetcher(
        faulty.clone(),
        FetcherConfig { data_dir: Some(dir.path().to_owned()), ..Default::default() },
    );
    let fetched = fourth.fetch().await.unwrap();
    assert!(!fetched.is_complete());
    assert_eq!((fetched.metas.len(), fetched.counts.get(State::Failed)), (4, 1));
    assert!(fetched.incomplete().unwrap().starts_with("incomplete view: get "), "{:?}", fetched.incomplete());
    assert!(!cached.exists());

    // A block that goes away goes from the caches as well.
    faulty.heal();
    bucket::delete::delete(faulty.as_ref(), meta(3).ulid).await.unwrap();
    let fetched = fourth.fetch().await.unwrap();
    assert!(fetched.is_complete() && fetched.metas.len() == 4);
    assert_eq!(std::fs::read_dir(dir.path().join("meta-syncer")).unwrap().count(), 4);
}

#[tokio::test]
async fn the_recursive_listing_sees_changed_metas() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = Arc::new(FsBucket::new(dir.path()).unwrap());
    put(bucket.as_ref(), &meta(1)).await;
    let config = FetcherConfig { discovery: Discovery::Recursive, ..FetcherConfig::default() };
    let fetcher = fetcher(bucket.clone(), config);
    fetcher.fetch().await.unwrap();
    let mut changed = meta(1);
    changed.thanos.labels.insert("new".into(), "label".into());
    put(bucket.as_ref(), &changed).await;
    let file =
        std::fs::File::options().write(true).open(dir.path().join(format!("{}/meta.json", changed.ulid)));
    file.unwrap().set_modified(std::time::SystemTime::now() + Duration::from_secs(5)).unwrap();
    let fetched = fetcher.fetch().await.unwrap();
    assert_eq!(*fetched.metas[&changed.ulid], changed);
}

#[tokio::test]
async fn partial_blocks_are_counted_and_left_out() {
    for discovery in [Discovery::Concurrent, Discovery::Recursive] {
        let bucket = Arc::new(MemoryBucket::new());
        put(bucket.as_ref(), &meta(1)).await;
        let (bare, cut, copied) = (Ulid::from_parts(2, 2), Ulid::from_parts(3, 3), Ulid::from_parts(4, 4));
        bucket.upload(&format!("{bare}/chunks/000001"), "chunks".into()).await.unwrap();
        bucket.upload(&format!("{cut}/meta.json"), r#"{"ulid":"#.into()).await.unwrap();
        bucket.upload(&format!("{copied}/meta.json"), meta(1).to_json().unwrap().into()).await.unwrap();
        bucket.upload("debug/metas/x.json", "{}".into()).await.unwrap();
        bucket.upload("01M7YQK3AB75H5TCNT8FTEGJD7", "a plain object".into()).await.unwrap();
        let config = FetcherConfig { discovery, ..FetcherConfig::default() };
        let fetched = fetcher(bucket.clone(), config).fetch().await.unwrap();
        assert!(fetched.is_complete());
        assert_eq!(fetched.metas.keys().copied().collect::<Vec<_>>(), [copied, meta(1).ulid]);
        assert_eq!(fetched.metas[&copied].ulid, copied, "the folder is the block");
        assert!(matches!(fetched.partial[&bare], Error::NoMeta { id } if id == bare));
        assert!(matches!(&fetched.partial[&cut], Error::CorruptMeta { id, .. } if *id == cut));
        assert_eq!(fetched.partial.len(), 2);
        assert_eq!((fetched.counts.get(State::NoMeta), fetched.counts.get(State::CorruptedMeta)), (1, 1));
    }
}

#[tokio::test]
async fn a_listing_that_fails_fails_the_fetch() {
    let faulty = Arc::new(FaultyBucket::new(Arc::new(MemoryBucket::new()), 1));
    put(faulty.as_ref(), &meta(1)).await;
    for (operation, fault) in [(Operation::Iter, Fault::Midway), (Operation::Exists, Fault::Before)] {
        faulty.heal();
        faulty.inject(operation, fault, 1.0);
        let error = fetcher(faulty.clone(), FetcherConfig::default()).fetch().await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn shards_by_hash_of_the_block_id_split_the_blocks() {
    let bucket = Arc::new(MemoryBucket::new());
    for n in 0..40 {
        put(bucket.as_ref(), &meta(n)).await;
    }
    let mut total = 0;
    for shard in 0..3 {
        let yaml = format!(
            "- action: hashmod
  source_labels: [__block_id]
  target_label: shard
  modulus: 3
- action: keep
  source_labels: [shard]
  regex: {shard}
"
        );
        let rules = parse_selector(&yaml).unwrap();
        let filter = LabelSharding { rules, replica_labels: Vec::new() };
        let fetcher = MetaFetcher::new(
            bucket.clone(),
            FetcherConfig::default(),
            vec![Box::new(filter)],
            &Registry::new(),
        )
        .unwrap();
        let fetched = fetcher.fetch().await.unwrap();
        assert!((1..40).contains(&fetched.metas.len()));
        assert_eq!(fetched.counts.get(State::LabelExcluded), 40 - fetched.metas.len());
        total += fetched.metas.len();
    }
    assert_eq!(total, 40);
}

#[test]
fn selectors_take_three_actions_only() {
    assert_eq!(parse_selector("").unwrap().len(), 0);
    let error = parse_selector("- {action: replace, target_label: a, replacement: b}").unwrap_err();
    assert_eq!(error, "unsupported relabel action: replace");
}
