//! Which postings a list of matchers needs, by the index-header alone.
//!
//! A label that is missing has the empty value. A matcher that refuses the empty value selects the series with a value it accepts; one
//! that accepts it takes away the series with a value it refuses.

use std::ops::Range;

use model::matcher::{MatchType, Matcher};
use tsdb::{Error, index, index_header::IndexHeader};

/// One list of postings: its label, and where it is in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: Box<str>,
    pub(super) value: Box<str>,
    pub(super) range: Range<u64>,
}

/// The lists of one matcher, to be merged.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) keys: Vec<Key>,
}

/// What to fetch and how to combine it.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The result is in every one of these.
    pub(super) intersect: Vec<Group>,
    /// And in none of these.
    pub(super) without: Vec<Group>,
}

/// Matchers in an order of their own, so that equal sets make one key of the cache.
pub(super) fn sorted(mut matchers: Vec<Matcher>) -> Vec<Matcher> {
    matchers.sort_by(|a, b| (a.ty() as u8, a.name(), a.value()).cmp(&(b.ty() as u8, b.name(), b.value())));
    matchers.dedup();
    matchers
}

/// Plans the postings of matchers. `None`: no series can match.
pub(super) fn plan(header: &IndexHeader, matchers: &[Matcher]) -> Result<Option<Plan>, Error> {
    if matchers.is_empty() {
        return Ok(None);
    }
    let mut plan = Plan::default();
    // Equalities are looked up first: one that is not there ends it before any label's values are walked.
    let mut selecting: Vec<&Matcher> = matchers.iter().filter(|matcher| !matcher.matches_empty()).collect();
    selecting.sort_by_key(|matcher| matcher.ty() != MatchType::Eq);
    for matcher in selecting {
        let keys = accepted(header, matcher)?;
        if keys.is_empty() {
            return Ok(None);
        }
        plan.intersect.push(Group { keys });
    }
    if plan.intersect.is_empty() {
        let (name, value) = index::ALL_POSTINGS;
        let keys = lookup(header, name, &[value])?;
        if keys.is_empty() {
            return Ok(None);
        }
        plan.intersect.push(Group { keys });
    }
    for matcher in matchers.iter().filter(|matcher| matcher.matches_empty() && !matcher.accepts_all()) {
        let keys = refused(header, matcher)?;
        if !keys.is_empty() {
            plan.without.push(Group { keys });
        }
    }
    Ok(Some(plan))
}

/// The values that a selecting matcher accepts.
fn accepted(header: &IndexHeader, matcher: &Matcher) -> Result<Vec<Key>, Error> {
    match (matcher.ty(), matcher.set_matches()) {
        (MatchType::Eq, _) => lookup(header, matcher.name(), &[matcher.value()]),
        (MatchType::Re, Some(values)) if !values.is_empty() => lookup_set(header, matcher.name(), values),
        (MatchType::Re, _) => walk(header, matcher, matcher.prefix().unwrap_or_default(), true),
        (MatchType::Ne | MatchType::NotRe, _) => walk(header, matcher, "", true),
    }
}

/// The values that a matcher refuses, which accepts the empty one.
fn refused(header: &IndexHeader, matcher: &Matcher) -> Result<Vec<Key>, Error> {
    match (matcher.ty(), matcher.set_matches()) {
        (MatchType::Ne, _) => lookup(header, matcher.name(), &[matcher.value()]),
        (MatchType::NotRe, Some(values)) if !values.is_empty() => lookup_set(header, matcher.name(), values),
        (MatchType::NotRe, _) => walk(header, matcher, matcher.prefix().unwrap_or_default(), false),
        (MatchType::Eq | MatchType::Re, _) => walk(header, matcher, "", false),
    }
}

fn lookup_set(header: &IndexHeader, name: &str, values: &[String]) -> Result<Vec<Key>, Error> {
    let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
    values.sort_unstable();
    values.dedup();
    lookup(header, name, &values)
}

/// The lists of values, which ascend.
fn lookup(header: &IndexHeader, name: &str, values: &[&str]) -> Result<Vec<Key>, Error> {
    let ranges = header.postings_ranges(name, values)?;
    let found = values.iter().zip(ranges).filter_map(|(value, range)| Some(key(name, value, range?)));
    Ok(found.collect())
}

/// The lists of all values that the matcher accepts, or of those it does not.
fn walk(header: &IndexHeader, matcher: &Matcher, prefix: &str, accepted: bool) -> Result<Vec<Key>, Error> {
    let mut keys = Vec::new();
    // The values themselves need not be looked at where all are meant.
    let all = accepted && matcher.accepts_non_empty();
    header.for_each_value(matcher.name(), prefix, |value, range| {
        if all || matcher.matches(value) == accepted {
            keys.push(key(matcher.name(), value, range));
        }
    })?;
    Ok(keys)
}

fn key(name: &str, value: &str, range: Range<u64>) -> Key {
    Key { name: name.into(), value: value.into(), range }
}
