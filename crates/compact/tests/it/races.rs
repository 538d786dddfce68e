//! Others at work on the same bucket: a second compactor, an uploader that is late or broke off, somebody who marks and deletes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bucket::marks::{self, DeletionMark};
use compact::progress::Progress;
use compact::work::{BlockWork, Counts, Health, Merge, TsdbWork};
use futures::executor::block_on;
use objstore::{Bucket, MemoryBucket, Operation};
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::blocks::{H, check, contents, present_ms, put_block, same, scratch, unmarked, whole};
use crate::lab::{Lab, TestClock};
use crate::scripted::{Fate, ScriptedBucket};
use crate::world::{self, EXTERNAL, data, id, lengths, range, series};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_compactors_on_one_bucket_agree_in_the_end() {
    for round in 0..6 {
        let bucket = world::bucket(0..9).await;
        let (a, b) = (scratch(), scratch());
        let lab = Lab { downsampling: true, ..Lab::default() };
        // Different starts: the second comes upon the first in another step each time.
        let second = async {
            for _ in 0..round * 20 {
                tokio::task::yield_now().await;
            }
            lab.pass(bucket.clone(), b.path()).await
        };
        let first = tokio::spawn({
            let (lab, bucket, dir) = (lab.clone(), bucket.clone(), a.path().to_owned());
            async move { lab.pass(bucket, &dir).await }
        });
        // One may find what the other has just taken away; that is for the next pass.
        let (first, second) = (first.await.expect("no panic"), second.await);
        for done in [first, second] {
            assert!(done.is_ok() || done.as_ref().is_err_and(|e| !e.is_critical()), "{done:?}");
        }
        check(bucket.as_ref(), &data(0..9), "both at once").await;
        lab.pass(bucket.clone(), a.path()).await.expect("a clean pass");
        check(bucket.as_ref(), &data(0..9), "one after both").await;
        assert_eq!(lengths(&bucket).await, [8, 8, 2]);
    }
}

/// Somebody marks a source while it is being read: its data are in the result all the same, and the pass ends well.
#[tokio::test]
async fn a_source_marked_while_it_is_read_is_in_the_result() {
    let bucket = world::bucket(0..5).await;
    let inner = bucket.clone();
    let marking = ScriptedBucket::new(bucket.clone(), move |_, operation, object| {
        if operation == Operation::Get && object == format!("{}/chunks/000001", id(2)) {
            let mark = DeletionMark { id: id(2), version: 1, details: "by hand".into(), deletion_time: 1 };
            block_on(marks::write(inner.as_ref(), id(2), &mark)).expect("memory");
        }
        Fate::Pass
    });
    let dir = scratch();
    Lab::default().pass(marking, dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data(0..5), "compacted").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

/// A block that is marked for deletion is not merged: its data would outlive it.
#[tokio::test]
async fn a_block_marked_for_deletion_is_not_merged() {
    let bucket = world::bucket(0..5).await;
    let mark =
        DeletionMark { id: id(2), version: 1, details: "by hand".into(), deletion_time: present_ms() / 1000 };
    marks::write(bucket.as_ref(), id(2), &mark).await.expect("memory");
    let dir = scratch();
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    let merged = unmarked(bucket.as_ref()).await;
    let kept = contents(bucket.as_ref(), merged.values(), "unmarked").await;
    same(&kept, &data([0, 1, 3, 4]), "unmarked");
    let marked =
        whole(bucket.as_ref()).await.remove(&id(2)).expect("the marked block stays until its delay is over");
    same(&contents(bucket.as_ref(), [&marked], "marked").await, &data([2]), "marked");
}

/// Somebody deletes a source while it is being read: nothing is marked, and the next pass works with what is left.
#[tokio::test]
async fn a_source_deleted_while_it_is_read_fails_the_job_alone() {
    let bucket = world::bucket(0..5).await;
    let inner = bucket.clone();
    let deleting = ScriptedBucket::new(bucket.clone(), move |_, operation, object| {
        if operation == Operation::Get && object == format!("{}/chunks/000001", id(2)) {
            block_on(bucket::delete::delete(inner.as_ref(), id(2))).expect("memory");
        }
        Fate::Pass
    });
    let dir = scratch();
    let error = Lab::default().pass(deleting, dir.path()).await.expect_err("a source is gone");
    assert!(!error.is_critical(), "{error}");
    check(bucket.as_ref(), &data([0, 1, 3, 4]), "failed").await;
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data([0, 1, 3, 4]), "without it").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

#[tokio::test]
async fn a_late_source_of_a_compacted_range_waits_or_is_merged() {
    for vertical in [false, true] {
        let bucket = world::bucket([0, 1, 3, 4]).await;
        let dir = scratch();
        let lab = Lab { vertical, ..Lab::default() };
        lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
        assert_eq!(lengths(&bucket).await, [8, 2]);
        put_block(bucket.as_ref(), id(2), range(2), &EXTERNAL, &series(2)).await;
        let done = lab.pass(bucket.clone(), dir.path()).await;
        check(bucket.as_ref(), &data(0..5), "with the late one").await;
        match vertical {
            false => {
                let error = done.expect_err("blocks overlap");
                assert!(error.to_string().contains("blocks overlap"), "{error}");
                assert_eq!(lengths(&bucket).await, [8, 2, 2], "nothing is lost, nothing is merged");
            }
            true => {
                done.expect("a clean pass");
                assert_eq!(lengths(&bucket).await, [8, 2]);
            }
        }
    }
}

#[tokio::test]
async fn a_partial_upload_is_left_alone_until_it_is_two_days_old() {
    let bucket = world::bucket(0..5).await;
    let partial = id(50);
    put_block(bucket.as_ref(), partial, range(50), &EXTERNAL, &series(50)).await;
    let meta_name = format!("{partial}/meta.json");
    let meta = bucket.get(&meta_name, 1 << 20).await.expect("a meta");
    bucket.delete(&meta_name).await.expect("a deletion");
    let now = TestClock::at(present_ms());
    let lab = Lab { clock: Some(now.clone()), ..Lab::default() };
    let dir = scratch();
    lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data(0..5), "the others").await;
    assert!(bucket.exists(&format!("{partial}/index")).await.expect("memory"), "it may still be coming");

    // It comes, and counts.
    bucket.upload(&meta_name, meta.into()).await.expect("an upload");
    lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data([0, 1, 2, 3, 4, 50]), "complete").await;

    // Another one never does.
    bucket.delete(&meta_name).await.expect("a deletion");
    now.set(now.now_ms() + 49 * H);
    lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    assert!(!bucket.objects().keys().any(|name| name.starts_with(&partial.to_string())), "it is removed");
    check(bucket.as_ref(), &data(0..5), "without it").await;
}

#[tokio::test]
async fn a_block_whose_meta_cannot_be_read_is_never_deleted() {
    let bucket = world::bucket(0..5).await;
    let name = format!("{}/meta.json", id(4));
    let meta = bucket.get(&name, 1 << 20).await.expect("a meta");
    bucket.upload(&name, meta.slice(..meta.len() / 2).into()).await.expect("an upload");
    let now = TestClock::at(present_ms() + 1000 * H);
    let lab = Lab { clock: Some(now), delete_delay_ms: 0, ..Lab::default() };
    let dir = scratch();
    lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    assert!(bucket.exists(&format!("{}/chunks/000001", id(4))).await.expect("memory"));
    bucket.upload(&name, meta.into()).await.expect("an upload");
    check(bucket.as_ref(), &data(0..5), "mended by hand").await;
}

/// Names its results as it is told.
struct Named(TsdbWork, Ulid);

impl BlockWork for Named {
    fn check(&self, dir: &Path, meta: &BlockMeta, progress: &Progress) -> compact::Result<Health> {
        self.0.check(dir, meta, progress)
    }

    fn count(&self, dir: &Path, meta: &BlockMeta, progress: &Progress) -> compact::Result<Counts> {
        self.0.count(dir, meta, progress)
    }

    fn merge(
        &self,
        inputs: &[PathBuf],
        parent: &Path,
        merge: Merge,
        progress: &Progress,
    ) -> compact::Result<Option<BlockMeta>> {
        let Some(mut meta) = self.0.merge(inputs, parent, merge, progress)? else { return Ok(None) };
        let dir = parent.join(self.1.to_string());
        std::fs::rename(parent.join(meta.ulid.to_string()), &dir).expect("a new name");
        meta.ulid = self.1;
        meta.write_dir(&dir).expect("a meta");
        Ok(Some(meta))
    }

    fn downsample(
        &self,
        input: &Path,
        parent: &Path,
        to_ms: i64,
        progress: &Progress,
    ) -> compact::Result<Option<BlockMeta>> {
        self.0.downsample(input, parent, to_ms, progress)
    }
}

/// The name of the result is taken: by a whole block, or by the left-over of an upload.
#[tokio::test]
async fn a_name_that_is_taken_is_not_written_to() {
    for left_over in [false, true] {
        let bucket = world::bucket(0..5).await;
        let taken = id(77);
        put_block(bucket.as_ref(), taken, range(77), &[("harbour", "other")], &series(77)).await;
        if left_over {
            bucket.delete(&format!("{taken}/meta.json")).await.expect("a deletion");
        }
        let of_taken = |bucket: &MemoryBucket| {
            let mut objects = bucket.objects();
            objects.retain(|name, _| name.starts_with(&taken.to_string()));
            objects
        };
        let before = of_taken(&bucket);
        let lab = Lab { work: Arc::new(Named(TsdbWork { threads: 1 }, taken)), ..Lab::default() };
        let dir = scratch();
        let error = lab.pass(bucket.clone(), dir.path()).await.expect_err("the name is taken");
        assert!(!error.is_critical() && error.to_string().contains("is taken"), "{error}");
        assert_eq!(of_taken(&bucket), before);
        assert_eq!(unmarked(bucket.as_ref()).await.len(), if left_over { 5 } else { 6 });
        Lab::default().pass(bucket.clone(), dir.path()).await.expect("the next name is free");
        assert_eq!(lengths(&bucket).await.first(), Some(&8));
    }
}
