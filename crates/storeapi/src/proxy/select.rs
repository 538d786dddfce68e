//! Which label sets a proxy may ask at all (`--selector.relabel-config`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::labels::Labels;
use model::matcher::{MatchType, Matcher};

use crate::Error;

/// Says yes or no to a label set.
type Keep = dyn Fn(&Labels) -> bool + Send + Sync;

/// Decides by a store's label sets whether it may be asked.
#[derive(Clone, Default)]
pub struct StoreSelector {
    keep: Option<Arc<Keep>>,
}

impl StoreSelector {
    /// A selector that takes the label sets `keep` says yes to.
    pub fn new(keep: impl Fn(&Labels) -> bool + Send + Sync + 'static) -> Self {
        StoreSelector { keep: Some(Arc::new(keep)) }
    }

    /// Whether a store with these label sets may be asked; one without label sets always may.
    pub fn matches(&self, label_sets: &[Labels]) -> bool {
        label_sets.is_empty() || self.keep.as_ref().is_none_or(|keep| label_sets.iter().any(|set| keep(set)))
    }

    /// The label sets to which the store has to be kept; `None` when it need not be.
    pub fn restricted(&self, label_sets: &[Labels]) -> Option<Vec<Labels>> {
        let keep = self.keep.as_ref().filter(|_| !label_sets.is_empty())?;
        Some(label_sets.iter().filter(|set| keep(set)).cloned().collect())
    }
}

impl fmt::Debug for StoreSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.keep.is_some() { "StoreSelector(by rules)" } else { "StoreSelector(all)" })
    }
}

/// Matchers that only the given label sets pass: per name an alternation of the values, and of the empty value when a set lacks it.
pub(super) fn matchers_for_label_sets(sets: &[Labels]) -> Result<Vec<Matcher>, Error> {
    let mut values: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for (name, value) in sets.iter().flatten() {
        let (count, values) = values.entry(name).or_default();
        *count += 1;
        values.insert(value);
    }
    values
        .into_iter()
        .map(|(name, (count, mut values))| {
            if count < sets.len() {
                values.insert("^$");
            }
            let alternation = values.into_iter().collect::<Vec<_>>().join("|");
            Matcher::new(MatchType::Re, name, alternation).map_err(|error| {
                Error::invalid_argument(format!("selector matcher for label {name}: {error}"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_become_alternations() {
        let sets = [Labels::from_pairs([("a", "1"), ("b", "x")]), Labels::from_pairs([("a", "2")])];
        let matchers: Vec<String> =
            matchers_for_label_sets(&sets).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(matchers, [r#"a=~"1|2""#, r#"b=~"^$|x""#]);
    }
}
