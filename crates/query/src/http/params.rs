//! The parameters that several handlers share.

use std::time::Duration;

use model::matcher::Matcher;
use promql::parse::parse_metric_selector;
use serde::Deserialize;
use storeapi::{PartialResponse, ShardInfo};

use super::Call;
use super::respond::ApiError;
use crate::api::{QueryApi, QueryOptions, now_ms};
use crate::config::EngineName;
use crate::params::{BadParam, parse_duration_ns};

/// Oldest and newest time of requests that name none, ms: those of Prometheus's API.
const MIN_TIME: i64 = (i64::MIN / 1000 + 62_135_596_801) * 1000;
const MAX_TIME: i64 = (i64::MAX / 1000 - 62_135_596_801) * 1000 + 999;

pub(super) fn all_time() -> (i64, i64) {
    (MIN_TIME, MAX_TIME)
}

pub(super) fn tenant(api: &QueryApi, call: &Call) -> Result<String, ApiError> {
    api.config.tenancy.tenant(&call.headers, call.certificate.as_deref()).map_err(ApiError::bad_data)
}

pub(super) fn partial_response(call: &Call, default: bool) -> Result<PartialResponse, ApiError> {
    let enabled = call.form.boolean("partial_response", default)?;
    Ok(if enabled { PartialResponse::Warn } else { PartialResponse::Abort })
}

pub(super) fn store_matchers(call: &Call) -> Result<Vec<Vec<Matcher>>, ApiError> {
    call.form
        .all("storeMatch[]")
        .map(|text| parse_metric_selector(text).map_err(ApiError::bad_data))
        .collect()
}

pub(super) fn replica_labels(api: &QueryApi, call: &Call) -> Vec<String> {
    let asked = call.form.list("replicaLabels[]");
    if asked.is_empty() { api.config.replica_labels.clone() } else { asked }
}

pub(super) fn engine(api: &QueryApi, call: &Call) -> Result<EngineName, ApiError> {
    match call.form.get("engine") {
        "" => Ok(api.config.default_engine),
        name => EngineName::parse(name).ok_or_else(|| ApiError::bad_data(format!("'{name}' bad engine"))),
    }
}

/// The matcher lists of `match[]`, kept to the tenant when that is enforced.
pub(super) fn matcher_sets(api: &QueryApi, call: &Call, tenant: &str) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let tenancy = &api.config.tenancy;
    let mut sets = Vec::new();
    for text in call.form.all("match[]") {
        let mut matchers = parse_metric_selector(text).map_err(ApiError::bad_data)?;
        tenancy.enforce_matchers(tenant, &mut matchers);
        sets.push(matchers);
    }
    if sets.is_empty() && tenancy.enforce {
        let mut matchers = Vec::new();
        tenancy.enforce_matchers(tenant, &mut matchers);
        sets.push(matchers);
    }
    Ok(sets)
}

/// Start and end of a request about series and labels, ms.
pub(super) fn metadata_range(api: &QueryApi, call: &Call) -> Result<(i64, i64), ApiError> {
    let range = api.config.metadata_default_time_range;
    let (start, end) = if range.is_zero() {
        (MIN_TIME, MAX_TIME)
    } else {
        let now = now_ms();
        (now - i64::try_from(range.as_millis()).unwrap_or(i64::MAX), now)
    };
    // The error of a part carries its kind in front, as Thanos's does.
    let bad = |error: BadParam| ApiError::bad_data(format!("bad_data: {error}"));
    let start = call.form.time("start", start).map_err(bad)?;
    let end = call.form.time("end", end).map_err(bad)?;
    if end < start {
        return Err(ApiError::bad_data("bad_data: end timestamp must not be before start time"));
    }
    Ok((start, end))
}

fn duration(call: &Call, name: &str) -> Result<Option<Duration>, ApiError> {
    match call.form.get(name) {
        "" => Ok(None),
        text => {
            let ns = parse_duration_ns(text)
                .map_err(|error| ApiError::bad_data(format!("'{name}' parameter: {error}")))?;
            Ok(u64::try_from(ns).ok().map(Duration::from_nanos))
        }
    }
}

/// The coarsest resolution that will do, ms; `auto` is that of automatic downsampling.
fn max_resolution(api: &QueryApi, call: &Call, auto: Duration) -> Result<i64, ApiError> {
    const NAME: &str = "max_source_resolution";
    let text = call.form.get(NAME);
    let resolution_ns = match text {
        "" if !api.config.auto_downsampling => 0,
        "" | "auto" => i64::try_from(auto.as_nanos()).unwrap_or(i64::MAX),
        text => parse_duration_ns(text)
            .map_err(|error| ApiError::bad_data(format!("'{NAME}' parameter: {error}")))?,
    };
    if resolution_ns < 0 {
        return Err(ApiError::bad_data(format!("negative '{NAME}' is not accepted. Try a positive integer")));
    }
    Ok(resolution_ns / 1_000_000)
}

/// `shard_info` as the query frontend sends it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireShardInfo {
    shard_index: i64,
    total_shards: i64,
    by: bool,
    labels: Option<Vec<String>>,
}

fn shard_info(call: &Call) -> Result<Option<ShardInfo>, ApiError> {
    let text = call.form.get("shard_info");
    if text.is_empty() {
        return Ok(None);
    }
    let wire: WireShardInfo = serde_json::from_str(text)
        .map_err(|error| ApiError::bad_data(format!("could not unmarshal parameter shard_info: {error}")))?;
    Ok(Some(ShardInfo {
        index: wire.shard_index,
        total: wire.total_shards,
        by: wire.by,
        labels: wire.labels.unwrap_or_default(),
    }))
}

/// The options of a query, and its tenant.
pub(super) fn query_options(
    api: &QueryApi,
    call: &Call,
    auto_resolution: Duration,
) -> Result<QueryOptions, ApiError> {
    let timeout = match call.form.get("timeout") {
        "" => None,
        text => Some(Duration::from_nanos(u64::try_from(parse_duration_ns(text)?).unwrap_or(0))),
    };
    Ok(QueryOptions {
        timeout,
        deduplicate: call.form.boolean("dedup", true)?,
        replica_labels: replica_labels(api, call),
        store_matchers: store_matchers(call)?,
        partial_response: partial_response(call, api.config.partial_responses.query)?,
        max_resolution_ms: max_resolution(api, call, auto_resolution)?,
        shard_info: shard_info(call)?,
        lookback_delta: duration(call, "lookback_delta")?.filter(|delta| !delta.is_zero()),
        tenant: Some(tenant(api, call)?),
        fanout: None,
        engine: engine(api, call)?,
    })
}
