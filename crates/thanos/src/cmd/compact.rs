//! `thanos compact`.

use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use blocks::{BlocksApi, Job, JobKind, JobState, Plan, SetAside};
use bucket::fetcher::Discovery;
use bucket::upload::HashFunc;
use bucket::views::BlockViews;
use compact::component::{Component, Config};
use compact::coverage::Retention;
use compact::job::Settings;
use compact::outlook::Outlook;
use compact::run::{OnCritical, RunConfig};
use compact::view::Showing;
use compact::work::Merge;
use server::http::{self, ApiOptions, Instrumentation};
use server::request_log::RequestLog;

use super::{setup, web};
use crate::cli::Setup;
use crate::flags::parse::Values;

/// Builds the compactor and adds its actors to the group.
pub(super) fn add(context: Setup<'_>) -> anyhow::Result<()> {
    let Setup { values, registry, group } = context;
    let config = config(values)?;
    let yaml = setup::pair(values, "objstore.config").content().context("getting object store config")?;
    let bucket = objstore::config::open(&yaml, "compact", &registry).context("create bucket client")?;
    let pages = config.run.wait && !values.bool("web.disable");
    let component = Component::build(config, bucket.clone(), registry.clone())?;
    if !pages {
        component.add_to(Router::new(), None, group);
        return Ok(());
    }
    let showing = Showing {
        views: BlockViews::new(),
        interval: values.duration("block-viewer.global.sync-block-interval"),
        timeout: values.duration("block-viewer.global.sync-block-timeout"),
    };
    let compactor = component.compactor().clone();
    let blocks = BlocksApi {
        views: showing.views.clone(),
        bucket,
        label: values.text("bucket-web-label"),
        admin: !values.bool("disable-admin-operations"),
        plan: Some(Arc::new(move || plan(compactor.outlook()))),
    };
    let api = ApiOptions {
        instrumentation: Instrumentation::new(&registry, None)?,
        request_log: RequestLog::from_yaml("").context("request logging")?,
        disable_cors: values.bool("web.disable-cors"),
    };
    component.add_to(routes(values, blocks, &api)?, Some(showing), group);
    Ok(())
}

/// API and pages, at `/` as Thanos has them whatever `--web.route-prefix` says, and below that prefix.
fn routes(values: &Values, blocks: BlocksApi, api: &ApiOptions) -> anyhow::Result<Router> {
    let status = http::preflight(super::status::routes(values.shown(), api), api.disable_cors);
    let apis = status.merge(blocks::routes(blocks, api));
    let pages = |prefix: &str| web::pages(values, web::compact_page(values), prefix, &api.instrumentation);
    let routes = apis.clone().merge(pages("/")?);
    match web::route_prefix(&values.text("web.route-prefix")).as_str() {
        "/" => Ok(routes),
        prefix => Ok(routes.merge(pages(prefix)?).nest(prefix, apis)),
    }
}

/// What the page of planned work shows.
fn plan(outlook: Outlook) -> Plan {
    let jobs = outlook.jobs.into_iter().map(|job| Job {
        kind: if job.downsampling { JobKind::Downsampling } else { JobKind::Compaction },
        state: if job.running { JobState::Running } else { JobState::Planned },
        group: job.group,
        labels: job.labels,
        resolution: job.resolution_ms,
        min_time: job.min_time,
        max_time: job.max_time,
        blocks: job.blocks,
    });
    let quarantined = outlook.waiting.into_iter().map(|group| SetAside {
        group: group.group,
        labels: group.labels,
        blocks: group.blocks,
        error: group.reason,
    });
    Plan {
        computed_at: model::time::format_rfc3339(outlook.at_ms),
        jobs: jobs.collect(),
        quarantined: quarantined.collect(),
    }
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
