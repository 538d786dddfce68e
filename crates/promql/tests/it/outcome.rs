//! What a query gave, to the bit, as text that can be compared.

use std::collections::BTreeMap;

use promql::engine::{Engine, QueryParams, QueryResult};
use promql::limits::Limits;
use promql::parse::parse_expr;
use promql::source::Queryable;
use promql::value::{SampleValue, Value};

/// The points of each series by time, or the error.
pub(crate) type Points = Result<BTreeMap<String, BTreeMap<i64, String>>, String>;

pub(crate) fn number(value: f64) -> String {
    if value.is_nan() { "NaN".to_owned() } else { format!("{value:?} {:016x}", value.to_bits()) }
}

fn sample(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(v) => number(*v),
        SampleValue::Histogram(h) => format!("{h:?}"),
    }
}

/// The points of a result.
pub(crate) fn points(result: QueryResult) -> Points {
    let mut all: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
    let mut add = |labels: String, t: i64, text: String| {
        all.entry(labels).or_default().insert(t, text);
    };
    match result.value.map_err(|e| e.to_string())? {
        // As in a range query.
        Value::Scalar { t, value } => add("{}".to_owned(), t, number(value)),
        Value::String { t, value } => add(String::new(), t, value),
        Value::Vector(samples) => {
            for s in &samples {
                add(s.labels.to_string(), s.t, sample(&s.value));
            }
        }
        Value::Matrix(series) => {
            for s in &series {
                s.floats().for_each(|(t, v)| add(s.labels().to_string(), t, number(v)));
                s.histograms().for_each(|(t, h)| {
                    add(s.labels().to_string(), t, sample(&SampleValue::Histogram(h.clone())));
                });
            }
        }
    }
    Ok(all)
}

/// Points and annotations; `None` if the query does not parse or cannot be planned.
pub(crate) fn run(
    engine: &Engine,
    source: &dyn Queryable,
    query: &str,
    params: QueryParams,
) -> Option<(Points, Vec<String>)> {
    let expr = parse_expr(query, &engine.options().parse).ok()?;
    let result = engine.prepare(expr, params).ok()?.exec(source, &Limits::default());
    let (mut warnings, infos) = result.annotations.as_strings(query, 0, 0);
    warnings.extend(infos);
    warnings.sort();
    Some((points(result), warnings))
}

/// How often something is tried.
pub(crate) fn iterations(otherwise: usize) -> usize {
    std::env::var("FUZZ_ITERS").ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}
