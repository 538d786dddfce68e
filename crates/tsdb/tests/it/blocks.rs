//! Small blocks made of samples, and samples read back out of blocks.

use std::collections::BTreeMap;
use std::path::Path;

use model::histogram::Histogram;
use model::labels::LabelsWriter;
use tsdb::chunk::append::{Built, HistogramBuilder, Incoming};
use tsdb::chunk::histogram::HistogramDecoder;
use tsdb::chunk::{Encoding, decode_into, encode_xor, encode_xor2};
use tsdb::chunkfile::ChunkReader;
use tsdb::index::{ChunkMeta, IndexReader, SeriesEntry};
use tsdb::meta::{BlockMeta, Stats};
use tsdb::postings::PostingsSource;
use tsdb::write::{DEFAULT_SEGMENT_SIZE, IndexWriter, SegmentWriter};
use ulid::Ulid;

/// A value with its start timestamp, 0 for none; floats by their bits, so that NaN equals itself.
#[derive(Debug, Clone)]
pub(crate) enum Sample {
    Float(u64, i64),
    Histogram(Box<Histogram>, i64),
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

/// Samples of a series by time.
pub(crate) type Samples = BTreeMap<i64, Sample>;

/// Chunks of a run of samples of one kind.
pub(crate) fn chunks(samples: &[(i64, Sample)]) -> Vec<Built> {
    let kind = |s: &Sample| match s {
        Sample::Float(_, start) => (0, *start != 0),
        Sample::Histogram(_, start) => (1, *start != 0),
    };
    let mut out = Vec::new();
    for run in samples.chunk_by(|a, b| kind(&a.1) == kind(&b.1)) {
        let (mut ts, mut vs, mut sts) = (Vec::new(), Vec::new(), Vec::new());
        let mut builder = HistogramBuilder::new();
        for (t, sample) in run {
            match sample {
                Sample::Float(bits, start) => {
                    ts.push(*t);
                    vs.push(f64::from_bits(*bits));
                    sts.push(*start);
                }
                Sample::Histogram(h, start) => {
                    out.extend(builder.append(Incoming::integer(*t, h).started(*start)));
                }
            }
        }
        out.extend(builder.close());
        let (Some(mint), Some(maxt)) = (ts.first().copied(), ts.last().copied()) else { continue };
        let (encoding, data) = if sts[0] == 0 {
            let mut data = Vec::new();
            encode_xor(&ts, &vs, &mut data).unwrap();
            (Encoding::Xor, data)
        } else {
            (Encoding::Xor2, encode_xor2(&ts, &vs, &sts).unwrap())
        };
        out.push(Built { encoding, data, mint, maxt, samples: ts.len() });
    }
    out
}

/// Writes a block of series, named by numbers, each of chunks in the order of time.
pub(crate) fn write_block(dir: &Path, series: &BTreeMap<u32, Vec<Built>>) -> BlockMeta {
    let mut index = IndexWriter::create(dir.join("index")).unwrap();
    let mut segments = SegmentWriter::create(dir.join("chunks"), DEFAULT_SEGMENT_SIZE).unwrap();
    let values: Vec<String> = series.keys().map(|n| format!("series_{n:04}")).collect();
    let name = index.add_symbol("__name__").unwrap();
    let values: Vec<u32> = values.iter().map(|v| index.add_symbol(v).unwrap()).collect();
    let mut stats = Stats::default();
    let (mut mint, mut maxt) = (i64::MAX, i64::MIN);
    for (chunks, value) in series.values().zip(values) {
        segments.begin_series();
        let mut metas = Vec::new();
        for chunk in chunks {
            let reference = segments.write(chunk.encoding, &chunk.data).unwrap();
            metas.push(ChunkMeta { mint: chunk.mint, maxt: chunk.maxt, reference });
            (mint, maxt) = (mint.min(chunk.mint), maxt.max(chunk.maxt));
            stats.num_samples += chunk.samples as u64;
            stats.num_chunks += 1;
        }
        index.add_series(&[(name, value)], &metas).unwrap();
        stats.num_series += 1;
    }
    segments.finish().unwrap();
    index.finish().unwrap();
    let mut meta = BlockMeta::new(Ulid::generate(), mint.min(maxt), maxt.max(mint).saturating_add(1));
    meta.stats = stats;
    meta.compaction.sources = vec![meta.ulid];
    meta.compaction.level = 1;
    meta.write_prometheus_dir(dir).unwrap();
    meta
}

/// Encoding and data of the chunks of each series.
pub(crate) fn read_chunks(dir: &Path) -> BTreeMap<u32, Vec<(ChunkMeta, Encoding, Vec<u8>)>> {
    let index = IndexReader::open(dir.join("index")).unwrap();
    let chunks = ChunkReader::open(dir.join("chunks")).unwrap();
    let (mut entry, mut writer) = (SeriesEntry::new(), LabelsWriter::new());
    let mut out = BTreeMap::new();
    for reference in index.all_postings().unwrap() {
        index.series(reference, i64::MIN, i64::MAX, &mut entry).unwrap();
        let labels = index.labels(&entry, &mut writer).unwrap();
        let number = labels.get("__name__").unwrap().trim_start_matches("series_").parse().unwrap();
        let list = entry.chunks.iter().map(|c| {
            let (encoding, data) = chunks.chunk(c.reference).unwrap();
            (*c, encoding, data.to_vec())
        });
        out.insert(number, list.collect());
    }
    out
}

/// All samples of a block, as stored; what is known of counter resets is left out, as merging changes it.
pub(crate) fn read_samples(dir: &Path) -> BTreeMap<u32, Samples> {
    let mut out = BTreeMap::new();
    for (number, chunks) in read_chunks(dir) {
        let mut samples = Samples::new();
        let mut last = i64::MIN;
        let mut add = |t: i64, sample| {
            assert!(t > last, "samples of series {number} ascend");
            last = t;
            samples.insert(t, sample);
        };
        for (meta, encoding, data) in chunks {
            let mut bounds = Vec::new();
            if encoding.is_histogram() {
                let mut decoder = HistogramDecoder::new(encoding, &data).unwrap();
                while let Some(t) = decoder.next_sample().unwrap() {
                    let mut h = decoder.histogram();
                    h.counter_reset_hint = Default::default();
                    add(t, Sample::Histogram(Box::new(h), decoder.start_timestamp()));
                    bounds.push(t);
                }
            } else {
                let mut buffer = model::series::SampleBuffer::new();
                decode_into(encoding, &data, &mut buffer).unwrap();
                for (i, (t, v)) in buffer.timestamps.iter().zip(&buffer.floats).enumerate() {
                    let start = buffer.start_timestamps.get(i).copied().unwrap_or(0);
                    add(*t, Sample::Float(v.to_bits(), start));
                    bounds.push(*t);
                }
            }
            assert_eq!((bounds.first(), bounds.last()), (Some(&meta.mint), Some(&meta.maxt)));
        }
        out.insert(number, samples);
    }
    out
}
