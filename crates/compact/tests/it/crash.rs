//! The process is killed at every step of its work on the bucket, and started anew.
//!
//! The test runs itself again as a child whose bucket kills the process before the write with a given number, which is after the one
//! before it: the signal that nothing can catch, with the files of a real data directory and a real bucket directory left as they are.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use objstore::{Bucket, FsBucket, MemoryBucket, Operation};

use crate::blocks::{check, scratch};
use crate::lab::Lab;
use crate::scripted::{Fate, ScriptedBucket};
use crate::world::{self, data, lengths};

const DIR: &str = "COMPACT_CRASH_DIR";
const AT: &str = "COMPACT_CRASH_AT";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn open(dir: &Path) -> Arc<dyn Bucket> {
    Arc::new(FsBucket::new(dir.join("bucket")).expect("a bucket directory"))
}

fn kill_this_process() -> ! {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::KILL).expect("our own process");
    loop {
        std::thread::park();
    }
}

/// The child: does nothing unless its parent set the directory.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let at: u64 = std::env::var(AT).expect("set with the directory").parse().expect("a number");
    let writes = AtomicU64::new(0);
    let deadly = ScriptedBucket::new(open(dir), move |_, operation, _| {
        let is_write = matches!(operation, Operation::Upload | Operation::Delete);
        if is_write && writes.fetch_add(1, Ordering::SeqCst) == at {
            kill_this_process()
        }
        Fate::Pass
    });
    runtime().block_on(async {
        Lab::default().pass(deadly, &dir.join("data")).await.expect("a clean pass, unless it is killed");
    });
}

fn run_child(dir: &Path, at: u64) -> bool {
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "crash::child", "--test-threads=1"])
        .env(DIR, dir)
        .env(AT, at.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the child runs");
    status.success()
}

#[test]
fn a_kill_at_every_write_loses_nothing() {
    let runtime = runtime();
    let expected = data(0..5);
    let objects = runtime.block_on(world::bucket(0..5)).objects();
    let mut killed = 0;
    for at in 0.. {
        let dir = scratch();
        std::fs::create_dir_all(dir.path().join("bucket")).expect("a directory");
        std::fs::create_dir_all(dir.path().join("data")).expect("a directory");
        let what = format!("killed at write {at}");
        let ended = runtime.block_on(async {
            let bucket = open(dir.path());
            for (name, content) in &objects {
                bucket.upload(name, content.clone().into()).await.expect("a file");
            }
            let ended = run_child(dir.path(), at);
            check(bucket.as_ref(), &expected, &what).await;
            let data_dir = dir.path().join("data");
            Lab::default().pass(bucket.clone(), &data_dir).await.unwrap_or_else(|e| panic!("{what}: {e}"));
            check(bucket.as_ref(), &expected, &format!("{what}, healed")).await;
            // The same bucket in memory, for looking at its blocks.
            let copy = MemoryBucket::new();
            for entry in bucket.list("", objstore::IterOptions::recursive()).await.expect("a listing") {
                let content = bucket.get(&entry.name, 1 << 30).await.expect("a file");
                copy.upload(&entry.name, content.into()).await.expect("memory");
            }
            assert_eq!(lengths(&copy).await, [8, 2], "{what}");
            let left: Vec<_> = std::fs::read_dir(&data_dir).expect("a directory").flatten().collect();
            assert!(left.is_empty(), "{what}: {left:?} is left in the data directory");
            ended
        });
        if ended {
            break;
        }
        killed += 1;
    }
    // Chunks, index, meta.json and four marks.
    assert_eq!(killed, 7);
}
