//! Command lines that stand in unit files since years.

use anyhow::{Result, ensure};
use e2e::http;
use e2e::process::Process;
use e2e::programs::{Prometheus, Thanos, filesystem_bucket, thanos_binary};

#[test]
fn query_takes_the_removed_store_flags_with_one_warning() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let prometheus = Prometheus::start(dir, "prometheus", &dir.join("data"), &[("replica", "0")])?;
    let sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, None)?;
    let args = vec![
        "--query.replica-label".to_owned(),
        "replica".to_owned(),
        "--store".to_owned(),
        sidecar.grpc.clone(),
        format!("--rule={}", sidecar.grpc),
    ];
    let mut query = Thanos::start(dir, "query", "query", &args)?;
    let stores = format!("{}/api/v1/stores", query.url);
    query.process.wait_until("connected", || {
        http::get(&stores, &[])
            .and_then(|a| a.json())
            .is_ok_and(|j| j["data"]["sidecar"].as_array().is_some_and(|l| l.len() == 1))
    })?;
    let log = query.process.log();
    let warnings = log.lines().filter(|l| l.contains("level=warn") && l.contains("deprecated")).count();
    ensure!(warnings == 1, "one warning line about deprecated flags, not {warnings}:\n{log}");
    Ok(())
}

#[test]
fn unknown_flag_and_command_end_with_1() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut process = Process::start("flag", &thanos_binary()?, &["query".into(), "--x".into()], dir.path())?;
    ensure!(process.wait()?.code() == Some(1));
    ensure!(process.log().contains("thanos: error: unknown long flag '--x'"), "{}", process.log());
    let mut process = Process::start("command", &thanos_binary()?, &["qery".into()], dir.path())?;
    ensure!(process.wait()?.code() == Some(1));
    Ok(())
}

#[test]
fn sigterm_ends_every_component_with_0_and_the_line_exiting() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let prometheus = Prometheus::start(dir, "prometheus", &dir.join("data"), &[("replica", "0")])?;
    let (_, bucket) = filesystem_bucket(dir)?;
    let sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, Some(&bucket))?;
    let store = Thanos::store(dir, "store", &bucket)?;
    let query = Thanos::query(dir, "query", &[&sidecar.grpc], &[])?;
    for mut component in [query, store, sidecar] {
        component.process.signal(libc::SIGTERM);
        let status = component.process.wait()?;
        ensure!(status.code() == Some(0), "{status}: {}", component.process.log());
        ensure!(component.process.log().trim_end().ends_with("msg=exiting"), "{}", component.process.log());
    }
    Ok(())
}

#[test]
fn sidecar_without_external_labels_ends_with_1() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let prometheus = Prometheus::start(dir, "prometheus", &dir.join("data"), &[])?;
    let args = vec![
        format!("--prometheus.url={}", prometheus.url),
        format!("--tsdb.path={}", prometheus.data.display()),
    ];
    let mut sidecar = Thanos::spawn(dir, "sidecar", "sidecar", &args)?;
    ensure!(sidecar.process.wait()?.code() == Some(1));
    ensure!(sidecar.process.log().contains("external labels"), "{}", sidecar.process.log());
    Ok(())
}
