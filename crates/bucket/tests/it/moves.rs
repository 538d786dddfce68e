//! Upload, download and delete of whole blocks, also when the bucket fails at every point in turn.

use std::{path::Path, sync::Arc};

use bucket::{
    block,
    delete::delete,
    download::download,
    fetcher::{FetcherConfig, MetaFetcher},
    marks::{self, DeletionMark},
    upload::{HashFunc, UploadOptions, upload},
};
use objstore::{Bucket, FaultyBucket, MemoryBucket};
use prometheus::Registry;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

fn id() -> Ulid {
    Ulid::from_parts(1_700_000_000_000, 42)
}

/// A block's directory; its files hold what they are named, as nothing here looks into them.
fn make(root: &Path) -> std::path::PathBuf {
    let dir = root.join(id().to_string());
    std::fs::create_dir_all(dir.join("chunks")).unwrap();
    for file in ["chunks/000001", "chunks/000002", "index", "tombstones"] {
        std::fs::write(dir.join(file), format!("content of {file}")).unwrap();
    }
    let mut meta = BlockMeta::new(id(), 0, 1000);
    meta.thanos.labels.insert("a".into(), "b".into());
    meta.write_dir(&dir).unwrap();
    dir
}

async fn visible(bucket: Arc<dyn Bucket>) -> bool {
    let fetcher = MetaFetcher::new(bucket, FetcherConfig::default(), Vec::new(), &Registry::new()).unwrap();
    fetcher.fetch().await.unwrap().metas.contains_key(&id())
}

#[tokio::test]
async fn a_block_comes_back_as_it_went() {
    let root = tempfile::tempdir().unwrap();
    let dir = make(root.path());
    let bucket = MemoryBucket::new();
    let options = UploadOptions { hash_func: HashFunc::Sha256, ..UploadOptions::default() };
    let meta = upload(&bucket, &dir, options).await.unwrap();
    let objects: Vec<String> = bucket.objects().into_keys().collect();
    let expected =
        ["chunks/000001", "chunks/000002", "index", "meta.json"].map(|file| format!("{}/{file}", id()));
    assert_eq!(objects, expected, "tombstones stay");
    let paths: Vec<&str> = meta.thanos.files.iter().map(|file| file.rel_path.as_str()).collect();
    assert_eq!(paths, ["chunks/000001", "chunks/000002", "index", "meta.json"]);
    assert_eq!(meta.thanos.files[2].size_bytes, 16);
    assert_eq!(meta.thanos.files[2].hash.as_ref().unwrap().value.len(), 64);
    assert!(meta.thanos.upload_time.0.is_some());
    assert_eq!(BlockMeta::read_dir(&dir).unwrap().thanos.files, [], "the local meta.json stays as it is");

    let target = root.path().join("down");
    assert_eq!(download(&bucket, id(), &target, 2).await.unwrap(), meta);
    assert_eq!(std::fs::read(target.join("chunks/000002")).unwrap(), b"content of chunks/000002");
    assert_eq!(BlockMeta::read_dir(&target).unwrap(), meta);

    // What has the right hash is not fetched again; what has not is.
    std::fs::write(target.join("index"), "damaged").unwrap();
    bucket.delete(&format!("{}/chunks/000001", id())).await.unwrap();
    download(&bucket, id(), &target, 2).await.unwrap();
    assert_eq!(std::fs::read(target.join("index")).unwrap(), b"content of index");

    marks::write(
        &bucket,
        id(),
        &DeletionMark { id: id(), version: 1, details: String::new(), deletion_time: 1 },
    )
    .await
    .unwrap();
    delete(&bucket, id()).await.unwrap();
    assert_eq!(bucket.objects().len(), 0);
}

#[tokio::test]
async fn refuses_what_is_no_block_to_upload() {
    let root = tempfile::tempdir().unwrap();
    let bucket = MemoryBucket::new();
    let dir = make(root.path());
    let other = root.path().join("not-a-block");
    std::fs::create_dir(&other).unwrap();
    let refused =
        async |dir: &Path| upload(&bucket, dir, UploadOptions::default()).await.unwrap_err().to_string();
    assert!(refused(&other).await.contains("not named for a block"));
    BlockMeta::new(id(), 0, 1).write_dir(&dir).unwrap();
    assert!(refused(&dir).await.contains("empty external labels are not allowed"));
    BlockMeta::new(Ulid::from_parts(5, 5), 0, 1).write_dir(&dir).unwrap();
    assert!(refused(&dir).await.contains("names block"));
    std::fs::remove_file(dir.join("meta.json")).unwrap();
    assert!(refused(&dir).await.contains("meta.json"));
    assert_eq!(bucket.objects().len(), 0);
}

#[tokio::test]
async fn an_upload_cut_at_any_point_shows_no_half_block_and_can_be_done_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = make(root.path());
    for cut in 0.. {
        let memory = Arc::new(MemoryBucket::new());
        let faulty = FaultyBucket::new(memory.clone(), cut);
        faulty.cut_after(cut);
        let done = upload(&faulty, &dir, UploadOptions::default()).await.is_ok();
        assert_eq!(visible(memory.clone()).await, done, "cut after {cut}");
        if done {
            assert!(cut >= 4);
            break;
        }
        upload(memory.as_ref(), &dir, UploadOptions::default()).await.unwrap();
        assert!(visible(memory.clone()).await);
    }
}

#[tokio::test]
async fn a_deletion_cut_at_any_point_shows_no_half_block_and_can_be_done_again() {
    let root = tempfile::tempdir().unwrap();
    let dir = make(root.path());
    for cut in 0.. {
        let memory = Arc::new(MemoryBucket::new());
        upload(memory.as_ref(), &dir, UploadOptions::default()).await.unwrap();
        let mark = DeletionMark { id: id(), version: 1, details: String::new(), deletion_time: 1 };
        marks::write(memory.as_ref(), id(), &mark).await.unwrap();
        let faulty = FaultyBucket::new(memory.clone(), cut);
        faulty.cut_after(cut);
        let done = delete(&faulty, id()).await.is_ok();
        let left = memory.objects();
        if done {
            assert_eq!(left.len(), 0);
            break;
        }
        assert!(left.contains_key(&marks::object::<DeletionMark>(id())), "the mark goes last");
        assert!(!left.contains_key(&block::meta(id())) || left.len() == 5, "meta.json goes first: {left:?}");
        delete(memory.as_ref(), id()).await.unwrap();
        assert_eq!(memory.objects().len(), 0);
    }
}

#[tokio::test]
async fn a_download_that_fails_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = make(root.path());
    let memory = Arc::new(MemoryBucket::new());
    upload(memory.as_ref(), &dir, UploadOptions::default()).await.unwrap();
    for cut in 0..4 {
        let faulty = FaultyBucket::new(memory.clone(), cut);
        faulty.cut_after(cut);
        let target = root.path().join("down");
        assert!(download(&faulty, id(), &target, 1).await.is_err());
        assert!(!target.exists());
    }
}
