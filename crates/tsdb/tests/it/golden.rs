//! Blocks written by Prometheus and Thanos, read sample by sample and compared with what the Go programs read.

use std::collections::BTreeMap;
use std::path::Path;

use model::histogram::{CounterResetHint, FloatHistogram, Histogram, Span};
use model::labels::LabelsWriter;
use model::matcher::Matcher;
use model::series::{SampleBuffer, SeriesSet};
use serde_json::{Value, json};
use tsdb::block::BlockReader;
use tsdb::chunk::float_histogram::FloatHistogramDecoder;
use tsdb::chunk::histogram::{HistogramDecoder, counter_reset_header};
use tsdb::chunk::{
    AggregateChunk, AggregateKind, CounterResetHeader, Encoding, XorAppender, decode_into, sample_count,
};
use tsdb::index::SeriesEntry;
use tsdb::meta::BlockMeta;
use tsdb::postings::PostingsSource;

use crate::shared;

fn hex(v: f64) -> Value {
    json!(format!("{:016x}", v.to_bits()))
}

fn spans(spans: &[Span]) -> Value {
    spans.iter().map(|s| json!([s.offset, s.length])).collect()
}

fn hint(hint: CounterResetHint) -> u8 {
    match hint {
        CounterResetHint::Unknown => 0,
        CounterResetHint::CounterReset => 1,
        CounterResetHint::NotCounterReset => 2,
        CounterResetHint::Gauge => 3,
    }
}

fn integer(h: &Histogram) -> Value {
    json!({
        "hint": hint(h.counter_reset_hint), "schema": h.schema, "zt": hex(h.zero_threshold), "zc": h.zero_count,
        "count": h.count, "sum": hex(h.sum), "ps": spans(&h.positive_spans), "pb": h.positive_buckets,
        "ns": spans(&h.negative_spans), "nb": h.negative_buckets,
        "cv": h.custom_values.iter().map(|v| hex(*v)).collect::<Value>(),
    })
}

fn float(h: &FloatHistogram) -> Value {
    let hexes = |values: &[f64]| values.iter().map(|v| hex(*v)).collect::<Value>();
    json!({
        "hint": hint(h.counter_reset_hint), "schema": h.schema, "zt": hex(h.zero_threshold), "zc": hex(h.zero_count),
        "count": hex(h.count), "sum": hex(h.sum), "ps": spans(&h.positive_spans), "pb": hexes(&h.positive_buckets),
        "ns": spans(&h.negative_spans), "nb": hexes(&h.negative_buckets), "cv": hexes(&h.custom_values),
    })
}

/// Missing and null lists are empty ones.
fn normal(want: &Value) -> Value {
    let mut want = want.clone();
    if let Some(h) = want.get_mut(1).and_then(Value::as_object_mut) {
        for key in ["ps", "pb", "ns", "nb", "cv"] {
            let entry = h.entry(key).or_insert(Value::Null);
            if entry.is_null() {
                *entry = json!([]);
            }
        }
    }
    want
}

/// The samples of a chunk in the golden form, as integer histograms where it holds these.
fn samples(encoding: Encoding, data: &[u8], with_start: bool) -> Vec<Value> {
    let mut out = Vec::new();
    let mut push = |t: i64, v: Value, start: i64| {
        out.push(if with_start { json!([t, v, start]) } else { json!([t, v]) });
    };
    let mut columns = SampleBuffer::new();
    decode_into(encoding, data, &mut columns).unwrap();
    let start_of = |i: usize| columns.start_timestamps.get(i).copied().unwrap_or_default();
    match encoding {
        Encoding::Histogram | Encoding::HistogramSt => {
            let mut decoder = HistogramDecoder::new(encoding, data).unwrap();
            let mut i = 0;
            while let Some(t) = decoder.next_sample().unwrap() {
                let h = decoder.histogram();
                push(t, integer(&h), decoder.start_timestamp());
                // The columns have the same as floats.
                let in_column = columns.histograms[i].as_ref().unwrap();
                assert_eq!(float(in_column), float(&as_float(&h)));
                assert_eq!((columns.timestamps[i], start_of(i)), (t, decoder.start_timestamp()));
                i += 1;
            }
            assert_eq!(i, columns.len());
        }
        Encoding::FloatHistogram | Encoding::FloatHistogramSt => {
            let mut decoder = FloatHistogramDecoder::new(encoding, data).unwrap();
            let mut i = 0;
            while let Some(t) = decoder.next_sample().unwrap() {
                let h = columns.histograms[i].as_ref().unwrap();
                assert_eq!(float(h), float(&decoder.float_histogram()));
                push(t, float(h), start_of(i));
                i += 1;
            }
        }
        _ => {
            for i in 0..columns.len() {
                push(columns.timestamps[i], hex(columns.floats[i]), start_of(i));
            }
        }
    }
    assert_eq!(out.len(), sample_count(encoding, data).unwrap());
    out
}

fn as_float(h: &Histogram) -> FloatHistogram {
    let absolute = |deltas: &[i64]| {
        let mut count = 0;
        let add = |d: &i64| {
            count += d;
            count as f64
        };
        deltas.iter().map(add).collect()
    };
    FloatHistogram {
        counter_reset_hint: h.counter_reset_hint,
        schema: h.schema,
        zero_threshold: h.zero_threshold,
        zero_count: h.zero_count as f64,
        count: h.count as f64,
        sum: h.sum,
        positive_spans: h.positive_spans.clone(),
        negative_spans: h.negative_spans.clone(),
        positive_buckets: absolute(&h.positive_buckets),
        negative_buckets: absolute(&h.negative_buckets),
        custom_values: h.custom_values.clone(),
    }
}

/// Decodes a chunk and encodes its samples again, which gives the same bytes but for the reset header of histograms: that
/// tells of the chunk before.
pub(crate) fn check_encoding(encoding: Encoding, data: &[u8], what: &str) {
    let mut buffer = SampleBuffer::new();
    decode_into(encoding, data, &mut buffer).unwrap();
    let (ts, vs) = (&buffer.timestamps, &buffer.floats);
    let (mut want, mut got) = (data.to_vec(), Vec::new());
    match encoding {
        Encoding::Xor => tsdb::chunk::encode_xor(ts, vs, &mut got).unwrap(),
        Encoding::Xor2 => got = tsdb::chunk::encode_xor2(ts, vs, &buffer.start_timestamps).unwrap(),
        _ => {
            let built = tsdb::merge::without_deleted(encoding, data, &[]).unwrap();
            assert_eq!(built.len(), 1, "{what}");
            got.clone_from(&built[0].data);
            if built[0].encoding != encoding {
                // Of a chunk for start timestamps in which there are none the samples are written the same way.
                assert_eq!(data[2], 0, "{what}");
                assert!(got[3..] == want[3..], "{what}");
                return;
            }
            for bytes in [&mut want, &mut got] {
                match encoding {
                    Encoding::HistogramSt | Encoding::FloatHistogramSt => bytes[0] &= 0x3f,
                    _ => bytes[2] = 0,
                }
            }
        }
    }
    assert!(got == want, "{what}: {} bytes, {} were there", got.len(), want.len());
}

/// Compares one chunk; returns how many samples it had.
pub(crate) fn check_chunk(
    want: &Value,
    encoding: Encoding,
    data: &[u8],
    seen: &mut BTreeMap<String, usize>,
    what: &str,
) {
    assert_eq!(want["enc"], encoding.to_string(), "{what}");
    assert_eq!(want["bytes"], data.len(), "{what}");
    if encoding == Encoding::Aggregate {
        let chunk = AggregateChunk::parse(data).unwrap();
        for kind in AggregateKind::ALL {
            match (want["aggr"].get(kind.to_string()), chunk.get(kind)) {
                (None | Some(Value::Null), None) => {}
                (Some(want), Some((encoding, data))) => {
                    check_chunk(want, encoding, data, seen, &format!("{what} {kind}"))
                }
                (want, got) => panic!("{what} {kind}: want {want:?}, got {got:?}"),
            }
        }
    } else {
        let empty = Vec::new();
        let want_samples = want["samples"].as_array().unwrap_or(&empty);
        let with_start = want_samples.first().is_some_and(|s| s.get(2).is_some());
        let got = samples(encoding, data, with_start);
        assert_eq!(got.len(), want_samples.len(), "{what}");
        for (i, (got, want)) in got.iter().zip(want_samples).enumerate() {
            assert_eq!(got, &normal(want), "{what}, sample {i}");
        }
        *seen.entry(encoding.to_string()).or_default() += got.len();
        if encoding.is_histogram() {
            let reset = match counter_reset_header(encoding, data).unwrap() {
                CounterResetHeader::Unknown => "unknown",
                CounterResetHeader::CounterReset => "reset",
                CounterResetHeader::NotCounterReset => "notreset",
                CounterResetHeader::Gauge => "gauge",
            };
            assert_eq!(want["reset"], reset, "{what}");
        }
        // The block with the old index has a spare byte at the end of each chunk, as they were written then.
        if encoding == Encoding::Xor && !what.contains("01DXXFZDYD1MQW6079WK0K6EDQ") {
            let mut columns = SampleBuffer::new();
            decode_into(encoding, data, &mut columns).unwrap();
            let mut app = XorAppender::new();
            for (t, v) in columns.timestamps.iter().zip(&columns.floats) {
                app.append(*t, *v).unwrap();
            }
            assert_eq!(app.bytes(), data, "{what}: written again");
            // In two parts, with the state taken from the first one's bytes.
            let half = columns.len().div_ceil(2).max(3).min(columns.len());
            let mut app = XorAppender::new();
            for i in 0..half {
                app.append(columns.timestamps[i], columns.floats[i]).unwrap();
            }
            if columns.floats[..half].iter().any(|v| v.to_bits() != columns.floats[0].to_bits()) {
                app = XorAppender::resume(app.bytes()).unwrap();
            }
            for i in half..columns.len() {
                app.append(columns.timestamps[i], columns.floats[i]).unwrap();
            }
            assert_eq!(app.bytes(), data, "{what}: resumed");
        }
    }
    assert_eq!(want["n"], sample_count(encoding, data).unwrap(), "{what}");
}

/// Compares all blocks of an archive with a samples file; returns the number of samples by encoding.
fn check(golden: &Path, archives: &[&str], samples: &str) -> BTreeMap<String, usize> {
    let dir = tempfile::tempdir().unwrap();
    for archive in archives {
        shared::unpack(&golden.join(archive), dir.path());
    }
    let mut seen = BTreeMap::new();
    let mut blocks: BTreeMap<String, (BlockReader, Vec<u32>)> = BTreeMap::new();
    for block in shared::block_dirs(dir.path()) {
        check_meta(&block);
        let reader = BlockReader::open(&block).unwrap();
        let postings = reader.index().all_postings().unwrap();
        blocks.insert(reader.meta().ulid.to_string(), (reader, postings));
    }
    let mut series_of: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut entry = SeriesEntry::new();
    let mut writer = LabelsWriter::new();
    for line in shared::json_lines(&golden.join(samples)) {
        let id = line["block"].as_str().unwrap();
        let (block, _) = blocks.get(id).unwrap_or_else(|| panic!("{samples}: block {id}"));
        let reference = line["ref"].as_u64().unwrap() as u32;
        series_of.entry(id.to_owned()).or_default().push(reference);
        block.index().series(reference, i64::MIN, i64::MAX, &mut entry).unwrap();
        let labels = block.index().labels(&entry, &mut writer).unwrap();
        let what = format!("{samples}: block {id} series {reference} {labels}");
        let got: Value = labels.iter().map(|(n, v)| json!([n, v])).collect();
        assert_eq!(got, line["labels"].as_array().cloned().map_or(json!([]), Value::from), "{what}");
        let empty = Vec::new();
        let chunks = line["chunks"].as_array().unwrap_or(&empty);
        assert_eq!(entry.chunks.len(), chunks.len(), "{what}");
        for (i, (meta, want)) in entry.chunks.iter().zip(chunks).enumerate() {
            let what = format!("{what} chunk {i}");
            assert_eq!(
                (json!(meta.mint), json!(meta.maxt)),
                (want["mint"].clone(), want["maxt"].clone()),
                "{what}"
            );
            let (encoding, data) = block.chunk(meta.reference).unwrap();
            check_chunk(want, encoding, &data, &mut seen, &what);
        }
    }
    for (id, series) in &series_of {
        assert_eq!(series, &blocks[id].1, "{samples}: order of the series of block {id}");
    }
    seen
}

/// A meta.json is written as it was read.
fn check_meta(dir: &Path) {
    let bytes = std::fs::read(dir.join("meta.json")).unwrap();
    let meta = BlockMeta::from_json(&bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    if text.starts_with("{\n\t\"version\"") {
        // Of a Prometheus so old that it wrote the keys in another order.
        return;
    }
    let got = if text.contains("\"thanos\"") { meta.to_json() } else { meta.to_prometheus_json() };
    assert_eq!(String::from_utf8(got.unwrap()).unwrap(), text, "{}", dir.display());
}

#[test]
fn raw_blocks_are_read_sample_by_sample() {
    let Some(golden) = shared::golden() else { return };
    let seen = check(&golden, &["raw/blocks.tar.zst"], "raw/samples.jsonl.gz");
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["XOR", "floathistogram", "histogram"]);
    assert_eq!(seen.values().sum::<usize>(), 18508 + 141 + 1356 + 3120 + 2497 + 102);
}

#[test]
fn start_timestamp_encodings_are_read_sample_by_sample() {
    let Some(golden) = shared::golden() else { return };
    let seen =
        check(&golden, &["raw/blocks-start-timestamps.tar.zst"], "raw/samples-start-timestamps.jsonl.gz");
    assert_eq!(
        seen.keys().collect::<Vec<_>>(),
        ["XOR2", "floathistogram", "floathistogramST", "histogram", "histogramST"]
    );
}

#[test]
fn downsampled_blocks_are_read_sample_by_sample() {
    let Some(golden) = shared::golden() else { return };
    for (archive, samples) in [
        ("downsample/blocks-raw.tar.zst", "downsample/samples-raw.jsonl.gz"),
        ("downsample/blocks-5m.tar.zst", "downsample/samples-5m.jsonl.gz"),
        ("downsample/blocks-1h.tar.zst", "downsample/samples-1h.jsonl.gz"),
        ("downsample/two-days-5m-1h.tar.zst", "downsample/samples-two-days-5m-1h.jsonl.gz"),
    ] {
        assert!(!check(&golden, &[archive], samples).is_empty());
    }
}

#[test]
fn compacted_blocks_are_read_sample_by_sample() {
    let Some(golden) = shared::golden() else { return };
    for (archives, samples) in [
        (&["compact/source-2h.tar.zst"][..], "compact/samples-source-2h.jsonl.gz"),
        (&["compact/compacted.tar.zst"], "compact/samples-compacted-8h.jsonl.gz"),
        (&["compact/compacted.tar.zst"], "compact/samples-compacted-2d.jsonl.gz"),
        (
            &[
                "compact/faulty-outside-source.tar.zst",
                "compact/faulty-order-source.tar.zst",
                "compact/faulty-order-skipped-compacted.tar.zst",
            ],
            "compact/samples-faulty.jsonl.gz",
        ),
        (&["vertical/penalty-source.tar.zst"], "vertical/penalty-samples-source.jsonl.gz"),
        (&["vertical/penalty-compacted.tar.zst"], "vertical/penalty-samples-compacted.jsonl.gz"),
        (&["vertical/plain-source.tar.zst"], "vertical/plain-samples-source.jsonl.gz"),
        (&["vertical/plain-compacted.tar.zst"], "vertical/plain-samples-compacted.jsonl.gz"),
        (&["vertical/plain-twins-source.tar.zst"], "vertical/plain-twins-samples-source.jsonl.gz"),
        (&["vertical/plain-twins-compacted.tar.zst"], "vertical/plain-twins-samples-compacted.jsonl.gz"),
    ] {
        assert!(!check(&golden, archives, samples).is_empty());
    }
}

#[test]
fn tombstones_are_read_and_applied() {
    let Some(golden) = shared::golden() else { return };
    let dir = shared::unpacked(&golden.join("raw/blocks.tar.zst"));
    let facts: Value =
        serde_json::from_slice(&std::fs::read(golden.join("raw/facts.json")).unwrap()).unwrap();
    let open = |name: &str| {
        BlockReader::open(dir.path().join(facts["blocks"][name]["id"].as_str().unwrap())).unwrap()
    };
    let block = open("tombstones");
    let got: Value = block
        .tombstones()
        .iter()
        .map(|(reference, list)| {
            let intervals: Value = list.iter().map(|i| json!([i.mint, i.maxt])).collect();
            json!({"ref": reference, "intervals": intervals})
        })
        .collect();
    let want = &facts["tombstones"][block.meta().ulid.to_string()];
    assert_eq!(&got, want);
    let bytes = std::fs::read(block.dir().join("tombstones")).unwrap();
    assert_eq!(
        tsdb::tombstones::Tombstones::decode(&block.tombstones().encode()).unwrap(),
        *block.tombstones()
    );
    assert_eq!(block.tombstones().encode().len(), bytes.len());

    let everything = |block: &BlockReader| {
        let mut set = block.select(&[Matcher::equal("", "")], i64::MIN, i64::MAX).unwrap();
        let mut out = Vec::new();
        while let Some(series) = set.next_series() {
            let series = series.unwrap();
            let mut samples = SampleBuffer::new();
            series.samples.samples_into(i64::MIN, i64::MAX, &mut samples).unwrap();
            let values: Vec<_> = (0..samples.len())
                .map(|i| {
                    let h = samples.histograms.get(i).cloned().flatten().map(|h| {
                        // What is known of resets depends on where chunks start, which differs.
                        float(&FloatHistogram {
                            counter_reset_hint: CounterResetHint::Unknown,
                            ..(*h).clone()
                        })
                    });
                    (samples.timestamps[i], samples.floats[i].to_bits(), h)
                })
                .collect();
            if !values.is_empty() {
                out.push((series.labels.to_string(), values));
            }
        }
        out
    };
    let (deleted, cleaned) = (everything(&block), everything(&open("tombstones-cleaned")));
    assert!(!cleaned.is_empty());
    assert_eq!(deleted, cleaned);
}
