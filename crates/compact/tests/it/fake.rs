//! Blocks that are nothing but metas, and a bucket full of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use compact::coverage::Retention;
use compact::progress::Progress;
use compact::run::Compactor;
use compact::work::{BlockWork, Counts, Health, Merge};
use compact::{Error, Result};
use objstore::Bucket;
use parking_lot::Mutex;
use tsdb::meta::{BlockDesc, BlockMeta};
use ulid::Ulid;

use crate::lab::{Lab, TestClock};

/// Work that only moves metas; blocks in `broken` are never sound.
#[derive(Default)]
pub(crate) struct FakeWork {
    pub(crate) broken: Mutex<BTreeSet<Ulid>>,
    next: Mutex<u64>,
    clock: Option<TestClock>,
}

impl FakeWork {
    /// Names its results by this clock.
    pub(crate) fn at(clock: TestClock) -> Self {
        Self { clock: Some(clock), ..Self::default() }
    }

    fn new_id(&self) -> Ulid {
        let mut next = self.next.lock();
        *next += 1;
        match &self.clock {
            Some(clock) => Ulid::from_parts(clock.now_ms() as u64, u128::from(*next) << 40),
            None => Ulid::from_parts(1_700_000_000_000 + *next, 1),
        }
    }

    fn write(&self, parent: &Path, meta: &BlockMeta) {
        let dir = parent.join(meta.ulid.to_string());
        std::fs::create_dir_all(dir.join("chunks")).expect("a new directory");
        std::fs::write(dir.join("chunks/000001"), meta.ulid.to_string()).expect("a file");
        std::fs::write(dir.join("index"), format!("index of {}", meta.ulid)).expect("a file");
        meta.write_scratch_dir(&dir).expect("a meta");
    }
}

impl BlockWork for FakeWork {
    fn check(&self, dir: &Path, meta: &BlockMeta, _: &Progress) -> Result<Health> {
        assert!(dir.join("index").is_file());
        if self.broken.lock().contains(&meta.ulid) {
            return Err(Error::Critical(format!("block {}: index is broken", meta.ulid)));
        }
        Ok(Health { series: meta.stats.num_series, chunks: meta.stats.num_chunks, ..Health::default() })
    }

    fn count(&self, _: &Path, meta: &BlockMeta, _: &Progress) -> Result<Counts> {
        let (series, samples) = (meta.stats.num_series, meta.stats.num_samples);
        Ok(Counts { series, samples, tombstones: meta.stats.num_tombstones > 0 })
    }

    fn merge(&self, inputs: &[PathBuf], parent: &Path, _: Merge, _: &Progress) -> Result<Option<BlockMeta>> {
        let metas: Vec<BlockMeta> =
            inputs.iter().map(|i| BlockMeta::read_dir(i).expect("a whole source")).collect();
        let mint = metas.iter().map(|m| m.min_time).min().unwrap_or(0);
        let maxt = metas.iter().map(|m| m.max_time).max().unwrap_or(0);
        let mut meta = BlockMeta::new(self.new_id(), mint, maxt);
        meta.stats.num_samples = metas.iter().map(|m| m.stats.num_samples).sum();
        meta.stats.num_series = metas.iter().map(|m| m.stats.num_series).max().unwrap_or(0);
        meta.compaction.level = metas.iter().map(|m| m.compaction.level).max().unwrap_or(0) + 1;
        let sources: BTreeSet<Ulid> = metas.iter().flat_map(|m| m.compaction.sources.clone()).collect();
        meta.compaction.sources = sources.into_iter().collect();
        meta.compaction.parents = metas
            .iter()
            .map(|m| BlockDesc { ulid: m.ulid, min_time: m.min_time, max_time: m.max_time })
            .collect();
        self.write(parent, &meta);
        Ok(Some(meta))
    }

    fn downsample(&self, input: &Path, parent: &Path, to_ms: i64, _: &Progress) -> Result<Option<BlockMeta>> {
        let source = BlockMeta::read_dir(input).expect("a whole source");
        let mut meta = BlockMeta { ulid: self.new_id(), ..source };
        meta.thanos.downsample.resolution = to_ms;
        self.write(parent, &meta);
        Ok(Some(meta))
    }
}

/// Puts a block into the bucket, whole.
pub(crate) async fn put(bucket: &dyn Bucket, id: Ulid, mint: i64, maxt: i64, cluster: &str) {
    let mut meta = BlockMeta::new(id, mint, maxt);
    meta.stats.num_samples = 10;
    meta.stats.num_series = 1;
    meta.compaction.level = 1;
    meta.compaction.sources = vec![id];
    meta.thanos.labels.insert("cluster".to_owned(), cluster.to_owned());
    bucket.upload(&format!("{id}/chunks/000001"), "chunk".into()).await.expect("an upload");
    bucket.upload(&format!("{id}/index"), "index".into()).await.expect("an upload");
    bucket
        .upload(&format!("{id}/meta.json"), meta.to_json().expect("a meta").into())
        .await
        .expect("an upload");
}

/// A compactor over `bucket`.
pub(crate) fn compactor(
    bucket: Arc<dyn Bucket>,
    work: Arc<FakeWork>,
    dir: &Path,
    retention: Retention,
) -> Compactor {
    Lab { work, retention, downsampling: true, ..Lab::default() }.compactor(bucket, dir)
}
