//! Many series of each metric with few different values: ties, sorts beyond a dozen, histograms of every schema, information
//! that changes hands.

use anyhow::Result;
use model::histogram::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint, FloatHistogram, Span};
use model::labels::Labels;
use model::value::stale_nan;
use promql::promqltest::MemoryStorage;

use super::{BASE_MS, Data, LENGTH_MS, of};
use crate::Random;

const STEP: i64 = 15_000;

/// Series over the same time as [`irregular`](super::irregular), mostly at whole steps.
pub fn wide(seed: u64) -> Result<Data> {
    let mut random = Random(seed ^ 0x7769_6465);
    let mut storage = MemoryStorage::new();
    for labels in all_labels() {
        let metric = labels.metric_name();
        match metric {
            "size" | "mixed" => histograms(&mut storage, &labels, metric == "mixed", &mut random)?,
            "target_info" | "build_info" => {
                // One takes over from the other, with or without a marker, or both go on side by side.
                let first = labels.value("version") != "2";
                let change = LENGTH_MS / 2;
                let (from, to) = match (random.below(3), first) {
                    (0, _) => (0, LENGTH_MS),
                    (_, true) => (0, change),
                    (_, false) => (change - random.below(2) as i64 * 60_000, LENGTH_MS),
                };
                times(from, to, |t| Ok(storage.append_float(&labels, 0, t, 1.0)?))?;
                if to < LENGTH_MS && random.chance(2) {
                    storage.append_float(&labels, 0, BASE_MS + to, stale_nan())?;
                }
            }
            _ => floats(&mut storage, &labels, &mut random)?,
        }
    }
    Ok(of(&storage))
}

fn times(from: i64, to: i64, mut f: impl FnMut(i64) -> Result<()>) -> Result<()> {
    (from / STEP..to / STEP).try_for_each(|i| f(BASE_MS + i * STEP))
}

fn all_labels() -> Vec<Labels> {
    let mut all = Vec::new();
    let mut push = |name: &str, more: &[(&str, &str)]| {
        let mut pairs = vec![("__name__", name)];
        pairs.extend_from_slice(more);
        all.push(Labels::from_pairs(pairs));
    };
    let instances = ["a:1", "b:1", "c:1", "d:1", "e:10", "e:9"];
    for job in ["api", "web", "db"] {
        for instance in instances {
            let target = [("job", job), ("instance", instance)];
            push("up", &target);
            push("started_total", &target);
            for code in ["200", "404", "500"] {
                push("requests_total", &[target[0], target[1], ("code", code)]);
            }
            for version in ["1", "2"] {
                let data = if instance == "a:1" { "x" } else { "y" };
                push("target_info", &[target[0], target[1], ("version", version), ("data", data)]);
            }
            push("build_info", &[target[0], target[1], ("build", "z"), ("version", "3")]);
            push("size", &target);
        }
        for le in ["-1", "0", "0.1", "0.5", "0.50", "1", "1.0", "2", "1e1", "NaN", "+Inf", "Inf", "x"] {
            push("latency_bucket", &[("job", job), ("le", le)]);
        }
        push("latency_count", &[("job", job)]);
        push("latency_sum", &[("job", job)]);
        push("mixed", &[("job", job)]);
        push("mixed", &[("job", job), ("le", "1")]);
        push("typed", &[("job", job), ("__type__", "counter"), ("__unit__", "seconds")]);
        push("typed", &[("job", job), ("__type__", "gauge")]);
        push("utf8.metric", &[("job", job), ("dotted.label", "\u{e9}")]);
    }
    for room in 0..20 {
        let (room, unit) = (format!("n{room}"), if room % 3 == 0 { "c" } else { "f" });
        push("temperature", &[("room", &room), ("unit", unit)]);
    }
    all
}

fn floats(storage: &mut MemoryStorage, labels: &Labels, random: &mut Random) -> Result<()> {
    let gauge = matches!(labels.metric_name(), "temperature" | "up");
    let with_start = labels.metric_name().starts_with("started");
    let (mut total, mut started) = (0.0, BASE_MS);
    let last = LENGTH_MS - random.below(3) as i64 * 300_000;
    times(0, last, |t| {
        if random.chance(50) {
            return Ok(());
        }
        if random.chance(60) {
            total = 0.0;
            started = t - [0, 1, 5_000, STEP, 40_000, -5_000][random.below(6)];
        }
        let value = if gauge {
            [0.0, -0.0, 1.0, 1.0, 2.5, 2.5, -3.0, f64::NAN, f64::INFINITY, 1e-9][random.below(10)]
        } else {
            total += [0.0, 1.0, 1.0, 2.0, 0.1][random.below(5)];
            total
        };
        let value = if random.chance(120) { stale_nan() } else { value };
        Ok(storage.append_float(labels, if with_start { started } else { 0 }, t, value)?)
    })
}

fn histograms(storage: &mut MemoryStorage, labels: &Labels, mixed: bool, random: &mut Random) -> Result<()> {
    let mut histogram = shape(random);
    let gauge = random.chance(5);
    times(0, LENGTH_MS, |t| {
        if random.chance(40) {
            histogram = shape(random);
        }
        if mixed && random.chance(4) {
            return Ok(storage.append_float(labels, 0, t, random.below(9) as f64 / 4.0)?);
        }
        if random.chance(80) {
            return Ok(storage.append_float(labels, 0, t, stale_nan())?);
        }
        let h = &mut histogram;
        let mut add = |count: &mut f64| {
            let more = random.below(3) as f64 * [1.0, 1.0, 0.5, 0.1][random.below(4)];
            *count = if gauge { more } else { *count + more };
        };
        h.positive_buckets.iter_mut().for_each(&mut add);
        h.negative_buckets.iter_mut().for_each(&mut add);
        if h.schema != CUSTOM_BUCKETS_SCHEMA {
            add(&mut h.zero_count);
        }
        h.count = h.positive_buckets.iter().chain(&h.negative_buckets).sum::<f64>() + h.zero_count;
        h.sum += [0.1, 1.0, -0.5, 1e6, 1e-6][random.below(5)];
        h.counter_reset_hint = if gauge { CounterResetHint::Gauge } else { CounterResetHint::Unknown };
        Ok(storage.append_histogram(labels, 0, t, h.clone())?)
    })
}

/// A histogram without observations: of any schema, or with bounds of its own.
fn shape(random: &mut Random) -> FloatHistogram {
    if random.chance(3) {
        let bounds = [-1e3, -1.0, 0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 1e3, f64::INFINITY];
        let custom_values: Vec<f64> = bounds.into_iter().filter(|_| random.chance(2)).collect();
        let buckets = custom_values.len() + usize::from(custom_values.last() != Some(&f64::INFINITY));
        let custom_values: Vec<f64> = custom_values.into_iter().filter(|bound| bound.is_finite()).collect();
        return FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            positive_spans: vec![Span { offset: 0, length: buckets.min(custom_values.len() + 1) as u32 }],
            positive_buckets: vec![0.0; buckets.min(custom_values.len() + 1)],
            custom_values,
            ..Default::default()
        };
    }
    let spans = |random: &mut Random| {
        let spans: Vec<Span> = (0..random.below(4))
            .map(|at| Span {
                offset: if at == 0 { random.below(21) as i32 - 10 } else { random.below(6) as i32 },
                length: random.below(5) as u32,
            })
            .collect();
        let buckets = vec![0.0; spans.iter().map(|span| span.length as usize).sum()];
        (spans, buckets)
    };
    let (positive_spans, positive_buckets) = spans(random);
    let (negative_spans, negative_buckets) =
        if random.chance(2) { spans(random) } else { (Vec::new(), Vec::new()) };
    FloatHistogram {
        schema: [-4, -2, -1, 0, 1, 3, 5, 8][random.below(8)],
        zero_threshold: [0.0, 2.938_735_877_055_719e-39, 0.001, 0.5, 1.0, 20.0][random.below(6)],
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..Default::default()
    }
}
