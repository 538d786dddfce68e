//! Settings that several commands have, from their flags.

use std::path::PathBuf;

use anyhow::{Context, bail};
use bucket::filters::TimeOrDuration as Bound;
use client::file_or_content::FileOrContent;
use model::relabel::{Action, RelabelConfig};
use server::request_log::RequestLog;
use server::tls::{CipherSuites, Curves, ServerTls, TlsVersion};

use crate::flags::parse::Values;
use crate::flags::value::TimeOrDuration;

/// A pair of flags whose content has `$(VAR)` replaced.
pub(crate) fn pair(values: &Values, flag: &'static str) -> FileOrContent {
    FileOrContent::new(flag, &values.text(&format!("{flag}-file")), &values.text(flag), true)
}

/// A pair of flags whose content is taken as it is.
pub(crate) fn plain_pair(values: &Values, flag: &'static str) -> FileOrContent {
    FileOrContent::new(flag, &values.text(&format!("{flag}-file")), &values.text(flag), false)
}

/// A path, or nothing when the flag is empty.
pub(crate) fn path(values: &Values, flag: &str) -> Option<PathBuf> {
    let text = values.text(flag);
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// The HTTP server.
pub(crate) fn http(values: &Values) -> server::http::Config {
    server::http::Config {
        address: values.text("http-address"),
        grace_period: values.duration("http-grace-period"),
        web_config: path(values, "http.config"),
    }
}

/// The gRPC server.
pub(crate) fn grpc(values: &Values) -> anyhow::Result<server::grpc::Config> {
    Ok(server::grpc::Config {
        address: values.text("grpc-address"),
        grace_period: values.duration("grpc-grace-period"),
        max_connection_age: values.duration("grpc-server-max-connection-age"),
        tls: grpc_tls(values).context("setup gRPC server")?,
    })
}

fn grpc_tls(values: &Values) -> anyhow::Result<Option<ServerTls>> {
    let (cert, key) = (path(values, "grpc-server-tls-cert"), path(values, "grpc-server-tls-key"));
    let client_ca = path(values, "grpc-server-tls-client-ca");
    let (cert, key) = match (cert, key) {
        (None, None) => {
            if client_ca.is_some() {
                bail!("when a client CA is used a server key and certificate must also be provided");
            }
            tracing::info!(protocol = "gRPC", "disabled TLS, key and cert must be set to enable");
            return Ok(None);
        }
        (Some(cert), Some(key)) => (cert, key),
        _ => bail!("both server key and certificate must be provided"),
    };
    let tls = ServerTls {
        cert,
        key,
        client_ca,
        min_version: TlsVersion::parse(&values.text("grpc-server-tls-min-version"))?,
        cipher_suites: CipherSuites::parse(&values.texts("grpc-server-tls-ciphers"))?,
        curves: Curves::parse(&values.texts("grpc-server-tls-curves"))?,
    };
    tls.check()?;
    tracing::info!(protocol = "gRPC", "enabling server side TLS");
    Ok(Some(tls))
}

/// The request log.
pub(crate) fn request_log(values: &Values) -> anyhow::Result<RequestLog> {
    let yaml = pair(values, "request.logging-config")
        .content()
        .context("get content of request logging configuration")?;
    RequestLog::from_yaml(&yaml).context("error while parsing config for request logging")
}

/// Checks the tracing configuration. No exporter is built, so only an empty one passes.
pub(crate) fn check_tracing(values: &Values) -> anyhow::Result<()> {
    const TYPES: [&str; 6] = ["JAEGER", "OTLP", "GOOGLE_CLOUD", "STACKDRIVER", "ELASTIC_APM", "LIGHTSTEP"];

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tracing {
        r#type: String,
        #[serde(default)]
        #[allow(dead_code)]
        config: Option<serde_json::Value>,
    }

    let yaml = pair(values, "tracing.config").content().context("getting tracing config failed")?;
    if yaml.trim().is_empty() {
        return Ok(());
    }
    let tracing: Tracing = serde_saphyr::from_str(&yaml).context("parsing config tracing YAML")?;
    let kind = tracing.r#type.to_uppercase();
    if TYPES.contains(&kind.as_str()) {
        bail!(
            "tracing with type {kind} is not built in this version; leave out --tracing.config and --tracing.config-file"
        );
    }
    bail!("tracing with type {} is not supported", tracing.r#type)
}

/// The memory in bytes that the process may use: that of its control group, else that of the machine; 0 when neither can be told.
pub(crate) fn memory_bytes() -> u64 {
    let group =
        std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let machine = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    };
    group.or_else(machine).unwrap_or(0)
}

/// The bounds of `--min-time` and `--max-time`.
pub(crate) fn time_range(values: &Values) -> anyhow::Result<(Bound, Bound)> {
    let bound = |time| match time {
        TimeOrDuration::At(ms) => Bound::Time(ms),
        TimeOrDuration::FromNow(ms) => Bound::FromNow(ms),
    };
    let (min_time, max_time) = (values.time("min-time"), values.time("max-time"));
    if min_time.ms() > max_time.ms() {
        bail!(
            "invalid argument: --min-time '{}' can't be greater than --max-time '{}'",
            values.text("min-time"),
            values.text("max-time")
        );
    }
    Ok((bound(min_time), bound(max_time)))
}

/// The rules of `--selector.relabel-config`; of the actions only those that choose.
pub(crate) fn selector_rules(values: &Values) -> anyhow::Result<Vec<RelabelConfig>> {
    let yaml =
        pair(values, "selector.relabel-config").content().context("get content of relabel configuration")?;
    if yaml.trim().is_empty() {
        return Ok(Vec::new());
    }
    let rules: Vec<RelabelConfig> = serde_saphyr::from_str(&yaml).context("parsing relabel configuration")?;
    for rule in &rules {
        if !matches!(rule.action, Action::Keep | Action::Drop | Action::HashMod) {
            bail!("unsupported relabel action: {}", rule.action);
        }
    }
    Ok(rules)
}

/// Takes the quotes off a Go string: `"x"` with escapes, or `` `x` `` as it stands.
pub(crate) fn unquote(text: &str) -> anyhow::Result<String> {
    if let Some(raw) = text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Ok(raw.to_owned());
    }
    // The escapes that label values have in practice are those of JSON.
    serde_json::from_str(text).with_context(|| format!("invalid syntax: {text}"))
}
