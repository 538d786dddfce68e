//! Rules of all endpoints: groups of one file and name joined, equal rules of replicas made one.

use std::cmp::Ordering;

use async_trait::async_trait;
use model::labels::Labels;
use model::matcher::Matcher;
use promql::parse::parse_metric_selector;
use proto::thanos::{Rule, RuleGroup, RulesRequest, rule};
use proto::{label_set, label_set_labels};
use storeapi::{Error, RulesApi, WithWarnings};

use super::{Answer, Fanout, Sourced, ask_all};

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
        let answers = self.ask_rules(request).await?;
        let groups = answers.value.into_iter().flat_map(|answer| answer.value).collect();
        Ok(WithWarnings { value: groups, warnings: answers.warnings })
    }
}

/// A group of rules from all endpoints that have it; its rules are in `rules`.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedGroup {
    /// The group.
    pub group: Sourced<RuleGroup>,
    /// Its rules.
    pub rules: Vec<Sourced<Rule>>,
}

impl Fanout {
    async fn ask_rules(
        &self,
        request: RulesRequest,
    ) -> Result<WithWarnings<Vec<Answer<Vec<RuleGroup>>>>, Error> {
        let asked =
            self.serving(|info| info.rules).into_iter().map(|endpoint| (endpoint, request.clone())).collect();
        ask_all(asked, request.partial_response_strategy, "rules", |endpoint, request| async move {
            endpoint.remote.rules(request).await
        })
        .await
    }

    /// Rules as the HTTP API shows them: filtered, groups joined, replicas made one.
    pub async fn merged_rules(&self, request: RulesRequest) -> Result<WithWarnings<Vec<MergedGroup>>, Error> {
        let filter = RuleFilter::of(&request)?;
        let answers = self.ask_rules(request).await.map_err(|error| error.context("proxy Rules"))?;
        let mut groups = Vec::new();
        for Answer { endpoint, value: mut found } in answers.value {
            filter.apply(&mut found);
            groups.extend(found.into_iter().map(|group| MergedGroup::of(group, &endpoint)));
        }
        let mut groups = join_groups(groups);
        for group in &mut groups {
            group.rules = deduplicate(std::mem::take(&mut group.rules), &self.replica_labels);
        }
        Ok(WithWarnings { value: groups, warnings: answers.warnings })
    }
}

impl MergedGroup {
    fn of(mut group: RuleGroup, endpoint: &str) -> Self {
        let rules = std::mem::take(&mut group.rules);
        let rules = rules.into_iter().map(|rule| Sourced::of(rule, endpoint)).collect();
        MergedGroup { group: Sourced::of(group, endpoint), rules }
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

fn join_groups(mut groups: Vec<MergedGroup>) -> Vec<MergedGroup> {
    groups.sort_by_key(|MergedGroup { group, .. }| format!("{};{}", group.value.file, group.value.name));
    groups.dedup_by(|next, kept| {
        let same =
            next.group.value.file == kept.group.value.file && next.group.value.name == kept.group.value.name;
        if same {
            kept.rules.append(&mut next.rules);
            kept.group.join(std::mem::take(&mut next.group.sources));
        }
        same
    });
    groups
}

/// Of rules that are equal without replica labels, keeps the one with the gravest state, then the one evaluated last.
fn deduplicate(mut rules: Vec<Sourced<Rule>>, replica_labels: &[String]) -> Vec<Sourced<Rule>> {
    for Sourced { value: rule, .. } in &mut rules {
        let kept = label_set(&labels(rule).without(replica_labels));
        match &mut rule.result {
            Some(rule::Result::Alert(alert)) => alert.labels = Some(kept),
            Some(rule::Result::Recording(recording)) => recording.labels = Some(kept),
            None => {}
        }
    }
    rules.sort_by(|a, b| compare(&a.value, &b.value));
    rules.dedup_by(|next, kept| {
        let same = compare(&next.value, &kept.value).is_eq();
        if same {
            if better(&next.value, &kept.value) {
                std::mem::swap(next, kept);
            }
            kept.join(std::mem::take(&mut next.sources));
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
            Sourced::of(recording("r"), "e1"),
            Sourced::of(alert("a", &[("replica", "1")], 1, 9), "e1"),
            Sourced::of(alert("a", &[("replica", "2")], 3, 1), "e3"),
            Sourced::of(alert("a", &[("replica", "3")], 3, 5), "e2"),
        ];
        let merged = deduplicate(rules, &["replica".to_owned()]);
        assert_eq!(merged[0].sources, ["e1", "e2", "e3"]);
        assert_eq!(merged[1].sources, ["e1"]);
        assert_eq!(
            merged.into_iter().map(|rule| rule.value).collect::<Vec<_>>(),
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
            MergedGroup::of(group("b", "g", vec![recording("1")]), "e2"),
            MergedGroup::of(group("a", "g", vec![]), "e1"),
            MergedGroup::of(group("b", "g", vec![recording("2")]), "e1"),
        ];
        let joined = join_groups(groups);
        let shown = |group: &MergedGroup| {
            (group.group.value.file.clone(), group.rules.len(), group.group.sources.join(","))
        };
        assert_eq!(
            joined.iter().map(shown).collect::<Vec<_>>(),
            [("a".into(), 0, "e1".into()), ("b".into(), 2, "e1,e2".into())]
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
