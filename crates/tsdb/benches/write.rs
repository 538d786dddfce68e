//! What does a sample cost on its way into a block?
//!
//! Encoding of columns, and merging, deduplicating and downsampling of small blocks made here, files included. Throughput
//! is in samples read, so 100 Melem/s are 10 ns for each. For blocks of a fleet's size see `compaction.rs`.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tsdb::chunk::{Encoding, encode_xor, encode_xor2};
use tsdb::downsample::{DownsampleOptions, FIVE_MINUTES, downsample_block};
use tsdb::index::ChunkMeta;
use tsdb::merge::{MergeInput, MergeMode, MergeOptions, merge_blocks};
use tsdb::write::{DEFAULT_SEGMENT_SIZE, IndexWriter, SegmentWriter};

const SERIES: u32 = 200;
const SAMPLES: i64 = 1200;

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// A counter with jitter, from a time on.
fn columns(series: u32, from: i64) -> (Vec<i64>, Vec<f64>) {
    let mut state = 42 + u64::from(series);
    let mut v = 0.0;
    let sample = |i| {
        v += (random(&mut state) % 50) as f64;
        (from + i * 15_000 + (random(&mut state) % 7) as i64, v)
    };
    (0..SAMPLES).map(sample).unzip()
}

fn write(dir: &Path, from: i64) -> MergeInput {
    let mut index = IndexWriter::create(dir.join("index")).expect("an index");
    let mut segments = SegmentWriter::create(dir.join("chunks"), DEFAULT_SEGMENT_SIZE).expect("segments");
    let name = index.add_symbol("__name__").expect("a symbol");
    let mut add = |n| index.add_symbol(&format!("series_{n:04}")).expect("a symbol");
    let values: Vec<u32> = (0..SERIES).map(&mut add).collect();
    for (n, value) in values.into_iter().enumerate() {
        let (ts, vs) = columns(n as u32, from);
        segments.begin_series();
        let mut metas = Vec::new();
        for (ts, vs) in ts.chunks(120).zip(vs.chunks(120)) {
            let mut data = Vec::new();
            encode_xor(ts, vs, &mut data).expect("120 samples");
            let reference = segments.write(Encoding::Xor, &data).expect("a chunk");
            metas.push(ChunkMeta { mint: ts[0], maxt: ts[ts.len() - 1], reference });
        }
        index.add_series(&[(name, value)], &metas).expect("a series");
    }
    segments.finish().expect("segments");
    index.finish().expect("an index");
    MergeInput::open(dir).expect("a block")
}

fn encode(c: &mut Criterion) {
    let (ts, vs) = columns(1, 1_700_000_000_000);
    let (ts, vs) = (&ts[..120], &vs[..120]);
    let starts = vec![ts[0] - 1000; ts.len()];
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(ts.len() as u64));
    let mut out = Vec::new();
    group.bench_function("xor", |b| {
        b.iter(|| {
            out.clear();
            encode_xor(black_box(ts), black_box(vs), &mut out).expect("120 samples");
        });
    });
    group.bench_function("xor2, start timestamps", |b| {
        b.iter(|| encode_xor2(black_box(ts), black_box(vs), &starts).expect("120 samples"));
    });
    group.finish();
}

fn blocks(c: &mut Criterion) {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a folder")).collect();
    let later = SAMPLES * 15_000 + 30_000;
    let [first, replica, next] =
        [(0, 0), (1, 4_000), (2, later)].map(|(i, from)| write(dirs[i].path(), from));
    let mut group = c.benchmark_group("block");
    group.sample_size(10);
    let each = u64::from(SERIES) * SAMPLES as u64;
    let run = |inputs: &[MergeInput], mode| {
        let out = tempfile::tempdir().expect("a folder");
        let options = MergeOptions::new(mode, i64::MIN, i64::MAX);
        merge_blocks(inputs, out.path(), &options, &mut |_| Ok(())).expect("a merge")
    };
    group.throughput(Throughput::Elements(2 * each));
    let apart = [first.clone(), next];
    group.bench_function("merge, nothing overlaps", |b| b.iter(|| run(&apart, MergeMode::Compact)));
    let replicas = [first.clone(), replica];
    group.bench_function("merge, everything overlaps", |b| b.iter(|| run(&replicas, MergeMode::Compact)));
    group.bench_function("dedup by penalty", |b| b.iter(|| run(&replicas, MergeMode::Penalty)));
    group.throughput(Throughput::Elements(each));
    group.bench_function("downsample to 5m", |b| {
        b.iter(|| {
            let out = tempfile::tempdir().expect("a folder");
            let options = DownsampleOptions::new(0, FIVE_MINUTES);
            downsample_block(&first, out.path(), &options, &mut |_| Ok(())).expect("a block")
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_millis(800)).sample_size(20);
    targets = encode, blocks
}
criterion_main!(benches);
