//! How long does a sample of each encoding take to decode?
//!
//! Floats: chunks of 120 samples in four shapes. The other encodings: chunks of the crate's test data. Throughput is in
//! samples, so 100 Melem/s are 10 ns for each.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::series::SampleBuffer;
use tsdb::aggregation::{Aggregation, Wanted, samples_into};
use tsdb::chunk::{AggregateChunk, AggregateKind, Encoding, XorAppender, decode_into, sample_count};

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

type Shape = fn(usize, &mut u64, &mut f64) -> (i64, f64);

/// 200 chunks of 120 samples of a shape.
fn chunks(shape: Shape) -> Vec<Vec<u8>> {
    let mut state = 42;
    (0..200)
        .map(|chunk| {
            let mut app = XorAppender::new();
            let mut v = 0.0;
            for i in 0..120 {
                let (jitter, v) = shape(i, &mut state, &mut v);
                let at = 120 * chunk + i as i64;
                app.append(1_700_000_000_000 + at * 15_000 + jitter, v).unwrap();
            }
            app.into_bytes()
        })
        .collect()
}

fn xor(c: &mut Criterion) {
    let shapes: [(&str, Shape); 4] = [
        ("constant", |_, _, _| (0, 1.0)),
        ("counter, exact times", |_, state, v| {
            *v += (random(state) % 50) as f64;
            (0, *v)
        }),
        ("counter, jitter", |_, state, v| {
            *v += (random(state) % 50) as f64;
            ((random(state) % 7) as i64, *v)
        }),
        ("gauge, jitter", |_, state, v| {
            *v += (random(state) % 1000) as f64 / 1000.0 - 0.5;
            ((random(state) % 7) as i64, *v)
        }),
    ];
    let mut group = c.benchmark_group("xor");
    for (name, shape) in shapes {
        let chunks = chunks(shape);
        group.throughput(Throughput::Elements(chunks.len() as u64 * 120));
        let mut out = SampleBuffer::new();
        group.bench_function(format!("decode {name}"), |b| {
            b.iter(|| {
                for chunk in &chunks {
                    out.clear();
                    decode_into(Encoding::Xor, black_box(chunk), &mut out).unwrap();
                }
            });
        });
        // As a querier reads a series: chunks that follow each other, side by side where that can be done.
        let sets: Vec<_> =
            chunks.iter().map(|chunk| Wanted::One((Encoding::Xor, chunk.as_slice()))).collect();
        group.bench_function(format!("decode side by side {name}"), |b| {
            b.iter(|| {
                for sets in black_box(&sets).chunks(16) {
                    out.clear();
                    samples_into(sets.iter().copied(), Aggregation::Count, 0, i64::MAX, &mut out).unwrap();
                }
            });
        });
    }
    let chunks = chunks(shapes[2].1);
    let mut decoded = SampleBuffer::new();
    decode_into(Encoding::Xor, &chunks[0], &mut decoded).unwrap();
    group.throughput(Throughput::Elements(120));
    group.bench_function("encode counter, jitter", |b| {
        b.iter(|| {
            let mut app = XorAppender::new();
            for (t, v) in decoded.timestamps.iter().zip(&decoded.floats) {
                app.append(*t, *v).unwrap();
            }
            app
        });
    });
    group.finish();
}

fn others(c: &mut Criterion) {
    let text = include_str!("../testdata/chunks.jsonl");
    let mut group = c.benchmark_group("chunk");
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (enc, name) = (line["enc"].as_str().unwrap(), line["name"].as_str().unwrap());
        let hex = line["data"].as_str().unwrap();
        let data: Vec<u8> =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        let encoding =
            (1..=255).filter_map(|b| Encoding::from_byte(b).ok()).find(|e| e.to_string() == enc).unwrap();
        if encoding == Encoding::Xor {
            continue;
        }
        let parts: Vec<(Encoding, &[u8])> = match encoding {
            Encoding::Aggregate => {
                let chunk = AggregateChunk::parse(&data).unwrap();
                AggregateKind::ALL.into_iter().filter_map(|kind| chunk.get(kind)).collect()
            }
            other => vec![(other, &data[..])],
        };
        let samples: usize = parts.iter().map(|(e, d)| sample_count(*e, d).unwrap()).sum();
        group.throughput(Throughput::Elements(samples as u64));
        let mut out = SampleBuffer::new();
        group.bench_function(format!("{enc} {name}"), |b| {
            b.iter(|| {
                out.clear();
                for (encoding, data) in &parts {
                    decode_into(*encoding, black_box(data), &mut out).unwrap();
                }
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_millis(800)).sample_size(20);
    targets = xor, others
}
criterion_main!(benches);
