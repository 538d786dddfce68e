//! `thanos compact`.

use anyhow::{Context, bail};
use bucket::fetcher::Discovery;
use bucket::upload::HashFunc;
use compact::component::{Component, Config};
use compact::coverage::Retention;
use compact::job::Settings;
use compact::run::{OnCritical, RunConfig};
use compact::work::Merge;
use server::http::{self, ApiOptions, Instrumentation};
use server::request_log::RequestLog;

use super::setup;
use crate::cli::Setup;
use crate::flags::parse::Values;

/// Builds the compactor and adds its actors to the group.
pub(super) fn add(context: Setup<'_>) -> anyhow::Result<()> {
    let Setup { values, registry, group } = context;
    let config = config(values)?;
    let yaml = setup::pair(values, "objstore.config").content().context("getting object store config")?;
    let bucket = objstore::config::open(&yaml, "compact", &registry).context("create bucket client")?;
    let routes = if config.run.wait && !values.bool("web.disable") {
        let api = ApiOptions {
            instrumentation: Instrumentation::new(&registry, None)?,
            request_log: RequestLog::from_yaml("").context("request logging")?,
            disable_cors: values.bool("web.disable-cors"),
        };
        http::preflight(super::status::routes(values.shown(), &api), api.disable_cors)
    } else {
        axum::Router::new()
    };
    Component::build(config, bucket, registry, routes)?.add_to(group);
    Ok(())
}

fn config(values: &Values) -> anyhow::Result<Config> {
    let count = |name: &str| -> anyhow::Result<usize> {
        usize::try_from(values.int(name)).with_context(|| format!("--{name} is negative"))
    };
    let at_least_one = |name: &str| -> anyhow::Result<usize> {
        match count(name)? {
            0 => bail!("invalid concurrency level (0), --{name} must be > 0"),
            n => Ok(n),
        }
    };
    let ms = |name: &str| i64::try_from(values.duration(name).as_millis()).unwrap_or(i64::MAX);
    let discovery = values.text("block-discovery-strategy");
    let discovery =
        discovery.parse::<Discovery>().map_err(|_| anyhow::anyhow!("unknown sync strategy {discovery}"))?;
    let (min_time, max_time) = setup::time_range(values)?;
    let replica_labels = values.texts("deduplication.replica-label");
    let merge = match values.text("deduplication.func").as_str() {
        "penalty" => Merge::Penalty,
        _ => Merge::Chain,
    };
    let on_critical = match (values.bool("compact.halt-on-error"), values.bool("debug.halt-on-error")) {
        (false, _) => OnCritical::SetAside,
        (true, true) => OnCritical::Halt,
        (true, false) => OnCritical::Exit,
    };
    let threads = match count("compact.threads")? {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let hash_func: HashFunc = values.text("hash-func").parse().map_err(anyhow::Error::msg)?;
    Ok(Config {
        http: setup::http(values),
        data_dir: values.text("data-dir").into(),
        discovery,
        meta_fetch_concurrency: count("block-meta-fetch-concurrency")?,
        consistency_delay_ms: ms("consistency-delay"),
        delete_delay_ms: ms("delete-delay"),
        min_time,
        max_time,
        selector: setup::selector_rules(values)?,
        max_level: count("debug.max-compaction-level")?,
        max_index_bytes: values.bytes("compact.block-max-index-size"),
        threads,
        settings: Settings {
            merge,
            vertical: values.bool("compact.enable-vertical-compaction") || !replica_labels.is_empty(),
            fetch_concurrency: at_least_one("compact.blocks-fetch-concurrency")?,
            files_concurrency: at_least_one("block-files-concurrency")?,
            hash_func,
            accept_malformed_index: values.bool("debug.accept-malformed-index"),
            skip_out_of_order: values.bool("compact.skip-block-with-out-of-order-chunks"),
        },
        replica_labels,
        run: RunConfig {
            wait: values.bool("wait"),
            wait_interval: values.duration("wait-interval"),
            cleanup_interval: values.duration("compact.cleanup-interval"),
            progress_interval: values.duration("compact.progress-interval"),
            concurrency: at_least_one("compact.concurrency")?,
            downsample_concurrency: at_least_one("downsample.concurrency")?,
            downsampling: !values.bool("downsampling.disable"),
            retention: Retention {
                keep_ms: [
                    ms("retention.resolution-raw"),
                    ms("retention.resolution-5m"),
                    ms("retention.resolution-1h"),
                ],
            },
            keep_until_downsampled: values.bool("retention.keep-until-downsampled"),
            on_critical,
        },
    })
}
