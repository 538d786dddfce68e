//! `thanos query`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use axum::Router;
use client::dns::SystemResolver;
use client::file_or_content::FileOrContent;
use client::file_sd::FileSd;
use client::grpc::{Dialer, Options};
use client::tls::{ClientTls, MinVersion};
use model::labels::Labels;
use query::{
    BuildInfo, CertificateField, EngineName, PartialResponses, Querier, QueryConfig, QueryMode,
    TelemetryBuckets, TenancyConfig,
};
use server::http::{ApiOptions, Instrumentation, Tenancy};
use server::{Probes, grpc, http};
use storeapi::endpoint::{
    ConnectionLabel, Discovery, DiscoveryConfig, EndpointConfig, EndpointFlags, EndpointSetConfig,
};
use storeapi::{Retrieval, SelectLimits, StoreSelector};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{setup, web};
use crate::build_info::build_info;
use crate::cli::Setup;
use crate::flags::parse::Values;

/// Builds the querier and adds its actors to the group.
pub(super) fn add(context: Setup<'_>) -> anyhow::Result<()> {
    let Setup { values, registry, group } = context;
    let config = config(values)?;
    let grpc_config = setup::grpc(values)?;
    let request_log = setup::request_log(values)?;
    let probes = Probes::new("query", &registry)?;

    let endpoints = ConfiguredEndpoints::read(values)?;
    let (found, targets) = watch::channel(Vec::new());
    let current = endpoints.current.clone();
    let discovery = DiscoveryConfig {
        endpoints: Arc::new(move || EndpointConfig::clone(&current.load())),
        file_sd: Arc::new(move || targets.borrow().clone()),
        dns_interval: values.duration("store.sd-dns-interval"),
        component: "query".to_owned(),
    };
    let dialer = Dialer::new(Some(&registry), &[proto::FILE_DESCRIPTOR_SET])?;
    let discovery = Arc::new(Discovery::new(discovery, dialer, Arc::new(SystemResolver), &registry)?);

    let tenancy = Tenancy {
        header: values.text("query.tenant-header").parse().context("parse --query.tenant-header")?,
        default_tenant: values.text("query.default-tenant-id"),
    };
    let api = ApiOptions {
        instrumentation: Instrumentation::new(&registry, Some(tenancy))?,
        request_log: request_log.clone(),
        disable_cors: values.bool("web.disable-cors"),
    };
    let querier = Querier::build(config, endpoint_set(values)?, discovery, probes.clone(), &registry)?;
    let prefix = route_prefix(values);
    let pages = web::pages(values, web::query_page(values), &prefix, &api.instrumentation)?;
    let routes = under_prefix(querier.routes(&api), &prefix).merge(pages);
    let routes = http::preflight(routes, api.disable_cors);
    let grpc = grpc::Server::new(
        grpc_config,
        probes.clone(),
        &registry,
        &[proto::FILE_DESCRIPTOR_SET],
        querier.services(),
        request_log,
    )?;
    let http = http::Server::new(setup::http(values), probes.clone(), registry, routes);

    group.add("http", move |stop| async move { Ok(http.run(stop).await?) });
    group.add("grpc", move |stop| async move {
        if ready(&probes, &stop).await {
            grpc.run(stop).await?;
        }
        Ok(())
    });
    group.add("querier", move |stop| async move {
        querier.run(stop).await;
        Ok(())
    });
    if let Some((interval, path)) = endpoints.reload {
        let Reload { pair, flags, current } = path;
        group.add("endpoint config", move |stop| async move {
            follow(&pair, &flags, &current, interval, stop).await;
            Ok(())
        });
    }
    let files = values.texts("store.sd-files");
    if !files.is_empty() {
        let sd = FileSd::new(files, values.duration("store.sd-interval"));
        group.add("file sd", move |stop| async move {
            sd.run(found, stop).await;
            Ok(())
        });
    }
    tracing::info!("starting query node");
    Ok(())
}

/// Waits for readiness; false when `stop` comes first.
async fn ready(probes: &Probes, stop: &CancellationToken) -> bool {
    let mut readiness = probes.watch_ready();
    tokio::select! {
        () = stop.cancelled() => false,
        waited = readiness.wait_for(|&ready| ready) => waited.is_ok(),
    }
}

fn config(values: &Values) -> anyhow::Result<QueryConfig> {
    let lookback_delta = values.duration("query.lookback-delta");
    let count = |name: &str| -> anyhow::Result<usize> {
        usize::try_from(values.int(name)).with_context(|| format!("--{name} is negative"))
    };
    let mut replica_labels: Vec<String> = values
        .texts("query.replica-label")
        .iter()
        .filter(|text| !text.is_empty())
        .flat_map(|text| text.split(','))
        .map(str::to_owned)
        .collect();
    replica_labels.sort_unstable();
    replica_labels.dedup();
    let retrieval = match values.text("grpc.proxy-strategy").as_str() {
        "lazy" => Retrieval::Lazy(count("query.lazy-retrieval-max-buffered-responses")?),
        _ => Retrieval::Eager,
    };
    let defaults = QueryConfig::default();
    let mut parse_options = defaults.parse_options;
    parse_options.enable_extended_functions = values.bool("query.enable-x-functions");
    let (mut delayed_name_removal, mut type_and_unit_labels, mut use_start_timestamps) =
        (false, false, false);
    for feature in values.texts("enable-feature").iter().flat_map(|text| text.split(',')) {
        match feature {
            "" => {}
            "promql-experimental-functions" => {
                parse_options.enable_experimental_functions = true;
                tracing::info!(option = feature, "Experimental PromQL functions enabled.");
            }
            "promql-extended-range-selectors" => parse_options.enable_extended_range_selectors = true,
            "promql-binop-fill-modifiers" => parse_options.enable_binop_fill_modifiers = true,
            "promql-delayed-name-removal" => delayed_name_removal = true,
            "type-and-unit-labels" => type_and_unit_labels = true,
            "use-start-timestamps" => use_start_timestamps = true,
            "promql-negative-offset"
            | "promql-at-modifier"
            | "promql-duration-expr"
            | "promql-per-step-stats" => {
                tracing::warn!(
                    option = feature,
                    "This option for --enable-feature is now permanently enabled and therefore a no-op."
                );
            }
            "query-pushdown" => {
                tracing::warn!(
                    option = feature,
                    "This option for --enable-feature is now permanently deprecated and therefore ignored."
                );
            }
            other => bail!("--enable-feature={other}: no such feature is built"),
        }
    }
    let build = build_info();
    let (mode, default_engine) = if values.text("query.mode") == "distributed" {
        tracing::info!("distributed query mode enabled, using thanos as the default query engine");
        (QueryMode::Distributed, EngineName::Thanos)
    } else {
        let name = EngineName::parse(&values.text("query.promql-engine"));
        (QueryMode::Local, name.context("--query.promql-engine")?)
    };
    Ok(QueryConfig {
        replica_labels,
        deduplication: values
            .text("deduplication.func")
            .parse()
            .map_err(|error| anyhow::anyhow!("--deduplication.func: {error}"))?,
        timeout: values.duration("query.timeout"),
        max_concurrent: count("query.max-concurrent")?,
        max_concurrent_selects: count("query.max-concurrent-select")?,
        lookback_delta,
        dynamic_lookback_delta: values.bool("query.dynamic-lookback-delta"),
        default_engine,
        mode,
        partition_labels: values.texts("query.partition-label"),
        distributed_with_overlapping_interval: values.bool("query.distributed-with-overlapping-interval"),
        auto_downsampling: values.bool("query.auto-downsampling"),
        instant_max_source_resolution: values.duration("query.instant.default.max_source_resolution"),
        default_step: values.duration("query.default-step"),
        default_evaluation_interval: values.duration("query.default-evaluation-interval"),
        metadata_default_time_range: values.duration("query.metadata.default-time-range"),
        partial_responses: PartialResponses {
            query: values.bool("query.partial-response"),
            rules: values.bool("rule.partial-response"),
            targets: values.bool("target.partial-response"),
            metadata: values.bool("metric-metadata.partial-response"),
            exemplars: values.bool("exemplar.partial-response"),
            status: values.bool("status.partial-response"),
        },
        parse_options,
        delayed_name_removal,
        type_and_unit_labels,
        use_start_timestamps,
        max_samples: values.uint("query.max-samples"),
        max_query_bytes: values.bytes("query.max-memory"),
        max_total_bytes: match values.bytes("query.max-memory-total") {
            0 => setup::memory_bytes() / 4 * 3,
            bytes => bytes,
        },
        active_query_path: setup::path(values, "query.active-query-path"),
        tenancy: TenancyConfig {
            header: values.text("query.tenant-header"),
            default_tenant: values.text("query.default-tenant-id"),
            certificate_field: CertificateField::parse(&values.text("query.tenant-certificate-field")),
            enforce: values.bool("query.enforce-tenancy"),
            label: values.text("query.tenant-label-name"),
        },
        selector_labels: labels(&values.texts("selector-label")).context("parse federation labels")?,
        selector: selector(values)?,
        response_timeout: values.duration("store.response-timeout"),
        retrieval,
        store_limits: SelectLimits {
            series_per_request: values.uint("store.limits.request-series"),
            samples_per_request: values.uint("store.limits.request-samples"),
        },
        telemetry: TelemetryBuckets {
            durations: values.floats("query.telemetry.request-duration-seconds-quantiles"),
            samples: values.floats("query.telemetry.request-samples-quantiles"),
            series: values.floats("query.telemetry.request-series-seconds-quantiles"),
        },
        flags: values.shown(),
        build_info: BuildInfo {
            version: build.version,
            revision: build.revision,
            branch: build.branch,
            build_user: build.build_user,
            build_date: build.build_date,
            go_version: build.compiler,
        },
        ..defaults
    })
}

/// Labels in the form `name="value"`.
fn labels(given: &[String]) -> anyhow::Result<Labels> {
    let mut pairs = Vec::with_capacity(given.len());
    for text in given {
        let Some((name, quoted)) = text.split_once('=') else { bail!("unrecognized label {text:?}") };
        if name.is_empty() {
            bail!("unsupported format for label {text}");
        }
        pairs.push((name.to_owned(), setup::unquote(quoted).context("unquote label value")?));
    }
    Ok(Labels::from_pairs(pairs))
}

fn selector(values: &Values) -> anyhow::Result<StoreSelector> {
    let rules = setup::selector_rules(values)?;
    if rules.is_empty() {
        return Ok(StoreSelector::default());
    }
    Ok(StoreSelector::new(move |labels| model::relabel::process(labels, &rules).is_some()))
}

fn endpoint_set(values: &Values) -> anyhow::Result<EndpointSetConfig> {
    let label = |name: String| match name.as_str() {
        "external_labels" => Ok(ConnectionLabel::ExternalLabels),
        "store_type" => Ok(ConnectionLabel::StoreType),
        "ip_port" => Ok(ConnectionLabel::IpPort),
        other => Err(anyhow::anyhow!("--query.conn-metric.label: unknown label {other}")),
    };
    Ok(EndpointSetConfig {
        unhealthy_timeout: values.duration("store.unhealthy-timeout"),
        info_timeout: values.duration("endpoint.info-timeout"),
        metric_labels: values
            .texts("query.conn-metric.label")
            .into_iter()
            .map(label)
            .collect::<anyhow::Result<_>>()?,
    })
}

/// How endpoints without settings of their own are dialled, and the TLS settings of the flags.
fn dial_options(values: &Values) -> anyhow::Result<(Options, ClientTls)> {
    let compression = values
        .text("grpc-compression")
        .parse()
        .map_err(|error| anyhow::anyhow!("--grpc-compression: {error}"))?;
    let secure = values.bool("grpc-client-tls-secure");
    let name = values.text("grpc-client-server-name");
    let tls = ClientTls {
        ca_file: setup::path(values, "grpc-client-tls-ca"),
        cert_file: setup::path(values, "grpc-client-tls-cert"),
        key_file: setup::path(values, "grpc-client-tls-key"),
        server_name: (!name.is_empty()).then_some(name),
        insecure_skip_verify: values.bool("grpc-client-tls-skip-verify"),
        min_version: match MinVersion::parse(&values.text("grpc-client-tls-min-version")) {
            Err(error) if secure => return Err(error.into()),
            version => version.unwrap_or_default(),
        },
    };
    if !secure {
        return Ok((Options { tls: None, compression }, tls));
    }
    tls.build(&[b"h2"]).context("building gRPC client")?;
    Ok((Options { tls: Some(tls.clone()), compression }, tls))
}

/// The endpoints of flags and file, and what is needed to read the file again.
struct ConfiguredEndpoints {
    current: Arc<ArcSwap<EndpointConfig>>,
    reload: Option<(Duration, Reload)>,
}

struct Reload {
    pair: FileOrContent,
    flags: EndpointFlags,
    current: Arc<ArcSwap<EndpointConfig>>,
}

impl ConfiguredEndpoints {
    fn read(values: &Values) -> anyhow::Result<Self> {
        let (options, tls) = dial_options(values)?;
        let flags = EndpointFlags {
            endpoints: values.texts("endpoint"),
            groups: values.texts("endpoint-group"),
            strict: values.texts("endpoint-strict"),
            strict_groups: values.texts("endpoint-group-strict"),
            options,
            tls,
        };
        let pair = setup::pair(values, "endpoint.sd-config");
        let yaml = pair.content().context("unable to load config content")?;
        let config = EndpointConfig::parse(&yaml, &flags).context("unable to load config initially")?;
        let current = Arc::new(ArcSwap::from_pointee(config));
        let interval = values.duration("endpoint.sd-config-reload-interval").max(Duration::from_millis(1));
        let reload = pair
            .path()
            .is_some()
            .then(|| (interval, Reload { pair: pair.clone(), flags, current: current.clone() }));
        Ok(Self { current, reload })
    }
}

/// Reads the endpoint configuration every `interval`; a faulty one is logged and the last good one stays.
async fn follow(
    pair: &FileOrContent,
    flags: &EndpointFlags,
    current: &ArcSwap<EndpointConfig>,
    interval: Duration,
    stop: CancellationToken,
) {
    let mut tick = tokio::time::interval(interval);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    let mut last = pair.content().ok();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let content = pair.content();
        if content.as_ref().ok() == last.as_ref() {
            continue;
        }
        tracing::info!("reloading endpoint config");
        let parsed = content.map_err(anyhow::Error::from).and_then(|yaml| {
            let config = EndpointConfig::parse(&yaml, flags)?;
            Ok((yaml, config))
        });
        match parsed {
            Ok((yaml, config)) => {
                last = Some(yaml);
                current.store(Arc::new(config));
            }
            Err(error) => tracing::error!(err = format!("{error:#}"), "failed to reload endpoint config"),
        }
    }
}

/// The prefix of all API paths: `/`, or `/x/y` without a slash at its end.
fn route_prefix(values: &Values) -> String {
    let (route, external) = (values.text("web.route-prefix"), values.text("web.external-prefix"));
    let prefix = if route.is_empty() { external.clone() } else { route };
    if prefix != external {
        tracing::warn!(
            "different values for --web.route-prefix and --web.external-prefix detected, web UI may not work without a reverse-proxy."
        );
    }
    web::route_prefix(&prefix)
}

fn under_prefix(routes: Router, prefix: &str) -> Router {
    if prefix == "/" {
        return routes;
    }
    ui::redirects(prefix, "graph").nest(prefix, routes)
}
