//! What a sidecar leaves in the bucket.

use anyhow::{Result, ensure};
use e2e::dataset;
use e2e::programs::{Prometheus, Thanos, filesystem_bucket, whole_blocks};
use serde_json::Value;

#[test]
fn uploads_every_block_once_with_the_thanos_section() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let dir = dir.path();
    let data = dataset::blocks(dir)?;
    let blocks: Vec<String> = std::fs::read_dir(&data)?
        .flatten()
        .filter(|e| e.path().join("meta.json").is_file())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    let prometheus = Prometheus::start(dir, "prometheus", &data, &[("cluster", "eu1"), ("replica", "0")])?;
    let (bucket, config) = filesystem_bucket(dir)?;
    let mut sidecar = Thanos::sidecar(dir, "sidecar", &prometheus, Some(&config))?;
    let state = data.join("thanos.shipper.json");
    let shipped = || -> Vec<String> {
        let text = std::fs::read_to_string(&state).unwrap_or_default();
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        json["uploaded"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    };
    sidecar.process.wait_until("done with uploading", || shipped().len() == blocks.len())?;
    ensure!(whole_blocks(&bucket) == blocks.len());
    for block in &blocks {
        let meta: Value = serde_json::from_slice(&std::fs::read(bucket.join(block).join("meta.json"))?)?;
        ensure!(meta["thanos"]["labels"] == serde_json::json!({"cluster": "eu1", "replica": "0"}), "{meta}");
        ensure!(meta["thanos"]["source"] == "sidecar", "{meta}");
        for file in ["index", "chunks/000001"] {
            ensure!(
                std::fs::read(data.join(block).join(file))? == std::fs::read(bucket.join(block).join(file))?,
                "{block}/{file}"
            );
        }
        ensure!(!bucket.join(block).join("tombstones").exists());
    }
    ensure!(
        !data.join("thanos/upload").exists() || std::fs::read_dir(data.join("thanos/upload"))?.count() == 0
    );
    Ok(())
}
