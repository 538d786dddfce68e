//! Downsampling of random native histograms against a model that knows nothing of spans, chunks or batches: counts by bucket.

use std::collections::BTreeMap;

use model::histogram::{CounterResetHint, FloatHistogram, Histogram, Span};
use model::series::SampleBuffer;
use model::value::STALE_NAN_BITS;
use proptest::prelude::*;
use tsdb::chunk::{AggregateChunk, AggregateKind, decode_into};
use tsdb::downsample::{DownsampleOptions, FIVE_MINUTES, ONE_HOUR, downsample_block};
use tsdb::merge::MergeInput;

use crate::blocks::{Sample, chunks, read_chunks, write_block};

const BUCKETS: usize = 6;

/// What a histogram counts: the buckets, the zero bucket, all, and the sum of what was observed. Whole numbers, so that adding is exact.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts {
    positive: [f64; BUCKETS],
    negative: [f64; BUCKETS],
    zero: f64,
    count: f64,
    sum: f64,
}

impl Counts {
    fn each(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let all = |a: [f64; BUCKETS], b: [f64; BUCKETS]| std::array::from_fn(|i| f(a[i], b[i]));
        Self {
            positive: all(self.positive, other.positive),
            negative: all(self.negative, other.negative),
            zero: f(self.zero, other.zero),
            count: f(self.count, other.count),
            sum: f(self.sum, other.sum),
        }
    }

    fn plus(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    fn minus(self, other: Self) -> Self {
        self.each(other, |a, b| a - b)
    }

    /// Some bucket holds less than before, which only a counter that started anew can.
    fn is_reset_after(&self, before: &Self) -> bool {
        let less = |now: &[f64], then: &[f64]| now.iter().zip(then).any(|(a, b)| a < b);
        less(&self.positive, &before.positive)
            || less(&self.negative, &before.negative)
            || self.zero < before.zero
            || self.count < before.count
    }

    /// With spans over the buckets that are not empty.
    fn histogram(&self, hint: CounterResetHint) -> Histogram {
        let side = |counts: &[f64; BUCKETS]| {
            let (mut spans, mut buckets, mut last, mut next) = (Vec::<Span>::new(), Vec::new(), 0i64, 0usize);
            for (i, n) in counts.iter().enumerate().filter(|(_, n)| **n > 0.0) {
                match spans.last_mut() {
                    Some(span) if next == i => span.length += 1,
                    _ => spans.push(Span { offset: (i - next) as i32, length: 1 }),
                }
                buckets.push(*n as i64 - last);
                (last, next) = (*n as i64, i + 1);
            }
            (spans, buckets)
        };
        let ((positive_spans, positive_buckets), (negative_spans, negative_buckets)) =
            (side(&self.positive), side(&self.negative));
        Histogram {
            counter_reset_hint: hint,
            schema: 2,
            zero_threshold: 0.001,
            zero_count: self.zero as u64,
            count: self.count as u64,
            sum: self.sum,
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            ..Histogram::default()
        }
    }

    fn of(h: &FloatHistogram) -> Self {
        let side = |spans: &[Span], buckets: &[f64]| {
            let (mut counts, mut index) = ([0.0; BUCKETS], 0i64);
            let mut values = buckets.iter();
            for span in spans {
                index += i64::from(span.offset);
                for _ in 0..span.length {
                    let value = *values.next().expect("as many buckets as the spans say");
                    if value != 0.0 {
                        counts[usize::try_from(index).expect("no bucket below the first")] = value;
                    }
                    index += 1;
                }
            }
            counts
        };
        assert_eq!((h.schema, h.zero_threshold), (2, 0.001));
        Self {
            positive: side(&h.positive_spans, &h.positive_buckets),
            negative: side(&h.negative_spans, &h.negative_buckets),
            zero: h.zero_count,
            count: h.count,
            sum: h.sum,
        }
    }
}

/// What happens at a scrape.
#[derive(Debug, Clone)]
enum Scrape {
    /// These buckets grow, by so much.
    Grows(Vec<(usize, u8)>),
    /// The process starts anew.
    Restarts,
    /// The series is marked as stale.
    Stale,
    /// Something that is no number was observed.
    NotANumber,
}

fn scrapes(restarts: u32) -> impl Strategy<Value = Vec<(i64, Scrape)>> {
    let step = prop_oneof![20 => 14_990..15_010i64, 2 => Just(60_000i64), 1 => 1..4_000_000i64];
    let grows = prop::collection::vec((0..2 * BUCKETS + 1, 1..4u8), 0..4).prop_map(Scrape::Grows);
    let scrape = prop_oneof![
        60 => grows, restarts => Just(Scrape::Restarts), 1 => Just(Scrape::Stale), 1 => Just(Scrape::NotANumber),
    ];
    prop::collection::vec((step, scrape), 1..700)
}

/// The samples as a block has them, and those that count, in the model's terms.
#[allow(clippy::type_complexity, reason = "two lists")]
fn samples(scrapes: &[(i64, Scrape)], hint: CounterResetHint) -> (Vec<(i64, Sample)>, Vec<(i64, Counts)>) {
    let (mut t, mut now) = (0, Counts::default());
    let (mut stored, mut sound) = (Vec::new(), Vec::new());
    for (step, scrape) in scrapes {
        t += step;
        let mut sum = None;
        match scrape {
            Scrape::Grows(buckets) => {
                for (bucket, by) in buckets {
                    let by = f64::from(*by);
                    match bucket {
                        b if *b < BUCKETS => now.positive[*b] += by,
                        b if *b < 2 * BUCKETS => now.negative[*b - BUCKETS] += by,
                        _ => now.zero += by,
                    }
                    now.count += by;
                    now.sum += by * *bucket as f64;
                }
            }
            Scrape::Restarts => now = Counts { count: 1.0, zero: 1.0, ..Counts::default() },
            Scrape::Stale => sum = Some(f64::from_bits(STALE_NAN_BITS)),
            Scrape::NotANumber => sum = Some(f64::NAN),
        }
        let histogram = match sum {
            Some(sum) if sum.to_bits() == STALE_NAN_BITS => Histogram { sum, ..Histogram::default() },
            Some(sum) => Histogram { sum, ..now.histogram(hint) },
            None => {
                sound.push((t, now));
                now.histogram(hint)
            }
        };
        stored.push((t, Sample::Histogram(Box::new(histogram), 0)));
    }
    (stored, sound)
}

/// One window.
#[derive(Debug, Default)]
struct Window {
    samples: Vec<Counts>,
    /// The counter at its end, with all resets before removed.
    total: Counts,
}

fn model(sound: &[(i64, Counts)], resolution: i64) -> BTreeMap<i64, Window> {
    let mut windows: BTreeMap<i64, Window> = BTreeMap::new();
    let mut before: Option<(Counts, Counts)> = None;
    for (t, counts) in sound {
        let total = match &before {
            None => *counts,
            Some((total, last)) if counts.is_reset_after(last) => total.plus(*counts),
            Some((total, last)) => total.plus(counts.minus(*last)),
        };
        before = Some((total, *counts));
        let window = windows.entry(t.div_euclid(resolution)).or_default();
        window.samples.push(*counts);
        window.total = total;
    }
    windows
}

/// An aggregate of all chunks by window.
fn read(
    parts: &[AggregateChunk<'_>],
    kind: AggregateKind,
    resolution: i64,
) -> BTreeMap<i64, (usize, FloatHistogram)> {
    let mut out = BTreeMap::new();
    for (number, part) in parts.iter().enumerate() {
        let (encoding, data) = part.require(kind).expect("an aggregate of histograms");
        let mut buffer = SampleBuffer::new();
        decode_into(encoding, data, &mut buffer).expect("a sound chunk");
        for (t, h) in buffer.timestamps.iter().zip(&buffer.histograms) {
            let h = h.as_ref().expect("a histogram");
            let before = out.insert(t.div_euclid(resolution), (number, FloatHistogram::clone(h)));
            assert!(before.is_none(), "{kind} has window {t} twice");
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Windows have the count and the sum of their samples; the counter grows over them as the samples do, resets removed.
    #[test]
    fn windows_of_histograms_hold_what_their_samples_come_to(
        scrapes in prop_oneof![scrapes(2), scrapes(0)],
        size in 1..200usize,
        is_gauge in prop::bool::weighted(0.2),
    ) {
        let hint = if is_gauge { CounterResetHint::Gauge } else { CounterResetHint::Unknown };
        let (stored, sound) = samples(&scrapes, hint);
        let restarts = scrapes.iter().any(|(_, s)| matches!(s, Scrape::Restarts));
        let mut source = tempfile::tempdir().unwrap();
        write_block(source.path(), &BTreeMap::from([(1, stored.chunks(size).flat_map(chunks).collect())]));
        for (from, to) in [(0, FIVE_MINUTES), (FIVE_MINUTES, ONE_HOUR)] {
            let out = tempfile::tempdir().unwrap();
            let input = MergeInput::open(source.path()).unwrap();
            downsample_block(&input, out.path(), &DownsampleOptions::new(from, to), &mut |_| Ok(())).unwrap();
            let read_back = read_chunks(out.path());
            let list = read_back.get(&1).map_or(&[][..], Vec::as_slice);
            let parts: Vec<_> = list.iter().map(|(_, _, data)| AggregateChunk::parse(data).unwrap()).collect();
            let want = model(&sound, to);

            let mut counts = BTreeMap::new();
            for part in &parts {
                let mut buffer = SampleBuffer::new();
                let (encoding, data) = part.require(AggregateKind::Count).unwrap();
                decode_into(encoding, data, &mut buffer).unwrap();
                counts.extend(buffer.timestamps.iter().map(|t| t.div_euclid(to)).zip(buffer.floats));
            }
            let naive: BTreeMap<_, _> = want.iter().map(|(w, x)| (*w, x.samples.len() as f64)).collect();
            prop_assert_eq!(counts, naive);

            let sums = read(&parts, AggregateKind::Sum, to);
            prop_assert!(sums.keys().eq(want.keys()));
            for ((_, h), window) in sums.values().zip(want.values()) {
                let naive = window.samples.iter().fold(Counts::default(), |a, b| a.plus(*b));
                prop_assert_eq!(Counts::of(h), naive);
                prop_assert_eq!(h.counter_reset_hint, CounterResetHint::Gauge);
            }

            // Nothing in a chunk tells where the raw counter stood at its end, so that a restart counts once more in the second
            // step where a chunk begins (as in Thanos). Gauges have no counter to speak of.
            if is_gauge || (restarts && from > 0) {
                source = out;
                continue;
            }
            let counters = read(&parts, AggregateKind::Counter, to);
            prop_assert!(counters.keys().eq(want.keys()));
            let mut before: Option<(usize, Counts, Counts)> = None;
            for ((chunk, h), window) in counters.values().zip(want.values()) {
                let now = Counts::of(h);
                match before {
                    Some((last_chunk, last, total)) if last_chunk == *chunk => {
                        prop_assert_eq!(now.minus(last), window.total.minus(total));
                    }
                    // A chunk begins with what its first sample has.
                    _ => {
                        let mut naive = window.samples[0];
                        for pair in window.samples.windows(2) {
                            let reset = pair[1].is_reset_after(&pair[0]);
                            naive = naive.plus(if reset { pair[1] } else { pair[1].minus(pair[0]) });
                        }
                        let goes_on = before.map(|(_, last, total)| last.plus(window.total.minus(total)));
                        prop_assert!(now == naive || Some(now) == goes_on, "{:?} is neither {:?} nor {:?}", now, naive, goes_on);
                    }
                }
                before = Some((*chunk, now, window.total));
            }
            source = out;
        }
    }
}
