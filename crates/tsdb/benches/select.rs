//! How long do set operations on postings, deduplication of replicas, and the reading of series entries take?
//!
//! Postings: lists of 1 M references with every 2nd and 3rd number, short against long ones, 100 lists of 10 k. Dedup: two
//! replicas of 5760 samples (a day at 15 s) with jitter, without and with gaps. Throughput is in elements of the inputs.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::series::SampleBuffer;
use tsdb::dedup;
use tsdb::postings::{intersect, merge, merge_all, without};

fn sets(c: &mut Criterion) {
    let every = |n: u32, count: u32| (0..count).map(|i| i * n).collect::<Vec<u32>>();
    let (twos, threes, few) = (every(2, 1_000_000), every(3, 1_000_000), every(1999, 1000));
    let mut group = c.benchmark_group("postings");
    group.throughput(Throughput::Elements(2_000_000));
    group.bench_function("intersect 1M and 1M", |b| b.iter(|| intersect(black_box(&twos), &threes)));
    group.bench_function("merge 1M and 1M", |b| b.iter(|| merge(black_box(&twos), &threes)));
    group.bench_function("1M without 1M", |b| b.iter(|| without(black_box(&twos), &threes)));
    group.throughput(Throughput::Elements(1000));
    group.bench_function("intersect 1000 and 1M", |b| b.iter(|| intersect(black_box(&few), &twos)));
    let many: Vec<Vec<u32>> = (0..100).map(|i| (0..10_000).map(|j| j * 100 + i).collect()).collect();
    group.throughput(Throughput::Elements(1_000_000));
    group.bench_function("merge 100 of 10k, interleaved", |b| b.iter(|| merge_all(black_box(&many))));
    group.finish();
}

fn replica(start: i64, gaps: bool) -> SampleBuffer {
    let mut out = SampleBuffer::new();
    let mut state = start as u64 + 7;
    for i in 0..5760 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let jitter = (state >> 60) as i64;
        if gaps && (state >> 32).is_multiple_of(40) {
            continue;
        }
        out.push_float(start + i * 15_000 + jitter, i as f64);
    }
    out
}

fn replicas(c: &mut Criterion) {
    let mut group = c.benchmark_group("dedup");
    group.throughput(Throughput::Elements(2 * 5760));
    for gaps in [false, true] {
        let pair = [replica(0, gaps), replica(3000, gaps)];
        let name = if gaps { "with gaps" } else { "without gaps" };
        let mut out = SampleBuffer::new();
        for counter in [false, true] {
            group.bench_function(format!("penalty, {name}, counter {counter}"), |b| {
                b.iter(|| {
                    out.clear();
                    dedup::penalty(black_box(&pair), counter, &mut out);
                });
            });
        }
        group.bench_function(format!("chain, {name}"), |b| {
            b.iter(|| {
                out.clear();
                dedup::chain(black_box(&pair), &mut out);
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_millis(800)).sample_size(20);
    targets = sets, replicas
}
criterion_main!(benches);
