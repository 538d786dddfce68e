//! Sources that are broken, and what becomes of them: the group is set aside with its blocks untouched, the others go on, and the first
//! pass after the repair finishes the work.

use std::sync::Arc;

use bytes::Bytes;
use objstore::{Bucket, MemoryBucket};
use tsdb::meta::BlockMeta;
use tsdb::tombstones::{Interval, Tombstones};
use ulid::Ulid;

use crate::blocks::{H, check, present_ms, put_block, put_dir, scratch, unmarked, write_block};
use crate::lab::{Lab, TestClock};
use crate::scripted::{Fate, ScriptedBucket};
use crate::world::{self, EXTERNAL, START, data, id, lengths, range, series};

async fn object(bucket: &MemoryBucket, name: &str) -> Vec<u8> {
    bucket.get(name, 1 << 30).await.expect("an object").to_vec()
}

async fn replace(bucket: &MemoryBucket, name: &str, content: Vec<u8>) {
    bucket.upload(name, Bytes::from(content).into()).await.expect("an upload");
}

async fn edit_meta(bucket: &MemoryBucket, id: Ulid, edit: impl FnOnce(&mut BlockMeta)) {
    let mut meta = bucket::fetcher::read_meta(bucket, id).await.expect("a meta");
    edit(&mut meta);
    replace(bucket, &format!("{id}/meta.json"), meta.to_json().expect("a meta")).await;
}

/// Breaks one object of block 1 (`None`: removes it): the group waits untouched while another is compacted; mended, it is compacted.
async fn broken_source(name: &str, broken: impl Fn(Vec<u8>) -> Option<Vec<u8>>, says: &str) {
    let bucket = world::bucket(0..5).await;
    for n in 0..5 {
        put_block(bucket.as_ref(), id(100 + n), range(n), &[("harbour", "other")], &series(n)).await;
    }
    let name = format!("{}/{name}", id(1));
    let sound = object(&bucket, &name).await;
    match broken(sound.clone()) {
        Some(content) => replace(&bucket, &name, content).await,
        None => bucket.delete(&name).await.expect("a deletion"),
    }
    let before = bucket.objects();
    let dir = scratch();
    let compactor = Lab::default().compactor(bucket.clone(), dir.path());
    let quarantine = compactor.quarantine.clone();
    let error = compactor.run().await.expect_err("a group is set aside");
    assert!(error.is_critical() && error.to_string().contains(says), "{error}");
    assert_eq!(quarantine.cases().len(), 1);
    let after = bucket.objects();
    for n in 0..5 {
        let of = |objects: &std::collections::BTreeMap<String, Bytes>| {
            let prefix = id(n).to_string();
            objects
                .iter()
                .filter(|(k, _)| k.starts_with(&prefix))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&before), of(&after), "block {n} is as it was");
    }
    let other = |m: &&Arc<BlockMeta>| m.thanos.labels["harbour"] == "other";
    let blocks = unmarked(bucket.as_ref()).await;
    assert_eq!(blocks.values().filter(other).count(), 2, "the other group is compacted");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing is left on the disk");

    replace(&bucket, &name, sound).await;
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass after the repair");
    let mut all = data(0..5);
    let others = (0..5).map(|n| crate::blocks::expected(&[("harbour", "other")], &series(n)));
    others.for_each(|more| crate::blocks::add(&mut all, more));
    check(bucket.as_ref(), &all, "mended").await;
    assert_eq!(lengths(&bucket).await, [8, 8, 2, 2]);
}

#[tokio::test]
async fn a_truncated_index_sets_the_group_aside() {
    broken_source("index", |bytes| Some(bytes[..bytes.len() / 2].to_vec()), &id(1).to_string()).await;
}

#[tokio::test]
async fn an_index_without_bytes_sets_the_group_aside() {
    broken_source("index", |_| Some(Vec::new()), &id(1).to_string()).await;
}

#[tokio::test]
async fn a_flipped_bit_in_a_chunk_sets_the_group_aside() {
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        Some(bytes)
    };
    broken_source("chunks/000001", flip, "checksum").await;
}

#[tokio::test]
async fn a_missing_segment_sets_the_group_aside() {
    broken_source("chunks/000001", |_| None, "").await;
}

/// With the first of several segments gone, the second must not be read in its place.
#[tokio::test]
async fn a_gap_in_the_segments_is_not_read_over() {
    let bucket = world::bucket([0, 2, 3, 4]).await;
    let dir = scratch();
    let block = write_block(dir.path(), id(1), range(1), &EXTERNAL, &series(1), 500);
    let segments = std::fs::read_dir(block.join("chunks")).expect("a directory").count();
    assert!(segments > 2, "{segments}");
    put_dir(bucket.as_ref(), &block).await;
    let first = format!("{}/chunks/000001", id(1));
    let sound = object(&bucket, &first).await;
    bucket.delete(&first).await.expect("a deletion");
    let error = Lab::default().pass(bucket.clone(), dir.path()).await.expect_err("a segment is missing");
    assert!(error.to_string().contains("000001"), "{error}");
    replace(&bucket, &first, sound).await;
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data(0..5), "mended").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

/// Gives the second series of a block the labels of the first.
fn double_a_series(index: &mut [u8]) {
    use tsdb::index::{IndexReader, SeriesEntry};
    use tsdb::postings::PostingsSource;

    let dir = scratch();
    let path = dir.path().join("index");
    std::fs::write(&path, &*index).expect("a file");
    let reader = IndexReader::open(&path).expect("a sound index");
    let (mut first, mut second) = (SeriesEntry::new(), SeriesEntry::new());
    let all = reader.all_postings().expect("postings");
    reader.series(all[0], i64::MIN, i64::MAX, &mut first).expect("a series");
    reader.series(all[1], i64::MIN, i64::MAX, &mut second).expect("a series");
    let at = all[1] as usize * 16;
    // Length and symbols of these small indexes take a byte each, but for a length of two.
    let (len, head) = match index[at] {
        short if short < 0x80 => (usize::from(short), 1),
        low => (usize::from(low & 0x7f) | usize::from(index[at + 1]) << 7, 2),
    };
    let body = at + head..at + head + len;
    for (n, (name, value)) in first.labels.iter().enumerate() {
        let offset = body.start + 1 + 2 * n;
        assert_eq!(u32::from(index[offset]), second.labels[n].0);
        index[offset] = *name as u8;
        index[offset + 1] = *value as u8;
    }
    let sum = crc32c::crc32c(&index[body.clone()]);
    index[body.end..body.end + 4].copy_from_slice(&sum.to_be_bytes());
}

#[tokio::test]
async fn a_doubled_series_sets_the_group_aside() {
    let double = |mut bytes: Vec<u8>| {
        double_a_series(&mut bytes);
        Some(bytes)
    };
    broken_source("index", double, "out of order").await;
}

#[tokio::test]
async fn chunks_outside_of_the_block_set_the_group_aside() {
    let bucket = world::bucket(0..5).await;
    edit_meta(&bucket, id(1), |meta| meta.min_time += H + 1).await;
    let dir = scratch();
    let error = Lab::default().pass(bucket.clone(), dir.path()).await.expect_err("chunks are outside");
    assert!(error.to_string().contains("outside"), "{error}");
    check(bucket.as_ref(), &data(0..5), "set aside").await;
    edit_meta(&bucket, id(1), |meta| meta.min_time -= H + 1).await;
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data(0..5), "mended").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

#[tokio::test]
async fn a_meta_that_lies_about_its_counts_is_corrected_by_the_result() {
    for (samples, chunks, n_series) in [(1, 1, 1), (0, 0, 0), (1_000_000, 5000, 5000)] {
        let bucket = world::bucket(0..5).await;
        edit_meta(&bucket, id(1), |meta| {
            meta.stats.num_samples = samples;
            meta.stats.num_chunks = chunks;
            meta.stats.num_series = n_series;
        })
        .await;
        let dir = scratch();
        Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
        check(bucket.as_ref(), &data(0..5), "compacted").await;
        assert_eq!(lengths(&bucket).await, [8, 2]);
        let blocks = unmarked(bucket.as_ref()).await;
        let made = blocks.values().find(|m| m.compaction.level == 2).expect("the result");
        let truth: usize = data(0..4).values().map(std::collections::BTreeMap::len).sum();
        assert_eq!((made.stats.num_samples, made.stats.num_series), (truth as u64, 3));
    }
}

#[tokio::test]
async fn an_empty_block_among_others_goes() {
    let bucket = world::bucket([0, 2, 3, 4]).await;
    put_block(bucket.as_ref(), id(1), range(1), &EXTERNAL, &[]).await;
    let dir = scratch();
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    check(bucket.as_ref(), &data([0, 2, 3, 4]), "compacted").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

#[tokio::test]
async fn blocks_that_are_all_empty_are_marked_and_the_pass_ends() {
    let bucket = world::bucket([4]).await;
    for n in 0..4 {
        put_block(bucket.as_ref(), id(n), range(n), &EXTERNAL, &[]).await;
    }
    let dir = scratch();
    let compactor = Lab::default().compactor(bucket.clone(), dir.path());
    compactor.clone().run().await.expect("a clean pass");
    assert_eq!(lengths(&bucket).await, [2]);
    compactor.run().await.expect("another pass has nothing to do");
    check(bucket.as_ref(), &data([4]), "the block with data").await;
}

/// Marks as deleted what the interval covers, in every series.
fn tombstones(block: &std::path::Path, interval: Interval) -> Vec<u8> {
    use tsdb::postings::PostingsSource;
    let index = tsdb::index::IndexReader::open(block.join("index")).expect("an index");
    let mut tombstones = Tombstones::default();
    for reference in index.all_postings().expect("postings") {
        tombstones.add(u64::from(reference), interval);
    }
    tombstones.encode()
}

#[tokio::test]
async fn deleted_samples_of_a_source_do_not_come_back() {
    let bucket = world::bucket([0, 2, 3, 4]).await;
    let dir = scratch();
    let block = write_block(dir.path(), id(1), range(1), &EXTERNAL, &series(1), 1 << 20);
    put_dir(bucket.as_ref(), &block).await;
    let gone = Interval { mint: range(1).start, maxt: range(1).start + H };
    replace(&bucket, &format!("{}/tombstones", id(1)), tombstones(&block, gone)).await;
    edit_meta(&bucket, id(1), |meta| meta.stats.num_tombstones = 3).await;
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    let mut left = data(0..5);
    left.values_mut().for_each(|samples| samples.retain(|t, _| !gone.contains(*t)));
    check(bucket.as_ref(), &left, "compacted").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

/// A block that is written anew for its tombstones alone lists the same sources as the old one, which is older: no reader must take the
/// new one for the duplicate, least of all the one that marks duplicates for deletion.
#[tokio::test]
async fn a_block_rewritten_for_its_tombstones_outlives_the_old_one() {
    let bucket = world::bucket(0..4).await;
    put_block(bucket.as_ref(), id(5), range(100), &EXTERNAL, &series(100)).await;
    let (dir, now) = (scratch(), TestClock::at(present_ms() + H));
    let lab = Lab { clock: Some(now.clone()), ..Lab::default() };
    lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    let blocks = unmarked(bucket.as_ref()).await;
    let long = blocks.values().find(|m| m.compaction.level == 2).expect("the 8 h block").ulid;
    // Some of it is deleted.
    let local = dir.path().join(long.to_string());
    bucket::download::download(bucket.as_ref(), long, &local, 1).await.expect("a download");
    let gone = Interval { mint: START, maxt: START + H };
    replace(&bucket, &format!("{long}/tombstones"), tombstones(&local, gone)).await;
    std::fs::remove_dir_all(&local).expect("a directory");
    edit_meta(&bucket, long, |meta| meta.stats.num_tombstones = 3).await;

    let mut left = data([0, 1, 2, 3, 100]);
    left.values_mut().for_each(|samples| samples.retain(|t, _| !gone.contains(*t)));
    for hours in [0, 1, 30, 60, 100] {
        now.set(now.now_ms() + hours * H);
        lab.pass(bucket.clone(), dir.path()).await.expect("a clean pass");
        check(bucket.as_ref(), &left, &format!("{hours} h later")).await;
    }
    assert!(!bucket.exists(&format!("{long}/meta.json")).await.expect("memory"), "the old one is deleted");
    assert_eq!(lengths(&bucket).await, [8, 2], "and nothing was made again and again");
}

/// The chunks behind the end of a block, by the defect "issue 347", are dropped by writing the block anew.
#[tokio::test]
async fn issue_347_is_repaired() {
    let bucket = world::bucket([0, 1, 2, 4]).await;
    // The last series of block 3 has a chunk that begins where the block ends, as the next block has it too.
    let end = range(3).end;
    let mut with_extra = series(3);
    let sound = with_extra.clone();
    with_extra.push(crate::blocks::TestSeries::floats("late", [(end, 5.0), (end + 1, 6.0)]));
    put_block(bucket.as_ref(), id(3), range(3), &EXTERNAL, &with_extra).await;
    let dir = scratch();
    Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
    assert_eq!(sound.len(), 3);
    check(bucket.as_ref(), &data(0..5), "repaired and compacted").await;
    assert_eq!(lengths(&bucket).await, [8, 2]);
}

/// A result that arrives changed is taken back, its sources stay unmarked, and the next pass makes it anew.
#[tokio::test]
async fn a_result_that_arrives_changed_is_taken_back() {
    for (what, fate) in [
        ("/index", Fate::Corrupt),
        ("/index", Fate::Truncate),
        ("/chunks/000001", Fate::Truncate),
        ("/meta.json", Fate::Corrupt),
    ] {
        let bucket = world::bucket(0..5).await;
        let changing = ScriptedBucket::new(bucket.clone(), move |_, operation, object| {
            let is_it = operation == objstore::Operation::Upload && object.ends_with(what);
            if is_it { fate } else { Fate::Pass }
        });
        let dir = scratch();
        let error = Lab::default().pass(changing, dir.path()).await.expect_err(what);
        assert!(!error.is_critical(), "{what}: {error}");
        let blocks = unmarked(bucket.as_ref()).await;
        assert_eq!(blocks.keys().copied().collect::<Vec<_>>(), (0..5).map(id).collect::<Vec<_>>(), "{what}");
        let names: Vec<String> = bucket.objects().into_keys().collect();
        assert!(names.iter().all(|name| (0..5).any(|n| name.starts_with(&id(n).to_string()))), "{names:?}");
        Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
        check(bucket.as_ref(), &data(0..5), what).await;
        assert_eq!(lengths(&bucket).await, [8, 2], "{what}");
    }
}

/// A process died after uploading a result that then turned out to be broken: the next one must not mark the sources for it.
#[tokio::test]
async fn nothing_is_marked_in_favour_of_a_broken_block() {
    for broken in ["index", "chunks/000001"] {
        let bucket = world::bucket(0..5).await;
        let dir = scratch();
        let before = bucket.objects();
        Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
        let blocks = unmarked(bucket.as_ref()).await;
        let made = blocks.values().find(|m| m.compaction.level == 2).expect("the 8 h block").ulid;
        for n in 0..4 {
            let mark = format!("{}/deletion-mark.json", id(n));
            bucket.delete(&mark).await.expect("a deletion");
            assert!(before.keys().all(|name| *name != mark));
        }
        let name = format!("{made}/{broken}");
        let half = object(&bucket, &name).await;
        replace(&bucket, &name, half[..half.len() / 2].to_vec()).await;
        Lab::default().pass(bucket.clone(), dir.path()).await.expect("a clean pass");
        assert!(
            !bucket.exists(&format!("{made}/meta.json")).await.expect("memory"),
            "the broken one is gone"
        );
        check(bucket.as_ref(), &data(0..5), broken).await;
        assert_eq!(lengths(&bucket).await, [8, 2]);
    }
}

#[tokio::test]
async fn a_job_that_the_disk_cannot_hold_is_refused_before_anything_is_fetched() {
    let bucket = world::bucket(0..5).await;
    edit_meta(&bucket, id(1), |meta| meta.thanos.files[0].size_bytes = 1 << 60).await;
    let watched = ScriptedBucket::new(bucket.clone(), |_, operation, object| {
        assert!(operation != objstore::Operation::Get || !object.contains("/chunks/"), "{object} is fetched");
        Fate::Pass
    });
    let dir = scratch();
    let error = Lab::default().pass(watched, dir.path()).await.expect_err("too large");
    assert!(matches!(error, compact::Error::Disk { need, .. } if need > 1 << 60), "{error}");
    check(bucket.as_ref(), &data(0..5), "refused").await;
}

#[tokio::test]
async fn the_need_of_a_block_that_lists_no_files_is_asked_of_the_bucket() {
    let bucket = world::bucket(0..5).await;
    for n in 0..5 {
        edit_meta(&bucket, id(n), |meta| meta.thanos.files.clear()).await;
    }
    let asked = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let seen = asked.clone();
    let watched = ScriptedBucket::new(bucket.clone(), move |_, operation, object| {
        if operation == objstore::Operation::Attributes {
            seen.lock().push(object.to_owned());
        }
        Fate::Pass
    });
    let dir = scratch();
    Lab::default().pass(watched, dir.path()).await.expect("a clean pass");
    for n in 0..4 {
        assert!(asked.lock().contains(&format!("{}/chunks/000001", id(n))), "{:?}", asked.lock());
    }
    check(bucket.as_ref(), &data(0..5), "compacted").await;
}

#[tokio::test]
async fn sources_whose_indexes_are_too_large_together_are_left_out_before_anything_is_fetched() {
    let bucket = world::bucket(0..5).await;
    let watched = ScriptedBucket::new(bucket.clone(), |_, operation, object| {
        assert!(operation != objstore::Operation::Get || !object.contains("/chunks/"), "{object} is fetched");
        Fate::Pass
    });
    let dir = scratch();
    let lab = Lab { max_index_bytes: 300, ..Lab::default() };
    lab.pass(watched, dir.path()).await.expect("a clean pass");
    let marks = bucket.objects().into_keys().filter(|name| name.ends_with("no-compact-mark.json")).count();
    assert_eq!(marks, 3, "until one is left, which needs no merging");
    check(bucket.as_ref(), &data(0..5), "left out").await;
}
