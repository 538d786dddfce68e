//! Label sets between their wire forms and [`Labels`].

use model::labels::Labels;

use crate::thanos::{Label, ZLabelSet};

/// Label set of wire labels in any order; labels with an empty value are dropped.
pub fn labels_from_proto(labels: &[Label]) -> Labels {
    Labels::from_pairs(labels.iter().map(|label| (label.name.as_str(), label.value.as_str())))
}

/// Wire labels, sorted by name.
pub fn labels_to_proto(labels: &Labels) -> Vec<Label> {
    labels.iter().map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect()
}

/// The wire form of a label set as one message. Thanos writes it even when it is empty, so it is always `Some` in messages.
pub fn label_set(labels: &Labels) -> ZLabelSet {
    ZLabelSet { labels: labels_to_proto(labels) }
}

/// Label set of the message; an absent message is the empty set.
pub fn label_set_labels(set: Option<&ZLabelSet>) -> Labels {
    set.map(|set| labels_from_proto(&set.labels)).unwrap_or_default()
}
