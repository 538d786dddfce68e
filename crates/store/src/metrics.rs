//! The gateway's metrics, under Thanos's names.

use prometheus::{
    Counter, CounterVec, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry,
    core::Collector, exponential_buckets,
};

use crate::stats::{DataStats, Stats};

/// The tenant of requests that tell none.
pub(crate) const DEFAULT_TENANT: &str = "default-tenant";

const SECONDS: [f64; 14] = [0.001, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0];
const LOAD_SECONDS: [f64; 12] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 300.0];
const FINE_LOAD_SECONDS: [f64; 15] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 90.0, 120.0, 300.0];
const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;

/// Registers collectors as they are made.
pub(crate) struct Maker<'a>(pub(crate) &'a Registry);

impl Maker<'_> {
    fn register<C: Collector + Clone + 'static>(&self, collector: C) -> prometheus::Result<C> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    pub(crate) fn counter(&self, name: &str, help: &str) -> prometheus::Result<Counter> {
        self.register(Counter::new(name, help)?)
    }

    pub(crate) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<CounterVec> {
        self.register(CounterVec::new(Opts::new(name, help), labels)?)
    }

    pub(crate) fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.register(Gauge::new(name, help)?)
    }

    pub(crate) fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<prometheus::GaugeVec> {
        self.register(prometheus::GaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(crate) fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> prometheus::Result<Histogram> {
        self.register(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
    }

    pub(crate) fn histograms(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
        labels: &[&str],
    ) -> prometheus::Result<HistogramVec> {
        self.register(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?)
    }
}

/// Metrics of blocks and requests.
#[derive(Debug)]
pub(crate) struct StoreMetrics {
    pub(crate) block_loads: Counter,
    pub(crate) block_load_failures: Counter,
    pub(crate) block_drops: Counter,
    pub(crate) block_drop_failures: Counter,
    pub(crate) blocks_loaded: Gauge,
    pub(crate) last_loaded: Gauge,
    pub(crate) block_load_duration: Histogram,
    data_touched: HistogramVec,
    data_fetched: HistogramVec,
    data_size_touched: HistogramVec,
    data_size_fetched: HistogramVec,
    blocks_queried: HistogramVec,
    get_all_duration: HistogramVec,
    merge_duration: HistogramVec,
    result_series: HistogramVec,
    pub(crate) chunk_size: HistogramVec,
    postings_size: HistogramVec,
    pub(crate) queries_dropped: IntCounterVec,
    pub(crate) series_refetches: CounterVec,
    pub(crate) chunk_refetches: CounterVec,
    pub(crate) empty_postings: CounterVec,
    pub(crate) postings_fetch_duration: HistogramVec,
    pub(crate) series_fetch_duration: HistogramVec,
    series_fetch_duration_sum: HistogramVec,
    pub(crate) chunks_fetch_duration: HistogramVec,
    chunks_fetch_duration_sum: HistogramVec,
}

impl StoreMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Maker(registry);
        let tenant = &["tenant"];
        let typed = &["data_type", "tenant"];
        let name = |name: &str| format!("thanos_bucket_store_{name}");
        let items = exponential_buckets(200.0, 2.0, 15)?;
        let sizes = exponential_buckets(1024.0, 2.0, 15)?;
        let chunk_sizes = [
            32.0,
            256.0,
            512.0,
            KIB,
            32.0 * KIB,
            256.0 * KIB,
            512.0 * KIB,
            MIB,
            32.0 * MIB,
            256.0 * MIB,
            512.0 * MIB,
        ];
        let postings_sizes = [
            32.0,
            256.0,
            512.0,
            KIB,
            32.0 * KIB,
            256.0 * KIB,
            512.0 * KIB,
            MIB,
            32.0 * MIB,
            128.0 * MIB,
            256.0 * MIB,
            512.0 * MIB,
            768.0 * MIB,
            1024.0 * MIB,
        ];
        let seconds = |part: &str, help: &str| {
            make.histograms(&name(&format!("{part}_seconds")), help, &SECONDS, tenant)
        };
        Ok(StoreMetrics {
            block_loads: make.counter(&name("block_loads_total"), "Blocks that were tried to be loaded.")?,
            block_load_failures: make
                .counter(&name("block_load_failures_total"), "Blocks that could not be loaded.")?,
            block_drops: make.counter(&name("block_drops_total"), "Blocks that were let go.")?,
            block_drop_failures: make.counter(
                &name("block_drop_failures_total"),
                "Blocks whose local files could not be removed.",
            )?,
            blocks_loaded: make.gauge(&name("blocks_loaded"), "Blocks being served.")?,
            last_loaded: make
                .gauge(&name("blocks_last_loaded_timestamp_seconds"), "When the last block was loaded.")?,
            block_load_duration: make.histogram(
                &name("block_load_duration_seconds"),
                "Seconds that loading a block took.",
                &LOAD_SECONDS,
            )?,
            data_touched: make.histograms(
                &name("series_data_touched"),
                "Items of a kind that one Series call used.",
                &items,
                typed,
            )?,
            data_fetched: make.histograms(
                &name("series_data_fetched"),
                "Items of a kind that one Series call fetched.",
                &items,
                typed,
            )?,
            data_size_touched: make.histograms(
                &name("series_data_size_touched_bytes"),
                "Bytes of items of a kind that one Series call used.",
                &sizes,
                typed,
            )?,
            data_size_fetched: make.histograms(
                &name("series_data_size_fetched_bytes"),
                "Bytes of items of a kind that one Series call fetched.",
                &sizes,
                typed,
            )?,
            blocks_queried: make.histograms(
                &name("series_blocks_queried"),
                "Blocks that one Series call looked into.",
                &exponential_buckets(1.0, 2.0, 10)?,
                tenant,
            )?,
            get_all_duration: seconds(
                "series_get_all_duration",
                "Until all blocks of a call had their postings.",
            )?,
            merge_duration: seconds(
                "series_merge_duration",
                "Merging and sending the series of all blocks.",
            )?,
            result_series: make.histograms(
                &name("series_result_series"),
                "Series in the answer of one Series call.",
                &exponential_buckets(100.0, 2.0, 15)?,
                tenant,
            )?,
            chunk_size: make.histograms(
                &name("sent_chunk_size_bytes"),
                "Bytes of the chunks of one sent series.",
                &chunk_sizes,
                tenant,
            )?,
            postings_size: make.histograms(
                &name("postings_size_bytes"),
                "Bytes of the postings of one Series call.",
                &postings_sizes,
                tenant,
            )?,
            queries_dropped: make.register(IntCounterVec::new(
                Opts::new(name("queries_dropped_total"), "Calls that were ended because of a limit."),
                &["reason", "tenant"],
            )?)?,
            series_refetches: make.counters(
                &name("series_refetches_total"),
                "Series entries that were larger than what was fetched of them at first.",
                tenant,
            )?,
            chunk_refetches: make.counters(
                &name("chunk_refetches_total"),
                "Chunks that were larger than what was fetched of them at first.",
                tenant,
            )?,
            empty_postings: make.counters(
                &name("empty_postings_total"),
                "Blocks that were looked into without a match.",
                tenant,
            )?,
            postings_fetch_duration: seconds(
                "postings_fetch_duration",
                "Getting postings, from caches or the bucket.",
            )?,
            series_fetch_duration: seconds("series_fetch_duration", "Getting a batch of series entries.")?,
            series_fetch_duration_sum: seconds(
                "series_fetch_duration_sum",
                "Getting all series entries of a call.",
            )?,
            chunks_fetch_duration: seconds("chunks_fetch_duration", "Getting a batch of chunks.")?,
            chunks_fetch_duration_sum: seconds("chunks_fetch_duration_sum", "Getting all chunks of a call.")?,
        })
    }

    /// Counts a Series call that has ended.
    pub(crate) fn observe(&self, stats: &Stats, tenant: &str) {
        use std::sync::atomic::Ordering::Relaxed;
        let data: [(&str, &DataStats); 3] =
            [("postings", &stats.postings), ("series", &stats.series), ("chunks", &stats.chunks)];
        for (kind, data) in data {
            let labels = &[kind, tenant];
            self.data_touched.with_label_values(labels).observe(data.touched.count() as f64);
            self.data_fetched.with_label_values(labels).observe(data.fetched.count() as f64);
            self.data_size_touched.with_label_values(labels).observe(data.touched.bytes() as f64);
            self.data_size_fetched.with_label_values(labels).observe(data.fetched.bytes() as f64);
        }
        let tenant = &[tenant];
        let seconds = |nanos: &std::sync::atomic::AtomicU64| nanos.load(Relaxed) as f64 / 1e9;
        let postings = stats.postings.touched.bytes() + stats.postings.fetched.bytes();
        self.postings_size.with_label_values(tenant).observe(postings as f64);
        self.blocks_queried.with_label_values(tenant).observe(stats.blocks.load(Relaxed) as f64);
        self.result_series.with_label_values(tenant).observe(stats.merged_series.load(Relaxed) as f64);
        self.get_all_duration.with_label_values(tenant).observe(seconds(&stats.get_all_nanos));
        self.merge_duration.with_label_values(tenant).observe(seconds(&stats.merge_nanos));
        self.series_fetch_duration_sum.with_label_values(tenant).observe(stats.series.fetch_seconds());
        self.chunks_fetch_duration_sum.with_label_values(tenant).observe(stats.chunks.fetch_seconds());
    }
}

/// Metrics of index-headers.
#[derive(Debug)]
pub(crate) struct HeaderMetrics {
    pub(crate) download_duration: Histogram,
    pub(crate) load_duration: Histogram,
    pub(crate) lazy_loads: Counter,
    pub(crate) lazy_load_failures: Counter,
    pub(crate) lazy_unloads: Counter,
    pub(crate) lazy_load_duration: Histogram,
}

impl HeaderMetrics {
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Maker(registry);
        let name = |name: &str| format!("thanos_bucket_store_indexheader_{name}");
        // Letting go of a mapping cannot fail here; the name stays for the dashboards.
        make.counter(&name("lazy_unload_failed_total"), "Index-headers that could not be unmapped.")?;
        Ok(HeaderMetrics {
            download_duration: make.histogram(
                &name("download_duration_seconds"),
                "Seconds that fetching an index-header took.",
                &LOAD_SECONDS,
            )?,
            load_duration: make.histogram(
                &name("load_duration_seconds"),
                "Seconds that opening an index-header took.",
                &FINE_LOAD_SECONDS,
            )?,
            lazy_loads: make
                .counter(&name("lazy_load_total"), "Index-headers mapped because a request needed them.")?,
            lazy_load_failures: make.counter(
                &name("lazy_load_failed_total"),
                "Index-headers that could not be mapped for a request.",
            )?,
            lazy_unloads: make
                .counter(&name("lazy_unload_total"), "Index-headers unmapped after being idle.")?,
            lazy_load_duration: make.histogram(
                &name("lazy_load_duration_seconds"),
                "Seconds that mapping an index-header for a request took.",
                &FINE_LOAD_SECONDS,
            )?,
        })
    }
}
