//! What a sample and a step cost in the engine alone, data in memory: rates and sums over many series for a day, quantiles of classic
//! histograms, a join, choices, instant queries.
//!
//! Throughput is in samples of the selected series, and in steps (values of the result of the innermost function) in the group
//! `steps`. For the distance: `select` is the copy that a memory series costs (16 bytes a sample), `decode` the plain decoding of
//! chunks with the same samples, one chunk after the other on one thread. Times are those of all threads together where the engine uses
//! several: `RAYON_NUM_THREADS=1` makes them comparable.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::labels::Labels;
use model::matcher::{Matcher, matches_all};
use model::series::{MemorySamples, MemorySeriesSet, SampleBuffer, SampleSource, SeriesSet, SourceError};
use promql::engine::{Engine, QueryParams};
use promql::limits::Limits;
use promql::source::{Queryable, SelectParams};
use tsdb::chunk::{Encoding, decode_into, encode_xor};

const SCRAPE: i64 = 15_000;
const SAMPLES: usize = 5_760;

struct Store(Vec<(Labels, MemorySamples)>);

impl Queryable for Store {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        let found =
            self.0.iter().filter(|(labels, _)| matches_all(&params.matchers, labels)).cloned().collect();
        Ok(Box::new(MemorySeriesSet::new(found)))
    }
}

/// Series of which every 32nd shares its samples, so that a day of thousands fits into memory.
fn store(series: usize) -> Store {
    let buffers: Vec<MemorySamples> = (0..32u64)
        .map(|seed| {
            let mut state = seed * 7919 + 1;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 33
            };
            let mut buffer = SampleBuffer::new();
            let mut value = 0.0;
            let offset = (next() % SCRAPE as u64) as i64;
            for i in 0..SAMPLES {
                value = if next() % 2000 == 0 { 0.0 } else { value + (next() % 100) as f64 };
                buffer.push_float(i as i64 * SCRAPE + offset + (next() % 200) as i64, value);
            }
            MemorySamples::new(buffer)
        })
        .collect();
    let bounds = ["0.1", "0.5", "1", "2.5", "5", "10", "25", "50", "100", "+Inf"];
    let all = (0..series)
        .map(|i| {
            let (pod, instance) = ((i / bounds.len() % 50).to_string(), (i / bounds.len()).to_string());
            let labels = [
                ("__name__", "m_bucket"),
                ("job", "api"),
                ("pod", &pod),
                ("instance", &instance),
                ("le", bounds[i % bounds.len()]),
            ];
            (Labels::from_pairs(labels), buffers[i % buffers.len()].clone())
        })
        .collect();
    Store(all)
}

/// The samples of all series in chunks of 120.
fn encoded(store: &Store) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut buffer = SampleBuffer::new();
    for (_, samples) in store.0.iter().take(32) {
        buffer.clear();
        samples.samples_into(i64::MIN, i64::MAX, &mut buffer).expect("memory never fails");
        for (times, values) in buffer.timestamps.chunks(120).zip(buffer.floats.chunks(120)) {
            let mut chunk = Vec::new();
            encode_xor(times, values, &mut chunk).expect("few samples");
            chunks.push(chunk);
        }
    }
    chunks
}

fn decode(c: &mut Criterion) {
    let chunks = encoded(&store(32));
    let mut group = c.benchmark_group("day");
    group.throughput(Throughput::Elements((32 * SAMPLES) as u64));
    let mut out = SampleBuffer::new();
    group.bench_function("decode", |b| {
        b.iter(|| {
            for chunk in &chunks {
                out.clear();
                decode_into(Encoding::Xor, black_box(chunk), &mut out).expect("a chunk of ours");
            }
        });
    });
    group.finish();
}

fn bench(c: &mut Criterion) {
    let engine = Engine::default();
    let limits = Limits::default();
    let store = store(10_000);
    let end = SAMPLES as i64 * SCRAPE;
    let day = QueryParams::range(0, end, 60_000);
    let mut group = c.benchmark_group("day");
    group.sample_size(10).throughput(Throughput::Elements((10_000 * SAMPLES) as u64));
    let copy = |params: &SelectParams| {
        let mut set = store.select(params).expect("memory never fails");
        let mut buffer = SampleBuffer::new();
        let mut n = 0;
        while let Some(Ok(series)) = set.next_series() {
            buffer.clear();
            series.samples.samples_into(params.mint, params.maxt, &mut buffer).expect("memory never fails");
            n += buffer.len();
        }
        n
    };
    let params = SelectParams {
        matchers: vec![Matcher::equal("__name__", "m_bucket")],
        mint: 0,
        maxt: end,
        ..Default::default()
    };
    group.bench_function("select", |b| b.iter(|| black_box(copy(&params))));
    for (name, text) in [
        ("sum_rate", "sum(rate(m_bucket[5m]))"),
        ("sum_by_pod_rate", "sum by (pod) (rate(m_bucket[5m]))"),
        ("quantile_rate", "histogram_quantile(0.9, sum by (le) (rate(m_bucket[5m])))"),
        ("sum_by_pod", "sum by (pod) (m_bucket)"),
        ("max_over_time", "sum(max_over_time(m_bucket[5m]))"),
        ("avg_over_time", "sum(avg_over_time(m_bucket[5m]))"),
        (
            "join",
            "sum(m_bucket * on (instance, le) group_left () sum by (instance, le) (m_bucket{le=\"1\"}))",
        ),
        ("topk", "topk(10, m_bucket)"),
    ] {
        let query = engine.query(text, day).expect("a valid query");
        group.bench_function(name, |b| {
            b.iter(|| black_box(query.exec(&store, &limits).value.expect("a value")))
        });
    }
    group.finish();

    // Few samples a step, and many steps a sample.
    let mut group = c.benchmark_group("steps");
    let steps = 5_000u64;
    let dense = QueryParams::range(end / 2, end / 2 + (steps as i64 - 1) * 1000, 1000);
    group.sample_size(10).throughput(Throughput::Elements(1_000 * steps));
    for (name, text) in
        [("sum_rate", "sum(rate(m_bucket{le=\"1\"}[5m]))"), ("sum", "sum(m_bucket{le=\"1\"})")]
    {
        let query = engine.query(text, dense).expect("a valid query");
        group.bench_function(name, |b| {
            b.iter(|| black_box(query.exec(&store, &limits).value.expect("a value")))
        });
    }
    group.finish();

    let mut group = c.benchmark_group("instant");
    group.sample_size(20).throughput(Throughput::Elements(10_000));
    for (name, text) in [
        ("sum", "sum(m_bucket)"),
        ("sum_rate", "sum(rate(m_bucket[5m]))"),
        ("quantile_rate", "histogram_quantile(0.9, sum by (le) (rate(m_bucket[5m])))"),
        ("topk", "topk(10, m_bucket)"),
    ] {
        let query = engine.query(text, QueryParams::instant(end / 2)).expect("a valid query");
        group.bench_function(name, |b| {
            b.iter(|| black_box(query.exec(&store, &limits).value.expect("a value")))
        });
    }
    group.finish();
}

criterion_group!(benches, decode, bench);
criterion_main!(benches);
