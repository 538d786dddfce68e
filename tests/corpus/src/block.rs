//! Series into a block, as a Prometheus would have written it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use model::histogram::{FloatHistogram, Histogram};
use model::labels::Labels;
use model::series::{SampleBuffer, SampleRef};
use tsdb::chunk::append::{Built, Count, HistogramBuilder, Incoming};
use tsdb::chunk::{Encoding, encode_xor, encode_xor2};
use tsdb::index::ChunkMeta;
use tsdb::meta::{BlockMeta, Source};
use tsdb::write::{DEFAULT_SEGMENT_SIZE, IndexWriter, SegmentWriter};
use ulid::Ulid;

/// Most samples of a chunk, as Prometheus has it.
const CHUNK: usize = 120;

/// Writes a block of all samples of the series into a new folder below `parent`, with these external labels. Start
/// timestamps are kept, in the encodings that have them.
pub fn write_block(
    parent: &Path,
    external: &[(&str, &str)],
    series: &[(Labels, SampleBuffer)],
) -> Result<PathBuf> {
    let id = Ulid::generate();
    let dir = parent.join(id.to_string());
    std::fs::create_dir_all(dir.join("chunks"))?;
    let mut index = IndexWriter::create(dir.join("index"))?;
    let mut segments = SegmentWriter::create(dir.join("chunks"), DEFAULT_SEGMENT_SIZE)?;
    let mut symbols: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, value) in series.iter().flat_map(|(labels, _)| labels.iter()) {
        symbols.insert(name, 0);
        symbols.insert(value, 0);
    }
    for (symbol, number) in &mut symbols {
        *number = index.add_symbol(symbol)?;
    }
    let mut meta = BlockMeta::new(id, i64::MAX, 0);
    let mut sorted: Vec<&(Labels, SampleBuffer)> = series.iter().filter(|(_, s)| !s.is_empty()).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (at, (labels, samples)) in sorted.into_iter().enumerate() {
        segments.begin_series();
        let mut metas = Vec::new();
        for chunk in chunks(samples, at % 2 == 0)? {
            let reference = segments.write(chunk.encoding, &chunk.data)?;
            metas.push(ChunkMeta { mint: chunk.mint, maxt: chunk.maxt, reference });
        }
        let labels: Vec<(u32, u32)> = labels.iter().map(|(n, v)| (symbols[n], symbols[v])).collect();
        index.add_series(&labels, &metas)?;
        meta.min_time = meta.min_time.min(samples.timestamps[0]);
        meta.max_time = meta.max_time.max(samples.timestamps[samples.len() - 1] + 1);
        meta.stats.num_series += 1;
        meta.stats.num_chunks += metas.len() as u64;
        meta.stats.num_samples += samples.len() as u64;
    }
    segments.finish()?;
    index.finish()?;
    meta.compaction.level = 1;
    meta.compaction.sources = vec![id];
    meta.thanos.version = 1;
    meta.thanos.source = Source::SIDECAR;
    meta.thanos.labels = external.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    meta.write_dir(&dir)?;
    Ok(dir)
}

/// Histograms with whole counts are written as such where `whole` says so, else as those with fractions are.
fn chunks(samples: &SampleBuffer, whole: bool) -> Result<Vec<Built>> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < samples.len() {
        let begin = at;
        at = match samples.sample(at) {
            SampleRef::Float(_) => {
                while at < samples.len() && at - begin < CHUNK && is_float(samples, at) {
                    at += 1;
                }
                all.push(floats(samples, begin..at)?);
                at
            }
            SampleRef::Histogram(_) => {
                let run = (begin..samples.len()).take_while(|at| !is_float(samples, *at)).count();
                let run = begin..begin + run;
                let integers: Option<Vec<Histogram>> =
                    run.clone().map(|at| histogram_at(samples, at).and_then(integer)).collect();
                match integers.filter(|_| whole) {
                    Some(integers) => build(
                        &mut all,
                        run.clone().zip(&integers).map(|(at, h)| {
                            Incoming::integer(samples.timestamps[at], h).started(start(samples, at))
                        }),
                    ),
                    None => build(
                        &mut all,
                        run.clone().filter_map(|at| {
                            let h = histogram_at(samples, at)?;
                            Some(Incoming::float(samples.timestamps[at], h).started(start(samples, at)))
                        }),
                    ),
                }
                run.end
            }
        };
    }
    Ok(all)
}

fn is_float(samples: &SampleBuffer, at: usize) -> bool {
    matches!(samples.sample(at), SampleRef::Float(_))
}

fn histogram_at(samples: &SampleBuffer, at: usize) -> Option<&FloatHistogram> {
    match samples.sample(at) {
        SampleRef::Histogram(h) => Some(h),
        SampleRef::Float(_) => None,
    }
}

fn start(samples: &SampleBuffer, at: usize) -> i64 {
    samples.start_timestamps.get(at).copied().unwrap_or(0)
}

fn floats(samples: &SampleBuffer, range: std::ops::Range<usize>) -> Result<Built> {
    let times = &samples.timestamps[range.clone()];
    let values = &samples.floats[range.clone()];
    let starts: Vec<i64> = range.clone().map(|at| start(samples, at)).collect();
    let (encoding, data) = if starts.iter().all(|start| *start == 0) {
        let mut data = Vec::new();
        encode_xor(times, values, &mut data).map_err(|_| anyhow::anyhow!("too many samples"))?;
        (Encoding::Xor, data)
    } else {
        let data = encode_xor2(times, values, &starts).map_err(|_| anyhow::anyhow!("too many samples"))?;
        (Encoding::Xor2, data)
    };
    Ok(Built { encoding, data, mint: times[0], maxt: times[times.len() - 1], samples: range.len() })
}

fn build<C: Count>(all: &mut Vec<Built>, incoming: impl Iterator<Item = Incoming<C>>) {
    let mut builder = HistogramBuilder::new();
    for one in incoming {
        if builder.len() == CHUNK {
            all.extend(builder.close());
        }
        all.extend(builder.append(one));
    }
    all.extend(builder.close());
}

/// The same with whole counts; none if they are not.
fn integer(h: &FloatHistogram) -> Option<Histogram> {
    let whole = |v: f64| (v.fract() == 0.0 && (0.0..9e15).contains(&v)).then_some(v as i64);
    let deltas = |counts: &[f64]| -> Option<Vec<i64>> {
        let mut before = 0;
        let delta = |count: &f64| {
            let count = whole(*count)?;
            let delta = count - before;
            before = count;
            Some(delta)
        };
        counts.iter().map(delta).collect()
    };
    Some(Histogram {
        counter_reset_hint: h.counter_reset_hint,
        schema: h.schema,
        zero_threshold: h.zero_threshold,
        zero_count: whole(h.zero_count)? as u64,
        count: whole(h.count)? as u64,
        sum: h.sum,
        positive_spans: h.positive_spans.clone(),
        negative_spans: h.negative_spans.clone(),
        positive_buckets: deltas(&h.positive_buckets)?,
        negative_buckets: deltas(&h.negative_buckets)?,
        custom_values: h.custom_values.clone(),
    })
}
