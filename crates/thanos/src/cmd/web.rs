//! The web pages of a component: what they are told of it, and where they are.

use anyhow::Context;
use axum::Router;
use serde_json::json;
use server::http::Instrumentation;
use ui::{Assets, Page, Prefix};

use crate::build_info::build_info;
use crate::flags::parse::Values;

/// Window of a selector when `--query.lookback-delta` sets none, seconds.
const DEFAULT_LOOKBACK: u64 = 300;

/// The path prefix of a component's routes: `/`, or `/x/y` without a slash at its end.
pub(super) fn route_prefix(given: &str) -> String {
    format!("/{}", given.trim_matches('/'))
}

/// The pages below `route_prefix`.
pub(super) fn pages(
    values: &Values,
    page: Page,
    route_prefix: &str,
    instrumentation: &Instrumentation,
) -> anyhow::Result<Router> {
    let prefix = Prefix::new(&values.text("web.external-prefix"), &values.text("web.prefix-header"))
        .map_err(anyhow::Error::msg)
        .context("--web.prefix-header")?;
    let assets = Assets::embedded();
    if !assets.is_built() {
        tracing::debug!("this program was built without the web pages");
    }
    Ok(ui::routes(page, prefix, assets, route_prefix, |route| instrumentation.wrap("react-static", route)))
}

/// What the querier's pages are told.
pub(super) fn query_page(values: &Values) -> Page {
    let lookback = match values.duration("query.lookback-delta").as_secs() {
        0 => DEFAULT_LOOKBACK,
        seconds => seconds,
    };
    let features = json!({
        "queryUrl": query_url(values),
        "blocksUrl": values.text("query.blocks-url"),
        "tenantHeader": values.text("query.tenant-header"),
        "defaultTenant": values.text("query.default-tenant-id"),
        "tenantBox": values.bool("query.enforce-tenancy"),
        "defaultEngine": values.text("query.promql-engine"),
        "mode": values.text("query.mode"),
        "defaultStep": values.duration("query.default-step").as_secs_f64(),
        "lookbackDelta": lookback,
        "defaultMetadataTimeRange": values.duration("query.metadata.default-time-range").as_secs(),
        "partialResponse": values.bool("query.partial-response"),
        "autoDownsampling": values.bool("query.auto-downsampling"),
        "replicaLabels": values.texts("query.replica-label"),
        "formatQuery": true,
        "parseQuery": true,
        "explain": true,
        "analyze": true,
    });
    let pages = vec![
        "graph",
        "stores",
        "alerts",
        "rules",
        "targets",
        "service-discovery",
        "tsdb-status",
        "status",
        "flags",
    ];
    page("query", pages, "graph", features)
}

/// The address of the query page in links: given, or that of this querier on the machine itself.
fn query_url(values: &Values) -> String {
    let given = values.text("alert.query-url");
    if !given.is_empty() {
        return given;
    }
    let address = values.text("http-address");
    address.rsplit_once(':').map(|(_, port)| format!("http://localhost:{port}")).unwrap_or_default()
}

/// What the store gateway's pages are told.
pub(super) fn store_page(values: &Values) -> Page {
    let features = json!({
        "adminOperations": !values.bool("disable-admin-operations"),
        "blockViews": ["loaded"],
        "plan": false,
    });
    page("store", vec!["loaded", "status", "flags"], "loaded", features)
}

/// What the compactor's pages are told.
pub(super) fn compact_page(values: &Values) -> Page {
    let seconds = |name: &str| values.duration(name).as_secs();
    let features = json!({
        "adminOperations": !values.bool("disable-admin-operations"),
        "blockViews": ["global", "loaded"],
        "plan": true,
        "retention": {
            "raw": seconds("retention.resolution-raw"),
            "5m": seconds("retention.resolution-5m"),
            "1h": seconds("retention.resolution-1h"),
        },
        "deleteDelay": seconds("delete-delay"),
        "downsampling": !values.bool("downsampling.disable"),
    });
    page("compact", vec!["blocks", "loaded", "status", "flags"], "loaded", features)
}

fn page(
    component: &'static str,
    pages: Vec<&'static str>,
    home: &'static str,
    features: serde_json::Value,
) -> Page {
    let build = build_info();
    Page { component, version: build.version, revision: build.revision, pages, home, features }
}
