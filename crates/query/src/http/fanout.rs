//! Rules, alerts, targets, metadata, exemplars, TSDB status.

use std::sync::Arc;

use model::value::format_float_plain;
use promql::parse::parse_metric_selector;
use proto::matchers_to_proto;
use proto::thanos::{
    Alert, AlertInstance, AlertState, ExemplarsRequest, LabelMatcher, MetricMetadataRequest,
    PartialResponseStrategy, RecordingRule, Rule, RulesRequest, Statistic, TargetHealth, TargetsRequest,
    TsdbStatisticsEntry, TsdbStatisticsRequest, rule, rules_request, targets_request,
};
use storeapi::{MetadataApi, StatusApi};

use super::Call;
use super::json::push_list;
use super::object::Object;
use super::params::{all_time, tenant};
use super::respond::{Answer, ApiError, ApiResult};
use crate::api::QueryApi;
use crate::fanout::status::add;
use crate::fanout::{MergedGroup, Sourced};

fn strategy(partial_response: bool) -> i32 {
    let strategy =
        if partial_response { PartialResponseStrategy::Warn } else { PartialResponseStrategy::Abort };
    strategy.into()
}

fn alert_state(state: i32) -> &'static str {
    match AlertState::try_from(state) {
        Ok(AlertState::Inactive) => "inactive",
        Ok(AlertState::Pending) => "pending",
        Ok(AlertState::Firing) => "firing",
        Ok(AlertState::Unknown) | Err(_) => "unknown",
    }
}

fn strategy_name(strategy: i32) -> &'static str {
    if strategy == i32::from(PartialResponseStrategy::Abort) { "ABORT" } else { "WARN" }
}

/// Whether `sources` asks for the endpoints behind each thing, which Thanos's answers do not have.
fn with_sources(call: &Call) -> bool {
    matches!(call.form.url("sources"), "1" | "true")
}

fn push_alert_instance(out: &mut String, instance: &AlertInstance) {
    let mut object = Object::new(out);
    alert_instance(&mut object, instance);
    object.end();
}

fn alert_instance(object: &mut Object<'_>, instance: &AlertInstance) {
    object.labels("labels", instance.labels.as_ref());
    object.labels("annotations", instance.annotations.as_ref());
    object.text("state", alert_state(instance.state));
    if instance.active_at.is_some() {
        object.time("activeAt", instance.active_at.as_ref());
    }
    object.text("value", &instance.value);
    object.text("partialResponseStrategy", strategy_name(instance.partial_response_strategy));
}

fn alert(object: &mut Object<'_>, alert: &Alert) {
    object.text("state", alert_state(alert.state)).text("name", &alert.name).text("query", &alert.query);
    object.float("duration", alert.duration_seconds);
    object.labels("labels", alert.labels.as_ref()).labels("annotations", alert.annotations.as_ref());
    object.field("alerts", |out| push_list(out, &alert.alerts, push_alert_instance));
    object.text("health", &alert.health).some_text("lastError", &alert.last_error);
    object.float("evaluationTime", alert.evaluation_duration_seconds);
    object.time("lastEvaluation", alert.last_evaluation.as_ref());
    object.float("keepFiringFor", alert.keep_firing_for_seconds).text("type", "alerting");
}

fn recording(object: &mut Object<'_>, recording: &RecordingRule) {
    object.text("name", &recording.name).text("query", &recording.query);
    object.labels("labels", recording.labels.as_ref());
    object.text("health", &recording.health).some_text("lastError", &recording.last_error);
    object.float("evaluationTime", recording.evaluation_duration_seconds);
    object.time("lastEvaluation", recording.last_evaluation.as_ref()).text("type", "recording");
}

fn push_rule(out: &mut String, rule: &Sourced<Rule>, sources: bool) {
    let mut object = Object::new(out);
    match &rule.value.result {
        Some(rule::Result::Alert(rule)) => alert(&mut object, rule),
        Some(rule::Result::Recording(rule)) => recording(&mut object, rule),
        None => alert(&mut object, &Alert::default()),
    }
    object.sources(sources, rule);
    object.end();
}

fn push_group(out: &mut String, merged: &MergedGroup, sources: bool) {
    let mut object = Object::new(out);
    let group = &merged.group.value;
    object.text("name", &group.name).text("file", &group.file);
    object.field("rules", |out| push_list(out, &merged.rules, |out, rule| push_rule(out, rule, sources)));
    object.float("interval", group.interval).float("evaluationTime", group.evaluation_duration_seconds);
    object.time("lastEvaluation", group.last_evaluation.as_ref()).display("limit", group.limit);
    object.text("partialResponseStrategy", strategy_name(group.partial_response_strategy));
    object.sources(sources, &merged.group);
    object.end();
}

pub(super) async fn rules(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let text = call.form.url("type");
    let ty = match text.to_uppercase().as_str() {
        "" | "ALL" => rules_request::Type::All,
        "ALERT" => rules_request::Type::Alert,
        "RECORD" => rules_request::Type::Record,
        _ => return Err(ApiError::bad_data(format!("invalid rules parameter type='{text}'"))),
    };
    let request = RulesRequest {
        r#type: ty.into(),
        partial_response_strategy: strategy(api.config.partial_responses.rules),
        matcher_string: call.form.list("match[]"),
        rule_name: call.form.list("rule_name[]"),
        rule_group: call.form.list("rule_group[]"),
        file: call.form.list("file[]"),
    };
    let answer = api.fanout.merged_rules(request).await;
    let answer = answer.map_err(|error| ApiError::internal(format!("error retrieving rules: {error}")))?;
    let mut json = String::new();
    let mut object = Object::new(&mut json);
    let sources = with_sources(&call);
    object.field("groups", |out| {
        push_list(out, &answer.value, |out, group| push_group(out, group, sources));
    });
    object.end();
    Ok(Answer::with_warnings(json, answer.warnings))
}

pub(super) async fn alerts(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let request = RulesRequest {
        r#type: rules_request::Type::Alert.into(),
        partial_response_strategy: strategy(api.config.partial_responses.rules),
        ..RulesRequest::default()
    };
    let answer = api.fanout.merged_rules(request).await;
    let answer = answer.map_err(|error| ApiError::internal(format!("error retrieving rules: {error}")))?;
    let rules = answer.value.iter().flat_map(|group| &group.rules);
    let alerts: Vec<_> = rules
        .filter_map(|rule| match &rule.value.result {
            Some(rule::Result::Alert(alert)) => Some(alert.alerts.iter().map(move |alert| (rule, alert))),
            _ => None,
        })
        .flatten()
        .collect();
    let sources = with_sources(&call);
    let push = |out: &mut String, (rule, alert): (&Sourced<Rule>, &AlertInstance)| {
        let mut object = Object::new(out);
        alert_instance(&mut object, alert);
        object.sources(sources, rule);
        object.end();
    };
    let mut json = String::new();
    let mut object = Object::new(&mut json);
    object.field("alerts", |out| {
        // Go writes a list that was never added to as null.
        if alerts.is_empty() { out.push_str("null") } else { push_list(out, alerts, push) }
    });
    object.end();
    Ok(Answer::with_warnings(json, answer.warnings))
}

pub(super) async fn targets(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let text = call.form.url("state");
    let state = match text.to_uppercase().as_str() {
        "" | "ANY" => targets_request::State::Any,
        "ACTIVE" => targets_request::State::Active,
        "DROPPED" => targets_request::State::Dropped,
        _ => return Err(ApiError::bad_data(format!("invalid targets parameter state='{text}'"))),
    };
    let request = TargetsRequest {
        state: state.into(),
        partial_response_strategy: strategy(api.config.partial_responses.targets),
    };
    let answer = api.fanout.merged_targets(request).await;
    let answer = answer.map_err(|error| ApiError::internal(format!("retrieving targets: {error}")))?;
    let mut json = String::new();
    let mut object = Object::new(&mut json);
    let sources = with_sources(&call);
    object.field("activeTargets", |out| {
        push_list(out, &answer.value.active, |out, sourced| {
            let (target, mut object) = (&sourced.value, Object::new(out));
            object.labels("discoveredLabels", target.discovered_labels.as_ref());
            object.labels("labels", target.labels.as_ref());
            object.text("scrapePool", &target.scrape_pool).text("scrapeUrl", &target.scrape_url);
            object.text("globalUrl", &target.global_url).text("lastError", &target.last_error);
            object.time("lastScrape", target.last_scrape.as_ref());
            object.float("lastScrapeDuration", target.last_scrape_duration);
            let health = match TargetHealth::try_from(target.health) {
                Ok(TargetHealth::Up) => "up",
                Ok(TargetHealth::Down) => "down",
                Ok(TargetHealth::Unknown) | Err(_) => "unknown",
            };
            object.text("health", health).sources(sources, sourced);
            object.end();
        });
    });
    object.field("droppedTargets", |out| {
        push_list(out, &answer.value.dropped, |out, sourced| {
            let mut object = Object::new(out);
            object.labels("discoveredLabels", sourced.value.discovered_labels.as_ref());
            object.sources(sources, sourced);
            object.end();
        });
    });
    object.end();
    Ok(Answer::with_warnings(json, answer.warnings))
}

pub(super) async fn metadata(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let limit = match call.form.url("limit") {
        "" => -1,
        text => text.parse().map_err(|_| ApiError::bad_data("invalid metric metadata limit='0'"))?,
    };
    let request = MetricMetadataRequest {
        metric: call.form.url("metric").to_owned(),
        limit,
        partial_response_strategy: strategy(api.config.partial_responses.metadata),
    };
    let answer = api.fanout.metric_metadata(request).await;
    let answer = answer
        .map_err(|error| ApiError::internal(format!("retrieving metadata: proxy MetricMetadata: {error}")))?;
    let mut json = String::new();
    let mut object = Object::new(&mut json);
    for (metric, entry) in &answer.value.metadata {
        object.field(metric, |out| {
            push_list(out, &entry.metas, |out, meta| {
                let mut object = Object::new(out);
                object.text("type", &meta.r#type).text("help", &meta.help).text("unit", &meta.unit);
                object.end();
            });
        });
    }
    object.end();
    Ok(Answer::with_warnings(json, answer.warnings))
}

pub(super) async fn exemplars(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let (start, end) = all_time();
    let request = ExemplarsRequest {
        start: call.form.time("start", start)?,
        end: call.form.time("end", end)?,
        query: call.form.get("query").to_owned(),
        partial_response_strategy: strategy(api.config.partial_responses.exemplars),
    };
    let answer = api.fanout.merged_exemplars(request).await;
    let answer = answer.map_err(|error| ApiError::internal(format!("retrieving exemplars: {error}")))?;
    let mut json = String::new();
    push_list(&mut json, &answer.value, |out, series| {
        let mut object = Object::new(out);
        object.labels("seriesLabels", series.series_labels.as_ref());
        object.field("exemplars", |out| {
            push_list(out, &series.exemplars, |out, exemplar| {
                let mut object = Object::new(out);
                object.labels("labels", exemplar.labels.as_ref());
                object
                    .field("timestamp", |out| out.push_str(&format_float_plain(exemplar.ts as f64 / 1000.0)));
                object.text("value", &format_float_plain(exemplar.value));
                object.end();
            });
        });
        object.end();
    });
    Ok(Answer::with_warnings(json, answer.warnings))
}

pub(super) async fn tsdb_status(api: Arc<QueryApi>, call: Call) -> ApiResult {
    let failed = |error: String| ApiError::internal(format!("retrieving tsdb statistics: {error}"));
    let limit = match call.form.limit()? {
        0 => 10,
        limit => limit,
    };
    let mut matchers: Vec<LabelMatcher> = Vec::new();
    for text in call.form.all("match[]") {
        matchers.extend(matchers_to_proto(&parse_metric_selector(text).map_err(ApiError::bad_data)?));
    }
    let tenancy = &api.config.tenancy;
    let tenant = if tenancy.enforce { Some(tenant(&api, &call)?) } else { None };
    if let Some(tenant) = &tenant {
        matchers.extend(matchers_to_proto(&[model::matcher::Matcher::equal(
            tenancy.label.as_str(),
            tenant.as_str(),
        )]));
    }
    let wire_limit =
        i32::try_from(limit).map_err(|_| ApiError::bad_data(format!("limit {limit} overflows int32")))?;
    let request = TsdbStatisticsRequest {
        limit: wire_limit,
        partial_response_strategy: strategy(api.config.partial_responses.status),
        matchers,
        ..TsdbStatisticsRequest::default()
    };
    let answer = api.fanout.tsdb_statistics(request).await;
    let mut answer = answer.map_err(|error| failed(format!("proxy TSDBStatistics: {error}")))?;
    let entry = match tenant {
        Some(tenant) => {
            let own = answer.value.statistics.remove(&tenant);
            own.ok_or_else(|| failed(format!("{tenant} tenant not found")))?
        }
        None => {
            let mut sum = TsdbStatisticsEntry::default();
            answer.value.statistics.into_values().for_each(|entry| add(&mut sum, entry));
            sum
        }
    };
    let head = entry.head_statistics.unwrap_or_default();
    let mut json = String::new();
    let mut object = Object::new(&mut json);
    object.field("headStats", |out| {
        let mut object = Object::new(out);
        object.display("numSeries", head.num_series).display("numLabelPairs", head.num_label_pairs);
        object.display("chunkCount", head.chunk_count);
        object.display("minTime", head.min_time).display("maxTime", head.max_time);
        object.end();
    });
    let mut list = |name: &str, statistics: &[Statistic]| {
        object.field(name, |out| {
            push_list(out, statistics.iter().take(limit), |out, statistic| {
                let mut object = Object::new(out);
                object.text("name", &statistic.name).display("value", statistic.value);
                object.end();
            });
        });
    };
    list("seriesCountByMetricName", &entry.series_count_by_metric_name);
    list("labelValueCountByLabelName", &entry.label_value_count_by_label_name);
    list("memoryInBytesByLabelName", &entry.memory_in_bytes_by_label_name);
    list("seriesCountByLabelValuePair", &entry.series_count_by_label_value_pair);
    object.end();
    Ok(Answer::with_warnings(json, answer.warnings))
}
