//! The rule as it stands in a configuration, with Prometheus's defaults and checks.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quote::quote;
use crate::regex::Regex;

const DEFAULT_REGEX: &str = "(.*)";
const DEFAULT_REPLACEMENT: &str = "$1";
const DEFAULT_SEPARATOR: &str = ";";

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Sets the target label to the replacement when the source matches.
    Replace,
    /// Drops the set unless the source matches.
    Keep,
    /// Drops the set when the source matches.
    Drop,
    /// Drops the set unless the source equals the target label.
    KeepEqual,
    /// Drops the set when the source equals the target label.
    DropEqual,
    /// Sets the target label to a hash of the source modulo a number.
    HashMod,
    /// Copies the labels whose names match to names made from the replacement.
    LabelMap,
    /// Deletes the labels whose names match.
    LabelDrop,
    /// Deletes the labels whose names do not match.
    LabelKeep,
    /// Sets the target label to the source in lower case.
    Lowercase,
    /// Sets the target label to the source in upper case.
    Uppercase,
}

impl Action {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Replace, "replace"),
        (Self::Keep, "keep"),
        (Self::Drop, "drop"),
        (Self::KeepEqual, "keepequal"),
        (Self::DropEqual, "dropequal"),
        (Self::HashMod, "hashmod"),
        (Self::LabelMap, "labelmap"),
        (Self::LabelDrop, "labeldrop"),
        (Self::LabelKeep, "labelkeep"),
        (Self::Lowercase, "lowercase"),
        (Self::Uppercase, "uppercase"),
    ];

    /// The name in configurations.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(action, _)| *action == self).map_or("", |(_, name)| name)
    }

    fn needs_target(self) -> bool {
        matches!(
            self,
            Self::Replace
                | Self::HashMod
                | Self::Lowercase
                | Self::Uppercase
                | Self::KeepEqual
                | Self::DropEqual
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let lower = name.to_lowercase();
        let found = Self::ALL.iter().find(|(_, n)| *n == lower);
        found
            .map(|(action, _)| *action)
            .ok_or_else(|| D::Error::custom(format!("unknown relabel action {}", quote(&name))))
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A rule that is read but makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelabelError {
    /// A modulus of zero.
    #[error("relabel configuration for hashmod requires non-zero modulus")]
    ZeroModulus,
    /// No target label where one is needed.
    #[error("relabel configuration for {0} action requires 'target_label' value")]
    NoTarget(Action),
    /// A replacement where none may be.
    #[error("'replacement' can not be set for {0} action")]
    ReplacementSet(Action),
    /// An empty replacement for label names.
    #[error("\"\" is invalid 'replacement' for {0} action")]
    EmptyReplacement(Action),
    /// Fields that the action does not use.
    #[error("{0} action requires only 'source_labels' and `target_label`, and no other fields")]
    OnlySourceAndTarget(Action),
    /// Fields that the action does not use.
    #[error("{0} action requires only 'regex', and no other fields")]
    OnlyRegex(Action),
}

/// One rule.
///
/// Reading it from YAML fills in the defaults; [`validate`](Self::validate) is a step of its own, as in Prometheus.
#[derive(Clone, Debug)]
pub struct RelabelConfig {
    /// Labels whose values, joined, are the source.
    pub source_labels: Vec<String>,
    /// What stands between the values; `;` by default.
    pub separator: String,
    /// What the source (or the name) has to match as a whole; `(.*)` by default.
    pub regex: Regex,
    /// Whether the regular expression is the default and not one that was given.
    pub regex_is_default: bool,
    /// For [`Action::HashMod`].
    pub modulus: u64,
    /// The label to set; a template for [`Action::Replace`].
    pub target_label: String,
    /// The template of the value (or of the name); `$1` by default.
    pub replacement: String,
    /// What to do; replace by default.
    pub action: Action,
}

impl Default for RelabelConfig {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: DEFAULT_SEPARATOR.to_owned(),
            regex: Regex::anchored(DEFAULT_REGEX).expect("the default expression is valid"),
            regex_is_default: true,
            modulus: 0,
            target_label: String::new(),
            replacement: DEFAULT_REPLACEMENT.to_owned(),
            action: Action::Replace,
        }
    }
}

impl RelabelConfig {
    /// Checks what Prometheus checks, with UTF-8 names allowed.
    pub fn validate(&self) -> Result<(), RelabelError> {
        let action = self.action;
        if action == Action::HashMod && self.modulus == 0 {
            return Err(RelabelError::ZeroModulus);
        }
        if action.needs_target() && self.target_label.is_empty() {
            return Err(RelabelError::NoTarget(action));
        }
        let plain = self.replacement == DEFAULT_REPLACEMENT;
        let equal = matches!(action, Action::KeepEqual | Action::DropEqual);
        if !plain && (equal || matches!(action, Action::Lowercase | Action::Uppercase)) {
            return Err(RelabelError::ReplacementSet(action));
        }
        if action == Action::LabelMap && self.replacement.is_empty() {
            return Err(RelabelError::EmptyReplacement(action));
        }
        let plain = plain && self.modulus == 0 && self.separator == DEFAULT_SEPARATOR;
        if equal && !(plain && self.regex_is_default) {
            return Err(RelabelError::OnlySourceAndTarget(action));
        }
        let names = matches!(action, Action::LabelDrop | Action::LabelKeep);
        if names && !(plain && self.source_labels.is_empty() && self.target_label.is_empty()) {
            return Err(RelabelError::OnlyRegex(action));
        }
        Ok(())
    }
}

/// The fields as they are written. Unknown ones are let pass, as Thanos does.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    source_labels: Option<Vec<String>>,
    #[serde(default)]
    separator: Given<String>,
    #[serde(default)]
    regex: Given<String>,
    #[serde(default)]
    modulus: Given<u64>,
    #[serde(default)]
    target_label: Given<String>,
    #[serde(default)]
    replacement: Given<String>,
    #[serde(default)]
    action: Option<Action>,
}

/// Tells an absent field from one that is null, which is the zero value.
#[derive(Default)]
struct Given<T>(Option<T>);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Some(Option::<T>::deserialize(deserializer)?.unwrap_or_default())))
    }
}

impl<'de> Deserialize<'de> for RelabelConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let source_labels = fields.source_labels.unwrap_or_default();
        if source_labels.iter().any(String::is_empty) {
            return Err(D::Error::custom("\"\" is not a valid label name"));
        }
        let mut config = Self { source_labels, ..Self::default() };
        if let Some(pattern) = fields.regex.0 {
            config.regex = Regex::anchored(&pattern).map_err(D::Error::custom)?;
            config.regex_is_default = false;
        }
        let put = |slot: &mut String, given: Given<String>| {
            if let Some(text) = given.0 {
                *slot = text;
            }
        };
        put(&mut config.separator, fields.separator);
        put(&mut config.target_label, fields.target_label);
        put(&mut config.replacement, fields.replacement);
        config.modulus = fields.modulus.0.unwrap_or(0);
        config.action = fields.action.unwrap_or(Action::Replace);
        Ok(config)
    }
}

impl Serialize for RelabelConfig {
    /// Writes what Go writes as JSON: empty fields are left out.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            source_labels: &'a [String],
            #[serde(skip_serializing_if = "str::is_empty")]
            separator: &'a str,
            regex: &'a str,
            #[serde(skip_serializing_if = "is_zero")]
            modulus: u64,
            #[serde(skip_serializing_if = "str::is_empty")]
            target_label: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            replacement: &'a str,
            action: Action,
        }
        fn is_zero(n: &u64) -> bool {
            *n == 0
        }
        Written {
            source_labels: &self.source_labels,
            separator: &self.separator,
            regex: self.regex.as_str(),
            modulus: self.modulus,
            target_label: &self.target_label,
            replacement: &self.replacement,
            action: self.action,
        }
        .serialize(serializer)
    }
}
