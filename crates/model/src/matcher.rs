//! Label matchers: `name="value"`, `!=`, `=~`, `!~`. An absent label is an empty value.
//!
//! Regular expressions are anchored and in Go's syntax (see [`crate::regex`]). Most that are used in practice are no real expressions —
//! a literal, a list of literals, `.*`, `prefix.*` — and are decided without an automaton (see [`crate::regex`]).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::labels::{self, Labels};
use crate::quote::quote_into;
use crate::regex::{Plan, RegexError};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchType {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `=~`
    Re,
    /// `!~`
    NotRe,
}

impl MatchType {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Re => "=~",
            Self::NotRe => "!~",
        }
    }

    /// Whether the value is a regular expression.
    pub fn is_regex(self) -> bool {
        matches!(self, Self::Re | Self::NotRe)
    }

    /// Whether the matcher matches what the comparison does not.
    pub fn is_negated(self) -> bool {
        matches!(self, Self::Ne | Self::NotRe)
    }

    /// The opposite comparison.
    pub fn inverse(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Re => Self::NotRe,
            Self::NotRe => Self::Re,
        }
    }
}

impl fmt::Display for MatchType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a matcher cannot be made. The text is that of Go's parser, which clients see.
pub type MatcherError = RegexError;

/// A matcher on one label. Clones share the compiled form.
#[derive(Clone)]
pub struct Matcher {
    inner: Arc<Inner>,
}

struct Inner {
    ty: MatchType,
    name: String,
    value: String,
    plan: Plan,
    matches_empty: bool,
}

impl Matcher {
    /// Makes a matcher; fails for a bad regular expression.
    pub fn new(
        ty: MatchType,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, MatcherError> {
        let (name, value) = (name.into(), value.into());
        let plan = if ty.is_regex() { Plan::of_regex(&value, false)? } else { Plan::literal(&value) };
        let matches_empty = plan.is_match("") != ty.is_negated();
        Ok(Self { inner: Arc::new(Inner { ty, name, value, plan, matches_empty }) })
    }

    /// Makes the matcher `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(MatchType::Eq, name, value).expect("an equality has no expression to fail")
    }

    /// Makes the matcher `name!="value"`.
    pub fn not_equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(MatchType::Ne, name, value).expect("an equality has no expression to fail")
    }

    /// How it compares.
    pub fn ty(&self) -> MatchType {
        self.inner.ty
    }

    /// The label it looks at.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What it compares with, as it was given.
    pub fn value(&self) -> &str {
        &self.inner.value
    }

    /// Whether a label of this value matches; absent labels have the empty one.
    #[inline]
    pub fn matches(&self, value: &str) -> bool {
        self.inner.plan.is_match(value) != self.inner.ty.is_negated()
    }

    /// Whether series without the label match.
    pub fn matches_empty(&self) -> bool {
        self.inner.matches_empty
    }

    /// Whether the label of the matcher's name in `labels` matches.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.value(self.name()))
    }

    /// All values that the comparison itself (before a negation) accepts, when these are few: sorted, without doubles.
    ///
    /// For an equality that is its value. For regular expressions at most 256 values.
    pub fn set_matches(&self) -> Option<&[String]> {
        self.inner.plan.set()
    }

    /// What every value begins with that the comparison itself (before a negation) accepts, when that is something.
    pub fn prefix(&self) -> Option<&str> {
        Some(self.inner.plan.prefix()).filter(|p| !p.is_empty())
    }

    /// Whether the comparison itself accepts every value: `.*`.
    pub fn accepts_all(&self) -> bool {
        matches!(self.inner.plan, Plan::All)
    }

    /// Whether the comparison itself accepts every value but the empty one: `.+`.
    pub fn accepts_non_empty(&self) -> bool {
        matches!(self.inner.plan, Plan::NonEmpty)
    }

    /// The matcher that matches what this one does not.
    pub fn inverse(&self) -> Self {
        let inner = &*self.inner;
        Self {
            inner: Arc::new(Inner {
                ty: inner.ty.inverse(),
                name: inner.name.clone(),
                value: inner.value.clone(),
                plan: inner.plan.clone(),
                matches_empty: !inner.matches_empty,
            }),
        }
    }
}

/// Whether all matchers match the set.
pub fn matches_all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|m| m.matches_labels(labels))
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.inner, &*other.inner);
        Arc::ptr_eq(&self.inner, &other.inner) || (a.ty, &a.name, &a.value) == (b.ty, &b.name, &b.value)
    }
}

impl Eq for Matcher {}

impl Hash for Matcher {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.inner.ty, &self.inner.name, &self.inner.value).hash(state);
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.name().len() + self.value().len() + 6);
        labels::push_name(&mut text, self.name());
        text.push_str(self.ty().as_str());
        quote_into(&mut text, self.value());
        f.write_str(&text)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
