//! A bucket with days of 2-hour blocks, as a pair of sidecars would have uploaded them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::programs::create_blocks;

/// Start of the history in seconds: 2024-03-18T00:00:00Z, a multiple of two days.
pub const START: i64 = 172_800 * 9900;
/// Distance of the samples in seconds.
pub const STEP: i64 = 60;

/// What a producer measures.
#[derive(Clone, Copy, Debug)]
pub struct Producer {
    /// Hours of history.
    pub hours: i64,
    /// All times are later by this many ms, as those of the other replica of a pair are.
    pub offset_ms: i64,
    /// Hours (from, to) in which nothing was measured.
    pub outage: Option<(i64, i64)>,
}

/// Writes the measurements as OpenMetrics text: two gauges, and a counter with a reset every 31 h. Values depend on the tick alone.
fn write_openmetrics(file: &Path, producer: Producer) -> Result<()> {
    let mut text = String::new();
    let ticks = || (0..producer.hours * 3600 / STEP).map(|n| (n, n * STEP / 3600));
    let measured = |hour: i64| producer.outage.is_none_or(|(from, to)| hour < from || hour >= to);
    let time = |tick: i64| (START + tick * STEP) as f64 + (500 + producer.offset_ms) as f64 / 1000.0;
    text.push_str("# TYPE tide_metres gauge\n");
    for pier in 0..2 {
        for (tick, _) in ticks().filter(|(_, hour)| measured(*hour)) {
            let value = (tick * (pier + 3) % 997) as f64 * 0.25;
            writeln!(text, "tide_metres{{pier=\"{pier}\",job=\"tide\"}} {value} {:.3}", time(tick))?;
        }
    }
    text.push_str("# TYPE crane_moves counter\n");
    for (tick, hour) in ticks().filter(|(_, hour)| measured(*hour)) {
        let since_reset = tick - hour / 31 * 31 * 3600 / STEP;
        let value = 1000 + since_reset * 7;
        writeln!(text, "crane_moves_total{{crane=\"c1\",job=\"crane\"}} {value} {:.3}", time(tick))?;
    }
    text.push_str("# EOF\n");
    Ok(std::fs::write(file, text)?)
}

/// Puts the history of a producer into a bucket directory, as blocks with these external labels. Returns the number of blocks.
pub fn fill_bucket(
    dir: &Path,
    bucket: &Path,
    name: &str,
    producer: Producer,
    labels: &[(&str, &str)],
) -> Result<usize> {
    let (text, data) = (dir.join(format!("{name}.om")), dir.join(format!("{name}-blocks")));
    write_openmetrics(&text, producer)?;
    std::fs::create_dir_all(&data)?;
    create_blocks(&text, &data)?;
    let mut blocks = 0;
    for entry in std::fs::read_dir(&data)? {
        let from = entry?.path();
        if !from.join("meta.json").is_file() {
            continue;
        }
        let to = bucket.join(from.file_name().context("a block has a name")?);
        std::fs::create_dir_all(to.join("chunks"))?;
        for chunk in std::fs::read_dir(from.join("chunks"))? {
            let chunk = chunk?;
            std::fs::copy(chunk.path(), to.join("chunks").join(chunk.file_name()))?;
        }
        std::fs::copy(from.join("index"), to.join("index"))?;
        let mut meta: Value = serde_json::from_slice(&std::fs::read(from.join("meta.json"))?)?;
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(n, v)| ((*n).to_owned(), json!(v))).collect();
        // promtool lets a block reach from its first to its last sample; a server's has its whole two hours.
        let time = |name: &str| meta[name].as_i64().with_context(|| format!("a block has a {name}"));
        let (start, end) = (time("minTime")?, time("maxTime")?);
        meta["minTime"] = json!(start / 7_200_000 * 7_200_000);
        meta["maxTime"] = json!((end + 7_199_999) / 7_200_000 * 7_200_000);
        meta["thanos"] = json!({
            "version": 1, "labels": labels, "downsample": {"resolution": 0}, "source": "sidecar"
        });
        std::fs::write(to.join("meta.json"), serde_json::to_vec_pretty(&meta)?)?;
        blocks += 1;
    }
    Ok(blocks)
}

/// Copies the blocks without a deletion mark and of this resolution in ms into a Prometheus's data folder. Returns their number.
pub fn copy_unmarked(bucket: &Path, data: &Path, resolution: i64) -> Result<usize> {
    let blocks = blocks(bucket)?.into_iter().filter(|b| !b.marked && b.resolution() == resolution);
    let mut copied = 0;
    for block in blocks {
        let to = data.join(block.dir.file_name().context("a block has a name")?);
        std::fs::create_dir_all(to.join("chunks"))?;
        for chunk in std::fs::read_dir(block.dir.join("chunks"))? {
            let chunk = chunk?;
            std::fs::copy(chunk.path(), to.join("chunks").join(chunk.file_name()))?;
        }
        for name in ["index", "meta.json"] {
            std::fs::copy(block.dir.join(name), to.join(name))?;
        }
        copied += 1;
    }
    Ok(copied)
}

/// What a bucket directory says of a block.
#[derive(Clone, Debug)]
pub struct BlockFacts {
    /// Its directory.
    pub dir: PathBuf,
    /// The block's meta.json.
    pub meta: Value,
    /// It carries a deletion mark.
    pub marked: bool,
}

impl BlockFacts {
    /// Length in hours, rounded up: promtool lets a block end with its last sample.
    pub fn hours(&self) -> i64 {
        let time = |name: &str| self.meta[name].as_i64().unwrap_or_default();
        (time("maxTime") - time("minTime") + 3_599_999) / 3_600_000
    }

    /// Resolution in ms.
    pub fn resolution(&self) -> i64 {
        self.meta["thanos"]["downsample"]["resolution"].as_i64().unwrap_or_default()
    }
}

/// The whole blocks of a bucket directory, by time.
pub fn blocks(bucket: &Path) -> Result<Vec<BlockFacts>> {
    let mut blocks = Vec::new();
    for entry in std::fs::read_dir(bucket)? {
        let dir = entry?.path();
        let Ok(meta) = std::fs::read(dir.join("meta.json")) else { continue };
        let meta = serde_json::from_slice(&meta).with_context(|| dir.display().to_string())?;
        let marked = dir.join("deletion-mark.json").is_file();
        blocks.push(BlockFacts { dir, meta, marked });
    }
    blocks.sort_by_key(|b| (b.resolution(), b.meta["minTime"].as_i64(), b.meta["maxTime"].as_i64()));
    Ok(blocks)
}

/// Resolution in ms and length in hours of the blocks without a deletion mark.
pub fn unmarked(bucket: &Path) -> Result<Vec<(i64, i64)>> {
    let unmarked = blocks(bucket)?.into_iter().filter(|b| !b.marked);
    Ok(unmarked.map(|b| (b.resolution(), b.hours())).collect())
}
