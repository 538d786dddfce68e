//! The same question, the same answer: Prometheus itself, Prometheus behind sidecar and querier, and the same blocks
//! behind bucket, store gateway and querier.

use anyhow::{Context, Result, ensure};
use e2e::compare::difference;
use e2e::dataset::{self, INTERVAL, LENGTH, START};
use e2e::http;
use e2e::programs::{Prometheus, Thanos, filesystem_bucket, whole_blocks};
use serde_json::Value;

use crate::queries;

#[test]
fn querier_answers_as_prometheus_does() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let data = dataset::blocks(dir)?;

    let prometheus = Prometheus::start(dir, "prometheus", &data, &[("replica", "0")])?;
    let (bucket, bucket_config) = filesystem_bucket(dir)?;
    let mut sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, Some(&bucket_config))?;
    let blocks = whole_blocks(&data);
    ensure!(blocks >= 3, "five hours give at least three blocks, not {blocks}");
    sidecar.process.wait_until("done with uploading", || whole_blocks(&bucket) == blocks)?;
    let store = Thanos::store(dir, "store", &bucket_config)?;

    let by_sidecar = Thanos::query(dir, "query-sidecar", &[&sidecar.grpc], &[])?;
    let by_store = Thanos::query(dir, "query-store", &[&store.grpc], &[])?;
    let by_both = Thanos::query(dir, "query-both", &[&sidecar.grpc, &store.grpc], &[])?;

    let queries = queries::all();
    ensure!(queries.len() >= 300, "only {} queries", queries.len());
    let mut wrong = Vec::new();
    for (name, querier) in [("sidecar", &by_sidecar), ("store", &by_store), ("both", &by_both)] {
        // Copies of a series that are joined have the resets of counters removed, as in Thanos (docs/differences.md).
        let joined = name == "both";
        for query in queries.iter().filter(|q| !(joined && q.contains("resets("))) {
            for (kind, params) in questions(query) {
                let params: Vec<(&str, &str)> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
                let want = http::post_form(&format!("{}/api/v1/{kind}", prometheus.url), &params)?.json()?;
                let got = http::get(&format!("{}/api/v1/{kind}", querier.url), &params)?.json()?;
                let ordered = query.starts_with("sort") && kind == "query";
                if let Some(difference) = difference(&want, &got, ordered) {
                    wrong.push(format!("[{name}] {kind} {query}\n    {difference}"));
                }
            }
        }
        metadata_is_equal(&prometheus.url, &querier.url)
            .with_context(|| format!("metadata through {name}"))?;
    }
    ensure!(wrong.is_empty(), "{} answers differ (Prometheus / querier):\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// The instant and the range form of a query.
pub(crate) fn questions(query: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let middle = START + LENGTH / 2 + 11;
    let mut questions = vec![("query", vec![("query", query.to_owned()), ("time", middle.to_string())])];
    // No step is a multiple of ten seconds, where the steps of subqueries lie: Prometheus 3 leaves the left edge out.
    let (start, end) = (START + 4013, START + LENGTH + 900);
    let step = 20 * INTERVAL;
    questions.push((
        "query_range",
        vec![
            ("query", query.to_owned()),
            ("start", start.to_string()),
            ("end", end.to_string()),
            ("step", step.to_string()),
        ],
    ));
    questions
}

fn metadata_is_equal(prometheus: &str, querier: &str) -> Result<()> {
    let (start, end) = (START.to_string(), (START + LENGTH).to_string());
    let time = [("start", start.as_str()), ("end", end.as_str())];
    let ask = |base: &str, path: &str, extra: &[(&str, &str)]| -> Result<Value> {
        let params: Vec<(&str, &str)> = time.iter().chain(extra).copied().collect();
        let json = http::get(&format!("{base}/api/v1/{path}"), &params)?.json()?;
        ensure!(json["status"] == "success", "{path}: {json}");
        Ok(json["data"].clone())
    };
    let selector = r#"crane_moves_total{berth=~"north|west"}"#;
    for (path, extra) in [
        ("labels", vec![]),
        ("labels", vec![("match[]", selector)]),
        ("label/__name__/values", vec![]),
        ("label/berth/values", vec![]),
        ("label/berth/values", vec![("match[]", selector)]),
        ("label/nothing/values", vec![]),
        ("series", vec![("match[]", selector)]),
        ("series", vec![("match[]", "tide_metres"), ("match[]", "berth_info")]),
    ] {
        let (want, got) = (ask(prometheus, path, &extra)?, ask(querier, path, &extra)?);
        ensure!(sorted(&want) == sorted(&got), "{path} {extra:?}: {want} / {got}");
    }
    Ok(())
}

/// The entries in order, without the name of the replica label: label names are not deduplicated, as in Go Thanos.
fn sorted(list: &Value) -> Vec<String> {
    let entries = list.as_array().into_iter().flatten().filter(|e| *e != "replica");
    let mut all: Vec<String> = entries.map(Value::to_string).collect();
    all.sort();
    all
}
