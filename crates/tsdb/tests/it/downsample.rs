//! Downsampling the golden blocks gives what Thanos made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::histogram::{FloatHistogram, Span};
use model::labels::LabelsWriter;
use model::series::{SampleBuffer, SampleRef};
use tsdb::chunk::{AggregateChunk, AggregateKind, Encoding, decode_into, sample_count};
use tsdb::chunkfile::ChunkReader;
use tsdb::downsample::{DownsampleOptions, FIVE_MINUTES, ONE_HOUR, downsample_block};
use tsdb::index::{IndexReader, SeriesEntry};
use tsdb::merge::MergeInput;
use tsdb::meta::BlockMeta;
use tsdb::postings::PostingsSource;

use crate::rewrite::same_files;
use crate::shared;

/// Times, encoding and data of chunks.
type Chunks = Vec<(i64, i64, Encoding, Vec<u8>)>;
type Contents = BTreeMap<String, Chunks>;

fn contents(block: &Path) -> Contents {
    let index = IndexReader::open(block.join("index")).unwrap();
    let chunks = ChunkReader::open(block.join("chunks")).unwrap();
    let (mut entry, mut writer) = (SeriesEntry::new(), LabelsWriter::new());
    let mut out = Contents::new();
    for reference in index.all_postings().unwrap() {
        index.series(reference, i64::MIN, i64::MAX, &mut entry).unwrap();
        let list = entry.chunks.iter().map(|c| {
            let (encoding, data) = chunks.chunk(c.reference).unwrap();
            (c.mint, c.maxt, encoding, data.to_vec())
        });
        out.insert(index.labels(&entry, &mut writer).unwrap().to_string(), list.collect());
    }
    out
}

fn downsample(block: &Path, out: &Path, threads: usize) -> tsdb::merge::Merged {
    let meta = BlockMeta::read_dir(block).unwrap();
    let from = meta.thanos.downsample.resolution;
    let mut options = DownsampleOptions::new(from, if from == 0 { FIVE_MINUTES } else { ONE_HOUR });
    options.threads = threads;
    downsample_block(&MergeInput::open(block).unwrap(), out, &options, &mut |_| Ok(())).unwrap()
}

/// Series in which Thanos loses windows of sum and counter.
const LOSSY: [&str; 1] = [r#"case="zero-threshold-change""#];

/// Compares with Thanos's block.
fn check(name: &str, source: &Path, want: &Path, wrong: &mut Vec<String>) {
    let (out, parallel) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = downsample(source, out.path(), 1);
    assert_eq!(made, downsample(source, parallel.path(), 3));
    same_files(out.path(), parallel.path());

    let (ours, theirs) = (contents(out.path()), contents(want));
    if !ours.keys().eq(theirs.keys()) {
        wrong.push(format!(
            "{name}: other series {:?}",
            ours.keys().filter(|k| !theirs.contains_key(*k)).collect::<Vec<_>>()
        ));
    }
    let (mut lossy, mut same) = (0, true);
    for (series, chunks) in &theirs {
        let Some(found) = ours.get(series) else {
            wrong.push(format!("{name}: no {series}"));
            continue;
        };
        if LOSSY.iter().any(|l| series.contains(l)) {
            lossy += 1;
            check_lossy(&format!("{name}: {series}"), found, chunks);
        } else if found != chunks {
            same = false;
            if samples(found) != samples(chunks) {
                wrong.push(format!("{name}: {series}"));
            }
        }
    }
    if lossy == 0 && same && wrong.is_empty() {
        same_files(want, out.path());
        let stats = BlockMeta::read_dir(want).unwrap().stats;
        assert_eq!(
            (made.stats.num_samples, made.stats.num_chunks, made.stats.num_series),
            (stats.num_samples, stats.num_chunks, stats.num_series)
        );
    }
}

/// Times of chunks, and all samples of all aggregates, histograms by the indices of their buckets: sums of histograms are
/// spelt with other spans than Go's where spans touch.
fn samples(chunks: &Chunks) -> Vec<String> {
    let mut out = Vec::new();
    for (mint, maxt, _, data) in chunks {
        out.push(format!("{mint} {maxt}"));
        let parsed = AggregateChunk::parse(data).unwrap();
        for kind in AggregateKind::ALL {
            let Some((encoding, data)) = parsed.get(kind) else { continue };
            let mut buffer = SampleBuffer::new();
            decode_into(encoding, data, &mut buffer).unwrap();
            for i in 0..buffer.len() {
                let t = buffer.timestamps[i];
                out.push(match buffer.sample(i) {
                    SampleRef::Float(v) => format!("{kind} {t} {:x}", v.to_bits()),
                    SampleRef::Histogram(h) => format!("{kind} {t} {}", histogram(h)),
                });
            }
        }
    }
    out
}

fn histogram(h: &FloatHistogram) -> String {
    let side = |spans: &[Span], counts: &[f64]| {
        let mut next = 0i64;
        let indices = spans.iter().flat_map(|s| {
            let start = next + i64::from(s.offset);
            next = start + i64::from(s.length);
            start..next
        });
        indices.zip(counts).map(|(i, c)| format!("{i}:{:x}", c.to_bits())).collect::<Vec<_>>().join(",")
    };
    let numbers = [h.zero_threshold, h.zero_count, h.count, h.sum].map(f64::to_bits);
    let (positive, negative) =
        (side(&h.positive_spans, &h.positive_buckets), side(&h.negative_spans, &h.negative_buckets));
    format!(
        "{:?} {} {numbers:x?} {positive} {negative} {:?}",
        h.counter_reset_hint, h.schema, h.custom_values
    )
}

/// Sum and counter in as many windows as Thanos counts samples in.
fn check_lossy(name: &str, ours: &Chunks, theirs: &Chunks) {
    let windows = |chunks: &Chunks, kind| -> usize {
        let parts = chunks.iter().map(|(.., data)| AggregateChunk::parse(data).unwrap());
        parts.map(|p| p.get(kind).map_or(0, |(e, d)| sample_count(e, d).unwrap())).sum()
    };
    let raw = name.contains("raw to");
    for kind in [AggregateKind::Count, AggregateKind::Sum, AggregateKind::Counter] {
        // Of blocks that Thanos downsampled before, what it lost is gone.
        let least = windows(theirs, if raw { AggregateKind::Count } else { kind });
        assert!(windows(ours, kind) >= least, "{name}: {kind}");
    }
}

#[test]
fn makes_of_blocks_what_thanos_makes() {
    let Some(golden) = shared::golden() else { return };
    let facts = std::fs::read(golden.join("downsample/facts.json")).unwrap();
    let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap();
    let unpacked: Vec<_> = [
        "downsample/blocks-raw",
        "downsample/blocks-5m",
        "downsample/blocks-1h",
        "downsample/two-days-5m-1h",
        "compact/compacted",
    ]
    .iter()
    .map(|name| shared::unpacked(&golden.join(format!("{name}.tar.zst"))))
    .collect();
    let blocks: BTreeMap<String, PathBuf> = unpacked
        .iter()
        .flat_map(|dir| shared::block_dirs(dir.path()))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    let mut wrong = Vec::new();
    for fact in facts.as_array().unwrap() {
        let block = |key: &str| &blocks[fact[key].as_str().unwrap()];
        for (source, want) in [("raw", "5m"), ("5m", "1h")] {
            let name = format!("{} {source} to {want}", fact["data"].as_str().unwrap());
            check(&name, block(source), block(want), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
