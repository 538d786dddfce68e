//! Rule groups with their recording and alerting rules.

use jiff::Timestamp;
use model::labels::Labels;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{Client, Error, json};

/// Which rules to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleType {
    /// All.
    All,
    /// Alerting rules.
    Alert,
    /// Recording rules.
    Record,
}

/// State of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertState {
    /// Not evaluated yet.
    #[default]
    Unknown,
    /// The expression has no result.
    Inactive,
    /// It has, for less than the `for` of the rule.
    Pending,
    /// It has for long enough.
    Firing,
}

impl<'de> Deserialize<'de> for AlertState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AlertState, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        match text.to_ascii_lowercase().as_str() {
            "unknown" => Ok(AlertState::Unknown),
            "inactive" => Ok(AlertState::Inactive),
            "pending" => Ok(AlertState::Pending),
            "firing" => Ok(AlertState::Firing),
            _ => Err(D::Error::custom(format_args!("unknown alertState: {text:?}"))),
        }
    }
}

/// One alert of an alerting rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertInstance {
    /// Labels of the alert.
    #[serde(default, with = "json::labels")]
    pub labels: Labels,
    /// Annotations with their templates filled in.
    #[serde(default, with = "json::labels")]
    pub annotations: Labels,
    /// State.
    #[serde(default)]
    pub state: AlertState,
    /// Since when it is active.
    #[serde(default, with = "json::optional_time")]
    pub active_at: Option<Timestamp>,
    /// Value of the expression, as text.
    #[serde(default)]
    pub value: String,
}

/// An alerting rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// State of the rule: the highest of its alerts.
    #[serde(default)]
    pub state: AlertState,
    /// Name of the alert.
    pub name: String,
    /// PromQL expression.
    pub query: String,
    /// How long it must hold, in seconds.
    #[serde(default)]
    pub duration: f64,
    /// How long it keeps firing after, in seconds.
    #[serde(default)]
    pub keep_firing_for: f64,
    /// Labels that the rule adds.
    #[serde(default, with = "json::labels")]
    pub labels: Labels,
    /// Annotations with their templates.
    #[serde(default, with = "json::labels")]
    pub annotations: Labels,
    /// The alerts.
    #[serde(default, deserialize_with = "json::null_default")]
    pub alerts: Vec<AlertInstance>,
    /// `ok`, `err` or `unknown`.
    #[serde(default)]
    pub health: String,
    /// Error of the last evaluation.
    #[serde(default)]
    pub last_error: String,
    /// Length of the last evaluation in seconds.
    #[serde(default, rename = "evaluationTime")]
    pub evaluation_seconds: f64,
    /// Time of the last evaluation; the year one when there was none.
    #[serde(default = "json::zero_time", with = "json::time")]
    pub last_evaluation: Timestamp,
}

/// A recording rule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingRule {
    /// Name of the new series.
    pub name: String,
    /// PromQL expression.
    pub query: String,
    /// Labels that the rule adds.
    #[serde(default, with = "json::labels")]
    pub labels: Labels,
    /// `ok`, `err` or `unknown`.
    #[serde(default)]
    pub health: String,
    /// Error of the last evaluation.
    #[serde(default)]
    pub last_error: String,
    /// Length of the last evaluation in seconds.
    #[serde(default, rename = "evaluationTime")]
    pub evaluation_seconds: f64,
    /// Time of the last evaluation; the year one when there was none.
    #[serde(default = "json::zero_time", with = "json::time")]
    pub last_evaluation: Timestamp,
}

/// A rule of either kind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type")]
pub enum Rule {
    /// An alerting rule.
    #[serde(rename = "alerting")]
    Alert(Alert),
    /// A recording rule.
    #[serde(rename = "recording")]
    Recording(RecordingRule),
}

/// A group of rules that are evaluated together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleGroup {
    /// Name of the group.
    pub name: String,
    /// File that it comes from.
    #[serde(default)]
    pub file: String,
    /// Its rules, in order.
    #[serde(default, deserialize_with = "json::null_default")]
    pub rules: Vec<Rule>,
    /// Evaluation interval in seconds.
    #[serde(default)]
    pub interval: f64,
    /// Length of the last evaluation in seconds.
    #[serde(default, rename = "evaluationTime")]
    pub evaluation_seconds: f64,
    /// Time of the last evaluation; the year one when there was none.
    #[serde(default = "json::zero_time", with = "json::time")]
    pub last_evaluation: Timestamp,
    /// Most series that a rule may make; 0 is no limit.
    #[serde(default)]
    pub limit: i64,
}

#[derive(Default, Deserialize)]
struct RuleGroups {
    #[serde(default, deserialize_with = "json::null_default")]
    groups: Vec<RuleGroup>,
}

impl Client {
    /// The rule groups, with the rules of the given type.
    pub async fn rules(&self, kind: RuleType) -> Result<Vec<RuleGroup>, Error> {
        let mut url = self.url(&["api", "v1", "rules"]);
        match kind {
            RuleType::All => {}
            RuleType::Alert => drop(url.query_pairs_mut().append_pair("type", "alert")),
            RuleType::Record => drop(url.query_pairs_mut().append_pair("type", "record")),
        }
        Ok(self.get_data::<RuleGroups>(url).await?.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rules_of_both_kinds() {
        let text = br#"{"status":"success","data":{"groups":[{"name":"tide","file":"/etc/tide.yml","interval":30,"limit":5,
          "evaluationTime":0.5,"lastEvaluation":"2024-05-01T10:00:00.123456789Z","rules":[
            {"state":"firing","name":"High","query":"tide > 3","duration":60,"keepFiringFor":5,"labels":{"severity":"page"},
             "annotations":{"summary":"{{ $value }}"},"alerts":[{"labels":{"alertname":"High"},"annotations":{},"state":"firing",
             "activeAt":"2024-05-01T09:59:00Z","value":"4e+00"}],"health":"ok","evaluationTime":0.1,
             "lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"},
            {"name":"tide:max","query":"max(tide)","health":"err","lastError":"oops","evaluationTime":0.2,
             "lastEvaluation":"2024-05-01T10:00:00Z","type":"recording"}]}]}}"#;
        let groups = json::data::<RuleGroups>(200, text, "u").expect("rules").groups;
        assert_eq!(groups[0].last_evaluation.subsec_nanosecond(), 123_456_789);
        let [Rule::Alert(alert), Rule::Recording(recording)] = groups[0].rules.as_slice() else {
            panic!("one of each: {:?}", groups[0].rules)
        };
        assert_eq!((alert.state, alert.duration, alert.keep_firing_for), (AlertState::Firing, 60.0, 5.0));
        assert_eq!(alert.alerts[0].value, "4e+00");
        assert_eq!((recording.last_error.as_str(), recording.labels.is_empty()), ("oops", true));
    }

    #[test]
    fn refuses_a_rule_of_an_unknown_kind() {
        let text = br#"{"status":"success","data":{"groups":[{"name":"a","rules":[{"type":"odd"}]}]}}"#;
        let error = json::data::<RuleGroups>(200, text, "u").err().expect("unknown kind").to_string();
        assert!(error.contains("odd"), "{error}");
    }
}
