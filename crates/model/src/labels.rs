//! Label sets: immutable, sorted by name, one shared allocation.
//!
//! All names and values of a set lie in one string, each preceded by its length (see `encoded`), so that a set costs one allocation,
//! clones by a reference count, and compares mostly as one run of bytes.

mod builder;
mod encoded;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use builder::{LabelsBuilder, LabelsWriter};
pub use encoded::Iter;

use crate::quote::quote_into;

/// Name of the label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";
/// Name of the label that holds the upper bound of a classic histogram's bucket.
pub const BUCKET_LABEL: &str = "le";
/// Name of the label that holds an alert's name.
pub const ALERT_NAME: &str = "alertname";

/// The byte that ends every name and value in the hashed form; it never occurs in UTF-8.
const SEPARATOR: u8 = 0xff;

/// A set of labels, sorted by name, without empty values.
#[derive(Clone, Default)]
pub struct Labels {
    data: Arc<str>,
}

impl Labels {
    /// The set without labels.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Builds a set from pairs in any order; sorts them and leaves out those with an empty value.
    ///
    /// Of several pairs with the same name the last one wins.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut builder = LabelsBuilder::new(&Self::empty());
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.labels()
    }

    /// Builds a set from pairs that are sorted by name already, and keeps them as they are.
    pub fn from_sorted<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut data = String::new();
        for (name, value) in pairs {
            encoded::push(&mut data, name.as_ref());
            encoded::push(&mut data, value.as_ref());
        }
        Self::from_encoded(&data)
    }

    fn from_encoded(data: &str) -> Self {
        let labels = if data.is_empty() { Self::default() } else { Self { data: Arc::from(data) } };
        debug_assert!(labels.iter().is_sorted_by(|a, b| a.0 <= b.0), "labels out of order: {labels}");
        labels
    }

    /// The labels in the order of their names.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(&self.data)
    }

    /// The number of labels.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The value of the label `name`, if the set has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        for (n, v) in self.iter() {
            if n.len() == name.len() && n == name {
                return Some(v);
            }
            // The first byte decides most; whole comparisons for an early end would cost more than they save.
            if n.as_bytes().first() > name.as_bytes().first() {
                return None;
            }
        }
        None
    }

    /// The value of the label `name`, or the empty string: to a matcher an absent label is an empty one.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// Whether the set has a label `name`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The metric name, or the empty string.
    pub fn metric_name(&self) -> &str {
        self.value(METRIC_NAME)
    }

    /// The first name that occurs twice, which a valid set never has.
    pub fn duplicate_name(&self) -> Option<&str> {
        let mut last = None;
        for (name, _) in self.iter() {
            if last == Some(name) {
                return Some(name);
            }
            last = Some(name);
        }
        None
    }

    /// The set without the labels of the given names, in any order.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Self {
        self.filtered(|name| !names.iter().any(|n| n.as_ref() == name))
    }

    /// The set of only the labels of the given names, in any order.
    pub fn only<S: AsRef<str>>(&self, names: &[S]) -> Self {
        self.filtered(|name| names.iter().any(|n| n.as_ref() == name))
    }

    fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let kept = self.iter().filter(|(name, _)| keep(name)).count();
        if kept == self.len() {
            return self.clone();
        }
        let mut data = String::with_capacity(self.data.len());
        for (name, value) in self.iter().filter(|(name, _)| keep(name)) {
            encoded::push(&mut data, name);
            encoded::push(&mut data, value);
        }
        Self::from_encoded(&data)
    }

    /// The set with the labels of `other` put over it: as Thanos adds external labels, the other's value wins.
    pub fn extended(&self, other: &Labels) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let mut data = String::with_capacity(self.data.len() + other.data.len());
        let mut push = |(name, value): (&str, &str)| {
            encoded::push(&mut data, name);
            encoded::push(&mut data, value);
        };
        let (mut left, mut right) = (self.iter().peekable(), other.iter().peekable());
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            match l.0.cmp(r.0) {
                Ordering::Less => left.next().into_iter().for_each(&mut push),
                Ordering::Greater => right.next().into_iter().for_each(&mut push),
                Ordering::Equal => {
                    left.next();
                }
            }
        }
        left.for_each(&mut push);
        right.for_each(&mut push);
        Self::from_encoded(&data)
    }

    /// Prometheus's hash of a label set: xxHash64 over name 0xFF value 0xFF of every label. It is on the wire (sharding, groups).
    pub fn hash(&self) -> u64 {
        hash_pairs(self.iter(), self.data.len())
    }

    /// The hash over only the labels whose names are in `names`, which must be sorted.
    pub fn hash_for<S: AsRef<str>>(&self, names: &[S]) -> u64 {
        debug_assert!(names.is_sorted_by(|a, b| a.as_ref() <= b.as_ref()));
        hash_pairs(self.iter().filter(|(name, _)| contains_sorted(names, name)), self.data.len())
    }

    /// The hash over all labels but the metric name and those whose names are in `names`, which must be sorted.
    pub fn hash_without<S: AsRef<str>>(&self, names: &[S]) -> u64 {
        debug_assert!(names.is_sorted_by(|a, b| a.as_ref() <= b.as_ref()));
        hash_pairs(
            self.iter().filter(|(name, _)| *name != METRIC_NAME && !contains_sorted(names, name)),
            self.data.len(),
        )
    }

    /// The bytes that tell this set from any other: two sets are equal exactly when these are. For map keys; no stable format.
    pub fn as_key(&self) -> &str {
        &self.data
    }

    /// The heap bytes this set holds (shared with its clones).
    pub fn heap_size(&self) -> usize {
        self.data.len() + 2 * size_of::<usize>()
    }

    /// Whether both are the same allocation; a quick yes before comparing.
    pub fn same_allocation(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.data, &other.data)
    }
}

fn contains_sorted<S: AsRef<str>>(names: &[S], name: &str) -> bool {
    // Grouping names are few; a linear scan beats a binary search there.
    if names.len() <= 8 {
        names.iter().any(|n| n.as_ref() == name)
    } else {
        names.binary_search_by(|n| n.as_ref().cmp(name)).is_ok()
    }
}

/// Hashes pairs in the form that [`Labels::hash`] defines; `max_size` bounds the bytes of the form.
fn hash_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, max_size: usize) -> u64 {
    const ON_STACK: usize = 512;
    // The hashed form of a set is never longer than its encoded one.
    if max_size <= ON_STACK {
        let mut bytes = [0; ON_STACK];
        let mut len = 0;
        for (name, value) in pairs {
            for text in [name, value] {
                bytes[len..len + text.len()].copy_from_slice(text.as_bytes());
                len += text.len();
                bytes[len] = SEPARATOR;
                len += 1;
            }
        }
        return twox_hash::XxHash64::oneshot(0, &bytes[..len]);
    }
    let mut bytes = Vec::with_capacity(max_size);
    for (name, value) in pairs {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(SEPARATOR);
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(SEPARATOR);
    }
    twox_hash::XxHash64::oneshot(0, &bytes)
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.same_allocation(other) || self.data == other.data
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.data.hash(state);
    }
}

impl Ord for Labels {
    /// Prometheus's order: pair by pair, names before values, a prefix before what is longer.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.same_allocation(other) { Ordering::Equal } else { encoded::compare(&self.data, &other.data) }
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.data.len() + 4 * self.len() + 2);
        text.push('{');
        for (i, (name, value)) in self.iter().enumerate() {
            if i > 0 {
                text.push_str(", ");
            }
            push_name(&mut text, name);
            text.push('=');
            quote_into(&mut text, value);
        }
        text.push('}');
        f.write_str(&text)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        Self::from_pairs(pairs)
    }
}

/// Writes a label name, quoted when it is not one of Prometheus's classic character set.
pub(crate) fn push_name(out: &mut String, name: &str) {
    if is_legacy_label_name(name) { out.push_str(name) } else { quote_into(out, name) }
}

/// Whether `name` is a label name of the classic character set: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_legacy_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether `name` is a metric name of the classic character set: that of label names and the colon.
pub fn is_legacy_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

impl serde::Serialize for Labels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> serde::Deserialize<'de> for Labels {
    /// Reads a map; `null` is the empty set.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Option::<std::collections::BTreeMap<String, String>>::deserialize(deserializer)?;
        Ok(Self::from_pairs(map.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
