//! The compactor's metrics, with Thanos's names.

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry,
};

type Result<T> = std::result::Result<T, prometheus::Error>;

/// Names of the resolutions in the `resolution` label, which are those of the source.
pub(crate) fn resolution_label(resolution_ms: i64) -> String {
    resolution_ms.to_string()
}

/// All metrics of the compactor.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Metrics {
    pub iterations: IntCounter,
    pub retries: IntCounter,
    pub halted: IntGauge,
    pub blocks_marked: IntCounterVec,
    pub garbage_collections: IntCounter,
    pub garbage_collection_failures: IntCounter,
    pub garbage_collection_seconds: Histogram,
    pub garbage_collected: IntCounter,
    pub runs_started: IntCounterVec,
    pub runs_completed: IntCounterVec,
    pub compactions: IntCounterVec,
    pub compaction_failures: IntCounterVec,
    pub vertical_compactions: IntCounterVec,
    pub downsamples: IntCounterVec,
    pub downsample_failures: IntCounterVec,
    pub downsample_seconds: HistogramVec,
    pub cleanup_loops: IntCounter,
    pub blocks_cleaned: IntCounter,
    pub cleanup_failures: IntCounter,
    pub partial_deletion_attempts: IntCounter,
    pub todo_compactions: IntGauge,
    pub todo_compaction_blocks: IntGauge,
    pub todo_downsample_blocks: IntGauge,
    pub todo_deletion_blocks: IntGauge,
    /// Ours: groups that are set aside.
    pub quarantined_groups: IntGauge,
    /// Ours: blocks whose retention has passed and that wait for their downsampled copy.
    pub retention_held_blocks: IntGauge,
    /// Ours: series done in the job that runs, by kind and group.
    pub job_series_done: GaugeVec,
    /// Ours: series in all of the job that runs, by kind and group.
    pub job_series_total: GaugeVec,
    /// Ours: series per second of the job that runs, by kind and group.
    pub job_series_rate: GaugeVec,
    /// Ours: when the job that runs will be done at this rate, in seconds since 1970, by kind and group.
    pub job_expected_end: GaugeVec,
}

impl Metrics {
    /// Registers all metrics.
    pub fn new(registry: &Registry) -> Result<Self> {
        let r = Register(registry);
        let metrics = Self {
            iterations: r
                .counter("thanos_compact_iterations_total", "Passes that went through without an error.")?,
            retries: r.counter(
                "thanos_compact_retries_total",
                "Passes that failed with an error that the next one may not have.",
            )?,
            halted: r.gauge(
                "thanos_compact_halted",
                "Set to 1 when the compactor has stopped working because of an error that needs somebody.",
            )?,
            blocks_marked: r.counters(
                "thanos_compact_blocks_marked_total",
                "Marks written.",
                &["marker", "reason"],
            )?,
            garbage_collections: r
                .counter("thanos_compact_garbage_collection_total", "Garbage collections.")?,
            garbage_collection_failures: r.counter(
                "thanos_compact_garbage_collection_failures_total",
                "Garbage collections that failed.",
            )?,
            garbage_collection_seconds: r.histogram(
                "thanos_compact_garbage_collection_duration_seconds",
                "How long a garbage collection takes.",
                &[0.01, 0.1, 0.3, 0.6, 1., 3., 6., 9., 20., 30., 60., 90., 120., 240., 360., 720.],
            )?,
            garbage_collected: r.counter(
                "thanos_compact_garbage_collected_blocks_total",
                "Blocks marked because others hold their data.",
            )?,
            runs_started: r
                .by_resolution("thanos_compact_group_compaction_runs_started_total", "Runs over a group.")?,
            runs_completed: r.by_resolution(
                "thanos_compact_group_compaction_runs_completed_total",
                "Runs over a group that ended well, with a compaction or with nothing to do.",
            )?,
            compactions: r.by_resolution(
                "thanos_compact_group_compactions_total",
                "Compactions that made a new block.",
            )?,
            compaction_failures: r.by_resolution(
                "thanos_compact_group_compactions_failures_total",
                "Compactions that failed.",
            )?,
            vertical_compactions: r.by_resolution(
                "thanos_compact_group_vertical_compactions_total",
                "Compactions of overlapping blocks that made a new block.",
            )?,
            downsamples: r.by_resolution(
                "thanos_compact_downsample_total",
                "Downsampled blocks, by the source's resolution.",
            )?,
            downsample_failures: r.by_resolution(
                "thanos_compact_downsample_failures_total",
                "Blocks that could not be downsampled.",
            )?,
            downsample_seconds: r.register(HistogramVec::new(
                HistogramOpts::new(
                    "thanos_compact_downsample_duration_seconds",
                    "How long downsampling a block takes.",
                )
                .buckets(vec![60., 300., 900., 1800., 3600., 7200., 14400.]),
                &["resolution"],
            )?)?,
            cleanup_loops: r.counter("thanos_compact_block_cleanup_loops_total", "Runs of the cleaner.")?,
            blocks_cleaned: r.counter("thanos_compact_blocks_cleaned_total", "Blocks deleted.")?,
            cleanup_failures: r.counter(
                "thanos_compact_block_cleanup_failures_total",
                "Blocks that could not be deleted.",
            )?,
            partial_deletion_attempts: r.counter(
                "thanos_compact_aborted_partial_uploads_deletion_attempts_total",
                "Attempts at deleting partial blocks that nobody uploads any more.",
            )?,
            todo_compactions: r.gauge("thanos_compact_todo_compactions", "Compactions that are left.")?,
            todo_compaction_blocks: r.gauge(
                "thanos_compact_todo_compaction_blocks",
                "Blocks that go into the compactions that are left.",
            )?,
            todo_downsample_blocks: r
                .gauge("thanos_compact_todo_downsample_blocks", "Blocks that are to be downsampled.")?,
            todo_deletion_blocks: r
                .gauge("thanos_compact_todo_deletion_blocks", "Blocks whose retention has passed.")?,
            quarantined_groups: r.gauge(
                "thanos_compact_quarantined_groups",
                "Groups that are set aside because their blocks cannot be worked on.",
            )?,
            retention_held_blocks: r.gauge(
                "thanos_compact_retention_held_blocks",
                "Blocks whose retention has passed and that are kept until their downsampled copy is there.",
            )?,
            job_series_done: r.gauges("thanos_compact_job_series_done", "Series done in a running job.")?,
            job_series_total: r
                .gauges("thanos_compact_job_series_total", "Series in all in a running job.")?,
            job_series_rate: r.gauges(
                "thanos_compact_job_series_per_second",
                "Series per second in a running job, on average since its beginning.",
            )?,
            job_expected_end: r.gauges(
                "thanos_compact_job_expected_end_timestamp_seconds",
                "When a running job will be done at its present rate; without the upload.",
            )?,
        };
        for (marker, reason) in [
            ("no-compact-mark.json", "block-index-out-of-order-chunk"),
            ("no-compact-mark.json", "index-size-exceeding"),
            ("no-compact-mark.json", "downsample-vertical-compaction"),
            ("deletion-mark.json", ""),
        ] {
            metrics.blocks_marked.with_label_values(&[marker, reason]);
        }
        Ok(metrics)
    }

    /// Registers the two gauges that tell the configured delays.
    pub fn set_delays(registry: &Registry, delete_delay_seconds: f64) -> Result<()> {
        let gauge = Register(registry).register(Gauge::new(
            "thanos_delete_delay_seconds",
            "The configured delay between mark and deletion.",
        )?)?;
        gauge.set(delete_delay_seconds);
        Ok(())
    }
}

struct Register<'a>(&'a Registry);

impl Register<'_> {
    fn register<C: prometheus::core::Collector + Clone + 'static>(&self, collector: C) -> Result<C> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.register(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn by_resolution(&self, name: &str, help: &str) -> Result<IntCounterVec> {
        let counters = self.counters(name, help, &["resolution"])?;
        for resolution in crate::coverage::RESOLUTIONS_MS {
            counters.with_label_values(&[&resolution_label(resolution)]);
        }
        Ok(counters)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.register(IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str) -> Result<GaugeVec> {
        self.register(GaugeVec::new(Opts::new(name, help), &["kind", "group"])?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram> {
        self.register(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
    }
}
