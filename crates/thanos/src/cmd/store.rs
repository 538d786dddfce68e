//! `thanos store`.

use anyhow::{Context, bail};
use blocks::BlocksApi;
use bucket::fetcher::Discovery;
use server::http::{self, ApiOptions, Instrumentation};
use store::cache::IndexCacheConfig;
use store::{Component, Config, HeaderConfig, Limits, Parts, StoreConfig};

use super::{setup, web};
use crate::cli::Setup;
use crate::flags::parse::Values;

/// Builds the store gateway and adds its actors to the group.
pub(super) fn add(context: Setup<'_>) -> anyhow::Result<()> {
    let Setup { values, registry, group } = context;
    let config = config(values)?;
    let request_log = setup::request_log(values)?;
    let yaml =
        setup::pair(values, "objstore.config").required_content().context("getting object store config")?;
    let bucket = objstore::config::open(&yaml, "store", &registry).context("create bucket client")?;
    let component = Component::build(
        config,
        Parts { bucket: bucket.clone(), registry: registry.clone(), request_log: request_log.clone() },
    )?;
    let routes = match values.bool("web.disable") {
        true => axum::Router::new(),
        false => {
            let api = ApiOptions {
                instrumentation: Instrumentation::new(&registry, None)?,
                request_log,
                disable_cors: values.bool("web.disable-cors"),
            };
            let blocks = BlocksApi {
                views: component.store().views().clone(),
                bucket,
                label: values.text("bucket-web-label"),
                admin: !values.bool("disable-admin-operations"),
                plan: None,
            };
            let status = http::preflight(super::status::routes(values.shown(), &api), api.disable_cors);
            let pages = web::pages(values, web::store_page(values), "/", &api.instrumentation)?;
            status.merge(blocks::routes(blocks, &api)).merge(pages)
        }
    };
    component.add_to(routes, group);
    Ok(())
}

fn config(values: &Values) -> anyhow::Result<Config> {
    let count = |name: &str| -> anyhow::Result<usize> {
        usize::try_from(values.int(name)).with_context(|| format!("--{name} is negative"))
    };
    let ms = |name: &str| i64::try_from(values.duration(name).as_millis()).unwrap_or(i64::MAX);
    let discovery = values.text("block-discovery-strategy");
    let discovery =
        discovery.parse::<Discovery>().map_err(|_| anyhow::anyhow!("unknown sync strategy {discovery}"))?;
    let index_cache =
        setup::pair(values, "index-cache.config").content().context("get index cache configuration")?;
    let index_cache = if index_cache.trim().is_empty() {
        IndexCacheConfig::of_size(values.bytes("index-cache-size"))
    } else {
        IndexCacheConfig::from_yaml(&index_cache).map_err(anyhow::Error::msg).context("create index cache")?
    };
    let (min_time, max_time) = setup::time_range(values)?;
    let ratio = values.float("store.posting-group-max-key-series-ratio");
    if ratio < 0.0 {
        bail!("--store.posting-group-max-key-series-ratio is negative");
    }
    Ok(Config {
        http: setup::http(values),
        grpc: setup::grpc(values)?,
        sync_interval: values.duration("sync-block-duration"),
        discovery,
        meta_fetch_concurrency: count("block-meta-fetch-concurrency")?,
        consistency_delay_ms: ms("consistency-delay"),
        ignore_deletion_marks_delay_ms: ms("ignore-deletion-marks-delay"),
        selector: setup::selector_rules(values)?,
        index_cache,
        store: StoreConfig {
            header: HeaderConfig {
                sampling: count("store.index-header-posting-offsets-in-mem-sampling")?,
                lazy_reader: values.bool("store.enable-index-header-lazy-reader"),
                idle_timeout: values.duration("store.index-header-lazy-reader-idle-timeout"),
                lazy_download: values.text("store.index-header-lazy-download-strategy") == "lazy",
                keep_files: values.bool("cache-index-header"),
            },
            block_sync_concurrency: count("block-sync-concurrency")?.max(1),
            min_time,
            max_time,
            limits: Limits {
                series: values.uint("store.limits.request-series"),
                samples: values.uint("store.limits.request-samples"),
                bytes: values.bytes("store.grpc.downloaded-bytes-limit"),
            },
            series_max_concurrency: count("store.grpc.series-max-concurrency")?,
            series_batch_size: count("debug.series-batch-size")?,
            estimated_max_series_size: values.uint("debug.estimated-max-series-size"),
            estimated_max_chunk_size: values.uint("debug.estimated-max-chunk-size"),
            chunk_pool_size: values.bytes("chunk-pool-size"),
            ..StoreConfig::new(values.text("data-dir"))
        },
    })
}
