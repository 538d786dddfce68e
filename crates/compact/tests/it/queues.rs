//! The queues beside each other: with `--wait`, what one of them waits for keeps no other waiting.

use std::sync::Arc;
use std::time::Duration;

use compact::coverage::Retention;
use objstore::{MemoryBucket, Operation};
use tsdb::meta::BlockMeta;

use crate::blocks::{contents, expected, present_ms, put_block, same, scratch, whole};
use crate::lab::Lab;
use crate::scripted::{Fate, ScriptedBucket};
use crate::world::{self, EXTERNAL, data, id, range, series};

/// The first of the blocks that are compacted; block 0 is months older.
const FIRST: u64 = 1000;

/// The external labels of the old block's group.
const ELSEWHERE: [(&str, &str); 1] = [("harbour", "hull")];

/// The blocks of the group with these external labels.
async fn blocks(bucket: &MemoryBucket, external: [(&str, &str); 1]) -> Vec<Arc<BlockMeta>> {
    let labels = external.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    whole(bucket).await.into_values().filter(|meta| meta.thanos.labels == labels).collect()
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
    let mut compactor = lab.compactor(hanging, dir.path());
    compactor.config.wait = true;
    compactor.config.wait_interval = Duration::from_millis(10);
    compactor.config.cleanup_interval = Duration::from_millis(10);
    let (stop, metrics) = (compactor.context.stop.clone(), compactor.context.metrics.clone());
    let running = tokio::spawn(compactor.run());

    let done = async {
        is_asked.clone().wait_for(|asked| *asked).await.expect("the bucket is there");
        loop {
            let others = blocks(&bucket, ELSEWHERE).await;
            if others.iter().all(|meta| meta.ulid != id(0)) {
                return others;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let others = tokio::time::timeout(Duration::from_secs(60), done).await.expect("no queue waits");
    let resolutions: Vec<i64> = others.iter().map(|meta| meta.thanos.downsample.resolution).collect();
    assert_eq!(resolutions, [300_000], "only the coarser copy is left");
    let counts = contents(bucket.as_ref(), &others, "downsampled").await;
    assert!(counts.keys().eq(expected(&ELSEWHERE, &series(0)).keys()), "{:?}", counts.keys());

    assert_eq!(metrics.iterations.get(), 0, "compaction is still held up");
    let waiting = blocks(&bucket, EXTERNAL).await;
    assert_eq!(waiting.len(), 5);
    same(&contents(bucket.as_ref(), &waiting, "waiting").await, &data(FIRST..FIRST + 5), "waiting");
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(60), running).await;
    ended.expect("a held compaction keeps nobody from stopping").expect("no panic").expect("a clean end");
}
