//! Merging and downsampling of random blocks against models that take one sample after another.

use std::collections::BTreeMap;

use model::histogram::{Histogram, Span};
use model::series::SampleBuffer;
use model::value::STALE_NAN_BITS;
use proptest::prelude::*;
use tsdb::aggregation::CounterResets;
use tsdb::chunk::{AggregateChunk, AggregateKind, decode_into};
use tsdb::downsample::{DownsampleOptions, FIVE_MINUTES, ONE_HOUR, downsample_block};
use tsdb::merge::{MergeInput, MergeMode, MergeOptions, merge_blocks};
use tsdb::tombstones::{Interval, Tombstones};

use crate::blocks::{Sample, Samples, chunks, read_chunks, read_samples, write_block};

/// What a sample of a series is at a time: the same in every replica, as of one target.
fn sample_at(series: u32, t: i64) -> Sample {
    let noise = (t as u64 ^ u64::from(series) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    // Every fourth series has start timestamps, which change now and then.
    let start = if series % 4 == 1 { t - t.rem_euclid(100_000) - 5000 } else { 0 };
    if series % 3 == 2 {
        let grown = (t / 1000).rem_euclid(50) as u64;
        let (count, sum) = match noise % 50 {
            0 => (0, f64::from_bits(STALE_NAN_BITS)),
            _ => (grown + 3, grown as f64),
        };
        if count == 0 {
            return Sample::Histogram(Box::new(Histogram { sum, ..Histogram::default() }), start);
        }
        let spans = vec![Span { offset: (noise % 3) as i32, length: 2 }];
        let h = Histogram {
            count,
            sum,
            positive_spans: spans,
            positive_buckets: vec![grown as i64 + 1, 1 - grown as i64],
            ..Histogram::default()
        };
        return Sample::Histogram(Box::new(h), start);
    }
    let v = match noise % 40 {
        0 => f64::from_bits(STALE_NAN_BITS),
        1 => f64::INFINITY,
        2 => f64::NAN,
        3 => -0.0,
        n if n < 20 => (t / 1000) as f64,
        _ => noise as f64 / 7.0,
    };
    Sample::Float(v.to_bits(), start)
}

/// Times of one replica, with gaps.
fn times() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![12 => 990..1010i64, 4 => Just(1000i64), 1 => 1..60_000i64, 1 => 1..40i64];
    (0..20_000i64, prop::collection::vec(step, 0..150)).prop_map(|(start, steps)| {
        let times = steps.into_iter().scan(start, |t, step| {
            *t += step;
            Some(*t)
        });
        times.collect()
    })
}

/// Series of a block by number, and how many samples their chunks have.
fn block() -> impl Strategy<Value = (BTreeMap<u32, Vec<i64>>, usize)> {
    (prop::collection::btree_map(0..12u32, times(), 1..8), 1..40usize)
}

fn write(dir: &std::path::Path, series: &BTreeMap<u32, Vec<i64>>, size: usize) -> BTreeMap<u32, Samples> {
    let mut all = BTreeMap::new();
    let mut built = BTreeMap::new();
    for (number, times) in series.iter().filter(|(_, times)| !times.is_empty()) {
        let samples: Vec<_> = times.iter().map(|t| (*t, sample_at(*number, *t))).collect();
        built.insert(*number, samples.chunks(size).flat_map(chunks).collect());
        all.insert(*number, samples.into_iter().collect());
    }
    write_block(dir, &built);
    all
}

fn merged(
    inputs: &[MergeInput],
    mode: MergeMode,
    range: (i64, i64),
    threads: usize,
) -> BTreeMap<u32, Samples> {
    let out = tempfile::tempdir().unwrap();
    let mut options = MergeOptions::new(mode, range.0, range.1);
    options.threads = threads;
    let made = merge_blocks(inputs, out.path(), &options, &mut |_| Ok(())).unwrap();
    let read = read_samples(out.path());
    assert_eq!(made.stats.num_samples, read.values().map(|s| s.len() as u64).sum::<u64>());
    assert_eq!(made.stats.num_series, read.len() as u64);
    read
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A merge has every sample of every input once, start timestamps included, but for what is deleted or outside.
    #[test]
    fn merge_is_the_union(
        blocks in prop::collection::vec(block(), 1..4),
        range in (0..40_000i64, 40_000..200_000i64),
        deleted in (0..12u32, 0..100_000i64, 0..30_000i64),
        threads in 1..3usize,
    ) {
        let mut want: BTreeMap<u32, Samples> = BTreeMap::new();
        let (mut dirs, mut inputs) = (Vec::new(), Vec::new());
        for (number, (series, size)) in blocks.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let mut samples = write(dir.path(), series, *size);
            let mut input = MergeInput::open(dir.path()).unwrap();
            // Of the first block something is deleted.
            if number == 0 {
                let (which, from, len) = deleted;
                let gone = Interval { mint: from, maxt: from + len };
                if let Some(at) = samples.keys().position(|n| *n == which) {
                    use tsdb::postings::PostingsSource;
                    let reference = input.index.all_postings().unwrap()[at];
                    let mut tombstones = Tombstones::default();
                    tombstones.add(u64::from(reference), gone);
                    input.tombstones = tombstones;
                    samples.get_mut(&which).unwrap().retain(|t, _| !gone.contains(*t));
                }
            }
            for (number, samples) in samples {
                want.entry(number).or_default().extend(samples);
            }
            inputs.push(input);
            dirs.push(dir);
        }
        for samples in want.values_mut() {
            samples.retain(|t, _| (range.0..range.1).contains(t));
        }
        want.retain(|_, samples| !samples.is_empty());
        prop_assert_eq!(merged(&inputs, MergeMode::Compact, range, threads), want);
    }

    /// Deduplication takes nothing that is not there, keeps what one replica alone has, is the same with any number of
    /// threads, and fills no gap with less than one of the replicas has there.
    #[test]
    fn dedup_follows_its_replicas(a in block(), b in block()) {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let sources = [write(dirs[0].path(), &a.0, a.1), write(dirs[1].path(), &b.0, b.1)];
        let inputs: Vec<_> = dirs.iter().map(|d| MergeInput::open(d.path()).unwrap()).collect();
        let range = (i64::MIN, i64::MAX);
        let got = merged(&inputs, MergeMode::Penalty, range, 1);
        prop_assert_eq!(&got, &merged(&inputs, MergeMode::Penalty, range, 3));
        for (number, samples) in &got {
            let both: Vec<&Samples> = sources.iter().filter_map(|s| s.get(number)).collect();
            for (t, sample) in samples {
                prop_assert!(both.iter().any(|s| s.get(t) == Some(sample)), "series {} at {}", number, t);
            }
            if let [one] = both[..] {
                prop_assert_eq!(samples, one);
            }
            let first = both.iter().filter_map(|s| s.keys().next()).min();
            prop_assert_eq!(samples.keys().next(), first);
        }
        let all: std::collections::BTreeSet<_> = sources.iter().flat_map(|s| s.keys()).collect();
        prop_assert_eq!(got.len(), all.len());
    }

    /// Windows have the aggregates of their samples, in both steps.
    #[test]
    fn windows_hold_what_their_samples_come_to(
        values in prop::collection::vec((
            prop_oneof![20 => 14_990..15_010i64, 1 => 1..4_000_000i64],
            prop_oneof![30 => (0..50u32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(f64::from_bits(STALE_NAN_BITS)),
                1 => Just(-1.0)],
        ), 1..3000),
        size in 1..200usize,
        is_counter in any::<bool>(),
    ) {
        let (mut t, mut total) = (0, 0.0);
        let samples: Vec<(i64, f64)> = values.iter().map(|(step, v)| {
            t += step;
            // Steps of a counter that is reset where a gauge would be negative.
            total = if *v < 0.0 { 0.0 } else if v.is_nan() { total } else { total + v };
            // What goes up and down does so above zero: less than nothing is no counter.
            (t, if is_counter && !v.is_nan() { total } else if *v < 0.0 { 0.0 } else { *v })
        }).collect();
        let dir = tempfile::tempdir().unwrap();
        let floats: Vec<_> = samples.iter().map(|(t, v)| (*t, Sample::Float(v.to_bits(), 0))).collect();
        let built: Vec<_> = floats.chunks(size).flat_map(chunks).collect();
        write_block(dir.path(), &BTreeMap::from([(1, built)]));
        let sound: Vec<_> = samples.iter().copied().filter(|(_, v)| !v.is_nan()).collect();

        let mut source = dir;
        for (from, to) in [(0, FIVE_MINUTES), (FIVE_MINUTES, ONE_HOUR)] {
            let out = tempfile::tempdir().unwrap();
            let options = DownsampleOptions::new(from, to);
            let input = MergeInput::open(source.path()).unwrap();
            downsample_block(&input, out.path(), &options, &mut |_| Ok(())).unwrap();
            check_windows(out.path(), &sound, to)?;
            source = out;
        }
    }
}

/// The samples of an aggregate by window.
fn windows(
    parts: &[AggregateChunk<'_>],
    kind: AggregateKind,
    resolution: i64,
) -> Result<BTreeMap<i64, f64>, TestCaseError> {
    let mut out = BTreeMap::new();
    for part in parts {
        let mut buffer = SampleBuffer::new();
        let Some((encoding, data)) = part.get(kind) else { continue };
        decode_into(encoding, data, &mut buffer).unwrap();
        for (t, v) in buffer.timestamps.iter().zip(&buffer.floats) {
            prop_assert!(out.insert(t.div_euclid(resolution), *v).is_none(), "{} twice", kind);
        }
    }
    Ok(out)
}

fn check_windows(dir: &std::path::Path, sound: &[(i64, f64)], resolution: i64) -> Result<(), TestCaseError> {
    let read = read_chunks(dir);
    let list = read.get(&1).map_or(&[][..], Vec::as_slice);
    let parts: Vec<_> = list.iter().map(|(_, _, data)| AggregateChunk::parse(data).unwrap()).collect();
    let mut want: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (t, v) in sound {
        want.entry(t.div_euclid(resolution)).or_default().push(*v);
    }
    let model = |f: &dyn Fn(&[f64]) -> f64| want.iter().map(|(w, v)| (*w, f(v))).collect::<BTreeMap<_, _>>();
    prop_assert_eq!(windows(&parts, AggregateKind::Count, resolution)?, model(&|v| v.len() as f64));
    prop_assert_eq!(windows(&parts, AggregateKind::Sum, resolution)?, model(&|v| v.iter().sum()));
    prop_assert_eq!(
        windows(&parts, AggregateKind::Min, resolution)?,
        model(&|v| v.iter().copied().fold(f64::INFINITY, f64::min))
    );
    prop_assert_eq!(
        windows(&parts, AggregateKind::Max, resolution)?,
        model(&|v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    );
    // The counter grows over all as the raw samples do, resets removed.
    let (mut resets, mut totals) = (CounterResets::default(), SampleBuffer::new());
    for part in &parts {
        let mut buffer = SampleBuffer::new();
        let (encoding, data) = part.require(AggregateKind::Counter).unwrap();
        decode_into(encoding, data, &mut buffer).unwrap();
        resets.apply(&buffer, &mut totals);
    }
    let (mut counter, mut last) = (None, 0.0);
    let mut naive = BTreeMap::new();
    for (t, v) in sound {
        let total = counter.map_or(*v, |total| total + if *v < last { *v } else { *v - last });
        (counter, last) = (Some(total), *v);
        naive.insert(t.div_euclid(resolution), total);
    }
    let mut got = BTreeMap::new();
    for (t, v) in totals.timestamps.iter().zip(&totals.floats) {
        got.insert(t.div_euclid(resolution), *v);
    }
    prop_assert_eq!(got, naive);
    Ok(())
}
