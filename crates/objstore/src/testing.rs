//! The acceptance suite: what every [`Bucket`] must do, whatever holds the objects.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::{Body, Bucket, Error, ErrorKind, IterOptions, Operation};

/// Runs all cases on a bucket that holds nothing under `acceptance/`. Panics at the first thing that is not as it must be, and
/// leaves the bucket as it was.
pub async fn acceptance(bucket: &dyn Bucket) {
    absent(bucket).await;
    links(bucket).await;
    round_trip(bucket).await;
    ranges(bucket).await;
    listing(bucket).await;
    uploads_are_whole_or_not_there(bucket).await;
    bad_names(bucket).await;
    large(bucket).await;
    let left = bucket.list("acceptance", IterOptions::recursive()).await.expect("list");
    assert!(left.is_empty(), "left over: {left:?}");
}

async fn absent(bucket: &dyn Bucket) {
    let name = "acceptance/absent";
    assert!(!bucket.exists(name).await.expect("exists"));
    for error in [
        bucket.get(name, 10).await.expect_err("get"),
        bucket.get_range(name, 0..10).await.expect_err("get_range"),
        bucket.get_range(name, 3..3).await.expect_err("empty get_range"),
        bucket.attributes(name).await.map(drop).expect_err("attributes"),
    ] {
        assert!(error.is_not_found(), "{error}");
        assert_eq!(error.object(), name, "{error}");
    }
    bucket.delete(name).await.expect("deleting what is not there");
    assert_eq!(bucket.list("acceptance/no/such", IterOptions::default()).await.expect("list"), []);
}

/// Files that are given away, and objects that are had without a copy where the bucket can do that.
async fn links(bucket: &dyn Bucket) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (given, linked) = (dir.path().join("given"), dir.path().join("linked"));
    std::fs::write(&given, "given away").expect("write");
    let name = "acceptance/links/given";
    for _ in 0..2 {
        bucket.upload(name, Body::Final(given.clone())).await.expect("upload of a final file");
    }
    std::fs::remove_file(&given).expect("the name here is ours");
    assert_eq!(bucket.get(name, 100).await.expect(name), "given away");
    if let Some(size) = bucket.link(name, &linked).await.expect("link") {
        assert_eq!((size, std::fs::read(&linked).expect("linked")), (10, b"given away".to_vec()));
    }
    bucket.upload(name, Body::from("replaced")).await.expect(name);
    if let Ok(content) = std::fs::read(&linked) {
        assert_eq!(content, b"given away", "an upload replaces the object and leaves its link alone");
    }
    bucket.upload(name, Body::Final(dir.path().join("no such file"))).await.expect_err("no source");
    bucket.delete(name).await.expect("delete");
}

async fn round_trip(bucket: &dyn Bucket) {
    let start = SystemTime::now();
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), "from a file").expect("write");
    let parts = stream::iter(["from ", "a ", "stream"].map(|part| Ok(Bytes::from_static(part.as_bytes()))));
    for (name, body, content) in [
        ("acceptance/a/bytes", Body::from("from bytes"), "from bytes"),
        ("acceptance/a/file", Body::File(file.path().to_owned()), "from a file"),
        ("acceptance/a/stream", Body::Stream { size: None, stream: parts.boxed() }, "from a stream"),
        ("acceptance/empty", Body::from(Bytes::new()), ""),
        ("acceptance/spaces and ü+%/=~", Body::from("named"), "named"),
    ] {
        bucket.upload(name, body).await.expect(name);
        assert!(bucket.exists(name).await.expect(name));
        assert_eq!(bucket.get(name, 100).await.expect(name), content);
        let attributes = bucket.attributes(name).await.expect(name);
        assert_eq!(attributes.size, content.len() as u64, "{name}");
        // Storage may keep whole seconds only, and by its own clock.
        let slack = Duration::from_secs(60);
        assert!(attributes.last_modified + slack > start, "{name}: {attributes:?}");
        assert!(attributes.last_modified < SystemTime::now() + slack, "{name}: {attributes:?}");
    }
    bucket.upload("acceptance/a/bytes", "longer than before".into()).await.expect("replace");
    assert_eq!(bucket.get("acceptance/a/bytes", 100).await.expect("get"), "longer than before");
    let error = bucket.get("acceptance/a/bytes", 17).await.expect_err("over the cap");
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(!bucket.exists("acceptance/a").await.expect("exists"), "a directory is no object");
    assert!(bucket.get("acceptance/a", 100).await.expect_err("get").is_not_found());
    bucket.delete("acceptance/a").await.expect("deleting a directory does nothing");
    for name in ["a/bytes", "a/file", "a/stream", "empty", "spaces and ü+%/=~"] {
        let name = format!("acceptance/{name}");
        assert!(bucket.exists(&name).await.expect("exists"), "{name}");
        bucket.delete(&name).await.expect("delete");
        assert!(!bucket.exists(&name).await.expect("exists"), "{name}");
    }
}

async fn ranges(bucket: &dyn Bucket) {
    let name = "acceptance/ranges";
    bucket.upload(name, "0123456789".into()).await.expect("upload");
    for (range, content) in [
        (0..10, "0123456789"),
        (0..1, "0"),
        (3..7, "3456"),
        (9..10, "9"),
        (8..20, "89"),
        (0..u64::MAX >> 1, "0123456789"),
        (4..4, ""),
        (10..12, ""),
        (1000..1001, ""),
    ] {
        assert_eq!(bucket.get_range(name, range.clone()).await.expect("range"), content, "{range:?}");
    }
    let several = [5..7, 0..2, 8..30, 40..50, 3..3];
    let read = bucket.get_ranges(name, &several).await.expect("ranges");
    assert_eq!(read, ["56", "01", "89", "", ""]);
    assert_eq!(bucket.get_ranges(name, &[]).await.expect("no ranges"), Vec::<Bytes>::new());
    bucket.delete(name).await.expect("delete");
    assert!(bucket.get_ranges(name, &several).await.expect_err("absent").is_not_found());
}

async fn names(bucket: &dyn Bucket, dir: &str, options: IterOptions) -> Vec<String> {
    bucket.list(dir, options).await.expect("list").into_iter().map(|entry| entry.name).collect()
}

async fn listing(bucket: &dyn Bucket) {
    let all = ["b/2", "b/1/x", "b/1/y/z", "a", "bb", "b.x"].map(|name| format!("acceptance/{name}"));
    for name in &all {
        bucket.upload(name, name.clone().into()).await.expect("upload");
    }
    let shallow = IterOptions::default();
    for dir in ["acceptance", "acceptance/"] {
        let listed: BTreeSet<String> = names(bucket, dir, shallow).await.into_iter().collect();
        let expected = ["a", "b.x", "b/", "bb"].map(|name| format!("acceptance/{name}"));
        assert_eq!(listed, expected.into(), "{dir}");
    }
    assert_eq!(names(bucket, "acceptance/b", shallow).await, ["acceptance/b/1/", "acceptance/b/2"]);
    assert_eq!(
        names(bucket, "acceptance/b", IterOptions::recursive()).await,
        ["acceptance/b/1/x", "acceptance/b/1/y/z", "acceptance/b/2"]
    );
    assert!(names(bucket, "", shallow).await.contains(&"acceptance/".to_owned()));
    assert_eq!(
        names(bucket, "acceptance/a", shallow).await,
        Vec::<String>::new(),
        "an object is no directory"
    );
    let timed = bucket.list("acceptance", IterOptions::recursive().with_last_modified()).await.expect("list");
    assert_eq!(timed.len(), all.len());
    assert!(timed.iter().all(|entry| entry.last_modified.is_some()), "{timed:?}");

    // With its last object a directory is gone.
    bucket.delete("acceptance/b/1/y/z").await.expect("delete");
    assert_eq!(names(bucket, "acceptance/b/1", shallow).await, ["acceptance/b/1/x"]);
    for name in &all {
        bucket.delete(name).await.expect("delete");
    }
    assert!(!names(bucket, "", shallow).await.contains(&"acceptance/".to_owned()));
}

async fn uploads_are_whole_or_not_there(bucket: &dyn Bucket) {
    let broken = || {
        let error = Error::new(Operation::Get, "source", ErrorKind::Permanent, "source broke");
        let parts = [Ok(Bytes::from_static(b"half of it")), Err(error)];
        Body::Stream { size: None, stream: stream::iter(parts).boxed() }
    };
    let name = "acceptance/half";
    bucket.upload(name, broken()).await.expect_err("the source breaks");
    assert!(!bucket.exists(name).await.expect("exists"));
    bucket.upload(name, "whole".into()).await.expect("upload");
    bucket.upload(name, broken()).await.expect_err("the source breaks");
    let short = stream::iter([Ok(Bytes::from_static(b"half"))]).boxed();
    bucket
        .upload(name, Body::Stream { size: Some(8), stream: short })
        .await
        .expect_err("the source is short");
    bucket.upload(name, Body::File("/no/such/file".into())).await.expect_err("no source");
    // A caller that goes away half-way.
    let endless = stream::iter([Ok(Bytes::from_static(b"part"))]).chain(stream::pending()).boxed();
    let upload = bucket.upload(name, Body::Stream { size: None, stream: endless });
    let dropped = tokio::time::timeout(Duration::from_millis(50), upload).await;
    assert!(dropped.is_err());
    assert_eq!(bucket.get(name, 100).await.expect("get"), "whole");
    assert_eq!(names(bucket, "acceptance", IterOptions::recursive()).await, [name]);
    bucket.delete(name).await.expect("delete");
}

async fn bad_names(bucket: &dyn Bucket) {
    for name in ["", "/abs", "../up", "acceptance/../../up", "acceptance//x", "acceptance/", "./x", "a\0b"] {
        for error in [
            bucket.upload(name, "x".into()).await.expect_err(name),
            bucket.get(name, 1).await.expect_err(name),
            bucket.get_range(name, 0..1).await.expect_err(name),
            bucket.exists(name).await.map(drop).expect_err(name),
            bucket.attributes(name).await.map(drop).expect_err(name),
            bucket.delete(name).await.expect_err(name),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{name:?}: {error}");
        }
    }
    for dir in ["..", "a/../..", "/etc"] {
        let error = bucket.list(dir, IterOptions::default()).await.expect_err(dir);
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{dir:?}: {error}");
    }
}

/// Larger than any buffer on the way, and in S3 more than one part.
async fn large(bucket: &dyn Bucket) {
    let name = "acceptance/large";
    let content = Bytes::from((0..3_000_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), &content).expect("write");
    for body in [Body::from(content.clone()), Body::File(file.path().to_owned())] {
        bucket.upload(name, body).await.expect("upload");
        assert!(bucket.get(name, 100_000_000).await.expect("get") == content);
        let range = 1_234_567..7_654_321;
        let part = bucket.get_range(name, range.start as u64..range.end as u64).await.expect("range");
        assert!(part == content.slice(range));
        bucket.delete(name).await.expect("delete");
    }
    let mut object_size = None;
    bucket.upload(name, content.clone().into()).await.expect("upload");
    if let Ok(object) = bucket.get_stream(name).await {
        object_size = Some(object.size);
        // Half-read contents may be dropped.
        drop(object.stream.take(1).collect::<Vec<_>>().await);
    }
    assert_eq!(object_size, Some(content.len() as u64));
    bucket.delete(name).await.expect("delete");
}
