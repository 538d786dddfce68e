//! Making label sets: changes over a base, and a reused buffer for sets that arrive in order.

use super::{Labels, encoded};

/// Sets and deletes labels over a base set; unchanged sets cost no allocation.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    base: Labels,
    /// Names set (with their values) or deleted (`None`), each once, in any order.
    changes: Vec<(String, Option<String>)>,
}

impl LabelsBuilder {
    /// A builder over `base`.
    pub fn new(base: &Labels) -> Self {
        Self { base: base.clone(), changes: Vec::new() }
    }

    /// Starts again over another base.
    pub fn reset(&mut self, base: &Labels) {
        self.base = base.clone();
        self.changes.clear();
    }

    /// Sets a label; an empty value deletes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.change(name, (!value.is_empty()).then_some(value));
        self
    }

    /// Deletes a label.
    pub fn del(&mut self, name: &str) -> &mut Self {
        self.change(name, None);
        self
    }

    /// Deletes all labels but those of the given names.
    pub fn keep<S: AsRef<str>>(&mut self, names: &[S]) -> &mut Self {
        let gone: Vec<String> = self
            .current()
            .filter(|(name, _)| !names.iter().any(|n| n.as_ref() == *name))
            .map(|(n, _)| n.to_owned())
            .collect();
        for name in gone {
            self.change(&name, None);
        }
        self
    }

    fn change(&mut self, name: &str, value: Option<&str>) {
        match self.changes.iter_mut().find(|(n, _)| n == name) {
            Some((_, slot)) => *slot = value.map(str::to_owned),
            None => self.changes.push((name.to_owned(), value.map(str::to_owned))),
        }
    }

    /// The present value of a label, or the empty string.
    pub fn get(&self, name: &str) -> &str {
        match self.changes.iter().find(|(n, _)| n == name) {
            Some((_, value)) => value.as_deref().unwrap_or(""),
            None => self.base.value(name),
        }
    }

    /// The present labels: those of the base in order, then the added ones in the order of adding.
    pub fn current(&self) -> impl Iterator<Item = (&str, &str)> {
        let kept = self.base.iter().filter(|(name, _)| !self.changes.iter().any(|(n, _)| n == name));
        let set = self.changes.iter().filter_map(|(n, v)| Some((n.as_str(), v.as_deref()?)));
        kept.chain(set)
    }

    /// The resulting set. The base's empty values, which well-formed sets do not have, are left out.
    pub fn labels(&self) -> Labels {
        if self.changes.is_empty() && self.base.iter().all(|(_, value)| !value.is_empty()) {
            return self.base.clone();
        }
        let mut pairs: Vec<(&str, &str)> = self.current().filter(|(_, value)| !value.is_empty()).collect();
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        Labels::from_sorted(pairs)
    }
}

/// A reused buffer for sets whose labels come in the order of their names, as from an index or the wire.
#[derive(Debug, Default)]
pub struct LabelsWriter {
    data: String,
}

impl LabelsWriter {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the labels, keeps the buffer.
    pub fn clear(&mut self) {
        self.data.clear();
    }

    /// Adds a label, which must not sort before the last one. Empty values are kept: the caller decides.
    pub fn push(&mut self, name: &str, value: &str) {
        encoded::push(&mut self.data, name);
        encoded::push(&mut self.data, value);
    }

    /// Whether no label was added since the last clear.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The labels so far.
    pub fn iter(&self) -> super::Iter<'_> {
        super::Iter::new(&self.data)
    }

    /// The set of the labels so far; the buffer keeps them until [`clear`](Self::clear).
    pub fn labels(&self) -> Labels {
        Labels::from_encoded(&self.data)
    }

    /// As [`labels`](Self::labels) for labels that were added in any order: sorts them first if need be, leaving duplicates.
    pub fn labels_sorted(&self) -> Labels {
        if self.iter().is_sorted_by(|a, b| a.0 <= b.0) {
            return self.labels();
        }
        let mut pairs: Vec<_> = self.iter().collect();
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        Labels::from_sorted(pairs)
    }
}
