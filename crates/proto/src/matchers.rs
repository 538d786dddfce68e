//! Label matchers between the wire and [`Matcher`].

use model::matcher::{MatchType, Matcher, MatcherError};

use crate::thanos::{LabelMatcher, label_matcher};

/// A matcher from the wire that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum InvalidMatcher {
    /// The type is none of the four.
    Type(i32),
    /// The regular expression is not valid.
    Expression(MatcherError),
}

impl std::fmt::Display for InvalidMatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            InvalidMatcher::Type(number) => write!(f, "unrecognized label matcher type \"{number}\""),
            InvalidMatcher::Expression(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidMatcher {}

/// Compiles matchers from the wire.
pub fn matchers_from_proto(matchers: &[LabelMatcher]) -> Result<Vec<Matcher>, InvalidMatcher> {
    matchers
        .iter()
        .map(|matcher| {
            let ty = match label_matcher::Type::try_from(matcher.r#type) {
                Ok(label_matcher::Type::Eq) => MatchType::Eq,
                Ok(label_matcher::Type::Neq) => MatchType::Ne,
                Ok(label_matcher::Type::Re) => MatchType::Re,
                Ok(label_matcher::Type::Nre) => MatchType::NotRe,
                Err(_) => return Err(InvalidMatcher::Type(matcher.r#type)),
            };
            Matcher::new(ty, &matcher.name, &matcher.value).map_err(InvalidMatcher::Expression)
        })
        .collect()
}

/// Wire form of matchers.
pub fn matchers_to_proto(matchers: &[Matcher]) -> Vec<LabelMatcher> {
    matchers
        .iter()
        .map(|matcher| {
            let ty = match matcher.ty() {
                MatchType::Eq => label_matcher::Type::Eq,
                MatchType::Ne => label_matcher::Type::Neq,
                MatchType::Re => label_matcher::Type::Re,
                MatchType::NotRe => label_matcher::Type::Nre,
            };
            LabelMatcher {
                r#type: ty.into(),
                name: matcher.name().to_owned(),
                value: matcher.value().to_owned(),
            }
        })
        .collect()
}
