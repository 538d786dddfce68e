//! Rules of all endpoints: groups of one file and name joined, equal rules of replicas made one.

use std::cmp::Ordering;

use async_trait::async_trait;
use model::labels::Labels;
use model::matcher::Matcher;
use promql::parse::parse_metric_selector;
use proto::thanos::{Rule, RuleGroup, RulesRequest, rule};
use proto::{label_set, label_set_labels};
use storeapi::{Error, RulesApi, WithWarnings};

use super::{Fanout, ask_all};

/// Which rules are wanted, beside their type.
#[derive(Clone, Debug, Default)]
pub struct RuleFilter {
    /// Lists of matchers on the labels of rules; all must match.
    pub matchers: Vec<Vec<Matcher>>,
    /// Names of rules; empty for all.
    pub names: Vec<String>,
    /// Names of groups; empty for all.
    pub groups: Vec<String>,
    /// Files; empty for all.
    pub files: Vec<String>,
}

impl RuleFilter {
    fn of(request: &RulesRequest) -> Result<Self, Error> {
        let parse = |text: &String| {
            parse_metric_selector(text)
                .map_err(|error| Error::invalid_argument(format!("parser ParseMetricSelector: {error}")))
        };
        Ok(RuleFilter {
            matchers: request.matcher_string.iter().map(parse).collect::<Result<_, _>>()?,
            names: request.rule_name.clone(),
            groups: request.rule_group.clone(),
            files: request.file.clone(),
        })
    }

    fn apply(&self, groups: &mut Vec<RuleGroup>) {
        let wanted =
            |list: &[String], name: &str| list.is_empty() || list.iter().any(|wanted| wanted == name);
        let filtered = !(self.matchers.is_empty()
            && self.names.is_empty()
            && self.groups.is_empty()
            && self.files.is_empty());
        groups.retain_mut(|group| {
            if !wanted(&self.groups, &group.name) || !wanted(&self.files, &group.file) {
                return false;
            }
            group.rules.retain(|rule| wanted(&self.names, name(rule)) && self.labels_match(&labels(rule)));
            !filtered || !group.rules.is_empty()
        });
    }

    /// Labels made by templates are not known, so they count as absent.
    fn labels_match(&self, labels: &Labels) -> bool {
        self.matchers.iter().flatten().all(|matcher| {
            let value = labels.value(matcher.name());
            matcher.matches(if value.contains("{{") { "" } else { value })
        })
    }
}

#[async_trait]
impl RulesApi for Fanout {
    async fn rules(&self, request: RulesRequest) -> Result<WithWarnings<Vec<RuleGroup>>, Error> {
        let asked =
            self.serving(|info| info.rules).into_iter().map(|endpoint| (endpoint, request.clone())).collect();
        let answers =
            ask_all(asked, request.partial_response_strategy, "rules", |endpoint, request| async move {
                endpoint.remote.rules(request).await
            })
            .await?;
        Ok(WithWarnings { value: answers.value.into_iter().flatten().collect(), warnings: answers.warnings })
    }
}

impl Fanout {
    /// Rules as the HTTP API shows them: filtered, groups joined, replicas made one.
    pub async fn merged_rules(&self, request: RulesRequest) -> Result<WithWarnings<Vec<RuleGroup>>, Error> {
        let filter = RuleFilter::of(&request)?;
        let mut answer = self.rules(request).await.map_err(|error| error.context("proxy Rules"))?;
        filter.apply(&mut answer.value);
        answer.value = join_groups(answer.value);
        for group in &mut answer.value {
            group.rules = deduplicate(std::mem::take(&mut group.rules), &self.replica_labels);
        }
        Ok(answer)
    }
}

fn name(rule: &Rule) -> &str {
    match &rule.result {
        Some(rule::Result::Alert(alert)) => &alert.name,
        Some(rule::Result::Recording(recording)) => &recording.name,
        None => "",
    }
}

fn labels(rule: &Rule) -> Labels {
    label_set_labels(match &rule.result {
        Some(rule::Result::Alert(alert)) => alert.labels.as_ref(),
        Some(rule::Result::Recording(recording)) => recording.labels.as_ref(),
        None => None,
    })
}

fn join_groups(mut groups: Vec<RuleGroup>) -> Vec<RuleGroup> {
    groups.sort_by_key(|group| format!("{};{}", group.file, group.name));
    groups.dedup_by(|next, kept| {
        let same = next.file == kept.file && next.name == kept.name;
        if same {
            kept.rules.append(&mut next.rules);
        }
        same
    });
    groups
}

/// Of rules that are equal without replica labels, keeps the one with the gravest state, then the one evaluated last.
fn deduplicate(mut rules: Vec<Rule>, replica_labels: &[String]) -> Vec<Rule> {
    for rule in &mut rules {
        let kept = label_set(&labels(rule).without(replica_labels));
        match &mut rule.result {
            Some(rule::Result::Alert(alert)) => alert.labels = Some(kept),
            Some(rule::Result::Recording(recording)) => recording.labels = Some(kept),
            None => {}
        }
    }
    rules.sort_by(compare);
    rules.dedup_by(|next, kept| {
        let same = compare(next, kept).is_eq();
        if same && better(next, kept) {
            std::mem::swap(next, kept);
        }
        same
    });
    rules
}

/// Thanos's order of rules: alerts first, then by name, labels, query, duration.
fn compare(a: &Rule, b: &Rule) -> Ordering {
    let kind = |rule: &Rule| match &rule.result {
        Some(rule::Result::Alert(_)) => 0,
        _ => 1,
    };
    let query = |rule: &Rule| match &rule.result {
        Some(rule::Result::Alert(alert)) => alert.query.clone(),
        Some(rule::Result::Recording(recording)) => recording.query.clone(),
        None => String::new(),
    };
    let duration = |rule: &Rule| match &rule.result {
        Some(rule::Result::Alert(alert)) => alert.duration_seconds,
        _ => 0.0,
    };
    kind(a)
        .cmp(&kind(b))
        .then_with(|| name(a).cmp(name(b)))
        .then_with(|| labels(a).cmp(&labels(b)))
        .then_with(|| query(a).cmp(&query(b)))
        .then_with(|| duration(a).total_cmp(&duration(b)))
}

fn better(a: &Rule, b: &Rule) -> bool {
    let rank = |rule: &Rule| {
        let (state, evaluated) = match &rule.result {
            Some(rule::Result::Alert(alert)) => (alert.state, alert.last_evaluation),
            Some(rule::Result::Recording(recording)) => (0, recording.last_evaluation),
            None => (0, None),
        };
        (state, evaluated.map_or((i64::MIN, 0), |time| (time.seconds, time.nanos)))
    };
    rank(a) > rank(b)
}

#[cfg(test)]
mod tests {
    use proto::thanos::{Alert, RecordingRule};

    use super::*;

    fn alert(name: &str, labels: &[(&str, &str)], state: i32, evaluated: i64) -> Rule {
        Rule {
            result: Some(rule::Result::Alert(Alert {
                name: name.into(),
                state,
                labels: Some(label_set(&Labels::from_pairs(labels.to_vec()))),
                last_evaluation: Some(prost_types::Timestamp { seconds: evaluated, nanos: 0 }),
                ..Alert::default()
            })),
        }
    }

    fn recording(name: &str) -> Rule {
        Rule {
            result: Some(rule::Result::Recording(RecordingRule {
                name: name.into(),
                ..RecordingRule::default()
            })),
        }
    }

    fn group(file: &str, name: &str, rules: Vec<Rule>) -> RuleGroup {
        RuleGroup { file: file.into(), name: name.into(), rules, ..RuleGroup::default() }
    }

    #[test]
    fn replicas_become_one_rule_of_the_gravest_state() {
        let rules = vec![
            recording("r"),
            alert("a", &[("replica", "1")], 1, 9),
            alert("a", &[("replica", "2")], 3, 1),
            alert("a", &[("replica", "3")], 3, 5),
        ];
        let merged = deduplicate(rules, &["replica".to_owned()]);
        assert_eq!(
            merged,
            [alert("a", &[], 3, 5), recording("r")].map(|mut rule| {
                if let Some(rule::Result::Recording(recording)) = &mut rule.result {
                    recording.labels = Some(label_set(&Labels::empty()));
                }
                rule
            })
        );
    }

    #[test]
    fn groups_of_one_file_and_name_are_joined() {
        let groups = vec![
            group("b", "g", vec![recording("1")]),
            group("a", "g", vec![]),
            group("b", "g", vec![recording("2")]),
        ];
        let joined = join_groups(groups);
        assert_eq!(
            joined.iter().map(|group| (group.file.as_str(), group.rules.len())).collect::<Vec<_>>(),
            [("a", 0), ("b", 2)]
        );
    }

    #[test]
    fn filters_drop_rules_and_groups() {
        let groups = || {
            vec![
                group(
                    "a",
                    "g",
                    vec![
                        alert("x", &[("team", "{{ $labels.t }}")], 1, 1),
                        alert("y", &[("team", "t")], 1, 1),
                    ],
                ),
                group("b", "h", vec![recording("x")]),
            ]
        };
        let kept = |filter: RuleFilter| {
            let mut groups = groups();
            filter.apply(&mut groups);
            groups.iter().map(|group| (group.name.clone(), group.rules.len())).collect::<Vec<_>>()
        };
        let names = RuleFilter { names: vec!["x".into()], ..RuleFilter::default() };
        assert_eq!(kept(names), [("g".into(), 1), ("h".into(), 1)]);
        let files = RuleFilter { files: vec!["b".into()], ..RuleFilter::default() };
        assert_eq!(kept(files), [("h".into(), 1)]);
        let matchers =
            RuleFilter { matchers: vec![vec![Matcher::equal("team", "t")]], ..RuleFilter::default() };
        assert_eq!(kept(matchers), [("g".into(), 1)]);
    }
}
