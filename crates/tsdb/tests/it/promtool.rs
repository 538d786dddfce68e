//! Prometheus's own programs read what is written here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tsdb::merge::{MergeInput, MergeMode, MergeOptions, merge_blocks};

use crate::blocks::{Sample, chunks, write_block};

/// Runs `promtool tsdb` over a data folder.
fn promtool(arguments: &[&str], data: &Path) -> String {
    let output = Command::new("promtool").arg("tsdb").args(arguments).arg(data).output();
    let output = output.expect("promtool is on the path: `make test` sets it up (scripts/setup test)");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn prometheus_reads_written_and_merged_blocks() {
    let (data, replicas) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let value = |series: u32, t: i64| f64::from(series) * 1000.0 + (t / 7_000) as f64 / 4.0;
    let mut inputs = Vec::new();
    let mut want: BTreeMap<(u32, i64), f64> = BTreeMap::new();
    for (replica, shift) in [(0u32, 0i64), (1, 7_500)] {
        let dir = replicas.path().join(replica.to_string());
        std::fs::create_dir(&dir).unwrap();
        let mut series = BTreeMap::new();
        for number in 0..300u32 {
            let times = (0..240).map(|i| 1_700_000_000_000 + shift + i * 15_000);
            let samples: Vec<_> = times.map(|t| (t, Sample::Float(value(number, t).to_bits(), 0))).collect();
            want.extend(samples.iter().map(|(t, _)| ((number, *t), value(number, *t))));
            series.insert(number, samples.chunks(120).flat_map(chunks).collect());
        }
        write_block(&dir, &series);
        inputs.push(MergeInput::open(&dir).unwrap());
    }
    let mut meta = tsdb::meta::BlockMeta::read_dir(replicas.path().join("0")).unwrap();
    meta.max_time += 7_500;
    meta.compaction.level = 2;
    let dir = data.path().join(meta.ulid.to_string());
    std::fs::create_dir(&dir).unwrap();
    let options = MergeOptions::new(MergeMode::Compact, meta.min_time, meta.max_time);
    meta.stats = merge_blocks(&inputs, &dir, &options, &mut |_| Ok(())).unwrap().stats;
    meta.write_prometheus_dir(&dir).unwrap();

    let id = meta.ulid.to_string();
    let listed = promtool(&["list"], data.path());
    let row: Vec<&str> = listed.lines().find(|l| l.starts_with(&id)).unwrap().split_whitespace().collect();
    assert_eq!(row[row.len() - 4..row.len() - 1], ["144000", "1200", "300"], "{listed}");
    let analyzed = promtool(&["analyze"], data.path());
    assert!(analyzed.contains(&id) && analyzed.contains("\nSeries: 300\n"), "{analyzed}");
    std::fs::create_dir(data.path().join("wal")).unwrap();
    let dumped = promtool(&["dump"], data.path());
    let mut got = BTreeMap::new();
    for line in dumped.lines() {
        let mut words = line.split_whitespace();
        let name: String = words.next().unwrap().chars().filter(char::is_ascii_digit).collect();
        let sample: f64 = words.next().unwrap().parse().unwrap();
        got.insert((name.parse().unwrap(), words.next().unwrap().parse().unwrap()), sample);
    }
    assert!(got == want, "{} samples instead of {}", got.len(), want.len());
}
