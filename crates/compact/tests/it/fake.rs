//! Blocks that are nothing but metas, and a bucket full of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bucket::fetcher::{FetcherConfig, MetaFetcher};
use bucket::filters::{Deduplicate, DeletionMarks, MarkGatherer, MetaFilter};
use bucket::upload::HashFunc;
use compact::clean::Cleaner;
use compact::coverage::Retention;
use compact::job::{Context, Settings};
use compact::leases::Leases;
use compact::metrics::Metrics;
use compact::plan::Planner;
use compact::progress::Progress;
use compact::quarantine::Quarantine;
use compact::run::{Compactor, OnCritical, RunConfig};
use compact::view::{Findings, Syncer};
use compact::work::{BlockWork, Health, Merge};
use compact::{Error, Result};
use objstore::Bucket;
use parking_lot::Mutex;
use prometheus::Registry;
use tokio_util::sync::CancellationToken;
use tsdb::meta::{BlockDesc, BlockMeta};
use ulid::Ulid;

/// Work that only moves metas; blocks in `broken` are never sound.
#[derive(Default)]
pub(crate) struct FakeWork {
    pub(crate) broken: Mutex<BTreeSet<Ulid>>,
    next: Mutex<u64>,
}

impl FakeWork {
    fn new_id(&self) -> Ulid {
        let mut next = self.next.lock();
        *next += 1;
        Ulid::from_parts(1_700_000_000_000 + *next, 1)
    }

    fn write(&self, parent: &Path, meta: &BlockMeta) {
        let dir = parent.join(meta.ulid.to_string());
        std::fs::create_dir_all(dir.join("chunks")).expect("a new directory");
        std::fs::write(dir.join("chunks/000001"), meta.ulid.to_string()).expect("a file");
        std::fs::write(dir.join("index"), format!("index of {}", meta.ulid)).expect("a file");
        meta.write_dir(&dir).expect("a meta");
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
    let registry = Registry::new();
    let metrics = Metrics::new(&registry).expect("a fresh registry");
    let findings = Findings {
        deduplicate: Arc::new(Deduplicate::new()),
        deletion: Arc::new(DeletionMarks::new(bucket.clone(), 24 * 3_600_000, 4)),
        no_compact: Arc::new(MarkGatherer::no_compact(bucket.clone(), 4)),
        no_downsample: Arc::new(MarkGatherer::no_downsample(bucket.clone(), 4)),
    };
    let filters: Vec<Box<dyn MetaFilter>> = vec![
        Box::new(findings.deletion.clone()),
        Box::new(findings.deduplicate.clone()),
        Box::new(findings.no_compact.clone()),
        Box::new(findings.no_downsample.clone()),
    ];
    let fetcher = MetaFetcher::new(bucket.clone(), FetcherConfig::default(), filters, &registry)
        .expect("a fresh registry");
    let leases = Leases::default();
    let cleaner = Cleaner {
        bucket: bucket.clone(),
        leases: leases.clone(),
        metrics: metrics.clone(),
        delete_delay_ms: 48 * 3_600_000,
    };
    Compactor {
        context: Context {
            bucket,
            work,
            cleaner,
            leases,
            metrics,
            dir: dir.to_owned(),
            settings: Settings {
                merge: Merge::Chain,
                vertical: false,
                fetch_concurrency: 2,
                files_concurrency: 1,
                hash_func: HashFunc::None,
                accept_malformed_index: false,
                skip_out_of_order: false,
            },
            stop: CancellationToken::new(),
        },
        syncer: Arc::new(Syncer::new(fetcher, findings)),
        planner: Planner::new(4, 64 << 30),
        config: RunConfig {
            wait: false,
            wait_interval: Duration::from_secs(1),
            cleanup_interval: Duration::ZERO,
            progress_interval: Duration::ZERO,
            concurrency: 2,
            downsample_concurrency: 2,
            downsampling: true,
            retention,
            keep_until_downsampled: true,
            on_critical: OnCritical::SetAside,
        },
        quarantine: Arc::new(Quarantine::default()),
    }
}
