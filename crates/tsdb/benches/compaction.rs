//! How much time and memory does it take to merge blocks of a fleet's size?
//!
//! Works on the data of the side-by-side measurements (`gen_data.py`): `BENCH_DATA` is their folder; without it there is
//! nothing to do. One line of JSON for each piece of work: wall and CPU seconds, peak memory in MiB (mapped pages
//! counted, and without), samples read. `BENCH_ONLY` picks pieces by name, `BENCH_THREADS` sets the number of threads.
//!
//! - `plain`: four 2 h blocks of 50k series into 8 h; nothing overlaps, so bytes are copied
//! - `downsample`: 30 days of 1k series to 5 m, and that to 1 h
//! - `dedup`: pairs of 2 h blocks of two replicas by penalty, then four of the results into 8 h

use std::path::{Path, PathBuf};
use std::time::Instant;

use tsdb::downsample::{DownsampleOptions, FIVE_MINUTES, ONE_HOUR, downsample_block};
use tsdb::merge::{MergeInput, MergeMode, MergeOptions, Merged, merge_blocks};
use tsdb::meta::BlockMeta;

/// User and system time of this process in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("proc is mounted");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().filter_map(|f| f.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn status_mib(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = status.lines().find(|l| l.starts_with(key)).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn blocks(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let mut found: Vec<_> = entries.filter(|p| p.join("meta.json").is_file()).collect();
    found.sort_by_key(|p| BlockMeta::read_dir(p).expect("a block of the bench data").min_time);
    found
}

fn threads() -> usize {
    std::env::var("BENCH_THREADS").ok().and_then(|t| t.parse().ok()).unwrap_or(2)
}

fn merge(parents: &[PathBuf], out: &Path, mode: MergeMode) -> (Merged, u64) {
    let metas: Vec<_> = parents.iter().map(|p| BlockMeta::read_dir(p).expect("a meta")).collect();
    let mint = metas.iter().map(|m| m.min_time).min().unwrap_or(0);
    let maxt = metas.iter().map(|m| m.max_time).max().unwrap_or(0);
    let inputs: Vec<_> = parents.iter().map(|p| MergeInput::open(p).expect("a block")).collect();
    std::fs::create_dir_all(out).expect("a folder to write to");
    let mut options = MergeOptions::new(mode, mint, maxt);
    options.threads = threads();
    let merged = merge_blocks(&inputs, out, &options, &mut |_| Ok(())).expect("a merge");
    let mut meta = metas[0].clone();
    (meta.min_time, meta.max_time, meta.stats) = (mint, maxt, merged.stats.clone());
    meta.write_dir(out).expect("a meta");
    (merged, metas.iter().map(|m| m.stats.num_samples).sum())
}

fn measure(name: &str, work: impl FnOnce(&Path) -> (u64, u64)) {
    if std::env::var("BENCH_ONLY").is_ok_and(|only| !only.split(',').any(|o| o == name)) {
        return;
    }
    let out = tempfile::tempdir().expect("a temporary folder");
    // Resets the peak.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let (samples_in, samples_out) = work(out.path());
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let (peak, anon) = (status_mib("VmHWM"), status_mib("RssAnon"));
    let ns = cpu * 1e9 / samples_in.max(1) as f64;
    #[allow(clippy::print_stdout)]
    {
        println!(
            r#"{{"what":"{name}","wall_s":{wall:.2},"cpu_s":{cpu:.2},"peak_rss_mib":{peak:.1},"anon_mib_at_end":{anon:.1},"samples_in":{samples_in},"samples_out":{samples_out},"ns_per_sample":{ns:.1}}}"#
        );
    }
}

fn main() {
    let Some(data) = std::env::var_os("BENCH_DATA").map(PathBuf::from) else { return };
    let (a, b) = (blocks(&data.join("medium/a")), blocks(&data.join("medium/b")));
    let long = blocks(&data.join("long/a"));
    for path in a.iter().chain(&b).chain(&long).flat_map(|p| [p.join("index"), p.join("chunks/000001")]) {
        // Into the page cache, so that all pieces start alike.
        let _ = std::fs::read(path);
    }
    measure("plain", |out| {
        let (merged, read) = merge(&a[..4], &out.join("8h"), MergeMode::Compact);
        (read, merged.stats.num_samples)
    });
    measure("dedup", |out| {
        let mut read = 0;
        let pairs = a.iter().zip(&b).enumerate().map(|(i, (a, b))| {
            let dir = out.join(i.to_string());
            read += merge(&[a.clone(), b.clone()], &dir, MergeMode::Penalty).1;
            dir
        });
        let pairs: Vec<_> = pairs.collect();
        let (merged, second) = merge(&pairs[..4], &out.join("8h"), MergeMode::Penalty);
        (read + second, merged.stats.num_samples)
    });
    measure("downsample", |out| {
        let (mut read, mut written) = (0, 0);
        for (number, raw) in blocks(&data.join("long/a")).into_iter().enumerate() {
            let mut source = raw;
            for (from, to) in [(0, FIVE_MINUTES), (FIVE_MINUTES, ONE_HOUR)] {
                let dir = out.join(format!("{number}-{to}"));
                std::fs::create_dir_all(&dir).expect("a folder to write to");
                let mut options = DownsampleOptions::new(from, to);
                options.threads = threads();
                let mut meta = BlockMeta::read_dir(&source).expect("a meta");
                read += meta.stats.num_samples;
                let input = MergeInput::open(&source).expect("a block");
                let made =
                    downsample_block(&input, &dir, &options, &mut |_| Ok(())).expect("a downsampled block");
                written += made.stats.num_samples;
                meta.stats = made.stats;
                meta.write_dir(&dir).expect("a meta");
                source = dir;
            }
        }
        (read, written)
    });
}
