//! What happens when a neighbour dies, hangs or was never there.

use anyhow::{Result, ensure};
use e2e::dataset::{self, LENGTH, START};
use e2e::http;
use e2e::programs::{Prometheus, Thanos, create_blocks, filesystem_bucket, whole_blocks};

#[test]
fn a_hanging_store_is_named_in_a_warning_and_the_rest_is_answered() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let text = dir.join("data.om");
    dataset::write_openmetrics(&text)?;
    let mut sidecars = Vec::new();
    let mut servers = Vec::new();
    for i in 0..2 {
        let data = dir.join(format!("data{i}"));
        create_blocks(&text, &data)?;
        let name = format!("prometheus{i}");
        let cluster = format!("c{i}");
        servers.push(Prometheus::start(dir, &name, &data, &[("cluster", &cluster), ("replica", "0")])?);
        sidecars.push(Thanos::sidecar(dir, &format!("sidecar{i}"), &servers[i], None)?);
    }
    let endpoints = [sidecars[0].grpc.as_str(), sidecars[1].grpc.as_str()];
    let mut query = Thanos::query(
        dir,
        "query",
        &[],
        &[
            &format!("--endpoint-strict={}", endpoints[0]),
            &format!("--endpoint-strict={}", endpoints[1]),
            "--store.response-timeout=1s",
        ],
    )?;
    query.wait_for_endpoints(2)?;
    let time = (START + LENGTH / 2).to_string();
    let ask = |partial: &str| {
        let params = [
            ("query", "count by (cluster) (tide_metres)"),
            ("time", time.as_str()),
            ("partial_response", partial),
        ];
        http::get(&format!("{}/api/v1/query", query.url), &params)
    };
    let clusters = |json: &serde_json::Value| json["data"]["result"].as_array().map_or(0, Vec::len);
    let all = ask("true")?.json()?;
    ensure!(clusters(&all) == 2, "both clusters answer: {all}");

    sidecars[1].process.signal(libc::SIGSTOP);
    let answer = ask("true")?;
    let json = answer.json()?;
    ensure!(answer.status == 200 && clusters(&json) == 1, "one cluster is left: {json}");
    let warnings = json["warnings"].to_string();
    ensure!(warnings.contains(endpoints[1]), "the warning names the store: {warnings}");
    ensure!(answer.headers.get("cache-control").is_some_and(|v| v == "no-store"), "{:?}", answer.headers);

    let answer = ask("false")?;
    let json = answer.json()?;
    ensure!(answer.status == 422 && json["errorType"] == "execution", "abort: {} {json}", answer.status);
    sidecars[1].process.signal(libc::SIGCONT);
    Ok(())
}

#[test]
fn one_broken_block_does_not_take_the_others_down() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let data = dataset::blocks(dir)?;
    let prometheus = Prometheus::start(dir, "prometheus", &data, &[("cluster", "c"), ("replica", "0")])?;
    let (bucket, config) = filesystem_bucket(dir)?;
    let mut sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, Some(&config))?;
    sidecar.process.wait_until("done with uploading", || whole_blocks(&bucket) >= 3)?;
    drop(sidecar);

    // The first block loses its index, the second half of it; the others are whole.
    let mut folders: Vec<_> = std::fs::read_dir(&bucket)?.flatten().map(|e| e.path()).collect();
    folders.sort_by_key(|f| {
        let meta = std::fs::read_to_string(f.join("meta.json")).unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(&meta).ok().and_then(|m| m["minTime"].as_i64())
    });
    let index = folders[0].join("index");
    let bytes = std::fs::read(&index)?;
    std::fs::write(&index, &bytes[..bytes.len() / 2])?;

    let store = Thanos::store(dir, "store", &config)?;
    let query = Thanos::query(dir, "query", &[&store.grpc], &[])?;
    let time = (START + LENGTH - 60).to_string();
    let params = [("query", "count(tide_metres)"), ("time", time.as_str())];
    let answer = http::get(&format!("{}/api/v1/query", query.url), &params)?.json()?;
    ensure!(answer["data"]["result"][0]["value"][1] == "3", "the last block answers: {answer}");
    let log = store.process.log();
    let broken = folders[0].file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    ensure!(
        log.lines().any(|l| l.contains(&broken) && (l.contains("level=warn") || l.contains("level=error"))),
        "{log}"
    );
    Ok(())
}

#[test]
fn prometheus_down_then_up_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let prometheus = Prometheus::start(dir, "prometheus", &dir.join("data"), &[("replica", "0")])?;
    let args = vec![
        format!("--prometheus.url={}", prometheus.url),
        format!("--tsdb.path={}", prometheus.data.display()),
        "--prometheus.get_config_interval=200ms".to_owned(),
        "--prometheus.get_config_timeout=1s".to_owned(),
    ];
    let mut sidecar = Thanos::start(dir, "sidecar", "sidecar", &args)?;
    let (ready, healthy, metrics) = (
        format!("{}/-/ready", sidecar.url),
        format!("{}/-/healthy", sidecar.url),
        format!("{}/metrics", sidecar.url),
    );
    let up = |value: &str| {
        let line = format!("thanos_sidecar_prometheus_up {value}");
        http::get(&metrics, &[]).is_ok_and(|a| a.body.lines().any(|l| l == line))
    };
    sidecar.process.wait_until("seeing Prometheus", || up("1"))?;
    prometheus.process.signal(libc::SIGSTOP);
    sidecar.process.wait_until("aware that Prometheus is gone", || up("0") && !http::is_ok(&ready))?;
    ensure!(http::is_ok(&healthy));
    prometheus.process.signal(libc::SIGCONT);
    sidecar.process.wait_until("ready again", || up("1") && http::is_ok(&ready))?;
    Ok(())
}
