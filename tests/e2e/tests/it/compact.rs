//! `thanos compact` as a user runs it, on a bucket of files, with our store and querier asked before and after.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::compactor::{arguments, clean_pass, one_pass};
use e2e::compare::difference;
use e2e::history::{Producer, START, blocks, fill_bucket, unmarked};
use e2e::http;
use e2e::process::Process;
use e2e::programs::{Thanos, filesystem_bucket, thanos_binary};
use serde_json::Value;

/// Asks the queries of a querier over a store that has just looked at the bucket.
fn answers(
    dir: &Path,
    config: &Path,
    hours: i64,
    queries: &[(&str, &str)],
) -> Result<BTreeMap<String, Value>> {
    let store = Thanos::store(dir, "store", config)?;
    let query = Thanos::query(dir, "query", &[&store.grpc], &["--query.auto-downsampling"])?;
    let (start, end) = ((START + 3600).to_string(), (START + hours * 3600).to_string());
    let mut answers = BTreeMap::new();
    for (text, resolution) in queries {
        let params = [
            ("query", *text),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("step", "3600"),
            ("max_source_resolution", *resolution),
            ("partial_response", "false"),
            ("resolutions", "true"),
        ];
        let answer = http::get(&format!("{}/api/v1/query_range", query.url), &params)?.json()?;
        ensure!(answer["status"] == "success", "{text}: {answer}");
        ensure!(
            answer["data"]["result"].as_array().is_some_and(|r| !r.is_empty()),
            "{text} at {resolution} has no answer"
        );
        let read = answer["data"]["resolutions"].as_array().context("no resolutions")?;
        let expected = if *resolution == "5m" { 300_000 } else { 0 };
        ensure!(read.last() == Some(&expected.into()), "{text} at {resolution}: {read:?} was read");
        answers.insert((*text).to_owned(), answer);
    }
    Ok(answers)
}

fn same(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>, stage: &str) -> Result<()> {
    for (text, answer) in before {
        if let Some(why) = difference(answer, &after[text], false) {
            anyhow::bail!("{stage}: {text}: {why}");
        }
    }
    Ok(())
}

/// What raw data and every aggregate answer alike: windows are whole hours, samples lie off their borders.
const AGGREGATES: [&str; 4] = [
    "sum_over_time(tide_metres[1h])",
    "min_over_time(tide_metres[1h])",
    "max_over_time(tide_metres[1h])",
    "sum by (pier) (avg_over_time(tide_metres[1h]))",
];

/// What only raw data answer so: of downsampled data the windows are counted, as in Thanos.
const OF_RAW: [&str; 4] = [
    "count_over_time(tide_metres[1h])",
    "count_over_time(crane_moves_total[1h])",
    "rate(crane_moves_total[30m])",
    "tide_metres offset 7m",
];

fn at<'a>(queries: &[&'a str], resolution: &'a str) -> Vec<(&'a str, &'a str)> {
    queries.iter().map(|q| (*q, resolution)).collect()
}

/// One-pass runs from 2-hour blocks to what is left after retention, with the answers compared at each stage.
#[test]
fn blocks_go_through_their_life_and_answers_stay() -> Result<()> {
    let tmp = tempfile::tempdir()?;
    let dir = tmp.path();
    let (bucket, config) = filesystem_bucket(dir)?;
    let hours = 62;
    let producer = Producer { hours, offset_ms: 0, outage: None };
    let count = fill_bucket(dir, &bucket, "harbour", producer, &[("harbour", "brake")])?;
    ensure!(count == 31, "{count} blocks");
    let raw_queries = [AGGREGATES, OF_RAW].concat();
    let raw = answers(dir, &config, hours, &at(&raw_queries, "0s"))?;

    clean_pass(dir, &config, &[])?;
    // The newest block stays, and with it the last range.
    let left = unmarked(&bucket)?;
    ensure!(left == [(0, 48), (0, 8), (0, 2), (0, 2), (0, 2), (300_000, 48)], "{left:?}");
    same(&raw, &answers(dir, &config, hours, &at(&raw_queries, "0s"))?, "compacted")?;
    let aggregates: BTreeMap<_, _> = raw
        .iter()
        .filter(|(q, _)| AGGREGATES.contains(&q.as_str()))
        .map(|(q, a)| (q.clone(), a.clone()))
        .collect();
    same(&aggregates, &answers(dir, &config, hours, &at(&AGGREGATES, "5m"))?, "at 5 minutes")?;
    ensure!(std::fs::read_dir(dir.join("compact-data/compact"))?.count() == 0, "nothing is left on the disk");

    // Marked blocks go after their delay.
    let marked = blocks(&bucket)?.iter().filter(|b| b.marked).count();
    ensure!(marked == 28 + 6, "{marked} sources of 2 h and 8 h are marked");
    clean_pass(dir, &config, &["--delete-delay=0s"])?;
    ensure!(blocks(&bucket)?.len() == 6, "{:?}", blocks(&bucket)?);
    ensure!(std::fs::read_dir(&bucket)?.count() == 6, "whole folders are gone");
    same(&raw, &answers(dir, &config, hours, &at(&raw_queries, "0s"))?, "sources deleted")?;

    // Raw data are past their retention; what has no copy at 5 minutes yet gets one first.
    let retention = ["--retention.resolution-raw=50h", "--delete-delay=0s"];
    clean_pass(dir, &config, &retention)?;
    clean_pass(dir, &config, &retention)?;
    let left = blocks(&bucket)?;
    ensure!(left.iter().all(|b| b.resolution() == 300_000 && !b.marked), "{left:?}");
    same(&aggregates, &answers(dir, &config, hours, &at(&AGGREGATES, "5m"))?, "after retention")?;

    // The other resolutions' turn: nothing is kept for ever that nobody wants.
    let all =
        ["--retention.resolution-raw=50h", "--retention.resolution-5m=20d", "--retention.resolution-1h=30d"];
    clean_pass(dir, &config, &[&all[..], &["--delete-delay=0s"]].concat())?;
    clean_pass(dir, &config, &[&all[..], &["--delete-delay=0s"]].concat())?;
    ensure!(blocks(&bucket)?.is_empty() && std::fs::read_dir(&bucket)?.count() == 0, "all is past");
    Ok(())
}

/// A pair of replicas is merged for good, one stream is left to another compactor by the selector, and the process goes on until it is
/// told to stop.
#[test]
fn a_waiting_compactor_merges_a_pair_and_tells_so() -> Result<()> {
    let tmp = tempfile::tempdir()?;
    let dir = tmp.path();
    let (bucket, config) = filesystem_bucket(dir)?;
    let hours = 18;
    let pair = [
        ("a", Producer { hours, offset_ms: 0, outage: Some((5, 6)) }),
        ("b", Producer { hours, offset_ms: 13, outage: Some((9, 11)) }),
    ];
    for (replica, producer) in pair {
        fill_bucket(dir, &bucket, replica, producer, &[("harbour", "brake"), ("replica", replica)])?;
    }
    let other = Producer { hours, offset_ms: 0, outage: None };
    fill_bucket(dir, &bucket, "other", other, &[("harbour", "emden"), ("replica", "a")])?;
    let queries = [
        r#"count(count_over_time(tide_metres{harbour="brake"}[10m]))"#,
        r#"sum by (pier) (avg_over_time(tide_metres{harbour="emden"}[1h]))"#,
        // Where one replica takes over from the other, a scrape may be left out, another one in the store than in the querier.
        r#"sum(increase(crane_moves_total{harbour="brake"}[1h])) > bool 400"#,
    ];
    let before = answers(dir, &config, hours, &at(&queries, "0s"))?;

    let selector = "[{action: keep, source_labels: [harbour], regex: brake}]";
    let selector = format!("--selector.relabel-config={selector}");
    let extra = [
        "--wait",
        "--wait-interval=1s",
        "--compact.cleanup-interval=1s",
        "--compact.progress-interval=1s",
        "--delete-delay=0s",
        "--compact.enable-vertical-compaction",
        "--deduplication.replica-label=replica",
        "--deduplication.func=penalty",
        selector.as_str(),
    ];
    let (url, args) = arguments(dir, &config, &extra);
    let mut process = Process::start("compact", &thanos_binary()?, &args, dir)?;
    let harbour = |name: &'static str| {
        blocks(&bucket).map(|all| {
            let of_it = all.into_iter().filter(move |b| b.meta["thanos"]["labels"]["harbour"] == name);
            of_it.map(|b| (b.hours(), b.meta["thanos"]["labels"]["replica"].is_null())).collect::<Vec<_>>()
        })
    };
    let merged = vec![(8, true), (8, true), (2, true)];
    process.wait_until("done with merging and deleting", || harbour("brake").is_ok_and(|b| b == merged))?;
    ensure!(harbour("emden")?.len() == 9, "the other stream is not ours: {:?}", harbour("emden")?);
    ensure!(http::is_ok(&format!("{url}/-/ready")) && http::is_ok(&format!("{url}/-/healthy")));
    let metric = |name: &str| -> Option<f64> {
        let text = http::get(&format!("{url}/metrics"), &[]).ok()?.body;
        let line = text.lines().find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    process.wait_until("through with a pass", || {
        metric("thanos_compact_iterations_total").is_some_and(|n| n >= 1.0)
            && metric("thanos_compact_todo_compactions") == Some(0.0)
    })?;
    for (name, least) in [
        ("thanos_compact_group_compactions_total{resolution=\"0\"}", 2.0),
        ("thanos_compact_group_vertical_compactions_total{resolution=\"0\"}", 1.0),
        ("thanos_compact_blocks_cleaned_total", 18.0),
        ("thanos_compact_blocks_marked_total{marker=\"deletion-mark.json\",reason=\"\"}", 18.0),
        ("thanos_compact_block_cleanup_loops_total", 1.0),
        ("thanos_compact_garbage_collected_blocks_total", 18.0),
    ] {
        let value = metric(name).with_context(|| format!("no metric {name}"))?;
        ensure!(value >= least, "{name} is {value}");
    }
    for name in [
        "thanos_compact_halted",
        "thanos_compact_quarantined_groups",
        "thanos_compact_todo_compaction_blocks",
        "thanos_compact_todo_downsample_blocks",
        "thanos_compact_todo_deletion_blocks",
        "thanos_compact_group_compactions_failures_total{resolution=\"0\"}",
    ] {
        ensure!(metric(name) == Some(0.0), "{name} is {:?}", metric(name));
    }
    process.signal(libc::SIGTERM);
    let status = process.wait()?;
    ensure!(status.code() == Some(0), "{status}: {}", process.log());
    same(&before, &answers(dir, &config, hours, &at(&queries, "0s"))?, "the pair is merged")
}

/// Kills the process as soon as the bucket has that many new objects; the next run finishes the work.
#[test]
fn killed_runs_are_taken_up_by_the_next() -> Result<()> {
    let tmp = tempfile::tempdir()?;
    let dir = tmp.path();
    let (bucket, config) = filesystem_bucket(dir)?;
    let hours = 26;
    let producer = Producer { hours, offset_ms: 0, outage: None };
    fill_bucket(dir, &bucket, "harbour", producer, &[("harbour", "brake")])?;
    let queries = ["count_over_time(tide_metres[1h])", "sum(increase(crane_moves_total[1h]))"];
    let before = answers(dir, &config, hours, &at(&queries, "0s"))?;
    let objects = || -> usize { files(&bucket).len() };
    for _ in 0..8 {
        let start = objects();
        let (_, args) = arguments(dir, &config, &[]);
        let mut process = Process::start("compact", &thanos_binary()?, &args, dir)?;
        let one_more = process.wait_until("writing", || objects() > start);
        process.signal(libc::SIGKILL);
        process.wait()?;
        if one_more.is_err() {
            break; // It ended by itself: everything is done.
        }
    }
    same(&before, &answers(dir, &config, hours, &at(&queries, "0s"))?, "after the kills")?;
    clean_pass(dir, &config, &[])?;
    clean_pass(dir, &config, &["--delete-delay=0s"])?;
    ensure!(unmarked(&bucket)? == [(0, 8), (0, 8), (0, 8), (0, 2)], "{:?}", unmarked(&bucket)?);
    ensure!(blocks(&bucket)?.len() == 4);
    same(&before, &answers(dir, &config, hours, &at(&queries, "0s"))?, "finished")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// No file may grow over so many KiB, which is how a full disk looks to a writer: the pass fails, nothing is lost, and with room again
/// the next one succeeds.
#[test]
fn a_full_disk_fails_the_pass_and_nothing_else() -> Result<()> {
    let tmp = tempfile::tempdir()?;
    let dir = tmp.path();
    let (bucket, config) = filesystem_bucket(dir)?;
    let producer = Producer { hours: 10, offset_ms: 0, outage: None };
    fill_bucket(dir, &bucket, "harbour", producer, &[("harbour", "brake")])?;
    let contents = |dir: &Path| -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        files(dir).into_iter().map(|f| Ok((f.clone(), std::fs::read(f)?))).collect()
    };
    let before = contents(&bucket)?;
    // From too small for a source's chunks to too small for the result's alone.
    let largest = |name: &str| before.iter().filter(|(f, _)| f.ends_with(name)).map(|(_, c)| c.len()).max();
    let chunks = largest("chunks/000001").context("sources have chunks")?;
    for limit_kib in [1, chunks / 1024 / 2, chunks / 1024 + 1] {
        let (_, args) = arguments(dir, &config, &[]);
        let script = format!("trap '' XFSZ; ulimit -f {limit_kib}; exec \"$@\" >/dev/null 2>&1");
        let status =
            Command::new("bash").args(["-c", &script, "bash"]).arg(thanos_binary()?).args(&args).status()?;
        ensure!(status.code() == Some(1), "limit of {limit_kib} KiB: {status}");
        ensure!(contents(&bucket)? == before, "limit of {limit_kib} KiB: the bucket is as it was");
    }
    clean_pass(dir, &config, &[])?;
    ensure!(unmarked(&bucket)? == [(0, 8), (0, 2)], "{:?}", unmarked(&bucket)?);
    Ok(())
}

/// A broken group makes the exit code 1 and is named, and the others are compacted; `--compact.halt-on-error` stops at once.
#[test]
fn a_broken_group_is_told_by_the_exit_code() -> Result<()> {
    let tmp = tempfile::tempdir()?;
    let dir = tmp.path();
    let (bucket, config) = filesystem_bucket(dir)?;
    let producer = Producer { hours: 10, offset_ms: 0, outage: None };
    for harbour in ["brake", "emden"] {
        fill_bucket(dir, &bucket, harbour, producer, &[("harbour", harbour)])?;
    }
    let first = blocks(&bucket)?.into_iter().find(|b| b.meta["thanos"]["labels"]["harbour"] == "brake");
    let first = first.context("blocks are there")?.dir;
    let index = std::fs::read(first.join("index"))?;
    std::fs::write(first.join("index"), &index[..index.len() / 2])?;
    let name = first.file_name().context("a name")?.to_string_lossy().into_owned();
    let (code, log) = one_pass(dir, &config, &["--compact.halt-on-error"])?;
    ensure!(code == Some(1) && log.contains(&name), "{code:?}: {log}");
    let (code, log) = one_pass(dir, &config, &[])?;
    ensure!(code == Some(1) && log.contains(&name), "{code:?}: {log}");
    let lengths = |harbour: &str| -> Result<Vec<i64>> {
        let all = blocks(&bucket)?.into_iter().filter(|b| !b.marked);
        Ok(all.filter(|b| b.meta["thanos"]["labels"]["harbour"] == harbour).map(|b| b.hours()).collect())
    };
    ensure!(lengths("emden")? == [8, 2], "the sound group is compacted: {:?}", lengths("emden")?);
    ensure!(lengths("brake")? == [2, 2, 2, 2, 2], "the broken one is as it was: {:?}", lengths("brake")?);
    std::fs::write(first.join("index"), index)?;
    clean_pass(dir, &config, &[])?;
    ensure!(lengths("brake")? == [8, 2]);
    Ok(())
}
