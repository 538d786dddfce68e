//! Series, label names, label values.

use std::sync::Arc;

use storeapi::{LabelNamesRequest, LabelValuesRequest, RequestContext};

use super::Call;
use super::json::{push_labels, push_list, push_string};
use super::params::{matcher_sets, metadata_range, partial_response, replica_labels, store_matchers, tenant};
use super::respond::{Answer, ApiError, ApiResult};
use crate::api::QueryApi;
use crate::select::{SelectOptions, series_labels};

const TRUNCATED: &str = "results truncated due to limit";

/// What stores are asked for so that a cut can be noticed.
fn hint_limit(limit: usize) -> i64 {
    i64::try_from(limit).ok().filter(|limit| *limit > 0 && *limit < i64::MAX).map_or(0, |limit| limit + 1)
}

pub(super) async fn series(api: Arc<QueryApi>, call: Call) -> ApiResult {
    if call.form.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let range = metadata_range(&api, &call)?;
    let tenant = tenant(&api, &call)?;
    let sets = matcher_sets(&api, &call, &tenant)?;
    let deduplicate = call.form.boolean("dedup", true)?;
    let replica_labels = if deduplicate { replica_labels(&api, &call) } else { Vec::new() };
    let context = RequestContext {
        tenant: Some(tenant),
        store_matchers: store_matchers(&call)?,
        ..RequestContext::default()
    };
    let limit = call.form.limit()?;
    let partial_response = partial_response(&call, api.config.partial_responses.query)?;
    let options = SelectOptions { replica_labels, partial_response, context, ..SelectOptions::default() };
    let (mut found, mut warnings) =
        series_labels(&api.selects, &options, &sets, range, limit).await.map_err(ApiError::execution)?;
    if limit > 0 && found.len() > limit {
        found.truncate(limit);
        warnings.push(TRUNCATED.to_owned());
    }
    let mut json = String::new();
    push_list(&mut json, &found, push_labels);
    Ok(Answer::with_warnings(json, warnings))
}

/// Joins the lists of several calls, cuts them, and writes them.
fn list(mut values: Vec<String>, mut warnings: Vec<String>, calls: usize, limit: usize) -> ApiResult {
    if calls > 1 {
        values.sort_unstable();
        values.dedup();
    }
    if limit > 0 && values.len() > limit {
        values.truncate(limit);
        warnings.push(TRUNCATED.to_owned());
    }
    let mut json = String::new();
    push_list(&mut json, &values, |out, value| push_string(out, value, true));
    Ok(Answer::with_warnings(json, warnings))
}

pub(super) async fn label_names(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let (start, end) = metadata_range(&api, &call)?;
    let partial_response = partial_response(&call, api.config.partial_responses.query)?;
    let store_matchers = store_matchers(&call)?;
    let limit = call.form.limit()?;
    let tenant = tenant(&api, &call)?;
    let mut sets = matcher_sets(&api, &call, &tenant)?;
    if sets.is_empty() {
        sets.push(Vec::new());
    }
    let calls = sets.len();
    let (mut names, mut warnings) = (Vec::new(), Vec::new());
    for matchers in sets {
        let request = LabelNamesRequest {
            start,
            end,
            matchers,
            partial_response,
            limit: hint_limit(limit),
            context: RequestContext {
                tenant: Some(tenant.clone()),
                store_matchers: store_matchers.clone(),
                ..RequestContext::default()
            },
            ..LabelNamesRequest::default()
        };
        let answer = api.selects.store.label_names(request).await;
        let answer = answer
            .map_err(|error| ApiError::execution(format!("proxy LabelNames(): {}", error.as_rpc_text())))?;
        names.extend(answer.names);
        warnings.extend(answer.warnings);
    }
    list(names, warnings, calls, limit)
}

pub(super) async fn label_values(api: Arc<QueryApi>, call: Call) -> ApiResult {
    if call.name.is_empty() {
        return Err(ApiError::bad_data("invalid label name: \"\""));
    }
    let (start, end) = metadata_range(&api, &call)?;
    let partial_response = partial_response(&call, api.config.partial_responses.query)?;
    let store_matchers = store_matchers(&call)?;
    let limit = call.form.limit()?;
    let tenant = tenant(&api, &call)?;
    let mut sets = matcher_sets(&api, &call, &tenant)?;
    if sets.is_empty() {
        sets.push(Vec::new());
    }
    let calls = sets.len();
    let (mut values, mut warnings) = (Vec::new(), Vec::new());
    for matchers in sets {
        let request = LabelValuesRequest {
            label: call.name.clone(),
            start,
            end,
            matchers,
            partial_response,
            limit: hint_limit(limit),
            context: RequestContext {
                tenant: Some(tenant.clone()),
                store_matchers: store_matchers.clone(),
                ..RequestContext::default()
            },
            ..LabelValuesRequest::default()
        };
        let answer = api.selects.store.label_values(request).await;
        let answer = answer
            .map_err(|error| ApiError::execution(format!("proxy LabelValues(): {}", error.as_rpc_text())))?;
        values.extend(answer.values);
        warnings.extend(answer.warnings);
    }
    list(values, warnings, calls, limit)
}
