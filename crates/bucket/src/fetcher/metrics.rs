//! What a fetch counts, and Thanos's metrics of it.

use std::{collections::BTreeMap, time::Duration};

use prometheus::{Counter, GaugeVec, Histogram, HistogramOpts, Opts, Registry, core::Collector};

use super::Fetched;
use crate::{Error, Result};

/// What became of a block in a fetch; the label `state` of `blocks_meta_synced`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Its meta.json is broken.
    CorruptedMeta,
    /// It has no meta.json.
    NoMeta,
    /// It passed all filters.
    Loaded,
    /// It is younger than the consistency delay.
    TooFresh,
    /// Its meta.json could not be read.
    Failed,
    /// The relabel rules left it out.
    LabelExcluded,
    /// It is outside of the time partition.
    TimeExcluded,
    /// Another block has its data.
    Duplicate,
    /// It is marked for deletion.
    MarkedForDeletion,
    /// It is marked to be left out of compaction; counted beside `Loaded`.
    MarkedForNoCompact,
    /// It is marked to be left out of downsampling; counted beside `Loaded`.
    MarkedForNoDownsample,
    /// It was turned into Parquet.
    ParquetMigrated,
}

impl State {
    const ALL: [State; 12] = [
        State::CorruptedMeta,
        State::NoMeta,
        State::Loaded,
        State::TooFresh,
        State::Failed,
        State::LabelExcluded,
        State::TimeExcluded,
        State::Duplicate,
        State::MarkedForDeletion,
        State::MarkedForNoCompact,
        State::MarkedForNoDownsample,
        State::ParquetMigrated,
    ];

    /// The name in the metric.
    pub fn as_str(self) -> &'static str {
        match self {
            State::CorruptedMeta => "corrupted-meta-json",
            State::NoMeta => "no-meta-json",
            State::Loaded => "loaded",
            State::TooFresh => "too-fresh",
            State::Failed => "failed",
            State::LabelExcluded => "label-excluded",
            State::TimeExcluded => "time-excluded",
            State::Duplicate => "duplicate",
            State::MarkedForDeletion => "marked-for-deletion",
            State::MarkedForNoCompact => "marked-for-no-compact",
            State::MarkedForNoDownsample => "marked-for-no-downsample",
            State::ParquetMigrated => "parquet-migrated",
        }
    }

    /// Whether the metric has the state's series from the start. Thanos leaves one out until it occurs.
    fn always_shown(self) -> bool {
        self != State::MarkedForNoDownsample
    }
}

/// What was changed in a meta; the label `modified` of `blocks_meta_modified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modified {
    /// A replica label was taken out of the external labels.
    ReplicaLabelRemoved,
}

impl Modified {
    /// The name in the metric.
    pub fn as_str(self) -> &'static str {
        "replica-label-removed"
    }
}

/// How many blocks came to which end in one fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    states: BTreeMap<State, usize>,
    modified: usize,
}

impl Counts {
    /// Counts one more block.
    pub fn add(&mut self, state: State) {
        *self.states.entry(state).or_default() += 1;
    }

    /// Sets a count.
    pub fn set(&mut self, state: State, count: usize) {
        self.states.insert(state, count);
    }

    /// The count of a state.
    pub fn get(&self, state: State) -> usize {
        self.states.get(&state).copied().unwrap_or(0)
    }

    /// Counts one more change of a meta.
    pub fn add_modified(&mut self, _: Modified) {
        self.modified += 1;
    }

    /// The count of changes.
    pub fn modified(&self, _: Modified) -> usize {
        self.modified
    }
}

#[derive(Debug)]
pub(super) struct FetcherMetrics {
    base_syncs: Counter,
    base_cache_busts: Counter,
    syncs: Counter,
    failures: Counter,
    duration: Histogram,
    synced: GaugeVec,
    modified: GaugeVec,
}

impl FetcherMetrics {
    pub(super) fn new(registry: &Registry, prefix: &str) -> Result<Self> {
        let opts = |name: &str, help: &str| Opts::new(format!("{prefix}blocks_meta_{name}"), help);
        let duration = HistogramOpts::from(opts(
            "sync_duration_seconds",
            "Seconds that synchronizing block metas took.",
        ))
        .buckets(vec![0.01, 1.0, 10.0, 100.0, 300.0, 600.0, 1000.0]);
        let build = || -> prometheus::Result<Self> {
            let metrics = FetcherMetrics {
                base_syncs: Counter::with_opts(opts(
                    "base_syncs_total",
                    "Fetches of block metas from the bucket.",
                ))?,
                base_cache_busts: Counter::with_opts(opts(
                    "base_cache_busts_total",
                    "Cached block metas given up because the bucket has another.",
                ))?,
                syncs: Counter::with_opts(opts("syncs_total", "Synchronizations of block metas."))?,
                failures: Counter::with_opts(opts(
                    "sync_failures_total",
                    "Synchronizations of block metas that failed.",
                ))?,
                duration: Histogram::with_opts(duration)?,
                synced: GaugeVec::new(
                    opts("synced", "Blocks by what became of them in the last synchronization."),
                    &["state"],
                )?,
                modified: GaugeVec::new(
                    opts("modified", "Blocks whose meta was changed while filtering."),
                    &["modified"],
                )?,
            };
            let collectors: [Box<dyn Collector>; 7] = [
                Box::new(metrics.base_syncs.clone()),
                Box::new(metrics.base_cache_busts.clone()),
                Box::new(metrics.syncs.clone()),
                Box::new(metrics.failures.clone()),
                Box::new(metrics.duration.clone()),
                Box::new(metrics.synced.clone()),
                Box::new(metrics.modified.clone()),
            ];
            for collector in collectors {
                registry.register(collector)?;
            }
            Ok(metrics)
        };
        let metrics = build().map_err(Error::Metrics)?;
        metrics.show(&Counts::default());
        Ok(metrics)
    }

    pub(super) fn cache_bust(&self) {
        self.base_cache_busts.inc();
    }

    pub(super) fn started(&self) {
        self.base_syncs.inc();
        self.syncs.inc();
    }

    /// Shows the outcome of a fetch; a failed one leaves the gauges as they were.
    pub(super) fn finished(&self, took: Duration, fetched: Option<&Fetched>) {
        self.duration.observe(took.as_secs_f64());
        if !fetched.is_some_and(Fetched::is_complete) {
            self.failures.inc();
        }
        if let Some(fetched) = fetched {
            self.show(&fetched.counts);
        }
    }

    fn show(&self, counts: &Counts) {
        for state in State::ALL {
            let count = counts.get(state);
            if state.always_shown() || count > 0 {
                self.synced.with_label_values(&[state.as_str()]).set(count as f64);
            } else {
                // An error means that there is no such series, which is what is wanted.
                let _ = self.synced.remove_label_values(&[state.as_str()]);
            }
        }
        let modified = Modified::ReplicaLabelRemoved;
        self.modified.with_label_values(&[modified.as_str()]).set(counts.modified(modified) as f64);
    }
}
