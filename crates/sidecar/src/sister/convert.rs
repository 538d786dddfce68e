//! Prometheus's answers as the messages of the protocol.

use std::collections::BTreeMap;

use client::prometheus as api;
use model::labels::Labels;
use proto::label_set;
use proto::thanos::{
    ActiveTarget, Alert, AlertInstance, AlertState, DroppedTarget, Exemplar, ExemplarData, HeadStatistics,
    Meta, MetricMetadata, MetricMetadataEntry, PartialResponseStrategy, RecordingRule, Rule, RuleGroup,
    Statistic, TargetDiscovery, TargetHealth, TsdbStatisticsEntry, ZLabelSet, rule,
};

/// Prometheus knows no partial responses; this is what Thanos says for it.
const STRATEGY: PartialResponseStrategy = PartialResponseStrategy::Abort;

fn with_external(labels: &Labels, external: &Labels) -> Option<ZLabelSet> {
    Some(label_set(&labels.extended(external)))
}

fn timestamp(time: jiff::Timestamp) -> prost_types::Timestamp {
    // The protocol wants nanoseconds that count up from the second, also before 1970.
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        return prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 };
    }
    prost_types::Timestamp { seconds, nanos }
}

fn alert_state(state: api::AlertState) -> i32 {
    match state {
        api::AlertState::Unknown => AlertState::Unknown,
        api::AlertState::Inactive => AlertState::Inactive,
        api::AlertState::Pending => AlertState::Pending,
        api::AlertState::Firing => AlertState::Firing,
    }
    .into()
}

pub(super) fn rule_group(group: api::RuleGroup, external: &Labels) -> RuleGroup {
    RuleGroup {
        name: group.name,
        file: group.file,
        rules: group.rules.into_iter().map(|rule| self::rule(rule, external)).collect(),
        interval: group.interval,
        evaluation_duration_seconds: group.evaluation_seconds,
        last_evaluation: Some(timestamp(group.last_evaluation)),
        limit: group.limit,
        partial_response_strategy: STRATEGY.into(),
    }
}

fn rule(rule: api::Rule, external: &Labels) -> Rule {
    let result = match rule {
        api::Rule::Recording(rule) => rule::Result::Recording(RecordingRule {
            labels: with_external(&rule.labels, external),
            name: rule.name,
            query: rule.query,
            health: rule.health,
            last_error: rule.last_error,
            evaluation_duration_seconds: rule.evaluation_seconds,
            last_evaluation: Some(timestamp(rule.last_evaluation)),
        }),
        api::Rule::Alert(rule) => rule::Result::Alert(Alert {
            state: alert_state(rule.state),
            labels: with_external(&rule.labels, external),
            annotations: Some(label_set(&rule.annotations)),
            alerts: rule.alerts.into_iter().map(alert_instance).collect(),
            name: rule.name,
            query: rule.query,
            duration_seconds: rule.duration,
            keep_firing_for_seconds: rule.keep_firing_for,
            health: rule.health,
            last_error: rule.last_error,
            evaluation_duration_seconds: rule.evaluation_seconds,
            last_evaluation: Some(timestamp(rule.last_evaluation)),
        }),
    };
    Rule { result: Some(result) }
}

/// One alert. Its labels stay without the external ones, as in Thanos.
fn alert_instance(alert: api::AlertInstance) -> AlertInstance {
    AlertInstance {
        labels: Some(label_set(&alert.labels)),
        annotations: Some(label_set(&alert.annotations)),
        state: alert_state(alert.state),
        active_at: alert.active_at.map(timestamp),
        value: alert.value,
        partial_response_strategy: PartialResponseStrategy::Warn.into(),
    }
}

pub(super) fn targets(targets: api::TargetDiscovery, external: &Labels) -> TargetDiscovery {
    let active = targets.active_targets.into_iter().map(|target| ActiveTarget {
        discovered_labels: with_external(&target.discovered_labels, external),
        labels: with_external(&target.labels, external),
        scrape_pool: target.scrape_pool,
        scrape_url: target.scrape_url,
        global_url: target.global_url,
        last_error: target.last_error,
        last_scrape: Some(timestamp(target.last_scrape)),
        last_scrape_duration: target.last_scrape_duration,
        health: match target.health {
            api::TargetHealth::Down => TargetHealth::Down,
            api::TargetHealth::Up => TargetHealth::Up,
            api::TargetHealth::Unknown => TargetHealth::Unknown,
        }
        .into(),
    });
    let dropped = targets.dropped_targets.into_iter().map(|target| DroppedTarget {
        discovered_labels: with_external(&target.discovered_labels, external),
    });
    TargetDiscovery { active_targets: active.collect(), dropped_targets: dropped.collect() }
}

pub(super) fn metadata(metadata: BTreeMap<String, Vec<api::MetricMetadata>>) -> MetricMetadata {
    let meta = |meta: api::MetricMetadata| Meta { r#type: meta.kind, help: meta.help, unit: meta.unit };
    let entry = |metas: Vec<_>| MetricMetadataEntry { metas: metas.into_iter().map(meta).collect() };
    MetricMetadata { metadata: metadata.into_iter().map(|(name, metas)| (name, entry(metas))).collect() }
}

pub(super) fn exemplars(data: api::ExemplarData, external: &Labels) -> ExemplarData {
    let exemplar = |exemplar: api::Exemplar| Exemplar {
        labels: Some(label_set(&exemplar.labels)),
        value: exemplar.value,
        ts: exemplar.timestamp_ms,
    };
    ExemplarData {
        series_labels: with_external(&data.series_labels, external),
        exemplars: data.exemplars.into_iter().map(exemplar).collect(),
    }
}

/// The statistics, each list cut at `limit` lines if that is not 0: Prometheus before 2.45 does not know the limit.
///
/// Differs from Thanos: the number of chunks is kept, which gets lost there on the way.
pub(super) fn tsdb_status(status: api::TsdbStatus, limit: u32) -> TsdbStatisticsEntry {
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let list = |stats: Vec<api::Stat>| -> Vec<Statistic> {
        stats.into_iter().take(limit).map(|stat| Statistic { name: stat.name, value: stat.value }).collect()
    };
    let head = status.head_stats;
    TsdbStatisticsEntry {
        head_statistics: Some(HeadStatistics {
            num_series: head.num_series,
            num_label_pairs: head.num_label_pairs,
            chunk_count: head.chunk_count,
            min_time: head.min_time,
            max_time: head.max_time,
        }),
        series_count_by_metric_name: list(status.series_count_by_metric_name),
        label_value_count_by_label_name: list(status.label_value_count_by_label_name),
        memory_in_bytes_by_label_name: list(status.memory_in_bytes_by_label_name),
        series_count_by_label_value_pair: list(status.series_count_by_label_value_pair),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_count_their_nanoseconds_up() {
        let time = |text: &str| timestamp(text.parse().expect("time"));
        assert_eq!(
            time("0001-01-01T00:00:00Z"),
            prost_types::Timestamp { seconds: -62_135_596_800, nanos: 0 }
        );
        assert_eq!(
            time("1969-12-31T23:59:59.75Z"),
            prost_types::Timestamp { seconds: -1, nanos: 750_000_000 }
        );
        assert_eq!(
            time("2024-05-01T10:00:00.000000001Z"),
            prost_types::Timestamp { seconds: 1_714_557_600, nanos: 1 }
        );
    }

    #[test]
    fn external_labels_win_on_rules_and_are_not_on_alerts() {
        let external = Labels::from_pairs([("replica", "0")]);
        let group = api::RuleGroup {
            name: "tide".to_string(),
            file: "f".to_string(),
            rules: vec![api::Rule::Alert(api::Alert {
                state: api::AlertState::Firing,
                name: "High".to_string(),
                query: "tide > 3".to_string(),
                duration: 60.0,
                keep_firing_for: 0.0,
                labels: Labels::from_pairs([("replica", "mine"), ("severity", "page")]),
                annotations: Labels::default(),
                alerts: vec![api::AlertInstance {
                    labels: Labels::from_pairs([("a", "b")]),
                    annotations: Labels::default(),
                    state: api::AlertState::Pending,
                    active_at: None,
                    value: "1".to_string(),
                }],
                health: "ok".to_string(),
                last_error: String::new(),
                evaluation_seconds: 0.5,
                last_evaluation: jiff::Timestamp::UNIX_EPOCH,
            })],
            interval: 30.0,
            evaluation_seconds: 0.5,
            last_evaluation: jiff::Timestamp::UNIX_EPOCH,
            limit: 0,
        };
        let group = rule_group(group, &external);
        assert_eq!(group.partial_response_strategy, i32::from(PartialResponseStrategy::Abort));
        let Some(rule::Result::Alert(alert)) = &group.rules[0].result else { panic!("an alert") };
        let labels = proto::label_set_labels(alert.labels.as_ref());
        assert_eq!(labels.to_string(), "{replica=\"0\", severity=\"page\"}");
        assert_eq!(proto::label_set_labels(alert.alerts[0].labels.as_ref()).to_string(), "{a=\"b\"}");
    }
}
