//! The compactor put together: settings, bucket, queues and the HTTP server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bucket::fetcher::{Discovery, FetcherConfig, MetaFetcher};
use bucket::filters::{
    ConsistencyDelay, Deduplicate, DeletionMarks, LabelSharding, MarkGatherer, MetaFilter,
    ReplicaLabelRemover, TimeOrDuration, TimePartition,
};
use model::relabel::RelabelConfig;
use objstore::Bucket;
use prometheus::Registry;
use server::run::Group;
use server::{Probes, http};
use tokio_util::sync::CancellationToken;

use crate::clean::Cleaner;
use crate::clock::Clock;
use crate::job::{Context, Settings};
use crate::leases::Leases;
use crate::metrics::Metrics;
use crate::plan::Planner;
use crate::quarantine::Quarantine;
use crate::run::{Compactor, RunConfig};
use crate::view::{Findings, Showing, Syncer};
use crate::work::TsdbWork;

/// Settings of the compactor.
#[derive(Clone, Debug)]
pub struct Config {
    /// HTTP server.
    pub http: http::Config,
    /// Directory for metas and working files (`--data-dir`).
    pub data_dir: PathBuf,
    /// How blocks are found.
    pub discovery: Discovery,
    /// Metas fetched at once.
    pub meta_fetch_concurrency: usize,
    /// Age below which a block is left alone, in ms.
    pub consistency_delay_ms: i64,
    /// From mark to deletion, in ms.
    pub delete_delay_ms: i64,
    /// Oldest time that is worked on.
    pub min_time: TimeOrDuration,
    /// Newest time that is worked on.
    pub max_time: TimeOrDuration,
    /// Rules over external labels and `__block_id`.
    pub selector: Vec<RelabelConfig>,
    /// External labels that tell replicas apart, which are merged.
    pub replica_labels: Vec<String>,
    /// Highest level, 1 to 4.
    pub max_level: usize,
    /// Largest index of a result in bytes.
    pub max_index_bytes: u64,
    /// Threads that one merge uses.
    pub threads: usize,
    /// Settings of the jobs.
    pub settings: Settings,
    /// Settings of the queues.
    pub run: RunConfig,
}

/// Why a compactor could not be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The settings contradict each other.
    #[error("{0}")]
    Settings(String),
    /// Metrics of these names are registered already.
    #[error("register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The bucket's metas cannot be fetched like this.
    #[error(transparent)]
    Bucket(#[from] bucket::Error),
    /// The data directory cannot be used.
    #[error("{}: {source}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A compactor that is ready to run.
pub struct Component {
    compactor: Compactor,
    probes: Probes,
    http: http::Config,
    registry: Registry,
}

impl Config {
    fn check(&self) -> Result<(), BuildError> {
        let [raw, five, _] = self.run.retention.keep_ms;
        let wrong = |text: &str| Err(BuildError::Settings(text.to_owned()));
        if self.run.downsampling && raw != 0 && raw < crate::coverage::FIVE_MINUTES_FROM_MS {
            return wrong(
                "raw resolution must be higher than the minimum block size after which 5m resolution downsampling will occur (40 hours)",
            );
        }
        if self.run.downsampling && five != 0 && five < crate::coverage::ONE_HOUR_FROM_MS {
            return wrong(
                "5m resolution retention must be higher than the minimum block size after which 1h resolution downsampling will occur (10 days)",
            );
        }
        if self.settings.merge == crate::work::Merge::Penalty && self.replica_labels.is_empty() {
            return wrong("penalty based deduplication needs at least one replica label specified");
        }
        if !(1..=4).contains(&self.max_level) {
            return wrong("the highest compaction level must be from 1 to 4");
        }
        Ok(())
    }
}

impl Component {
    /// Puts a compactor together. Nothing listens yet and the bucket is not asked.
    pub fn build(config: Config, bucket: Arc<dyn Bucket>, registry: Registry) -> Result<Self, BuildError> {
        config.check()?;
        let probes = Probes::new("compact", &registry)?;
        let metrics = Metrics::new(&registry)?;
        Metrics::set_delays(
            &registry,
            Duration::from_millis(config.delete_delay_ms.unsigned_abs()).as_secs_f64(),
        )?;
        let dir = config.data_dir.join("compact");
        std::fs::create_dir_all(&dir).map_err(|source| BuildError::DataDir { path: dir.clone(), source })?;

        let concurrency = config.meta_fetch_concurrency;
        let findings = Findings {
            deduplicate: Arc::new(Deduplicate::new()),
            // Hidden before it is deleted, so that no plan counts on a block that is about to go.
            deletion: Arc::new(DeletionMarks::new(bucket.clone(), config.delete_delay_ms / 2, concurrency)),
            no_compact: Arc::new(MarkGatherer::no_compact(bucket.clone(), concurrency)),
            no_downsample: Arc::new(MarkGatherer::no_downsample(bucket.clone(), concurrency)),
        };
        let filters: Vec<Box<dyn MetaFilter>> = vec![
            Box::new(TimePartition { min_time: config.min_time, max_time: config.max_time }),
            Box::new(LabelSharding {
                rules: config.selector.clone(),
                replica_labels: config.replica_labels.clone(),
            }),
            Box::new(ConsistencyDelay::new(config.consistency_delay_ms, &registry, "thanos_")?),
            Box::new(findings.deletion.clone()),
            Box::new(ReplicaLabelRemover { labels: config.replica_labels.clone() }),
            Box::new(findings.deduplicate.clone()),
            Box::new(findings.no_compact.clone()),
            Box::new(findings.no_downsample.clone()),
        ];
        let fetching = FetcherConfig {
            concurrency,
            data_dir: Some(config.data_dir.clone()),
            discovery: config.discovery,
            metrics_prefix: "thanos_",
        };
        let fetcher = MetaFetcher::new(bucket.clone(), fetching, filters, &registry)?;
        let (leases, clock) = (Leases::default(), Clock::default());
        let cleaner = Cleaner {
            bucket: bucket.clone(),
            leases: leases.clone(),
            metrics: metrics.clone(),
            delete_delay_ms: config.delete_delay_ms,
        };
        let compactor = Compactor {
            context: Context {
                bucket,
                work: Arc::new(TsdbWork { threads: config.threads }),
                cleaner,
                leases,
                metrics,
                clock: clock.clone(),
                dir,
                settings: config.settings,
                stop: CancellationToken::new(),
            },
            syncer: Arc::new(Syncer::new(fetcher, findings, clock)),
            planner: Planner::new(config.max_level, config.max_index_bytes),
            config: config.run,
            quarantine: Arc::new(Quarantine::default()),
            memory: Arc::default(),
        };
        Ok(Self { compactor, probes, http: config.http, registry })
    }

    /// The compactor itself.
    pub fn compactor(&self) -> &Compactor {
        &self.compactor
    }

    /// Adds the compactor's actors to a group: the queues stop first, then HTTP. `routes` are those beside probes and metrics; what
    /// they show is kept current by `showing`.
    pub fn add_to(self, routes: axum::Router, showing: Option<Showing>, group: &mut Group) {
        let Self { mut compactor, probes, http, registry } = self;
        let http = http::Server::new(http, probes.clone(), registry, routes);
        if let Some(showing) = showing {
            let syncer = compactor.syncer.clone();
            group.add("block views", move |stop| async move {
                showing.run(&syncer, &stop).await;
                Ok(())
            });
        }
        group.add("compact", move |stop| async move {
            compactor.context.stop = stop;
            probes.ready();
            Ok(compactor.run().await?)
        });
        group.add("http", move |stop| async move { Ok(http.run(stop).await?) });
    }
}
