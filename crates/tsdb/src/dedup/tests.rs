use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram};
use model::labels::Labels;
use model::series::{MemorySamples, MemorySeriesSet};
use proptest::prelude::*;

use super::*;
use crate::aggregation::{Aggregation, Wanted, samples_into};
use crate::chunk::{Encoding, XorAppender};

fn buffer(samples: &[(i64, f64)]) -> SampleBuffer {
    let mut out = SampleBuffer::new();
    for &(t, v) in samples {
        out.push_float(t, v);
    }
    out
}

fn merged(algorithm: Algorithm, replicas: &[&[(i64, f64)]], counter: bool) -> Vec<(i64, f64)> {
    let replicas: Vec<_> = replicas.iter().map(|r| buffer(r)).collect();
    let mut out = SampleBuffer::new();
    deduplicate(algorithm, &replicas, counter, &mut out);
    out.timestamps.into_iter().zip(out.floats).collect()
}

#[test]
fn penalty_stays_with_one_replica_while_it_has_samples() {
    let a: Vec<_> = (0..10).map(|i| (i * 10_000, 1.0)).collect();
    let b: Vec<_> = (0..10).map(|i| (i * 10_000 + 100, 2.0)).collect();
    assert_eq!(merged(Algorithm::Penalty, &[&a, &b], false), a);
}

#[test]
fn penalty_changes_to_the_other_replica_in_a_gap_and_stays_there() {
    let a: Vec<_> = (0..10).filter(|i| !(3..6).contains(i)).map(|i| (i * 10_000, 1.0)).collect();
    let b: Vec<_> = (0..10).map(|i| (i * 10_000 + 100, 2.0)).collect();
    let got = merged(Algorithm::Penalty, &[&a, &b], false);
    // The first sample of b within reach is more than two distances after the last one of a.
    let times: Vec<_> = got.iter().map(|(t, _)| *t).collect();
    assert_eq!(times, [0, 10_000, 20_000, 40_100, 50_100, 60_100, 70_100, 80_100, 90_100]);
    assert_eq!(got[3].1, 2.0);
}

#[test]
fn penalty_of_the_first_choice_is_five_seconds() {
    // b's sample at 4 s is too close; at 5.001 s it is not.
    assert_eq!(
        merged(Algorithm::Penalty, &[&[(0, 1.0), (60_000, 1.0)], &[(4_000, 2.0)]], false),
        [(0, 1.0), (60_000, 1.0)]
    );
    assert_eq!(
        merged(Algorithm::Penalty, &[&[(0, 1.0), (60_000, 1.0)], &[(5_001, 2.0)]], false),
        [(0, 1.0), (5_001, 2.0), (60_000, 1.0)]
    );
}

#[test]
fn counter_does_not_fall_when_the_replica_changes() {
    let a = [(0, 10.0), (10_000, 20.0), (20_000, 30.0)];
    let b = [(100, 5.0), (10_100, 15.0), (20_100, 25.0), (30_100, 26.0), (50_100, 28.0), (60_100, 29.0)];
    let plain = merged(Algorithm::Penalty, &[&a, &b], false);
    assert_eq!(plain.last(), Some(&(60_100, 29.0)));
    let lifted = merged(Algorithm::Penalty, &[&a, &b], true);
    assert_eq!(lifted, [(0, 10.0), (10_000, 20.0), (20_000, 30.0), (50_100, 30.0), (60_100, 31.0)]);
}

#[test]
fn chain_takes_every_time_once() {
    let a = [(0, 1.0), (10, 1.0), (20, 1.0), (40, 1.0)];
    let b = [(5, 2.0), (10, 2.0), (30, 2.0)];
    let got = merged(Algorithm::Chain, &[&a, &b], false);
    assert_eq!(got.iter().map(|s| s.0).collect::<Vec<_>>(), [0, 5, 10, 20, 30, 40]);
    assert_eq!(merged(Algorithm::Chain, &[&[], &b, &[]], false), b);
    assert_eq!(merged(Algorithm::Chain, &[&[], &[]], false), []);
}

#[test]
fn chain_forgets_what_is_known_of_resets_where_the_replica_changes() {
    let histograms = |times: &[i64]| {
        let mut out = SampleBuffer::new();
        for &t in times {
            let h = FloatHistogram {
                counter_reset_hint: CounterResetHint::NotCounterReset,
                ..Default::default()
            };
            out.push_histogram(t, Arc::new(h));
        }
        out
    };
    let mut out = SampleBuffer::new();
    chain(&[histograms(&[0, 1, 2, 5]), histograms(&[3, 4])], &mut out);
    assert_eq!(out.timestamps, [0, 1, 2, 3, 4, 5]);
    let unknown: Vec<_> = out
        .histograms
        .iter()
        .map(|h| h.as_ref().is_some_and(|h| h.counter_reset_hint == CounterResetHint::Unknown))
        .collect();
    assert_eq!(unknown, [true, false, false, true, false, true]);
}

#[test]
fn nothing_comes_after_the_end_of_time() {
    let samples = |t: i64| buffer(&[(t, 1.0), (i64::MAX - 1, 2.0), (i64::MAX, 3.0)]);
    for counter in [false, true] {
        for replicas in [&[samples(0), samples(1)][..], &[samples(0), samples(1), samples(2)]] {
            let mut out = SampleBuffer::new();
            penalty(replicas, counter, &mut out);
            assert_eq!(out.timestamps[0], 0);
            assert!(out.len() <= 3 && out.timestamps.is_sorted(), "{:?}", out.timestamps);
        }
    }
}

#[test]
fn set_joins_neighbours_of_equal_labels() {
    let series = |name: &str, samples: &[(i64, f64)]| {
        (Labels::from_pairs([("a", name)]), MemorySamples::new(buffer(samples)))
    };
    let set = MemorySeriesSet::new(vec![
        series("x", &[(0, 1.0)]),
        series("y", &[(0, 1.0), (20_000, 1.0)]),
        series("y", &[(10_000, 2.0), (40_000, 2.0)]),
        series("z", &[(7, 1.0)]),
    ]);
    let mut set = DedupSeriesSet::new(set, Algorithm::Penalty, "rate");
    let mut got = Vec::new();
    while let Some(series) = set.next_series() {
        let series = series.unwrap();
        let mut out = SampleBuffer::new();
        series.samples.samples_into(i64::MIN, i64::MAX, &mut out).unwrap();
        got.push((series.labels.to_string(), out.timestamps));
    }
    assert_eq!(
        got,
        [
            (r#"{a="x"}"#.to_owned(), vec![0]),
            (r#"{a="y"}"#.to_owned(), vec![0, 10_000, 40_000]),
            (r#"{a="z"}"#.to_owned(), vec![7]),
        ]
    );
}

fn replica() -> impl Strategy<Value = Vec<(i64, f64, bool)>> {
    // Scrapes with jitter, gaps, and rare close ones; now and then a histogram.
    let step = prop_oneof![8 => 14_900i64..15_100, 1 => 30_000i64..200_000, 1 => 1i64..3_000];
    let kind = prop_oneof![9 => Just(false), 1 => Just(true)];
    (0i64..20_000, prop::collection::vec((step, -5.0f64..20.0, kind), 0..60)).prop_map(|(start, steps)| {
        let (mut t, mut v) = (start, 0.0);
        steps
            .into_iter()
            .map(|(step, up, histogram)| {
                t += step;
                v += up;
                (t, v, histogram)
            })
            .collect()
    })
}

/// Scrapes that are regular for long, with what just breaks the rule in between, anywhere in time.
fn regular_replica() -> impl Strategy<Value = Vec<(i64, f64, bool)>> {
    let step = prop_oneof![
        300 => 14_900i64..15_100,
        1 => prop::sample::select(vec![1, 9_900, 10_000, 29_800, 30_000, 30_200, 1 << 32]),
    ];
    let start = prop_oneof![
        8 => 0i64..20_000,
        1 => prop::sample::select(vec![i64::MIN, (1 << 61) - 900_000, i64::MAX - 600_000]),
    ];
    (start, prop::collection::vec(step, 0..200)).prop_map(|(start, steps)| {
        let times = steps.into_iter().scan(start, |t, step| {
            *t = t.checked_add(step)?;
            Some((*t, 1.0, false))
        });
        times.collect()
    })
}

fn mixed(samples: &[(i64, f64, bool)]) -> SampleBuffer {
    let mut out = SampleBuffer::new();
    for &(t, v, histogram) in samples {
        if histogram {
            out.push_histogram(t, Arc::new(FloatHistogram { sum: v, ..Default::default() }));
        } else {
            out.push_float(t, v);
        }
    }
    out
}

fn flat(out: &SampleBuffer) -> Vec<(i64, f64, Option<f64>)> {
    (0..out.len())
        .map(|i| (out.timestamps[i], out.floats[i], out.histograms.get(i).cloned().flatten().map(|h| h.sum)))
        .collect()
}

proptest! {
    #[test]
    fn runs_are_the_same_as_sample_by_sample(replicas in prop::collection::vec(replica(), 0..5), counter in any::<bool>()) {
        let replicas: Vec<_> = replicas.iter().map(|r| mixed(r)).collect();
        let (mut fast, mut slow) = (SampleBuffer::new(), SampleBuffer::new());
        penalty(&replicas, counter, &mut fast);
        tree::merge(&replicas, counter, &mut slow);
        // A histogram has no float, whatever the lift.
        let mut slow = flat(&slow);
        for (_, v, h) in &mut slow {
            if h.is_some() {
                *v = 0.0;
            }
        }
        prop_assert_eq!(flat(&fast), slow);
    }

    #[test]
    fn regular_samples_are_chosen_as_one_by_one(replicas in prop::array::uniform2(regular_replica())) {
        let replicas = replicas.map(|r| mixed(&r));
        let (mut fast, mut slow) = (SampleBuffer::new(), SampleBuffer::new());
        penalty(&replicas, false, &mut fast);
        tree::merge(&replicas, false, &mut slow);
        prop_assert_eq!(flat(&fast), flat(&slow));
    }

    #[test]
    fn chunks_loaded_as_needed_give_what_whole_replicas_give(
        replicas in prop::array::uniform2(prop::collection::btree_map(0i64..400_000, 0u32..50, 0..60)),
        counter in any::<bool>(),
        range in (0i64..200_000, 150_000i64..400_000),
        length in 1usize..9,
    ) {
        let aggregation = if counter { Aggregation::Counter } else { Aggregation::Average };
        let read = ReplicaRead { aggregation, mint: range.0, maxt: range.1, counter };
        let encoded = replicas.each_ref().map(|samples| {
            let samples: Vec<(i64, f64)> = samples.iter().map(|(t, v)| (*t, f64::from(*v))).collect();
            let chunks = samples.chunks(length).map(|part| {
                let mut app = XorAppender::new();
                part.iter().for_each(|(t, v)| app.append(*t, *v).unwrap());
                (part[0].0, part[part.len() - 1].0, app.into_bytes())
            });
            chunks.collect::<Vec<_>>()
        });
        let whole = encoded.each_ref().map(|chunks| {
            let mut out = SampleBuffer::new();
            let sets = chunks.iter().map(|(_, _, data)| Wanted::One((Encoding::Xor, data)));
            samples_into(sets, aggregation, range.0, range.1, &mut out).unwrap();
            out
        });
        let (mut want, mut got) = (SampleBuffer::new(), SampleBuffer::new());
        penalty(&whole, counter, &mut want);
        let chunks = encoded.each_ref().map(|chunks| {
            chunks.iter().map(|(min_time, max_time, data)| {
                let data = Wanted::One((Encoding::Xor, data));
                Ok(TimedChunk { min_time: *min_time, max_time: *max_time, data })
            })
        });
        penalty_of_chunks(chunks, read, &mut Default::default(), &mut got).unwrap();
        prop_assert_eq!(flat(&got), flat(&want));
    }

    #[test]
    fn chain_is_the_union_of_times(replicas in prop::collection::vec(replica(), 0..5)) {
        let buffers: Vec<_> = replicas.iter().map(|r| mixed(r)).collect();
        let mut out = SampleBuffer::new();
        chain(&buffers, &mut out);
        let want: std::collections::BTreeSet<_> = replicas.iter().flatten().map(|s| s.0).collect();
        prop_assert_eq!(&out.timestamps, &want.into_iter().collect::<Vec<_>>());
        for (t, v, h) in flat(&out) {
            let found = replicas.iter().flatten().any(|s| s.0 == t && s.2 == h.is_some() && (h.unwrap_or(v) == s.1));
            prop_assert!(found);
        }
    }
}
