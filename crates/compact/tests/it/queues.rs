//! The queues beside each other, with `--wait`: what one of them waits for keeps no other waiting, and who wants it is halted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use compact::coverage::Retention;
use compact::run::{Compactor, OnCritical};
use objstore::{Bucket, MemoryBucket, Operation};
use tsdb::meta::BlockMeta;

use crate::blocks::{contents, expected, present_ms, put_block, same, scratch, whole};
use crate::lab::Lab;
use crate::scripted::{Fate, ScriptedBucket};
use crate::world::{self, EXTERNAL, data, id, lengths, range, series};

/// The first of the blocks that are compacted; block 0 is months older.
const FIRST: u64 = 1000;

/// The external labels of the old block's group.
const ELSEWHERE: [(&str, &str); 1] = [("harbour", "hull")];

/// The blocks of the group with these external labels.
async fn blocks(bucket: &MemoryBucket, external: [(&str, &str); 1]) -> Vec<Arc<BlockMeta>> {
    let labels = external.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    whole(bucket).await.into_values().filter(|meta| meta.thanos.labels == labels).collect()
}

/// The compactor, in passes that follow each other at once.
fn waiting(lab: &Lab, bucket: Arc<dyn Bucket>, dir: &Path) -> Compactor {
    let mut compactor = lab.compactor(bucket, dir);
    compactor.config.wait = true;
    compactor.config.wait_interval = Duration::from_millis(10);
    compactor.config.cleanup_interval = Duration::from_millis(10);
    compactor
}

/// Fails the test when it takes a minute.
async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within a minute"))
}

/// Waits until `is_so`.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(what, asking).await;
}

/// A bucket that never answers for the chunks of one source holds a compaction up for good. Meanwhile a block of another group that is
/// past its retention is downsampled, marked and deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downsampling_retention_and_deletion_do_not_wait_for_compaction() {
    let bucket = world::bucket(FIRST..FIRST + 5).await;
    put_block(bucket.as_ref(), id(0), range(0), &ELSEWHERE, &series(0)).await;
    let held = format!("{}/chunks/000001", id(FIRST + 2));
    let (asked, is_asked) = tokio::sync::watch::channel(false);
    let hanging = ScriptedBucket::new(bucket.clone(), move |_, operation, object| {
        if operation != Operation::Get || object != held {
            return Fate::Pass;
        }
        asked.send_replace(true);
        Fate::HangBefore
    });
    let retention = Retention { keep_ms: [present_ms() - range(FIRST / 2).start, 0, 0] };
    let lab = Lab { retention, downsampling: true, delete_delay_ms: 0, ..Lab::default() };
    let dir = scratch();
    let compactor = waiting(&lab, hanging, dir.path());
    let (stop, metrics) = (compactor.context.stop.clone(), compactor.context.metrics.clone());
    let running = tokio::spawn(compactor.run());

    soon("a compaction", is_asked.clone().wait_for(|asked| *asked)).await.expect("the bucket is there");
    let gone = async || blocks(&bucket, ELSEWHERE).await.iter().all(|meta| meta.ulid != id(0));
    until("the old block is deleted", gone).await;
    let others = blocks(&bucket, ELSEWHERE).await;
    let resolutions: Vec<i64> = others.iter().map(|meta| meta.thanos.downsample.resolution).collect();
    assert_eq!(resolutions, [300_000], "only the coarser copy is left");
    let counts = contents(bucket.as_ref(), &others, "downsampled").await;
    assert!(counts.keys().eq(expected(&ELSEWHERE, &series(0)).keys()), "{:?}", counts.keys());

    assert_eq!(metrics.iterations.get(), 0, "compaction is still held up");
    let held = blocks(&bucket, EXTERNAL).await;
    assert_eq!(held.len(), 5);
    same(&contents(bucket.as_ref(), &held, "held").await, &data(FIRST..FIRST + 5), "held");
    stop.cancel();
    soon("a held compaction ends with the program", running).await.expect("no panic").expect("a clean end");
}

/// A group that cannot be compacted is set aside and all goes on; only who asks for it is halted, and the metric says no more than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_group_halts_only_who_wants_it() {
    for on_critical in [OnCritical::SetAside, OnCritical::Halt, OnCritical::Exit] {
        let bucket = world::bucket(0..5).await;
        let index = format!("{}/index", id(1));
        bucket.upload(&index, Bytes::from_static(b"no index").into()).await.expect("memory");
        let dir = scratch();
        let mut compactor = waiting(&Lab::default(), bucket.clone(), dir.path());
        compactor.config.on_critical = on_critical;
        let (stop, metrics) = (compactor.context.stop.clone(), compactor.context.metrics.clone());
        let running = tokio::spawn(compactor.run());
        match on_critical {
            OnCritical::SetAside => {
                until("passes go on", async || metrics.iterations.get() >= 3).await;
                assert_eq!((metrics.halted.get(), metrics.quarantined_groups.get()), (0, 1));
                // The group is compacted as soon as its blocks are others, without a new start.
                put_block(bucket.as_ref(), id(20), range(1), &EXTERNAL, &series(1)).await;
                bucket::delete::delete(bucket.as_ref(), id(1)).await.expect("memory");
                until("compacted", async || lengths(&bucket).await == [8, 2]).await;
                until("released", async || metrics.quarantined_groups.get() == 0).await;
            }
            OnCritical::Halt => {
                until("halted", async || metrics.halted.get() == 1).await;
                assert!(!running.is_finished(), "the process stays up");
                assert_eq!(metrics.iterations.get(), 0);
            }
            OnCritical::Exit => {
                let error = soon("the end", running).await.expect("no panic").expect_err("a broken group");
                assert!(error.is_critical() && error.to_string().contains(&id(1).to_string()), "{error}");
                assert_eq!(metrics.halted.get(), 0);
                continue;
            }
        }
        stop.cancel();
        soon("the end", running).await.expect("no panic").expect("a clean end");
    }
}
