//! Stores, flags, and what this process is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use storeapi::ComponentType;
use storeapi::endpoint::EndpointStatus;

use super::Call;
use super::json::{escape_html, push_labels, push_list, push_string};
use super::respond::{Answer, ApiError, ApiResult};
use crate::api::QueryApi;

fn json(value: &impl Serialize) -> ApiResult {
    Ok(Answer::json(escape_html(serde_json::to_string(value).map_err(ApiError::internal)?)))
}

/// RFC 3339 with as many decimals as needed, as Go writes times; Go's zero time for none.
pub(super) fn go_time(time: Option<SystemTime>) -> String {
    let Some(since) = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()) else {
        return "0001-01-01T00:00:00Z".to_owned();
    };
    match jiff::Timestamp::from_nanosecond(since.as_nanos() as i128) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => "0001-01-01T00:00:00Z".to_owned(),
    }
}

pub(super) async fn stores(api: Arc<QueryApi>, call: Call) -> ApiResult {
    // With `details` an answer has more than Thanos's: what else is known of each endpoint, and those that never answered.
    let details = matches!(call.form.url("details"), "1" | "true");
    let selector = &api.config.selector;
    let mut by_component: BTreeMap<&str, Vec<EndpointStatus>> = BTreeMap::new();
    let mut known = api.endpoints.status();
    if details {
        known.extend(api.endpoints.unreached());
    }
    for mut status in known {
        let never = status.component == ComponentType::Unknown && status.last_check.is_none();
        if never && details {
            by_component.entry("unknown").or_default().push(status);
            continue;
        }
        // Nothing is known of an endpoint that never answered.
        if status.component == ComponentType::Unknown || !selector.matches(&status.label_sets) {
            continue;
        }
        if let Some(restricted) = selector.restricted(&status.label_sets) {
            status.label_sets = restricted;
        }
        by_component.entry(status.component.name()).or_default().push(status);
    }
    let mut out = String::from("{");
    for (index, (component, endpoints)) in by_component.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(&mut out, component, true);
        out.push(':');
        push_list(&mut out, endpoints, |out, status| push_endpoint(out, status, details));
    }
    out.push('}');
    Ok(Answer::json(out))
}

fn push_endpoint(out: &mut String, status: &EndpointStatus, details: bool) {
    out.push_str("{\"name\":");
    push_string(out, &status.name, true);
    out.push_str(",\"lastCheck\":");
    push_string(out, &go_time(status.last_check), true);
    out.push_str(",\"lastError\":");
    match &status.last_error {
        Some(error) => push_string(out, error, true),
        None => out.push_str("null"),
    }
    out.push_str(",\"labelSets\":");
    push_list(out, &status.label_sets, push_labels);
    out.push_str(&format!(",\"minTime\":{},\"maxTime\":{}", status.min_time, status.max_time));
    if details {
        out.push_str(&format!(",\"strict\":{},\"queryable\":{},\"apis\":", status.strict, status.queryable));
        push_list(out, &status.apis, |out, api| push_string(out, api, true));
        out.push_str(",\"tsdbInfos\":");
        push_list(out, &status.tsdb_infos, |out, tsdb| {
            out.push_str("{\"labels\":");
            push_labels(out, &tsdb.labels);
            out.push_str(&format!(",\"minTime\":{},\"maxTime\":{}}}", tsdb.min_time, tsdb.max_time));
        });
        if let Some(version) = &status.version {
            out.push_str(",\"version\":");
            push_string(out, version, true);
        }
    }
    out.push('}');
}

pub(super) async fn flags(api: Arc<QueryApi>, _: Call) -> ApiResult {
    json(&api.config.flags)
}

pub(super) async fn build_info(api: Arc<QueryApi>, _: Call) -> ApiResult {
    json(&api.config.build_info)
}

/// Go's names; what has no counterpart here holds what is nearest to it.
#[derive(Serialize)]
struct RuntimeInfo {
    #[serde(rename = "startTime")]
    start_time: String,
    #[serde(rename = "CWD")]
    cwd: String,
    /// Tasks alive.
    #[serde(rename = "goroutineCount")]
    goroutine_count: usize,
    /// CPUs used.
    #[serde(rename = "GOMAXPROCS")]
    gomaxprocs: usize,
    #[serde(rename = "GOGC")]
    gogc: String,
    #[serde(rename = "GODEBUG")]
    godebug: String,
    /// No limit.
    #[serde(rename = "GOMEMLIMIT")]
    gomemlimit: i64,
}

pub(super) async fn runtime_info(api: Arc<QueryApi>, _: Call) -> ApiResult {
    let cwd = std::env::current_dir().map_or_else(
        |_| "<error retrieving current working directory>".to_owned(),
        |dir| dir.to_string_lossy().into_owned(),
    );
    json(&RuntimeInfo {
        start_time: go_time(Some(api.started)),
        cwd,
        goroutine_count: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        gomaxprocs: std::thread::available_parallelism().map_or(1, usize::from),
        gogc: String::new(),
        godebug: String::new(),
        gomemlimit: i64::MAX,
    })
}
