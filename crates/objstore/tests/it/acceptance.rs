use std::{sync::Arc, time::Duration};

use objstore::{
    Body, Bucket, Fault, FaultyBucket, FsBucket, IterOptions, MemoryBucket, MetricsBucket, PrefixBucket,
    RetryBucket, RetryPolicy, testing::acceptance,
};
use prometheus::Registry;

#[tokio::test]
async fn memory() {
    acceptance(&MemoryBucket::new()).await;
}

#[tokio::test]
async fn filesystem() {
    let dir = tempfile::tempdir().unwrap();
    acceptance(&FsBucket::new(dir.path().join("not/there/yet")).unwrap()).await;
    assert!(dir.path().join("not/there/yet").is_dir(), "the bucket's own directory stays");
}

#[tokio::test]
async fn all_layers_over_a_bad_connection() {
    let faulty = FaultyBucket::new(Arc::new(MemoryBucket::new()), 3);
    faulty.inject_all(Fault::Before, 0.1);
    faulty.inject_all(Fault::Midway, 0.1);
    let pause = Duration::from_millis(1);
    let policy = RetryPolicy {
        attempts: 60,
        first_pause: pause,
        longest_pause: pause,
        timeout: Duration::from_secs(60),
    };
    // Contents that can be sent once only are not tried again, and so the faults are kept from uploads.
    faulty.inject(objstore::Operation::Upload, Fault::Before, 0.0);
    faulty.inject(objstore::Operation::Upload, Fault::Midway, 0.0);
    let retried = RetryBucket::new(Arc::new(faulty), policy);
    let prefixed = PrefixBucket::wrap(Arc::new(retried), "some/prefix").unwrap();
    let measured = MetricsBucket::wrap(prefixed, &Registry::new()).unwrap();
    acceptance(measured.as_ref()).await;
}

#[tokio::test]
async fn filesystem_lists_plain_files_and_hides_empty_directories() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("empty/nested")).unwrap();
    std::fs::create_dir_all(dir.path().join("void")).unwrap();
    std::fs::create_dir_all(dir.path().join("full")).unwrap();
    std::fs::write(dir.path().join("full/x"), "x").unwrap();
    std::fs::write(dir.path().join("full/.upload-1-2-3.tmp"), "half").unwrap();
    let bucket = FsBucket::new(dir.path()).unwrap();
    let list = async |options| -> Vec<String> {
        bucket.list("", options).await.unwrap().into_iter().map(|entry| entry.name).collect()
    };
    // As in Thanos, only a directory without any entry counts as empty.
    assert_eq!(list(IterOptions::default()).await, ["empty/", "full/"]);
    assert_eq!(list(IterOptions::recursive()).await, ["full/x"]);
    assert!(bucket.upload("full/.upload-4-5-6.tmp", "x".into()).await.is_err());
}

#[tokio::test]
async fn filesystem_readers_keep_the_content_they_opened() {
    let dir = tempfile::tempdir().unwrap();
    let bucket = FsBucket::new(dir.path()).unwrap();
    let old = vec![b'o'; 1_000_000];
    bucket.upload("x", old.clone().into()).await.unwrap();
    let reader = bucket.get_stream("x").await.unwrap();
    bucket.upload("x", Body::from("new")).await.unwrap();
    let read: Vec<bytes::Bytes> = futures::TryStreamExt::try_collect(reader.stream).await.unwrap();
    assert_eq!(read.concat(), old);
}
