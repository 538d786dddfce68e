//! Rules, alerts, targets, metadata and TSDB status of an HA pair of real Prometheus, through sidecars and two layers of queriers.

use anyhow::Result;
use e2e::http;
use e2e::process::free_port;
use e2e::programs::{Prometheus, Thanos};
use serde_json::{Value, json};

const RULES: &str = r#"groups:
- name: g
  interval: 1s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: AlwaysOn
    expr: vector(1) > 0
    labels: {severity: page}
    annotations: {summary: "on {{ $value }}"}
  - alert: Never
    expr: vector(0) > 1
    for: 1m
"#;

struct Lab {
    _dir: tempfile::TempDir,
    _pair: Vec<Prometheus>,
    sidecars: Vec<Thanos>,
    querier: Thanos,
    /// Over the first querier.
    top: Thanos,
}

fn lab() -> Result<Lab> {
    let dir = tempfile::tempdir()?;
    let path = dir.path();
    let rules = path.join("rules.yml");
    std::fs::write(&rules, RULES)?;
    let target = format!("127.0.0.1:{}", free_port());
    let (mut pair, mut sidecars) = (Vec::new(), Vec::new());
    for replica in ["a", "b"] {
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n  external_labels: {{cluster: eu, replica: {replica}}}\n\
             rule_files: [{}]\nscrape_configs:\n- job_name: gone\n  static_configs: [{{targets: [{target:?}]}}]\n",
            rules.display()
        );
        let name = format!("prometheus-{replica}");
        let prometheus = Prometheus::start_with_config(path, &name, &path.join(&name), &config)?;
        sidecars.push(Thanos::sidecar(path, &format!("sidecar-{replica}"), &prometheus, None)?);
        pair.push(prometheus);
    }
    let endpoints: Vec<&str> = sidecars.iter().map(|sidecar| sidecar.grpc.as_str()).collect();
    let mut querier = Thanos::query(path, "querier", &endpoints, &[])?;
    let top = Thanos::query(path, "top", &[&querier.grpc], &[])?;
    // All is there once both have fired, have scraped, and the pair has been seen by both.
    let base = querier.url.clone();
    querier.process.wait_until("told of the alerts and scrapes of both", || {
        let fired = data(&base, "/api/v1/rules?type=alert&sources=true").is_ok_and(|data| {
            let rule = &data["groups"][0]["rules"][0];
            rule["state"] == "firing" && rule["sources"].as_array().is_some_and(|sources| sources.len() == 2)
        });
        let scraped = data(&base, "/api/v1/targets?sources=true").is_ok_and(|data| {
            let target = &data["activeTargets"][0];
            target["health"] == "down"
                && target["sources"].as_array().is_some_and(|sources| sources.len() == 2)
        });
        fired && scraped
    })?;
    Ok(Lab { _dir: dir, _pair: pair, sidecars, querier, top })
}

fn data(base: &str, path: &str) -> Result<Value> {
    Ok(http::get(&format!("{base}{path}"), &[])?.json()?["data"].clone())
}

fn sorted(mut names: Vec<String>) -> Value {
    names.sort();
    json!(names)
}

#[test]
fn what_an_ha_pair_says_is_said_once_and_with_its_sources() -> Result<()> {
    let lab = lab()?;
    let pair = sorted(lab.sidecars.iter().map(|sidecar| sidecar.grpc.clone()).collect());
    // The querier above sees the one below as its only source, and the same rules.
    for (querier, sources) in [(&lab.querier, &pair), (&lab.top, &json!([lab.querier.grpc]))] {
        let base = &querier.url;
        let groups = data(base, "/api/v1/rules?sources=true")?["groups"].clone();
        assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
        let group = &groups[0];
        assert_eq!((&group["name"], &group["sources"]), (&json!("g"), sources));
        let names: Vec<_> = group["rules"].as_array().unwrap().iter().map(|rule| &rule["name"]).collect();
        assert_eq!(names, ["AlwaysOn", "Never", "job:up:sum"], "alerts first, replicas joined");
        let alert = &group["rules"][0];
        assert_eq!((&alert["state"], &alert["sources"]), (&json!("firing"), sources));
        assert_eq!(alert["labels"], json!({"cluster": "eu", "severity": "page"}), "no replica label");
        assert_eq!(alert["alerts"][0]["annotations"]["summary"], "on 1");

        let plain = data(base, "/api/v1/rules")?.to_string();
        assert!(!plain.contains("\"sources\""), "only when asked for: {plain}");
        let recording = data(base, "/api/v1/rules?type=record")?;
        assert_eq!(recording["groups"][0]["rules"].as_array().unwrap().len(), 1);
        let never = data(base, "/api/v1/rules?rule_name[]=Never")?;
        assert_eq!(never["groups"][0]["rules"][0]["state"], "inactive");

        let alerts = data(base, "/api/v1/alerts?sources=true")?["alerts"].clone();
        assert!(!alerts.as_array().unwrap().is_empty());
        assert_eq!((&alerts[0]["state"], &alerts[0]["sources"]), (&json!("firing"), sources));

        let targets = data(base, "/api/v1/targets?sources=true&state=active")?;
        let active = targets["activeTargets"].as_array().unwrap();
        assert_eq!(active.len(), 1, "the pair scrapes the same target: {targets}");
        assert_eq!((&active[0]["health"], &active[0]["sources"]), (&json!("down"), sources));
        assert_eq!(active[0]["labels"]["cluster"], "eu");

        let status = data(base, "/api/v1/status/tsdb")?;
        assert!(status["headStats"]["numSeries"].as_u64().unwrap() > 0, "{status}");
        assert_eq!(data(base, "/api/v1/metadata?limit=1")?, json!({}), "nothing was scraped");
        assert_eq!(data(base, "/api/v1/query_exemplars?query=up")?, json!([]));
    }
    Ok(())
}

#[test]
fn an_endpoint_that_is_gone_is_told_of() -> Result<()> {
    let mut lab = lab()?;
    let gone = lab.sidecars.remove(0);
    let name = gone.grpc.clone();
    drop(gone);
    let base = lab.querier.url.clone();
    let stores = format!("{base}/api/v1/stores?details=true");
    lab.querier.process.wait_until("told of the lost sidecar", || {
        let Ok(stores) = http::get(&stores, &[]).and_then(|answer| answer.json()) else { return false };
        let sidecars = stores["data"]["sidecar"].as_array().cloned().unwrap_or_default();
        sidecars.iter().any(|store| store["name"] == name.as_str() && store["queryable"] == false)
    })?;
    let data = data(&base, "/api/v1/query?query=up&endpoints=true")?;
    let endpoints = &data["endpoints"];
    assert_eq!((&endpoints["total"], &endpoints["asked"]), (&json!(2), &json!(1)), "{endpoints}");
    assert_eq!((&endpoints["down"], &endpoints["skipped"]), (&json!([name]), &json!([])));
    let elsewhere = http::get(
        &format!("{base}/api/v1/query"),
        &[("query", "up{cluster=\"us\"}"), ("endpoints", "true")],
    )?
    .json()?;
    assert_eq!(elsewhere["data"]["endpoints"]["skipped"], json!([lab.sidecars[0].grpc]), "{elsewhere}");
    Ok(())
}
