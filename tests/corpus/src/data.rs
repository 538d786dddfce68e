//! Series of every kind of sample: counters with resets, gauges with odd values and staleness, classic and native histograms,
//! series that mix floats and histograms, start timestamps, names beyond ASCII letters.

mod wide;

use anyhow::Result;
use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint, FloatHistogram, Span};
use model::labels::Labels;
use model::series::SampleBuffer;
use model::value::stale_nan;
use promql::promqltest::{MemoryStorage, Script};

use crate::Random;

pub use wide::wide;

/// Series, sorted by labels.
pub type Data = Vec<(Labels, SampleBuffer)>;

/// The first sample of [`aligned`], and the end of both: [`irregular`] goes from [`BASE_MS`] for so long.
pub const LENGTH_MS: i64 = 1_350_000;
/// Where [`irregular`] begins, ms.
pub const BASE_MS: i64 = 1_700_000_000_000;

fn of(storage: &MemoryStorage) -> Data {
    storage.series().map(|(labels, samples)| (labels.clone(), samples.clone())).collect()
}

/// Every 15 s from 0 on, all at the same times.
pub fn aligned() -> Result<Data> {
    Ok(of(&aligned_storage()?))
}

/// The same for an engine to ask.
pub fn aligned_storage() -> Result<MemoryStorage> {
    Ok(Script::parse(include_str!("../data/aligned.load"))?.storage()?)
}

/// Random values at times of their own, some series with long holes or hardly any sample.
pub fn irregular(seed: u64) -> Result<Data> {
    let mut random = Random(seed);
    let mut storage = MemoryStorage::new();
    for (labels, _) in aligned()? {
        let interval = [5_000, 10_000, 15_000, 15_000, 60_000, 400_000][random.below(6)];
        let mut source = Source::new(labels.metric_name(), &mut random);
        let mut t = BASE_MS + random.below(30_000) as i64;
        let mut hole_until = 0;
        while t < BASE_MS + LENGTH_MS {
            if random.chance(60) {
                hole_until = t + random.below(400_000) as i64;
            }
            if t >= hole_until {
                source.append(&mut storage, &labels, t, &mut random)?;
            }
            // Now and then right at the time that was meant.
            let jitter = if random.chance(3) { 0 } else { random.below(900) as i64 - 450 };
            t += interval - t.rem_euclid(1000) % 1000 + jitter;
        }
    }
    Ok(of(&storage))
}

/// Where a series gets its next sample from.
struct Source {
    kind: usize,
    total: f64,
    started: i64,
    with_start: bool,
    histogram: FloatHistogram,
    gauge: bool,
}

const FLOAT_COUNTER: usize = 0;
const GAUGE: usize = 1;
const HISTOGRAM: usize = 2;
const MIXED: usize = 3;
const ONE: usize = 4;

impl Source {
    fn new(metric: &str, random: &mut Random) -> Self {
        let kind = match metric {
            "size" => HISTOGRAM,
            "mixed" => MIXED,
            "temperature" => GAUGE,
            name if name.ends_with("_info") => ONE,
            _ => FLOAT_COUNTER,
        };
        Self {
            kind,
            total: 0.0,
            started: 0,
            with_start: metric.starts_with("started") || (kind == HISTOGRAM && random.chance(3)),
            histogram: shape(random),
            gauge: kind == HISTOGRAM && random.chance(4),
        }
    }

    fn append(&mut self, to: &mut MemoryStorage, labels: &Labels, t: i64, random: &mut Random) -> Result<()> {
        if random.chance(70) {
            return Ok(to.append_float(labels, 0, t, stale_nan())?);
        }
        let restarted = random.chance(25);
        if restarted || self.started == 0 {
            self.started = t - random.below(20_000) as i64;
        }
        let start = if self.with_start { self.started } else { 0 };
        match self.kind {
            HISTOGRAM => {
                if restarted {
                    self.histogram = if random.chance(2) { shape(random) } else { emptied(&self.histogram) };
                }
                self.observe(random);
                to.append_histogram(labels, start, t, self.histogram.clone())?;
            }
            MIXED => {
                if random.chance(6) {
                    self.total = random.below(100) as f64;
                    self.histogram = shape(random);
                }
                self.observe(random);
                if self.total < 50.0 {
                    self.total += 0.5;
                    to.append_float(labels, start, t, self.total)?;
                } else {
                    to.append_histogram(labels, start, t, self.histogram.clone())?;
                }
            }
            GAUGE => to.append_float(labels, 0, t, gauge(random))?,
            ONE => to.append_float(labels, 0, t, 1.0)?,
            _ => {
                self.total = if restarted { random.below(4) as f64 } else { self.total + step(random) };
                to.append_float(labels, start, t, self.total)?;
            }
        }
        Ok(())
    }

    /// Some observations more, or of a gauge other ones.
    fn observe(&mut self, random: &mut Random) {
        let h = &mut self.histogram;
        if self.gauge {
            *h = emptied(h);
            h.counter_reset_hint = CounterResetHint::Gauge;
        }
        let mut add = |count: &mut f64| {
            let more = random.below(5) as f64;
            *count += more;
            h.count += more;
        };
        h.positive_buckets.iter_mut().for_each(&mut add);
        h.negative_buckets.iter_mut().for_each(&mut add);
        if h.schema != CUSTOM_BUCKETS_SCHEMA {
            add(&mut h.zero_count);
        }
        h.sum += random.unit() * 20.0 - 4.0;
        if random.chance(200) {
            h.sum = f64::NAN;
        }
    }
}

fn step(random: &mut Random) -> f64 {
    if random.chance(3) { random.below(40) as f64 } else { random.unit() * 7.0 }
}

fn gauge(random: &mut Random) -> f64 {
    match random.below(40) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => -0.0,
        4 => 0.0,
        5 => 1e300 * (random.unit() - 0.5),
        6 => 1e-310,
        7..12 => random.below(6) as f64,
        _ => (random.unit() - 0.3) * 100.0,
    }
}

/// Buckets without observations.
fn shape(random: &mut Random) -> FloatHistogram {
    let spans = |random: &mut Random| {
        let spans: Vec<Span> = (0..1 + random.below(2))
            .map(|at| Span {
                offset: if at == 0 { random.below(5) as i32 - 2 } else { 1 + random.below(3) as i32 },
                length: 1 + random.below(3) as u32,
            })
            .collect();
        let buckets = vec![0.0; spans.iter().map(|span| span.length as usize).sum()];
        (spans, buckets)
    };
    if random.chance(3) {
        let custom_values =
            [&[0.5, 1.0, 5.0][..], &[1.0, 2.0, 5.0, 10.0], &[-1.0, 0.0, 1.0]][random.below(3)];
        return FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            positive_spans: vec![Span { offset: 0, length: custom_values.len() as u32 + 1 }],
            positive_buckets: vec![0.0; custom_values.len() + 1],
            custom_values: custom_values.to_vec(),
            ..Default::default()
        };
    }
    let (positive_spans, positive_buckets) = spans(random);
    let (negative_spans, negative_buckets) =
        if random.chance(2) { spans(random) } else { (Vec::new(), Vec::new()) };
    FloatHistogram {
        schema: random.below(4) as i32 - 1,
        zero_threshold: [0.0, 0.001, 0.5][random.below(3)],
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..Default::default()
    }
}

fn emptied(h: &FloatHistogram) -> FloatHistogram {
    FloatHistogram {
        count: 0.0,
        sum: 0.0,
        zero_count: 0.0,
        positive_buckets: vec![0.0; h.positive_buckets.len()],
        negative_buckets: vec![0.0; h.negative_buckets.len()],
        counter_reset_hint: CounterResetHint::Unknown,
        ..h.clone()
    }
}
