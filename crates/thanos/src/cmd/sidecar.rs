//! `thanos sidecar`.

use std::sync::Arc;

use anyhow::Context;
use client::http_config::{HttpClient, HttpClientConfig};
use client::prometheus::Client;
use sidecar::{Config, MinTime, Parts, ReloadMethod, ShipperConfig, Sidecar};
use storeapi::SelectLimits;

use super::setup;
use crate::cli::Setup;
use crate::flags::parse::Values;
use crate::flags::value::TimeOrDuration;

/// Builds the sidecar and adds its actors to the group.
pub(super) fn add(context: Setup<'_>) -> anyhow::Result<()> {
    let Setup { values, registry, group } = context;
    let config = config(values)?;
    let http_client = setup::plain_pair(values, "prometheus.http-client")
        .content()
        .context("getting http client config")?;
    let http_client = HttpClientConfig::from_yaml(&http_client).context("parsing http config YAML")?;
    let url = values.text("prometheus.url").parse().context("parse --prometheus.url")?;
    let prometheus = Client::new(HttpClient::new(http_client).context("create HTTP client")?, url);
    let bucket = setup::pair(values, "objstore.config").content().context("getting object store config")?;
    let bucket = if bucket.is_empty() {
        None
    } else {
        Some(objstore::config::open(&bucket, "sidecar", &registry).context("create bucket")?)
    };
    let parts = Parts { prometheus, bucket, registry, request_log: setup::request_log(values)? };
    Sidecar::build(config, parts)?.add_to(group);
    Ok(())
}

fn config(values: &Values) -> anyhow::Result<Config> {
    let path = |name: &str| setup::path(values, name);
    let reloader = client::reloader::Options {
        config_file: path("reloader.config-file"),
        config_output_file: path("reloader.config-envsubst-file"),
        watched_dirs: values.texts("reloader.rule-dir").into_iter().map(Into::into).collect(),
        watch_interval: values.duration("reloader.watch-interval"),
        retry_interval: values.duration("reloader.retry-interval"),
    };
    let reload_method = match values.text("reloader.method").as_str() {
        "signal" => ReloadMethod::Signal { process_name: values.text("reloader.process-name") },
        _ => ReloadMethod::Http,
    };
    Ok(Config {
        http: setup::http(values),
        grpc: setup::grpc(values)?,
        ready_timeout: values.duration("prometheus.ready_timeout"),
        get_config_interval: values.duration("prometheus.get_config_interval"),
        get_config_timeout: values.duration("prometheus.get_config_timeout"),
        tsdb_path: values.text("tsdb.path").into(),
        reloader,
        reload_method,
        min_time: min_time(values.time("min-time")),
        limits: SelectLimits {
            series_per_request: values.uint("store.limits.request-series"),
            samples_per_request: values.uint("store.limits.request-samples"),
        },
        shipper: ShipperConfig {
            meta_file_name: values.text("shipper.meta-file-name"),
            upload_compacted: values.bool("shipper.upload-compacted"),
            ignore_unequal_block_size: values.bool("shipper.ignore-unequal-block-size"),
            allow_out_of_order_uploads: values.bool("shipper.allow-out-of-order-uploads"),
            skip_corrupted_blocks: values.bool("shipper.skip-corrupted-blocks"),
            hash_files: values.text("hash-func") == "SHA256",
            upload_concurrency: usize::try_from(values.int("shipper.upload-concurrency")).unwrap_or(0),
        },
    })
}

/// A relative time is reckoned anew at each call.
fn min_time(time: TimeOrDuration) -> MinTime {
    Arc::new(move || time.ms())
}
