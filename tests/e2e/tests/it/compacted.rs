//! What our compactor writes, served by others: a running Prometheus, and Thanos's own store gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use e2e::compactor::clean_pass;
use e2e::compare::difference;
use e2e::history::{Producer, START, copy_unmarked, fill_bucket, unmarked};
use e2e::http;
use e2e::programs::{Prometheus, Thanos, filesystem_bucket};
use serde_json::Value;

fn answers(
    url: &str,
    hours: i64,
    queries: &[&'static str],
    more: &[(&str, &str)],
) -> Result<BTreeMap<&'static str, Value>> {
    let (start, end) = (START.to_string(), (START + hours * 3600).to_string());
    let mut answers = BTreeMap::new();
    for query in queries {
        let mut params =
            vec![("query", *query), ("start", start.as_str()), ("end", end.as_str()), ("step", "600")];
        params.extend_from_slice(more);
        let answer = http::get(&format!("{url}/api/v1/query_range"), &params)?.json()?;
        let found = answer["data"]["result"].as_array().is_some_and(|r| !r.is_empty());
        ensure!(answer["status"] == "success" && found, "{query}: {answer}");
        answers.insert(*query, answer);
    }
    Ok(answers)
}

fn same(left: &BTreeMap<&str, Value>, right: &BTreeMap<&str, Value>) -> Result<()> {
    for (query, answer) in left {
        if let Some(why) = difference(answer, &right[query], false) {
            anyhow::bail!("{query}: {why}");
        }
    }
    Ok(())
}

const RAW: [&str; 6] = [
    "tide_metres",
    "count_over_time(tide_metres[10m])",
    "sum by (pier) (avg_over_time(tide_metres[1h]))",
    "rate(crane_moves_total[30m])",
    "sum(increase(crane_moves_total[1h]))",
    "tide_metres{pier=\"1\"} offset 7m",
];

/// Blocks merged end to end, and blocks of an overlapping pair merged into one: a Prometheus over them answers as one over their sources.
#[test]
fn a_running_prometheus_serves_compacted_blocks() -> Result<()> {
    let whole = |offset_ms| Producer { hours: 26, offset_ms, outage: None };
    let pair = [
        ("a", Producer { outage: Some((5, 6)), ..whole(0) }),
        ("b", Producer { outage: Some((9, 11)), ..whole(13) }),
    ];
    let vertical: &[&str] =
        &["--compact.enable-vertical-compaction", "--deduplication.replica-label=replica"];
    for (name, producers, extra) in
        [("plain", &[("a", whole(0))][..], &[][..]), ("vertical", &pair, vertical)]
    {
        let tmp = tempfile::tempdir()?;
        let dir = tmp.path();
        let (bucket, config) = filesystem_bucket(dir)?;
        for (replica, producer) in producers {
            fill_bucket(dir, &bucket, replica, *producer, &[("harbour", "brake"), ("replica", replica)])?;
        }
        let (before, after) = (dir.join("sources"), dir.join("compacted"));
        ensure!(copy_unmarked(&bucket, &before, 0)? == 13 * producers.len());
        clean_pass(dir, &config, extra)?;
        ensure!(unmarked(&bucket)? == [(0, 8), (0, 8), (0, 8), (0, 2)], "{name}: {:?}", unmarked(&bucket)?);
        ensure!(copy_unmarked(&bucket, &after, 0)? == 4);
        let of_sources = Prometheus::start(dir, "of-sources", &before, &[])?;
        let of_compacted = Prometheus::start(dir, "of-compacted", &after, &[])?;
        let loaded = http::get(&format!("{}/metrics", of_compacted.url), &[])?.body;
        ensure!(
            loaded.lines().any(|l| l == "prometheus_tsdb_blocks_loaded 4"),
            "{name}: not all blocks are loaded"
        );
        let want = answers(&of_sources.url, 26, &RAW, &[])?;
        same(&want, &answers(&of_compacted.url, 26, &RAW, &[])?)?;
    }
    Ok(())
}

/// The Go gateway and the Go querier (`THANOS_GO` is the binary) over blocks that ours has compacted, deduplicated and downsampled answer as
/// our own do.
#[test]
#[ignore = "no package has the Go binary; THANOS_GO names one"]
fn the_go_gateway_serves_what_ours_wrote() -> Result<()> {
    let go = std::env::var_os("THANOS_GO").map(PathBuf::from).context("THANOS_GO is not set")?;
    let tmp = tempfile::tempdir()?;
    let dir = tmp.path();
    let (bucket, config) = filesystem_bucket(dir)?;
    let hours = 13 * 24;
    for (replica, offset_ms, outage) in [("a", 0, Some((5, 6))), ("b", 13, Some((9, 11)))] {
        let producer = Producer { hours, offset_ms, outage };
        fill_bucket(dir, &bucket, replica, producer, &[("harbour", "brake"), ("replica", replica)])?;
    }
    let dedup = [
        "--compact.enable-vertical-compaction",
        "--deduplication.replica-label=replica",
        "--deduplication.func=penalty",
        "--delete-delay=0s",
    ];
    clean_pass(dir, &config, &dedup)?;
    clean_pass(dir, &config, &dedup)?;
    let left = unmarked(&bucket)?;
    ensure!(left.iter().any(|b| b.0 == 300_000), "{left:?}");

    let store = |name: &str| {
        vec![
            format!("--data-dir={}", dir.join(format!("{name}-data")).display()),
            format!("--objstore.config-file={}", config.display()),
        ]
    };
    let query =
        |store: &Thanos| vec![format!("--endpoint={}", store.grpc), "--query.auto-downsampling".to_owned()];
    let our_store = Thanos::start(dir, "our-store", "store", &store("our"))?;
    let go_store = Thanos::start_of(&go, dir, "go-store", "store", &store("go"))?;
    let mut our_query = Thanos::start(dir, "our-query", "query", &query(&our_store))?;
    let mut go_query = Thanos::start_of(&go, dir, "go-query", "query", &query(&go_store))?;
    our_query.wait_for_endpoints(1)?;
    go_query.wait_for_endpoints(1)?;
    let coarse = [
        "sum_over_time(tide_metres[1h])",
        "min_over_time(tide_metres[1h])",
        "max_over_time(tide_metres[1h])",
        "count_over_time(tide_metres[1h])",
        "avg_over_time(tide_metres[2h])",
        "increase(crane_moves_total[2h])",
    ];
    for (queries, resolution) in [(&RAW[..], "0s"), (&coarse[..], "5m")] {
        let more = [("max_source_resolution", resolution), ("partial_response", "false")];
        let ours = answers(&our_query.url, hours, queries, &more)?;
        let theirs = answers(&go_query.url, hours, queries, &more)?;
        same(&theirs, &ours).map_err(|e| e.context(format!("at {resolution}")))?;
    }
    Ok(())
}
