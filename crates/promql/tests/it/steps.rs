//! A range query gives at each step what an instant query gives there; with workers the same as without.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::{FloatHistogram, Span};
use model::labels::Labels;
use model::matcher::matches_all;
use model::series::{MemorySamples, MemorySeriesSet, SampleBuffer, SeriesSet, SourceError};
use promql::engine::{Engine, EngineOptions, QueryParams};
use promql::limits::{Cancel, Ledger, Limits, ProcessBudget};
use promql::parse::ParseOptions;
use promql::source::{Queryable, SelectParams};
use promql::value::{SampleValue, Value};

struct Store(Vec<(Labels, MemorySamples)>);

impl Queryable for Store {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        let found =
            self.0.iter().filter(|(labels, _)| matches_all(&params.matchers, labels)).cloned().collect();
        Ok(Box::new(MemorySeriesSet::new(found)))
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn histogram(numbers: &mut Numbers) -> FloatHistogram {
    let buckets: Vec<f64> = (0..4).map(|_| numbers.next(20) as f64).collect();
    FloatHistogram {
        count: buckets.iter().sum(),
        sum: numbers.next(1000) as f64 / 8.0,
        positive_spans: vec![Span { offset: -1, length: 4 }],
        positive_buckets: buckets,
        ..Default::default()
    }
}

/// Counters with resets, gauges with gaps, staleness markers and odd values, classic and native histograms; 10 s apart for 20 min.
fn store() -> Store {
    let mut numbers = Numbers(42);
    let mut all = Vec::new();
    for (name, kind) in [("c_total", 0), ("g", 1), ("h_bucket", 2), ("nh", 3), ("mixed", 4)] {
        for i in 0..6 {
            let le = ["0.5", "1", "+Inf"][i % 3];
            let mut labels =
                vec![("__name__", name.to_owned()), ("a", (i % 2).to_string()), ("b", (i / 2).to_string())];
            if kind == 2 {
                labels.push(("le", le.to_owned()));
            }
            let mut buffer = SampleBuffer::new();
            let mut value = 0.0;
            for t in 0..120 {
                let at = t * 10_000 + numbers.next(50) as i64;
                if numbers.next(15) == 0 {
                    continue;
                }
                match kind {
                    3 => buffer.push_histogram(at, Arc::new(histogram(&mut numbers))),
                    4 if numbers.next(3) == 0 => buffer.push_histogram(at, Arc::new(histogram(&mut numbers))),
                    0 | 2 => {
                        value = if numbers.next(30) == 0 { 0.0 } else { value + numbers.next(9) as f64 };
                        buffer.push_float(at, value);
                    }
                    _ => buffer.push_float(
                        at,
                        match numbers.next(40) {
                            0 => f64::NAN,
                            1 => model::value::stale_nan(),
                            2 => f64::INFINITY,
                            _ => numbers.next(10_000) as f64 / 7.0,
                        },
                    ),
                }
            }
            all.push((Labels::from_pairs(labels), MemorySamples::new(buffer)));
        }
    }
    Store(all)
}

const QUERIES: &[&str] = &[
    "g",
    "g offset 1m",
    "g @ 300",
    "nh",
    "rate(c_total[2m])",
    "increase(c_total[45s] offset 30s)",
    "delta(g[1m])",
    "irate(c_total[1m])",
    "rate(nh[2m])",
    "rate(mixed[1m])",
    "sum by (a) (rate(c_total[1m]))",
    "sum without (a) (nh)",
    "avg(g)",
    "avg by (b) (nh)",
    "stddev by (a) (g)",
    "min(g) - max(g)",
    "quantile by (a) (0.3, g)",
    "topk by (a) (2, c_total)",
    "bottomk(3, rate(c_total[3m]))",
    "limitk(2, g)",
    "limit_ratio(0.5, c_total)",
    "count_values(\"v\", c_total)",
    "max_over_time(g[90s])",
    "min_over_time(g[20s])",
    "avg_over_time(g[2m])",
    "stdvar_over_time(c_total[2m])",
    "quantile_over_time(0.7, g[1m])",
    "changes(g[2m]) + resets(g[2m])",
    "last_over_time(mixed[1m])",
    "deriv(c_total[2m])",
    "predict_linear(c_total[2m], 60)",
    "absent(g{a=\"9\"})",
    "absent_over_time(c_total[5s])",
    "histogram_quantile(0.9, sum by (le) (rate(h_bucket[2m])))",
    "histogram_quantile(0.5, nh)",
    "histogram_fraction(0, 1, nh)",
    "histogram_count(rate(nh[1m]))",
    "c_total + on (a, b) g",
    "c_total * on (a) group_left () max by (a) (g)",
    "g > bool 500",
    "g > 500 or c_total",
    "g and c_total > 100",
    "g unless on (b) c_total{a=\"1\"}",
    "nh + nh",
    "nh * 2 == nh",
    "mixed / 3",
    "2 - g",
    "-c_total",
    "abs(-g) ^ 0.5",
    "clamp(g, 100, 700)",
    "label_replace(g, \"c\", \"x$1\", \"a\", \"(.*)\")",
    "timestamp(g)",
    "scalar(sum(g)) + g",
    "max_over_time(rate(c_total[1m])[3m:20s])",
    "sum_over_time(g[2m:15s] offset 10s)",
    "rate(c_total[1m] anchored)",
    "increase(c_total[1m] smoothed)",
    "g smoothed",
    "vector(time())",
    "hour() + minute(g)",
    "{__name__=~\"g|c_total\"}",
];

type Point = BTreeMap<String, String>;

fn text(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(v) if v.is_nan() => "NaN".into(),
        SampleValue::Float(v) => format!("{:016x}", v.to_bits()),
        SampleValue::Histogram(h) => h.to_test_expression(),
    }
}

/// The values of a result by time and labels.
fn points(value: Value) -> BTreeMap<i64, Point> {
    let mut all: BTreeMap<i64, Point> = BTreeMap::new();
    let mut add = |t: i64, labels: &Labels, value: &SampleValue| {
        assert!(
            all.entry(t).or_default().insert(labels.to_string(), text(value)).is_none(),
            "{labels} twice at {t}"
        );
    };
    match value {
        Value::Vector(samples) => samples.iter().for_each(|s| add(s.t, &s.labels, &s.value)),
        Value::Matrix(series) => {
            for s in &series {
                s.floats().for_each(|(t, v)| add(t, s.labels(), &SampleValue::Float(v)));
                s.histograms().for_each(|(t, h)| add(t, s.labels(), &SampleValue::Histogram(h.clone())));
            }
        }
        other => panic!("unexpected {other:?}"),
    }
    all
}

fn engine(delayed: bool, workers: usize) -> Engine {
    let pool = (workers > 0)
        .then(|| Arc::new(rayon::ThreadPoolBuilder::new().num_threads(workers).build().expect("threads")));
    Engine::new(EngineOptions {
        parse: ParseOptions::all(),
        delayed_name_removal: delayed,
        pool,
        ..Default::default()
    })
}

#[test]
fn a_range_query_is_its_instant_queries() {
    let store = store();
    for delayed in [false, true] {
        let (alone, together) = (engine(delayed, 0), engine(delayed, 2));
        for query in QUERIES {
            let run = |engine: &Engine, params| {
                engine.query(query, params).unwrap().exec(&store, &Limits::default()).value
            };
            let params = QueryParams::range(100_000, 1_150_000, 35_000);
            let range = run(&alone, params);
            let parallel = run(&together, params);
            let (range, parallel) = match (range, parallel) {
                (Ok(a), Ok(b)) => (points(a), points(b)),
                (Err(a), Err(b)) => {
                    assert_eq!(a.to_string(), b.to_string(), "{query}");
                    continue;
                }
                (a, b) => panic!("{query}: {a:?} {b:?}"),
            };
            assert_eq!(range, parallel, "{query} with workers");
            for t in (100_000..=1_150_000).step_by(35_000) {
                let instant = points(
                    run(&alone, QueryParams::instant(t)).unwrap_or_else(|e| panic!("{query} at {t}: {e}")),
                );
                assert_eq!(range.get(&t), instant.get(&t), "{query} at {t}, delayed {delayed}");
            }
        }
    }
}

#[test]
fn a_query_over_its_memory_ends_with_an_error_and_gives_all_back() {
    let store = store();
    let process = ProcessBudget::new(1 << 30);
    let query =
        engine(false, 0).query("c_total + on (a, b) g", QueryParams::range(0, 1_200_000, 1000)).unwrap();
    let limited = Limits { memory: Ledger::new(20_000, Some(process.clone())), ..Default::default() };
    let result = query.exec(&store, &limited);
    assert!(result.value.unwrap_err().is_limit());
    assert_eq!(process.used(), 0);
    let free = Limits { memory: Ledger::new(0, Some(process.clone())), ..Default::default() };
    let result = query.exec(&store, &free);
    assert!(result.value.is_ok() && result.stats.peak_bytes > 20_000);
    assert_eq!(process.used(), 0);
}

#[test]
fn a_cancelled_query_and_one_over_its_samples_say_so() {
    let store = store();
    let query = engine(false, 0).query("sum(g)", QueryParams::instant(600_000)).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let result = query.exec(&store, &Limits { cancel, ..Default::default() });
    assert_eq!(result.value.unwrap_err().to_string(), "query was canceled in expression evaluation");
    let result = query.exec(&store, &Limits { max_samples: 3, ..Default::default() });
    assert_eq!(
        result.value.unwrap_err().to_string(),
        "query processing would load too many samples into memory in query execution"
    );
}

#[test]
fn the_same_select_is_made_once() {
    let query = engine(false, 0)
        .query("rate(c_total[1m]) / rate(c_total[1m])", QueryParams::instant(600_000))
        .unwrap();
    assert_eq!(query.selects().len(), 1);
    let value = query.exec(&store(), &Limits::default()).value.unwrap();
    assert!(matches!(value, Value::Vector(v) if v.len() == 6));
    assert_eq!(query.time_range(), (540_001, 600_000));
    let names: Vec<String> = query.explain().children.iter().map(|c| c.name.clone()).collect();
    assert_eq!(names, ["[function] rate", "[function] rate"]);
}

#[test]
fn steps_without_number_end_with_an_error() {
    let store = store();
    let process = ProcessBudget::new(64 << 20);
    for query in [
        "sum_over_time(vector(1)[1y:1ms])",
        "count_over_time(vector(time())[100y:1ms])",
        "vector(1)[1y:1ms]",
        "max_over_time(absent(nothing)[10d:1ms])",
        "max_over_time(max_over_time(g[10d:1ms])[10d:1ms])",
    ] {
        let limits = Limits { memory: Ledger::new(32 << 20, Some(process.clone())), ..Default::default() };
        let query = engine(false, 0).query(query, QueryParams::instant(600_000)).unwrap();
        assert!(query.exec(&store, &limits).value.unwrap_err().is_limit());
        assert_eq!(process.used(), 0);
    }
    let limits = Limits { memory: Ledger::new(32 << 20, Some(process)), ..Default::default() };
    let query = engine(false, 0).query("1", QueryParams::range(0, i64::MAX / 2, 1)).unwrap();
    assert!(query.exec(&store, &limits).value.unwrap_err().is_limit());
}
