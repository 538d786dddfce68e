//! A compactor put together as the component does it, over any bucket, clock and work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bucket::fetcher::{FetcherConfig, MetaFetcher};
use bucket::filters::{
    ConsistencyDelay, Deduplicate, DeletionMarks, MarkGatherer, MetaFilter, ReplicaLabelRemover,
};
use bucket::upload::HashFunc;
use compact::clean::Cleaner;
use compact::clock::Clock;
use compact::coverage::Retention;
use compact::job::{Context, Settings};
use compact::leases::Leases;
use compact::metrics::Metrics;
use compact::plan::Planner;
use compact::quarantine::Quarantine;
use compact::run::{Compactor, OnCritical, RunConfig};
use compact::view::{Findings, Syncer};
use compact::work::{BlockWork, Merge, TsdbWork};
use objstore::Bucket;
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use crate::blocks::H;

/// A clock that stands until it is set.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn at(now_ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now_ms)))
    }

    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn clock(&self) -> Clock {
        let now = self.0.clone();
        Clock::new(move || now.load(Ordering::SeqCst))
    }
}

/// What a compactor of these tests is made of.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) work: Arc<dyn BlockWork>,
    pub(crate) clock: Option<TestClock>,
    pub(crate) retention: Retention,
    pub(crate) merge: Merge,
    pub(crate) vertical: bool,
    pub(crate) replica_labels: Vec<String>,
    pub(crate) skip_out_of_order: bool,
    pub(crate) downsampling: bool,
    pub(crate) delete_delay_ms: i64,
    pub(crate) consistency_delay_ms: i64,
    pub(crate) max_level: usize,
    pub(crate) max_index_bytes: u64,
}

impl Default for Lab {
    fn default() -> Self {
        Self {
            work: Arc::new(TsdbWork { threads: 1 }),
            clock: None,
            retention: Retention::default(),
            merge: Merge::Chain,
            vertical: false,
            replica_labels: Vec::new(),
            skip_out_of_order: false,
            downsampling: false,
            delete_delay_ms: 48 * H,
            consistency_delay_ms: 0,
            max_level: 4,
            max_index_bytes: 64 << 30,
        }
    }
}

impl Lab {
    /// A compactor with a fresh memory, as after a restart.
    pub(crate) fn compactor(&self, bucket: Arc<dyn Bucket>, dir: &Path) -> Compactor {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).expect("a fresh registry");
        let findings = Findings {
            deduplicate: Arc::new(Deduplicate::new()),
            deletion: Arc::new(DeletionMarks::new(bucket.clone(), self.delete_delay_ms / 2, 4)),
            no_compact: Arc::new(MarkGatherer::no_compact(bucket.clone(), 4)),
            no_downsample: Arc::new(MarkGatherer::no_downsample(bucket.clone(), 4)),
        };
        let delay = ConsistencyDelay::new(self.consistency_delay_ms, &registry, "thanos_");
        let filters: Vec<Box<dyn MetaFilter>> = vec![
            Box::new(delay.expect("a fresh registry")),
            Box::new(findings.deletion.clone()),
            Box::new(ReplicaLabelRemover { labels: self.replica_labels.clone() }),
            Box::new(findings.deduplicate.clone()),
            Box::new(findings.no_compact.clone()),
            Box::new(findings.no_downsample.clone()),
        ];
        let fetcher = MetaFetcher::new(bucket.clone(), FetcherConfig::default(), filters, &registry)
            .expect("a fresh registry");
        let (leases, clock) =
            (Leases::default(), self.clock.as_ref().map_or_else(Clock::default, TestClock::clock));
        let cleaner = Cleaner {
            bucket: bucket.clone(),
            leases: leases.clone(),
            metrics: metrics.clone(),
            delete_delay_ms: self.delete_delay_ms,
        };
        Compactor {
            context: Context {
                bucket,
                work: self.work.clone(),
                cleaner,
                leases,
                metrics,
                clock: clock.clone(),
                dir: dir.to_owned(),
                settings: Settings {
                    merge: self.merge,
                    vertical: self.vertical,
                    fetch_concurrency: 2,
                    files_concurrency: 1,
                    hash_func: HashFunc::None,
                    accept_malformed_index: false,
                    skip_out_of_order: self.skip_out_of_order,
                },
                stop: CancellationToken::new(),
            },
            syncer: Arc::new(Syncer::new(fetcher, findings, clock)),
            planner: Planner::new(self.max_level, self.max_index_bytes),
            config: RunConfig {
                wait: false,
                wait_interval: Duration::from_secs(1),
                cleanup_interval: Duration::ZERO,
                progress_interval: Duration::ZERO,
                concurrency: 2,
                downsample_concurrency: 2,
                downsampling: self.downsampling,
                retention: self.retention,
                keep_until_downsampled: true,
                on_critical: OnCritical::SetAside,
            },
            quarantine: Arc::new(Quarantine::default()),
            memory: Arc::default(),
        }
    }

    /// One pass of a fresh compactor.
    pub(crate) async fn pass(&self, bucket: Arc<dyn Bucket>, dir: &Path) -> compact::Result<()> {
        self.compactor(bucket, dir).run().await
    }
}
