//! A query that asks for too much ends with an error, and the process goes on.

use anyhow::{Result, ensure};
use e2e::dataset::{self, LENGTH, START};
use e2e::http;
use e2e::programs::{Prometheus, Thanos};

#[test]
fn a_query_over_its_memory_budget_is_ended_and_named_in_the_log() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let data = dataset::blocks(dir)?;
    let prometheus = Prometheus::start(dir, "prometheus", &data, &[("replica", "0")])?;
    let sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, None)?;
    let features = "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,\
                    promql-binop-fill-modifiers,promql-delayed-name-removal,type-and-unit-labels,use-start-timestamps";
    let query = Thanos::query(dir, "query", &[&sidecar.grpc], &["--query.max-memory=400KB", features])?;
    let (start, end) = (START.to_string(), (START + LENGTH).to_string());
    let ask = |text: &str| {
        let params = [("query", text), ("start", start.as_str()), ("end", end.as_str()), ("step", "15")];
        http::get(&format!("{}/api/v1/query_range", query.url), &params)
    };
    let large = ask(r#"{job=~"crane|tide|gate|office"}"#)?;
    let json = large.json()?;
    ensure!(large.status == 422 && json["errorType"] == "execution", "{} {:.300}", large.status, large.body);
    ensure!(json["error"].as_str().is_some_and(|e| e.contains("more memory")), "{json}");
    let log = query.process.log();
    ensure!(log.lines().any(|l| l.contains("level=warn") && l.contains("crane|tide")), "{log}");
    let small = ask("count(tide_metres) + 1h / 1m")?;
    ensure!(small.status == 200, "the next query is answered: {:.300}", small.body);
    Ok(())
}
