//! What every store does with its external labels: answer matchers on them locally, and put them on its series.

use model::labels::Labels;
use model::matcher::Matcher;

/// Takes the matchers on external labels out of a request.
///
/// `None`: one of them does not match, so the store has nothing. Otherwise those left for the data itself.
pub fn match_external_labels(matchers: &[Matcher], external: &Labels) -> Option<Vec<Matcher>> {
    let mut rest = Vec::with_capacity(matchers.len());
    for matcher in matchers {
        match external.get(matcher.name()) {
            None => rest.push(matcher.clone()),
            Some(value) if matcher.matches(value) => {}
            Some(_) => return None,
        }
    }
    Some(rest)
}

/// Whether any of the label sets is compatible with the matchers; a store without label sets may have anything.
pub fn label_sets_match(matchers: &[Matcher], label_sets: &[Labels]) -> bool {
    label_sets.is_empty()
        || label_sets.iter().any(|set| {
            matchers.iter().all(|matcher| set.get(matcher.name()).is_none_or(|value| matcher.matches(value)))
        })
}

/// The labels of a series as a store announces them: replica labels taken off, external labels put over (they win).
#[derive(Clone, Debug)]
pub struct SeriesLabels {
    external: Labels,
    without: Vec<String>,
}

impl SeriesLabels {
    /// For a store with these external labels and a request without these replica labels.
    pub fn new(external: &Labels, without_replica_labels: &[String]) -> Self {
        SeriesLabels {
            external: external.without(without_replica_labels),
            without: without_replica_labels.to_vec(),
        }
    }

    /// The announced labels of a series of the data.
    pub fn apply(&self, labels: &Labels) -> Labels {
        if self.without.is_empty() {
            return labels.extended(&self.external);
        }
        labels.without(&self.without).extended(&self.external)
    }

    /// Whether the labels keep the order of the series, so that no sorting is needed afterwards.
    ///
    /// Neither adding labels to all nor taking labels off keeps the order in general; only doing nothing does.
    pub fn keeps_order(&self) -> bool {
        self.external.is_empty() && self.without.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use model::matcher::MatchType;

    use super::*;

    fn eq(name: &str, value: &str) -> Matcher {
        Matcher::new(MatchType::Eq, name, value).unwrap()
    }

    #[test]
    fn matchers_on_external_labels_are_answered_locally() {
        let external = Labels::from_pairs([("region", "eu")]);
        let left = match_external_labels(&[eq("region", "eu"), eq("a", "1")], &external).unwrap();
        assert_eq!(left, [eq("a", "1")]);
        assert!(match_external_labels(&[eq("region", "us")], &external).is_none());
    }

    #[test]
    fn one_compatible_label_set_is_enough() {
        let sets = [Labels::from_pairs([("region", "eu")]), Labels::from_pairs([("region", "us")])];
        assert!(label_sets_match(&[eq("region", "us")], &sets));
        assert!(!label_sets_match(&[eq("region", "ap")], &sets));
        assert!(label_sets_match(&[eq("other", "x")], &sets));
        assert!(label_sets_match(&[eq("region", "ap")], &[]));
    }

    #[test]
    fn external_labels_win_and_replica_labels_go() {
        let external = Labels::from_pairs([("region", "eu"), ("replica", "a")]);
        let labels = SeriesLabels::new(&external, &["replica".to_owned(), "pod".to_owned()]);
        let series = Labels::from_pairs([("__name__", "up"), ("pod", "p"), ("region", "data")]);
        assert_eq!(labels.apply(&series), Labels::from_pairs([("__name__", "up"), ("region", "eu")]));
    }
}
