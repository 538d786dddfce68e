//! Reading a block of the Go programs and writing it gives the same files.

use std::path::Path;

use tsdb::chunkfile::ChunkReader;
use tsdb::index::{IndexReader, SeriesEntry, Version};
use tsdb::postings::PostingsSource;
use tsdb::tombstones::Tombstones;
use tsdb::write::{DEFAULT_SEGMENT_SIZE, IndexWriter, SegmentWriter};

use crate::shared;

fn rewrite(block: &Path, out: &Path) {
    let index = IndexReader::open(block.join("index")).unwrap();
    let chunks = ChunkReader::open(block.join("chunks")).unwrap();
    let mut index_writer = IndexWriter::create(out.join("index")).unwrap();
    let mut segments = SegmentWriter::create(out.join("chunks"), DEFAULT_SEGMENT_SIZE).unwrap();
    for (number, symbol) in index.symbols().iter() {
        assert_eq!(index_writer.add_symbol(symbol).unwrap(), number);
    }
    let mut entry = SeriesEntry::new();
    for reference in index.all_postings().unwrap() {
        index.series(reference, i64::MIN, i64::MAX, &mut entry).unwrap();
        segments.begin_series();
        let mut last = None;
        for chunk in &mut entry.chunks {
            // A hand-made block refers to one chunk twice; its file has it once.
            if last == Some(chunk.reference) {
                continue;
            }
            last = Some(chunk.reference);
            let (encoding, data) = chunks.chunk(chunk.reference).unwrap();
            chunk.reference = segments.write(encoding, &data).unwrap();
        }
        index_writer.add_series(&entry.labels, &entry.chunks).unwrap();
    }
    segments.finish().unwrap();
    let written = index_writer.finish().unwrap();
    assert_eq!(written.size, std::fs::metadata(out.join("index")).unwrap().len());
}

/// Compares index and chunks of two blocks byte for byte.
pub(crate) fn same_files(a: &Path, b: &Path) {
    let names = |dir: &Path| {
        let mut names: Vec<_> =
            std::fs::read_dir(dir).map_or(Vec::new(), |d| d.map(|e| e.unwrap().file_name()).collect());
        names.sort();
        names
    };
    let index = |dir: &Path| std::fs::read(dir.join("index")).unwrap();
    assert!(index(a) == index(b), "index of {}", a.display());
    assert_eq!(names(&a.join("chunks")), names(&b.join("chunks")), "{}", a.display());
    for name in names(&a.join("chunks")) {
        let read = |dir: &Path| std::fs::read(dir.join("chunks").join(&name)).unwrap();
        assert!(read(a) == read(b), "chunks of {}", a.display());
    }
}

#[test]
fn blocks_come_out_byte_for_byte() {
    let Some(golden) = shared::golden() else { return };
    let mut count = 0;
    for archive in [
        "raw/blocks.tar.zst",
        "raw/blocks-start-timestamps.tar.zst",
        "compact/source-2h.tar.zst",
        "compact/compacted.tar.zst",
        "downsample/blocks-5m.tar.zst",
        "downsample/two-days-5m-1h.tar.zst",
    ] {
        let unpacked = shared::unpacked(&golden.join(archive));
        for block in shared::block_dirs(unpacked.path()) {
            if IndexReader::open(block.join("index")).unwrap().version() == Version::V1 {
                continue;
            }
            let out = tempfile::tempdir().unwrap();
            rewrite(&block, out.path());
            same_files(&block, out.path());
            if let Ok(bytes) = std::fs::read(block.join("tombstones")) {
                // Go writes the series in no order.
                let tombstones = Tombstones::decode(&bytes).unwrap();
                let ours = tombstones.encode();
                assert_eq!((Tombstones::decode(&ours).unwrap(), ours.len()), (tombstones, bytes.len()));
            }
            count += 1;
        }
    }
    assert!(count > 30, "only {count} blocks");
}
