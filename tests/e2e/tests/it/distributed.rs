//! A querier that leaves parts of its queries to other queriers answers as one that fetches all data.

use anyhow::{Result, ensure};
use e2e::compare::difference;
use e2e::dataset::{self, LENGTH, START};
use e2e::http;
use e2e::programs::{Prometheus, Thanos, create_blocks};

use crate::queries;

#[test]
fn distributed_answers_are_the_local_ones() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let text = dir.join("data.om");
    dataset::write_openmetrics(&text)?;
    let mut leaves = Vec::new();
    let mut behind = Vec::new();
    for region in ["east", "west"] {
        let data = dir.join(format!("data-{region}"));
        create_blocks(&text, &data)?;
        let labels = [("region", region), ("replica", "0")];
        let prometheus = Prometheus::start(dir, &format!("prometheus-{region}"), &data, &labels)?;
        let sidecar = Thanos::sidecar(dir, &format!("sidecar-{region}"), &prometheus, None)?;
        leaves.push(Thanos::query(dir, &format!("query-{region}"), &[&sidecar.grpc], &[])?);
        behind.push((prometheus, sidecar));
    }
    let endpoints: Vec<&str> = leaves.iter().map(|leaf| leaf.grpc.as_str()).collect();
    let local = Thanos::query(dir, "query-local", &endpoints, &[])?;
    let distributed = Thanos::query(
        dir,
        "query-distributed",
        &endpoints,
        &["--query.mode=distributed", "--endpoint.info-timeout=1s"],
    )?;

    let (start, end, step) = ((START + 4013).to_string(), (START + LENGTH + 900).to_string(), "300");
    let middle = (START + LENGTH / 2 + 11).to_string();
    let mut wrong = Vec::new();
    let (mut asked, mut left) = (0, 0);
    // Both regions have the same values: which of two equal ones are among the three is chosen by other orders.
    for query in queries::all().into_iter().filter(|query| query != "topk(3, crane_power_kilowatts)") {
        let instant = vec![("query", query.as_str()), ("time", middle.as_str())];
        let range =
            vec![("query", query.as_str()), ("start", start.as_str()), ("end", end.as_str()), ("step", step)];
        for (kind, params) in [("query", instant), ("query_range", range)] {
            let ask = |querier: &Thanos, path: &str| {
                http::get(&format!("{}/api/v1/{path}", querier.url), &params)?.json()
            };
            let (want, got) = (ask(&local, kind)?, ask(&distributed, kind)?);
            let ordered = query.starts_with("sort") && kind == "query";
            asked += 1;
            left += usize::from(
                ask(&distributed, &format!("{kind}_explain"))?.to_string().contains("[remoteExec]"),
            );
            if let Some(difference) = difference(&want, &got, ordered) {
                wrong.push(format!("{kind} {query}\n    {difference}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} answers differ (local / distributed):\n{}", wrong.len(), wrong.join("\n"));
    ensure!(left > asked / 2, "only {left} of {asked} queries were left to others");
    a_leaf_that_fails_is_told(&distributed, leaves, &middle)
}

fn a_leaf_that_fails_is_told(distributed: &Thanos, mut leaves: Vec<Thanos>, time: &str) -> Result<()> {
    let gone = leaves.remove(1);
    let address = gone.grpc.clone();
    drop(gone);
    let ask = |partial: &str| {
        let params = [("query", "count(tide_metres)"), ("time", time), ("partial_response", partial)];
        http::get(&format!("{}/api/v1/query", distributed.url), &params)
    };
    // Until the next Info call the querier still counts on the leaf; then it knows only the other.
    let partial = ask("true")?.json()?;
    ensure!(partial["status"] == "success", "{partial}");
    let told = partial["warnings"].to_string();
    let known = http::get(&format!("{}/api/v1/stores", distributed.url), &[])?.json()?;
    let forgotten = known["data"]["query"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|store| store["name"] == address.as_str() && !store["lastError"].is_null());
    ensure!(forgotten || told.contains(&format!("remote query error ({address})")), "{partial} {known}");
    Ok(())
}
