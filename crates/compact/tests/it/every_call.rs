//! Every single call to the bucket fails once: before it takes effect, after it, half-way; or it never answers, until the time that it is
//! given is over (in virtual time). After each, nothing is lost or doubled, and the
//! next pass finishes the work. `FAULT_STRIDE=1` tries each call; by default the repeated looks at the bucket are thinned out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use compact::coverage::Retention;
use objstore::{Bucket, MemoryBucket, Operation, RetryBucket, RetryPolicy};
use parking_lot::Mutex;

use crate::blocks::{Contents, H, check, contents, present_ms, put_block, scratch, unmarked};
use crate::lab::{Lab, TestClock};
use crate::scripted::{Fate, ScriptedBucket};
use crate::world::{self, EXTERNAL, data, lengths};

const FATES: [Fate; 5] =
    [Fate::FailBefore, Fate::FailAfter, Fate::FailMidway, Fate::HangBefore, Fate::HangAfter];

/// The calls of a run, with what they were for.
type Calls = Vec<(Operation, String)>;

/// A bucket with these objects.
async fn copy(objects: &std::collections::BTreeMap<String, bytes::Bytes>) -> Arc<MemoryBucket> {
    let bucket = Arc::new(MemoryBucket::new());
    for (name, content) in objects {
        bucket.upload(name, content.clone().into()).await.expect("memory");
    }
    bucket
}

/// Notes the calls of one undisturbed pass.
async fn calls(lab: &Lab, bucket: Arc<MemoryBucket>) -> Calls {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = calls.clone();
    let noting = ScriptedBucket::new(bucket, move |_, operation, object| {
        noted.lock().push((operation, object.to_owned()));
        Fate::Pass
    });
    let dir = scratch();
    lab.pass(noting, dir.path()).await.expect("a clean pass");
    calls.lock().clone()
}

/// The numbers of the calls to fail: all that write or move data, and every so many of the others.
fn chosen(calls: &Calls) -> Vec<u64> {
    let stride = std::env::var("FAULT_STRIDE").ok().and_then(|s| s.parse().ok()).unwrap_or(7usize);
    let is_look = |(operation, object): &(Operation, String)| match operation {
        Operation::Exists | Operation::Iter => true,
        Operation::Get => object.ends_with("-mark.json"),
        _ => false,
    };
    let numbered = calls.iter().enumerate();
    numbered.filter(|(n, call)| !is_look(call) || n % stride == 0).map(|(n, _)| n as u64).collect()
}

/// Fails the call with this number and runs a pass, which may end as it likes.
async fn pass_failing_at(lab: &Lab, bucket: Arc<MemoryBucket>, number: u64, fate: Fate) {
    let failing = ScriptedBucket::new(bucket, move |n, _, _| if n == number { fate } else { Fate::Pass });
    // As over a network, but without a second try.
    let failing: Arc<dyn Bucket> = match fate {
        Fate::HangBefore | Fate::HangAfter => {
            Arc::new(RetryBucket::new(failing, RetryPolicy { attempts: 1, ..RetryPolicy::default() }))
        }
        _ => failing,
    };
    let dir = scratch();
    if let Err(error) = lab.pass(failing, dir.path()).await {
        assert!(!error.is_critical(), "call {number}, {fate:?}: {error}");
    }
    let left = std::fs::read_dir(dir.path()).expect("a directory").count();
    assert_eq!(left, 0, "call {number}, {fate:?}: something is left on the disk");
}

/// Runs the cases on as many threads as there are cores.
fn in_parallel<Fut: Future<Output = ()>>(cases: Vec<(u64, Fate)>, case: impl Fn(u64, Fate) -> Fut + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                // Waiting takes no time.
                let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
                while let Some((number, fate)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    runtime.block_on(case(*number, *fate));
                }
            });
        }
    });
}

fn cases(chosen: Vec<u64>) -> Vec<(u64, Fate)> {
    chosen.into_iter().flat_map(|n| FATES.map(|fate| (n, fate))).collect()
}

#[test]
fn compaction_survives_a_failure_of_every_call() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let lab = Lab::default();
    let (objects, noted) = runtime.block_on(async {
        let bucket = world::bucket(0..5).await;
        let objects = bucket.objects();
        (objects, calls(&lab, bucket).await)
    });
    let expected = data(0..5);
    in_parallel(cases(chosen(&noted)), async |number, fate| {
        let what = format!("call {number} ({:?}), {fate:?}", noted[number as usize]);
        let bucket = copy(&objects).await;
        pass_failing_at(&lab, bucket.clone(), number, fate).await;
        check(bucket.as_ref(), &expected, &what).await;
        let dir = scratch();
        lab.pass(bucket.clone(), dir.path()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        check(bucket.as_ref(), &expected, &format!("{what}, healed")).await;
        assert_eq!(lengths(&bucket).await, [8, 2], "{what}");
    });
}

/// What the unmarked blocks of a resolution hold.
async fn at_resolution(bucket: &MemoryBucket, resolution_ms: i64) -> Contents {
    let mut blocks = unmarked(bucket).await;
    blocks.retain(|_, meta| meta.thanos.downsample.resolution == resolution_ms);
    contents(bucket, blocks.values(), "unmarked").await
}

/// Downsampling, retention and deletion: raw data never go before their copy is there.
#[test]
fn downsampling_retention_and_deletion_survive_a_failure_of_every_call() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let start = world::START;
    let now = TestClock::at(present_ms() + H);
    let keep = Retention { keep_ms: [50 * 24 * H, 0, 0] };
    let lab =
        Lab { clock: Some(now), retention: keep, downsampling: true, delete_delay_ms: 0, ..Lab::default() };
    let (objects, noted, copy_at_5m) = runtime.block_on(async {
        let bucket = Arc::new(MemoryBucket::new());
        for n in 0..2 {
            let range = start + n * 24 * H..start + (n + 1) * 24 * H;
            let times = (range.start..range.end).step_by(600_000);
            let tide = crate::blocks::TestSeries::floats("tide", times.map(|t| (t, (t / 1000 % 91) as f64)));
            put_block(bucket.as_ref(), world::id(n as u64), range, &EXTERNAL, &[tide]).await;
        }
        let objects = bucket.objects();
        let noted = calls(&lab, bucket.clone()).await;
        let copy_at_5m = at_resolution(&bucket, 300_000).await;
        (objects, noted, copy_at_5m)
    });
    let windows: Vec<usize> = copy_at_5m.values().map(std::collections::BTreeMap::len).collect();
    assert_eq!(windows, [288], "a window for each sample");
    in_parallel(cases(chosen(&noted)), async |number, fate| {
        let what = format!("call {number} ({:?}), {fate:?}", noted[number as usize]);
        let bucket = copy(&objects).await;
        pass_failing_at(&lab, bucket.clone(), number, fate).await;
        let dir = scratch();
        for pass in 0..3 {
            let raw = at_resolution(&bucket, 0).await;
            let raw_samples: usize = raw.values().map(std::collections::BTreeMap::len).sum();
            let coarse = at_resolution(&bucket, 300_000).await;
            let covered = coarse.values().map(std::collections::BTreeMap::len).sum::<usize>() == 288;
            assert!(raw_samples == 288 || covered, "{what}, pass {pass}: neither raw data nor their copy");
            lab.pass(bucket.clone(), dir.path()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        crate::blocks::same(&at_resolution(&bucket, 300_000).await, &copy_at_5m, &what);
        assert!(at_resolution(&bucket, 0).await.is_empty(), "{what}: raw data are past their retention");
        let raw_objects = bucket.objects().into_keys().filter(|n| n.starts_with(&world::id(0).to_string()));
        assert_eq!(raw_objects.count(), 0, "{what}: and deleted");
    });
}
