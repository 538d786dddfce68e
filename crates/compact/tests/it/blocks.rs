//! Real blocks, small and made here, and what is in the blocks of a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bucket::fetcher::{Counts, Metas};
use bucket::filters::{Deduplicate, MetaFilter};
use bucket::marks::{self, DeletionMark};
use bucket::upload::{UploadOptions, upload};
use model::histogram::{CounterResetHint, Histogram, Span};
use model::labels::Labels;
use model::series::{SampleBuffer, SampleRef, SeriesSet};
use objstore::{Bucket, IterOptions};
use tempfile::TempDir;
use tsdb::block::BlockReader;
use tsdb::chunk::append::{HistogramBuilder, Incoming};
use tsdb::chunk::{AggregateKind, Encoding, XorAppender};
use tsdb::index::ChunkMeta;
use tsdb::meta::BlockMeta;
use tsdb::postings::PostingsSource;
use tsdb::write::{DEFAULT_SEGMENT_SIZE, IndexWriter, SegmentWriter};
use ulid::Ulid;

/// An hour in ms.
pub(crate) const H: i64 = 3_600_000;

/// Most samples of a chunk, as Prometheus has it.
const CHUNK: usize = 120;

/// The system's time in ms: results are named by it, so that test clocks start from it.
pub(crate) fn present_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis() as i64
}

/// A directory in memory where there is one: blocks are synced to disk file by file, which these tests have no use for.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).expect("a directory in memory"),
        false => tempfile::tempdir().expect("a directory"),
    }
}

/// The value of a sample.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    /// A native histogram with so many observations.
    Histogram(u64),
}

/// A series of a block.
#[derive(Clone, Debug)]
pub(crate) struct TestSeries {
    pub(crate) labels: Labels,
    pub(crate) samples: Vec<(i64, Value)>,
}

impl TestSeries {
    pub(crate) fn floats(name: &str, samples: impl IntoIterator<Item = (i64, f64)>) -> Self {
        Self {
            labels: Labels::from_pairs([("__name__", name), ("job", "crane")]),
            samples: samples.into_iter().map(|(t, v)| (t, Value::Float(v))).collect(),
        }
    }

    pub(crate) fn histograms(name: &str, samples: impl IntoIterator<Item = (i64, u64)>) -> Self {
        Self {
            labels: Labels::from_pairs([("__name__", name), ("job", "crane")]),
            samples: samples.into_iter().map(|(t, v)| (t, Value::Histogram(v))).collect(),
        }
    }
}

/// A histogram whose buckets follow from the number of observations.
pub(crate) fn histogram(count: u64) -> Histogram {
    let first = count / 3;
    Histogram {
        counter_reset_hint: CounterResetHint::Unknown,
        schema: 1,
        zero_threshold: 1e-128,
        zero_count: count - 2 * first,
        count,
        sum: count as f64 * 1.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        negative_spans: vec![],
        positive_buckets: vec![first as i64, 0],
        negative_buckets: vec![],
        custom_values: vec![],
    }
}

/// Chunks of at most 120 samples.
fn chunks(samples: &[(i64, Value)]) -> Vec<(Encoding, Vec<u8>, i64, i64)> {
    let mut chunks = Vec::new();
    for part in samples.chunks(CHUNK) {
        let (mint, maxt) = (part[0].0, part[part.len() - 1].0);
        if matches!(part[0].1, Value::Float(_)) {
            let mut appender = XorAppender::new();
            for (t, value) in part {
                let Value::Float(v) = value else { panic!("a series of one kind") };
                appender.append(*t, *v).expect("room in the chunk");
            }
            chunks.push((Encoding::Xor, appender.into_bytes(), mint, maxt));
        } else {
            let mut builder = HistogramBuilder::new();
            for (t, value) in part {
                let Value::Histogram(count) = value else { panic!("a series of one kind") };
                let closed = builder.append(Incoming::integer(*t, &histogram(*count)));
                chunks.extend(closed.map(|c| (c.encoding, c.data, c.mint, c.maxt)));
            }
            chunks.extend(builder.close().map(|c| (c.encoding, c.data, c.mint, c.maxt)));
        }
    }
    chunks
}

/// Writes a block as a shipper would upload it; `segment_size` decides how many chunk files it has.
pub(crate) fn write_block(
    parent: &Path,
    id: Ulid,
    range: std::ops::Range<i64>,
    external: &[(&str, &str)],
    series: &[TestSeries],
    segment_size: u64,
) -> PathBuf {
    let dir = parent.join(id.to_string());
    std::fs::create_dir_all(dir.join("chunks")).expect("a new directory");
    let mut index = IndexWriter::create(dir.join("index")).expect("an index");
    let mut segments = SegmentWriter::create(dir.join("chunks"), segment_size).expect("segments");
    let mut symbols: BTreeMap<String, u32> = BTreeMap::new();
    for (name, value) in series.iter().flat_map(|s| s.labels.iter()) {
        symbols.insert(name.to_owned(), 0);
        symbols.insert(value.to_owned(), 0);
    }
    for (symbol, number) in &mut symbols {
        *number = index.add_symbol(symbol).expect("symbols in order");
    }
    let mut meta = BlockMeta::new(id, range.start, range.end);
    let mut sorted: Vec<&TestSeries> = series.iter().filter(|s| !s.samples.is_empty()).collect();
    sorted.sort_by(|a, b| a.labels.cmp(&b.labels));
    for one in sorted {
        segments.begin_series();
        let mut metas = Vec::new();
        for (encoding, data, mint, maxt) in chunks(&one.samples) {
            let reference = segments.write(encoding, &data).expect("a chunk");
            metas.push(ChunkMeta { mint, maxt, reference });
        }
        let labels: Vec<(u32, u32)> = one.labels.iter().map(|(n, v)| (symbols[n], symbols[v])).collect();
        index.add_series(&labels, &metas).expect("series in order");
        meta.stats.num_series += 1;
        meta.stats.num_chunks += metas.len() as u64;
        meta.stats.num_samples += one.samples.len() as u64;
        match one.samples[0].1 {
            Value::Float(_) => meta.stats.num_float_samples += one.samples.len() as u64,
            Value::Histogram(_) => meta.stats.num_histogram_samples += one.samples.len() as u64,
        }
    }
    segments.finish().expect("segments on disk");
    index.finish().expect("an index on disk");
    meta.compaction.level = 1;
    meta.compaction.sources = vec![id];
    meta.thanos.version = 1;
    meta.thanos.source = tsdb::meta::Source::SIDECAR;
    meta.thanos.labels = external.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    meta.write_dir(&dir).expect("a meta");
    dir
}

/// Writes a block and uploads it.
pub(crate) async fn put_block(
    bucket: &dyn Bucket,
    id: Ulid,
    range: std::ops::Range<i64>,
    external: &[(&str, &str)],
    series: &[TestSeries],
) -> BlockMeta {
    let dir = scratch();
    let block = write_block(dir.path(), id, range, external, series, DEFAULT_SEGMENT_SIZE);
    put_dir(bucket, &block).await
}

/// Uploads the block in a directory.
pub(crate) async fn put_dir(bucket: &dyn Bucket, dir: &Path) -> BlockMeta {
    upload(bucket, dir, UploadOptions::default()).await.expect("an upload")
}

/// What a sample is compared by: a float's bits, or those of a histogram's count and sum.
pub(crate) type Fingerprint = (u64, u64);

/// Samples by series (external labels included) and time.
pub(crate) type Contents = BTreeMap<String, BTreeMap<i64, Fingerprint>>;

fn fingerprint(sample: SampleRef<'_>) -> Fingerprint {
    match sample {
        SampleRef::Float(v) => (v.to_bits(), 0),
        SampleRef::Histogram(h) => (h.count.to_bits(), h.sum.to_bits()),
    }
}

/// What these series hold.
pub(crate) fn expected(external: &[(&str, &str)], series: &[TestSeries]) -> Contents {
    let mut contents = Contents::new();
    for one in series.iter().filter(|s| !s.samples.is_empty()) {
        let by_time = contents.entry(key(external.iter().copied(), &one.labels)).or_default();
        for (t, value) in &one.samples {
            let print = match value {
                Value::Float(v) => fingerprint(SampleRef::Float(*v)),
                Value::Histogram(n) => fingerprint(SampleRef::Histogram(&Arc::new(histogram(*n).to_float()))),
            };
            by_time.insert(*t, print);
        }
    }
    contents
}

/// Adds the samples of `more` to `contents`.
pub(crate) fn add(contents: &mut Contents, more: Contents) {
    for (series, samples) in more {
        contents.entry(series).or_default().extend(samples);
    }
}

fn key<'a>(external: impl Iterator<Item = (&'a str, &'a str)>, labels: &Labels) -> String {
    let external: Vec<String> = external.map(|(n, v)| format!("{n}={v}")).collect();
    format!("{} {labels}", external.join(","))
}

/// Reads the blocks; a sample that two of them have is a panic that names `what`. Of downsampled blocks the counts are read.
pub(crate) async fn contents<'a>(
    bucket: &dyn Bucket,
    blocks: impl IntoIterator<Item = &'a Arc<BlockMeta>>,
    what: &str,
) -> Contents {
    aggregates(bucket, blocks, AggregateKind::Count, what).await
}

/// As [`contents`], of downsampled blocks this aggregate.
pub(crate) async fn aggregates<'a>(
    bucket: &dyn Bucket,
    blocks: impl IntoIterator<Item = &'a Arc<BlockMeta>>,
    kind: AggregateKind,
    what: &str,
) -> Contents {
    let mut contents = Contents::new();
    for meta in blocks {
        let dir = scratch();
        let id = meta.ulid;
        let path = dir.path().join(id.to_string());
        let downloaded = bucket::download::download(bucket, id, &path, 2).await;
        downloaded.unwrap_or_else(|error| panic!("{what}: visible block {id}: {error}"));
        for (series, samples) in read(&path, meta, kind, what) {
            let by_time = contents.entry(series.clone()).or_default();
            for (t, print) in samples {
                let before = by_time.insert(t, print);
                assert!(before.is_none(), "{what}: sample of {series} at {t} is doubled by block {id}");
            }
        }
    }
    contents
}

fn read(dir: &Path, meta: &BlockMeta, kind: AggregateKind, what: &str) -> Contents {
    let block = BlockReader::open(dir).unwrap_or_else(|error| panic!("{what}: {error}"));
    let all = block.index().all_postings().expect("a readable index");
    let mut set = block.select_postings(all, i64::MIN, i64::MAX);
    if meta.thanos.downsample.resolution > 0 {
        set = set.with_aggregate(kind);
    }
    let mut contents = Contents::new();
    while let Some(series) = set.next_series() {
        let series = series.unwrap_or_else(|error| panic!("{what}: {error}"));
        let mut buffer = SampleBuffer::new();
        if let Err(error) = series.samples.samples_into(i64::MIN, i64::MAX, &mut buffer) {
            // Histograms have no least and greatest.
            assert!(matches!(kind, AggregateKind::Min | AggregateKind::Max), "{what}: {error}");
            continue;
        }
        let external = meta.thanos.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let by_time = contents.entry(key(external, &series.labels)).or_default();
        for at in 0..buffer.len() {
            by_time.insert(buffer.timestamps[at], fingerprint(buffer.sample(at)));
        }
    }
    contents
}

/// The whole blocks of a bucket, marked or not.
pub(crate) async fn whole(bucket: &dyn Bucket) -> Metas {
    let mut metas = Metas::new();
    for entry in bucket.list("", IterOptions::default()).await.expect("a listing") {
        let Ok(id) = entry.name.trim_end_matches('/').parse::<Ulid>() else { continue };
        if let Ok(meta) = bucket::fetcher::read_meta(bucket, id).await {
            metas.insert(id, Arc::new(meta));
        }
    }
    metas
}

/// The whole blocks that carry no deletion mark.
pub(crate) async fn unmarked(bucket: &dyn Bucket) -> Metas {
    let mut metas = whole(bucket).await;
    for id in metas.keys().copied().collect::<Vec<_>>() {
        if marks::read::<DeletionMark>(bucket, id).await.expect("a readable mark").is_some() {
            metas.remove(&id);
        }
    }
    metas
}

/// Leaves out what others cover, as stores do: a copy is only marked in the pass after the one that made it outdated.
pub(crate) async fn uncovered(mut metas: Metas) -> Metas {
    Deduplicate::new().filter(0, &mut metas, &mut Counts::default()).await.expect("a pure filter");
    metas
}

/// The raw blocks that a store gateway serves: what others cover is left out, what was marked just now is not.
pub(crate) async fn served(bucket: &dyn Bucket) -> Metas {
    let mut metas = uncovered(whole(bucket).await).await;
    metas.retain(|_, meta| meta.thanos.downsample.resolution == 0);
    metas
}

/// Checks the promise of every pass, however it ended: what is served holds each expected sample once, and what is unmarked
/// holds them all.
pub(crate) async fn check(bucket: &dyn Bucket, expected: &Contents, what: &str) {
    let served = served(bucket).await;
    let found = contents(bucket, served.values(), &format!("{what}, served")).await;
    same(&found, expected, &format!("{what}, served"));
    let mut kept = Contents::new();
    for meta in unmarked(bucket).await.values().filter(|m| m.thanos.downsample.resolution == 0) {
        add(&mut kept, contents(bucket, [meta], what).await);
    }
    same(&kept, expected, &format!("{what}, without marked blocks"));
}

/// Compares, and names the first difference.
pub(crate) fn same(found: &Contents, expected: &Contents, what: &str) {
    for (series, samples) in expected {
        let Some(has) = found.get(series) else { panic!("{what}: {series} is lost") };
        for (t, print) in samples {
            assert_eq!(has.get(t), Some(print), "{what}: {series} at {t}");
        }
        assert_eq!(has.len(), samples.len(), "{what}: samples of {series}");
    }
    assert_eq!(found.len(), expected.len(), "{what}: series");
}
