//! What people are shown while the bucket is looked through for the first time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bucket::views::{BlockViews, ViewKind};
use compact::coverage::Retention;
use compact::view::Showing;
use objstore::{Bucket, MemoryBucket};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::fake::{FakeWork, compactor, put};
use crate::scripted::{Fate, ScriptedBucket};

#[tokio::test(start_paused = true)]
async fn blocks_are_shown_while_the_first_look_goes_on() {
    let memory = Arc::new(MemoryBucket::new());
    let ids: Vec<Ulid> = (0..5).map(|n| Ulid::from_parts(1_700_000_000_000 + n, 1)).collect();
    for id in &ids {
        put(memory.as_ref(), *id, 0, 7_200_000, "eu").await;
    }
    // One meta.json takes for ever, until the next try.
    let slow = format!("{}/meta.json", ids[3]);
    let healed = Arc::new(AtomicBool::new(false));
    let heal = healed.clone();
    let bucket = ScriptedBucket::new(memory, move |_, _, object| {
        if object == slow && !heal.load(Ordering::SeqCst) { Fate::HangBefore } else { Fate::Pass }
    });
    let dir = tempfile::tempdir().unwrap();
    let compactor =
        compactor(bucket as Arc<dyn Bucket>, Arc::new(FakeWork::default()), dir.path(), Retention::default());
    let views = BlockViews::new();
    let minute = Duration::from_secs(60);
    let showing = Showing { views: views.clone(), interval: minute, timeout: 5 * minute };
    let stop = CancellationToken::new();
    let watching = async {
        let global = || views.look(ViewKind::Global);
        while global().metas.len() < 4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Known, but not yet a whole look at the bucket; the view of the queues is never a half one.
        assert_eq!((global().refreshed_ms, global().metas.len()), (0, 4));
        assert!(views.look(ViewKind::Loaded).metas.is_empty());
        healed.store(true, Ordering::SeqCst);
        while global().metas.len() < 5 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(global().refreshed_ms > 0 && global().error.is_none());
        stop.cancel();
    };
    tokio::time::timeout(60 * minute, async {
        tokio::join!(showing.run(&compactor.syncer, &stop), watching)
    })
    .await
    .expect("blocks are shown within an hour");
}
