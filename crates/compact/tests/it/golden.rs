//! Faulty blocks as Go's compactor judged them.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use bucket::marks::{self, NoCompactMark};
use objstore::{Bucket, FsBucket};
use tsdb::meta::BlockMeta;

use crate::blocks::{put_dir, scratch, unmarked};
use crate::lab::Lab;

/// The golden folder, or `None` with a line on standard output.
fn golden() -> Option<PathBuf> {
    let shared = std::env::var_os("THANOS_SHARED").map(PathBuf::from).or_else(|| {
        let parents = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        parents.map(|dir| dir.join("shared")).find(|dir| dir.is_dir())
    });
    let found = shared.map(|dir| dir.join("golden")).filter(|dir| dir.is_dir());
    if found.is_none() {
        #[allow(clippy::print_stdout)]
        {
            println!("skipped: no folder shared/golden beside the checkout");
        }
    }
    found
}

/// Unpacks a `tar.zst` of regular files.
fn unpack(archive: &Path, into: &Path) {
    let mut tar = Vec::new();
    let file = std::fs::File::open(archive).expect("an archive");
    zstd::Decoder::new(file).expect("zstd").read_to_end(&mut tar).expect("a whole archive");
    let mut rest = &tar[..];
    while let Some((header, body)) = rest.split_first_chunk::<512>() {
        if header.iter().all(|b| *b == 0) {
            break;
        }
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            std::str::from_utf8(&field[..end]).expect("text").trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).expect("a size");
        if matches!(header[156], b'0' | 0) {
            let path = into.join(text(0..100));
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, &body[..size]).expect("a file");
        }
        rest = &body[size.next_multiple_of(512)..];
    }
}

fn block_dirs(dir: &Path) -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.join("index").is_file() {
            dirs.push(path);
        } else if path.is_dir() {
            dirs.extend(block_dirs(&path));
        }
    }
    dirs.sort();
    dirs
}

/// A bucket of the blocks in an archive.
async fn bucket_of(archive: &Path) -> (tempfile::TempDir, std::sync::Arc<FsBucket>) {
    let dir = scratch();
    unpack(archive, &dir.path().join("unpacked"));
    std::fs::create_dir_all(dir.path().join("bucket")).expect("a directory");
    let bucket = std::sync::Arc::new(FsBucket::new(dir.path().join("bucket")).expect("a bucket"));
    for block in block_dirs(&dir.path().join("unpacked")) {
        put_dir(bucket.as_ref(), &block).await;
    }
    (dir, bucket)
}

#[tokio::test]
async fn faulty_blocks_are_judged_as_by_go() {
    let Some(golden) = golden() else { return };
    let golden = golden.join("compact");
    let facts = std::fs::read(golden.join("faulty-facts.json")).expect("facts");
    let facts: serde_json::Value = serde_json::from_slice(&facts).expect("JSON");
    let cases = [("outside", false), ("outside", true), ("order", false), ("order", true)];
    for (name, skip_out_of_order) in cases {
        let what = format!("faulty-{name}, skip: {skip_out_of_order}");
        let facts = &facts[format!("faulty-{name}")];
        let (_dir, bucket) = bucket_of(&golden.join(format!("faulty-{name}-source.tar.zst"))).await;
        let before: BTreeSet<_> = unmarked(bucket.as_ref()).await.into_keys().collect();
        let verdict = match skip_out_of_order {
            true => &facts["compactor_with_skip_of_out_of_order_blocks"],
            false => &facts["compactor"],
        };
        let faulty = facts["blocks"]["faulty"].as_str().expect("an id").parse().expect("an id");
        let work = scratch();
        let lab = Lab { skip_out_of_order, ..Lab::default() };
        let done = lab.pass(bucket.clone(), work.path()).await;
        assert_eq!(
            u64::from(done.is_err()),
            verdict["exit"].as_u64().expect("an exit code"),
            "{what}: {done:?}"
        );
        let mark = marks::read::<NoCompactMark>(bucket.as_ref(), faulty).await.expect("a readable mark");
        let after = unmarked(bucket.as_ref()).await;
        let made: Vec<&BlockMeta> =
            after.values().map(AsRef::as_ref).filter(|m| !before.contains(&m.ulid)).collect();
        let Some(wanted) = verdict["meta_of_made"].as_array() else {
            let error = done.expect_err("Go stops").to_string();
            assert!(error.contains(&faulty.to_string()), "{what}: {error}");
            assert!(mark.is_none() && made.is_empty(), "{what}: nothing is touched");
            assert_eq!(after.into_keys().collect::<BTreeSet<_>>(), before, "{what}");
            continue;
        };
        let theirs = &verdict["mark_written_on_the_faulty_block"]["no-compact-mark.json"];
        let mark = mark.expect("the faulty block is marked");
        assert_eq!((mark.reason.as_str(), mark.version), (theirs["reason"].as_str().expect("a reason"), 1));
        assert_eq!(made.len(), wanted.len(), "{what}");
        for (ours, theirs) in made.iter().zip(wanted) {
            let theirs = BlockMeta::from_json(theirs.to_string().as_bytes()).expect("a meta");
            assert_eq!((ours.min_time, ours.max_time), (theirs.min_time, theirs.max_time), "{what}");
            assert_eq!(ours.stats, theirs.stats, "{what}");
            assert_eq!(ours.compaction, theirs.compaction, "{what}");
            let archive = golden.join("faulty-order-skipped-compacted.tar.zst");
            let theirs_dir = scratch();
            unpack(&archive, theirs_dir.path());
            let theirs_dir = block_dirs(theirs_dir.path()).pop().expect("a block");
            for file in ["index", "chunks/000001"] {
                let object = format!("{}/{file}", ours.ulid);
                let content = bucket.get(&object, 1 << 30).await.expect("an object");
                assert!(content == std::fs::read(theirs_dir.join(file)).expect("a file"), "{what}: {file}");
            }
        }
    }
}
