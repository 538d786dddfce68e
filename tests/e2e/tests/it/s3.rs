//! The way of the data through S3: sidecar → bucket → store gateway → querier.

use anyhow::{Result, ensure};
use e2e::compare::difference;
use e2e::dataset;
use e2e::http;
use e2e::programs::{Prometheus, S3, Thanos, whole_blocks};

use crate::differential::questions;
use crate::queries;

#[test]
fn blocks_behind_s3_answer_as_prometheus_does() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let data = dataset::blocks(dir)?;
    let blocks = whole_blocks(&data);

    let s3 = S3::start(dir)?;
    let bucket = s3.bucket(dir, "harbour")?;
    let prometheus = Prometheus::start(dir, "prometheus", &data, &[("replica", "0")])?;
    let mut sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, Some(&bucket))?;
    let metrics = format!("{}/metrics", sidecar.url);
    let uploaded = format!("\nthanos_shipper_uploads_total {blocks}\n");
    sidecar.process.wait_until("done with uploading", || {
        http::get(&metrics, &[]).is_ok_and(|answer| answer.body.contains(&uploaded))
    })?;
    let store = Thanos::store(dir, "store", &bucket)?;
    let querier = Thanos::query(dir, "query", &[&store.grpc], &[])?;

    let mut wrong = Vec::new();
    // Every seventh of the queries: what they ask of the engine is held against Prometheus elsewhere.
    for query in queries::all().iter().step_by(7) {
        for (kind, params) in questions(query) {
            let params: Vec<(&str, &str)> = params.iter().map(|(k, v)| (*k, v.as_str())).collect();
            let want = http::get(&format!("{}/api/v1/{kind}", prometheus.url), &params)?.json()?;
            let got = http::get(&format!("{}/api/v1/{kind}", querier.url), &params)?.json()?;
            let ordered = query.starts_with("sort") && kind == "query";
            if let Some(difference) = difference(&want, &got, ordered) {
                wrong.push(format!("{kind} {query}\n    {difference}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} answers differ (Prometheus / querier):\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
