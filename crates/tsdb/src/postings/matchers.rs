//! From matchers to postings, as Prometheus selects (`tsdb/querier.go`, PostingsForMatchers).
//!
//! A label that is missing has the empty value. So a matcher that accepts the empty value selects all series but those
//! with a value that it refuses, and is subtracted; one that refuses it selects the series with a value that it accepts,
//! and is intersected.

use model::matcher::{MatchType, Matcher};

use super::sets;

/// An index to select from: of a block, of a head.
pub trait PostingsSource {
    /// A series reference.
    type Ref: Copy + Ord;
    /// What reading may fail with.
    type Error;

    /// All series.
    fn all_postings(&self) -> Result<Vec<Self::Ref>, Self::Error>;

    /// The series whose label `name` has one of the values, which may come in any order.
    fn postings_for_values(&self, name: &str, values: &[&str]) -> Result<Vec<Self::Ref>, Self::Error>;

    /// The series whose label `name` has a value that starts with `prefix` and that `accept` accepts. Values with
    /// another prefix are not shown to it.
    fn postings_for_matching(
        &self,
        name: &str,
        prefix: &str,
        accept: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Vec<Self::Ref>, Self::Error>;

    /// All values of a label, ascending.
    fn label_values(&self, name: &str) -> Result<Vec<String>, Self::Error>;
}

/// The series that all matchers accept, ascending. Without matchers there are none.
pub fn postings_for_matchers<S: PostingsSource + ?Sized>(
    source: &S,
    matchers: &[Matcher],
) -> Result<Vec<S::Ref>, S::Error> {
    if matchers.is_empty() {
        return Ok(Vec::new());
    }
    let mut selected: Option<Vec<S::Ref>> = None;
    // Cheap ones first: an empty intersection ends it.
    let mut intersecting: Vec<_> = matchers.iter().filter(|m| !m.matches_empty()).collect();
    intersecting.sort_by_key(|m| m.ty() != MatchType::Eq);
    for matcher in intersecting {
        let postings = accepted(source, matcher)?;
        let postings = match selected {
            Some(before) => sets::intersect(&before, &postings),
            None => postings,
        };
        if postings.is_empty() {
            return Ok(postings);
        }
        selected = Some(postings);
    }
    let mut out = match selected {
        Some(postings) => postings,
        None => source.all_postings()?,
    };
    for matcher in matchers.iter().filter(|m| m.matches_empty() && !m.accepts_all()) {
        if out.is_empty() {
            break;
        }
        out = sets::without(&out, &refused(source, matcher)?);
    }
    Ok(out)
}

/// The series with a value that the matcher accepts.
fn accepted<S: PostingsSource + ?Sized>(source: &S, matcher: &Matcher) -> Result<Vec<S::Ref>, S::Error> {
    let name = matcher.name();
    match (matcher.ty(), matcher.set_matches()) {
        (MatchType::Eq, _) => source.postings_for_values(name, &[matcher.value()]),
        (MatchType::Re, Some(values)) if !values.is_empty() => {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            source.postings_for_values(name, &values)
        }
        (MatchType::Re, _) => {
            source.postings_for_matching(name, matcher.prefix().unwrap_or_default(), &mut |v| {
                matcher.matches(v)
            })
        }
        (MatchType::Ne | MatchType::NotRe, _) => {
            source.postings_for_matching(name, "", &mut |v| matcher.matches(v))
        }
    }
}

/// The series with a value that the matcher refuses.
fn refused<S: PostingsSource + ?Sized>(source: &S, matcher: &Matcher) -> Result<Vec<S::Ref>, S::Error> {
    let name = matcher.name();
    match (matcher.ty(), matcher.set_matches()) {
        (MatchType::Ne, _) => source.postings_for_values(name, &[matcher.value()]),
        (MatchType::NotRe, Some(values)) if !values.is_empty() => {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            source.postings_for_values(name, &values)
        }
        (MatchType::NotRe, _) => {
            source.postings_for_matching(name, matcher.prefix().unwrap_or_default(), &mut |v| {
                !matcher.matches(v)
            })
        }
        (MatchType::Eq | MatchType::Re, _) => {
            source.postings_for_matching(name, "", &mut |v| !matcher.matches(v))
        }
    }
}

/// The values of a label among the series that all matchers accept, ascending. Without matchers: all values.
pub fn label_values_for_matchers<S: PostingsSource + ?Sized>(
    source: &S,
    name: &str,
    matchers: &[Matcher],
) -> Result<Vec<String>, S::Error> {
    let mut values = source.label_values(name)?;
    values.retain(|v| matchers.iter().filter(|m| m.name() == name).all(|m| m.matches(v)));
    if values.is_empty() || matchers.iter().all(|m| m.name() == name) {
        return Ok(values);
    }
    let postings = postings_for_matchers(source, matchers)?;
    let mut out = Vec::new();
    for value in values {
        if sets::intersects(&postings, &source.postings_for_values(name, &[&value])?) {
            out.push(value);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::*;

    /// Series with their labels, in memory.
    struct Table(Vec<BTreeMap<&'static str, &'static str>>);

    impl PostingsSource for Table {
        type Ref = usize;
        type Error = Infallible;

        fn all_postings(&self) -> Result<Vec<usize>, Infallible> {
            Ok((0..self.0.len()).collect())
        }

        fn postings_for_values(&self, name: &str, values: &[&str]) -> Result<Vec<usize>, Infallible> {
            self.postings_for_matching(name, "", &mut |v| values.contains(&v))
        }

        fn postings_for_matching(
            &self,
            name: &str,
            prefix: &str,
            accept: &mut dyn FnMut(&str) -> bool,
        ) -> Result<Vec<usize>, Infallible> {
            let matches = |s: &BTreeMap<&str, &str>, accept: &mut dyn FnMut(&str) -> bool| {
                s.get(name).is_some_and(|v| v.starts_with(prefix) && accept(v))
            };
            Ok((0..self.0.len()).filter(|i| matches(&self.0[*i], accept)).collect())
        }

        fn label_values(&self, name: &str) -> Result<Vec<String>, Infallible> {
            let mut values: Vec<_> =
                self.0.iter().filter_map(|s| s.get(name)).map(|v| (*v).to_owned()).collect();
            values.sort();
            values.dedup();
            Ok(values)
        }
    }

    /// The cases of Prometheus's own test of this function: n and i labels, two series lack i.
    fn table() -> Table {
        let series: [&[(&str, &str)]; 6] = [
            &[("n", "1")],
            &[("n", "1"), ("i", "a")],
            &[("n", "1"), ("i", "b")],
            &[("n", "1"), ("i", "\n")],
            &[("n", "2")],
            &[("n", "2.5")],
        ];
        Table(series.iter().map(|s| s.iter().copied().collect()).collect())
    }

    fn m(ty: MatchType, name: &str, value: &str) -> Matcher {
        Matcher::new(ty, name, value).unwrap()
    }

    #[test]
    fn every_combination_of_two_matchers_selects_what_matches() {
        let table = table();
        let mut all = Vec::new();
        for ty in [MatchType::Eq, MatchType::Ne, MatchType::Re, MatchType::NotRe] {
            for name in ["n", "i", "missing"] {
                for value in ["1", "a", "", ".*", ".+", "a|b", "1|2", "a?", "^$", "2.*", "x|", "[ab]"] {
                    all.push(m(ty, name, value));
                }
            }
        }
        for a in &all {
            for b in &all {
                let want: Vec<_> = (0..table.0.len())
                    .filter(|i| {
                        [a, b]
                            .iter()
                            .all(|m| m.matches(table.0[*i].get(m.name()).copied().unwrap_or_default()))
                    })
                    .collect();
                let got = postings_for_matchers(&table, &[a.clone(), b.clone()]).unwrap();
                assert_eq!(got, want, "{a} {b}");
            }
        }
        assert_eq!(postings_for_matchers(&table, &[]).unwrap(), [0usize; 0]);
    }

    #[test]
    fn values_are_those_of_selected_series() {
        let table = table();
        assert_eq!(label_values_for_matchers(&table, "n", &[]).unwrap(), ["1", "2", "2.5"]);
        assert_eq!(
            label_values_for_matchers(&table, "n", &[m(MatchType::Re, "n", "2.*")]).unwrap(),
            ["2", "2.5"]
        );
        assert_eq!(label_values_for_matchers(&table, "n", &[m(MatchType::Ne, "i", "")]).unwrap(), ["1"]);
        assert_eq!(label_values_for_matchers(&table, "i", &[m(MatchType::Eq, "n", "2")]).unwrap(), [""; 0]);
    }
}
