//! A query that asks for too much ends with an error, and the process goes on.

use std::io::Write;
use std::net::TcpStream;

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

/// Ticks (1/100 s) of processor time that a process has taken.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may have spaces: user and system time are the 12th and 13th.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Whether any thread of a process runs at the moment.
fn runs(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    stats.any(|stat| stat.contains(") R "))
}

#[test]
fn work_ends_when_the_caller_goes_away() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut query = Thanos::query(dir.path(), "query", &[], &["--query.timeout=30m"])?;
    // One series in one step, and minutes of work within one function.
    let text = "quantile_over_time(0.5,quantile_over_time(0.5,vector(1)%5B1h:1s%5D)%5B9d:1s%5D)";
    let address = query.url.trim_start_matches("http://").to_owned();
    let mut caller = TcpStream::connect(&address)?;
    write!(caller, "GET /api/v1/query?query={text} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let pid = query.process.pid();
    query.process.wait_until("evaluating", || ticks(pid) > 100)?;
    drop(caller);
    query.process.wait_until("idle again", || !runs(pid))?;
    ensure!(http::is_ok(&format!("{}/-/healthy", query.url)), "the process goes on");
    Ok(())
}
