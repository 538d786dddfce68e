//! Queries split among engines give what they give over all data at once.

use std::collections::BTreeMap;

use model::labels::Labels;
use model::matcher::matches_all;
use model::series::{MemorySamples, MemorySeriesSet, SampleBuffer, SampleRef, SeriesSet, SourceError};
use promql::distribute::{
    Distributed, LeafValue, Partition, RemoteEngine, RemoteSample, WithLeaves, distribute, left_out_a_group,
};
use promql::engine::{Engine, EngineOptions, Query, QueryParams};
use promql::limits::Limits;
use promql::parse::{ParseOptions, parse_expr};
use promql::source::{Queryable, SelectParams};
use promql::value::{SampleValue, Value};

use corpus::Generator;

/// The label that tells partitions apart stands in the place of one of the generator's.
const ZONE: &str = "zone";
const ZONES: [&str; 3] = ["north", "south", "west"];

#[derive(Clone, Default)]
struct Store(Vec<(Labels, MemorySamples)>);

impl Queryable for Store {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        let found =
            self.0.iter().filter(|(labels, _)| matches_all(&params.matchers, labels)).cloned().collect();
        Ok(Box::new(MemorySeriesSet::new(found)))
    }
}

impl Store {
    /// The series of a zone with the samples from `mint` to `maxt`.
    fn part(&self, zone: &str, mint: i64, maxt: i64) -> Store {
        let series = self.0.iter().filter(|(labels, _)| labels.get(ZONE) == Some(zone));
        let cut = series.map(|(labels, samples)| {
            let mut buffer = SampleBuffer::new();
            for at in 0..samples.0.len() {
                let t = samples.0.timestamps[at];
                if t < mint || t > maxt {
                    continue;
                }
                match samples.0.sample(at) {
                    SampleRef::Float(value) => buffer.push_float(t, value),
                    SampleRef::Histogram(histogram) => buffer.push_histogram(t, histogram.clone()),
                }
            }
            (labels.clone(), MemorySamples::new(buffer))
        });
        Store(cut.collect())
    }
}

/// The aligned data, each series in one of the zones.
fn data() -> Store {
    let mut series: Vec<(Labels, MemorySamples)> = corpus::data::aligned()
        .unwrap()
        .into_iter()
        .enumerate()
        .map(|(at, (labels, samples))| {
            let zone = Labels::from_pairs([(ZONE, ZONES[at % ZONES.len()])]);
            (labels.extended(&zone), MemorySamples::new(samples))
        })
        .collect();
    series.sort_by(|(a, _), (b, _)| a.cmp(b));
    Store(series)
}

fn partition(zone: &str, mint: i64, maxt: i64) -> Partition {
    let labels = Labels::from_pairs([(ZONE, zone)]);
    Partition { label_sets: vec![labels.clone()], labels, replicas: vec![Labels::empty()], mint, maxt }
}

/// Engines and their data: one for the north; south and west in two, of which one has the older and one the newer data.
fn engines(all: &Store) -> (Vec<RemoteEngine>, Vec<Store>) {
    const OLD: (i64, i64) = (0, 1_200_000);
    const NEW: (i64, i64) = (300_000, i64::MAX);
    let mut engines = vec![RemoteEngine { partitions: vec![partition("north", 0, i64::MAX)] }];
    let mut stores = vec![all.part("north", i64::MIN, i64::MAX)];
    for (mint, maxt) in [OLD, NEW] {
        let zones = ["south", "west"];
        engines.push(RemoteEngine { partitions: zones.map(|zone| partition(zone, mint, maxt)).to_vec() });
        let mut store = all.part("south", mint, maxt);
        store.0.extend(all.part("west", mint, maxt).0);
        store.0.sort_by(|(a, _), (b, _)| a.cmp(b));
        stores.push(store);
    }
    (engines, stores)
}

/// Runs the parts on their engines, then the rest; all of it over all data where that is told to be needed.
fn run_distributed(
    engine: &Engine,
    whole: &Query,
    distributed: Distributed,
    params: QueryParams,
    all: &Store,
    stores: &[Store],
) -> Result<Value, String> {
    let mut leaves = Vec::new();
    for leaf in &distributed.leaves {
        let mut value = LeafValue::default();
        for part in &leaf.parts {
            let params = match part.step {
                0 => QueryParams::instant(part.start),
                step => QueryParams::range(part.start, part.end, step),
            };
            let query = engine.query(&part.query, params).map_err(|e| e.to_string())?;
            let result = query.exec(&stores[part.engine], &Limits::default());
            if result.annotations.iter().any(|annotation| left_out_a_group(annotation.text())) {
                return whole.exec(all, &Limits::default()).value.map_err(|e| e.to_string());
            }
            match result.value.map_err(|e| e.to_string())? {
                Value::Vector(samples) => {
                    for sample in samples {
                        value.add(&part.owned, sample.labels, [(sample.t, remote(sample.value))]);
                    }
                }
                Value::Matrix(series) => {
                    for one in series {
                        let floats = one.floats().map(|(t, v)| (t, RemoteSample::Float(v)));
                        let histograms =
                            one.histograms().map(|(t, h)| (t, RemoteSample::Histogram(h.clone())));
                        value.add(&part.owned, one.labels().clone(), floats.chain(histograms));
                    }
                }
                other => return Err(format!("a leaf gave a {}", other.value_type())),
            }
        }
        leaves.push(value);
    }
    let memory = Limits::default().memory;
    let source = WithLeaves::new(all.clone(), leaves, &memory).map_err(|e| e.to_string())?;
    let query = engine.prepare(distributed.expr, params).map_err(|e| e.to_string())?;
    query.exec(&source, &Limits::default()).value.map_err(|e| e.to_string())
}

fn remote(value: SampleValue) -> RemoteSample {
    match value {
        SampleValue::Float(value) => RemoteSample::Float(value),
        SampleValue::Histogram(histogram) => RemoteSample::Histogram(histogram),
    }
}

/// Numbers with enough digits to tell what matters, and few enough for sums in another order to be the same.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() { value.abs().to_string() } else { format!("{value:.9e}") }
}

/// A value as sorted text.
fn text(value: &Value) -> Vec<String> {
    let histogram = |h: &model::histogram::FloatHistogram| {
        let buckets: Vec<String> = h
            .all_iter()
            .filter(|bucket| bucket.count != 0.0)
            .map(|bucket| format!("{}..{}={}", bucket.lower, bucket.upper, number(bucket.count)))
            .collect();
        format!("{}/{}/{}", number(h.count), number(h.sum), buckets.join(","))
    };
    let mut lines: Vec<String> = match value {
        Value::Scalar { t, value } => vec![format!("{t} {}", number(*value))],
        Value::String { value, .. } => vec![value.clone()],
        Value::Vector(samples) => samples
            .iter()
            .map(|sample| match &sample.value {
                SampleValue::Float(v) => format!("{} {} {}", sample.labels, sample.t, number(*v)),
                SampleValue::Histogram(h) => format!("{} {} {}", sample.labels, sample.t, histogram(h)),
            })
            .collect(),
        Value::Matrix(series) => series
            .iter()
            .map(|one| {
                let mut points: Vec<(i64, String)> = one.floats().map(|(t, v)| (t, number(v))).collect();
                points.extend(one.histograms().map(|(t, h)| (t, histogram(h))));
                points.sort();
                format!("{} {points:?}", one.labels())
            })
            .collect(),
    };
    lines.sort();
    lines
}

/// How many points a value has at each time.
fn points(value: &Value) -> BTreeMap<i64, usize> {
    let mut counts = BTreeMap::new();
    let mut add = |t| *counts.entry(t).or_default() += 1;
    match value {
        Value::Vector(samples) => samples.iter().for_each(|sample| add(sample.t)),
        Value::Matrix(series) => series.iter().for_each(|one| {
            one.floats().for_each(|(t, _)| add(t));
            one.histograms().for_each(|(t, _)| add(t));
        }),
        _ => {}
    }
    counts
}

#[test]
fn distributed_is_local() {
    let all = data();
    let (engines, stores) = engines(&all);
    let options = EngineOptions { parse: ParseOptions::all(), ..EngineOptions::default() };
    let engine = Engine::new(options);
    let count = std::env::var("FUZZ_ITERS").ok().and_then(|n| n.parse().ok()).unwrap_or(4000);
    let mut generator = Generator::new(7);
    let (mut split, mut differences) = (0, Vec::new());
    for at in 0..count {
        let instant = at % 3 == 0;
        let query = generator.query(instant).replace("room", ZONE);
        // Which of several equal series are picked rests on their order.
        if query.contains("limitk") || query.contains("limit_ratio") {
            continue;
        }
        let params = match instant {
            true => QueryParams::instant([600_000, 1_300_000, 900_000][at / 3 % 3]),
            false => QueryParams::range(60_000, 1_500_000, [60_000, 15_000, 300_000][at / 3 % 3]),
        };
        let Ok(expr) = parse_expr(&query, &ParseOptions::all()) else { continue };
        let Ok(local) = engine.prepare(expr.clone(), params) else { continue };
        let Some(distributed) = distribute(&expr, &params, 300_000, engine.options(), &engines) else {
            continue;
        };
        split += 1;
        let rest = distributed.expr.to_string();
        let remote = run_distributed(&engine, &local, distributed, params, &all, &stores);
        let local = local.exec(&all, &Limits::default()).value.map_err(|e| e.to_string());
        // Which of several equal values are the largest rests on their order too.
        let ties = query.contains("topk") || query.contains("bottomk");
        let same = match (&local, &remote) {
            (Ok(local), Ok(remote)) if ties => points(local) == points(remote),
            (Ok(local), Ok(remote)) => text(local) == text(remote),
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !same {
            let show = |value: &Result<Value, String>| match value {
                Ok(value) => text(value).join("\n    "),
                Err(error) => error.clone(),
            };
            differences.push(format!(
                "{query} {params:?}\n  as {rest}\n  local {}\n  remote {}",
                show(&local),
                show(&remote)
            ));
        }
    }
    assert!(split > count / 4, "only {split} of {count} queries were split");
    let shown: Vec<&String> = differences.iter().take(5).collect();
    assert!(differences.is_empty(), "{} of {split} differ:\n{shown:#?}", differences.len());
}
