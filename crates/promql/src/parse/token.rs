//! Tokens and how errors name them.

use crate::ast::{AggregateOp, BinaryOp, PosRange};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Eof,
    Identifier,
    MetricIdentifier,
    Number,
    Duration,
    String,
    Comment,
    Comma,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Colon,
    /// `=` of a matcher or a label.
    Assign,
    EqlRegex,
    NeqRegex,
    At,
    /// `!=` is also a matcher's operator, `+` and `-` are also signs.
    Binary(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
    Preprocessor(Preprocessor),
    // Only in series descriptions:
    OpenHistogram,
    CloseHistogram,
    Space,
    Times,
    Blank,
    HistogramKey(HistogramKey),
    ResetHint(ResetHint),
}

/// A word with a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Bool,
    By,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Ignoring,
    Offset,
    Smoothed,
    Anchored,
    On,
    Without,
}

/// A word that stands for something of the query: a function, an `@` modifier or part of a duration expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preprocessor {
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

/// A key of a histogram literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HistogramKey {
    Sum,
    Count,
    Schema,
    Offset,
    NegativeOffset,
    Buckets,
    NegativeBuckets,
    ZeroBucket,
    ZeroBucketWidth,
    CustomValues,
    CounterResetHint,
}

/// A value of `counter_reset_hint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResetHint {
    Unknown,
    Reset,
    NotReset,
    Gauge,
}

/// Finds the keyword a word is, in any case.
pub(crate) fn keyword(word: &str) -> Option<Kind> {
    // The longest keyword has 12 letters.
    if word.len() > 12 {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let kind = match word.as_str() {
        "and" => Kind::Binary(BinaryOp::And),
        "or" => Kind::Binary(BinaryOp::Or),
        "unless" => Kind::Binary(BinaryOp::Unless),
        "atan2" => Kind::Binary(BinaryOp::Atan2),
        "offset" => Kind::Keyword(Keyword::Offset),
        "smoothed" => Kind::Keyword(Keyword::Smoothed),
        "anchored" => Kind::Keyword(Keyword::Anchored),
        "by" => Kind::Keyword(Keyword::By),
        "without" => Kind::Keyword(Keyword::Without),
        "on" => Kind::Keyword(Keyword::On),
        "ignoring" => Kind::Keyword(Keyword::Ignoring),
        "group_left" => Kind::Keyword(Keyword::GroupLeft),
        "group_right" => Kind::Keyword(Keyword::GroupRight),
        "fill" => Kind::Keyword(Keyword::Fill),
        "fill_left" => Kind::Keyword(Keyword::FillLeft),
        "fill_right" => Kind::Keyword(Keyword::FillRight),
        "bool" => Kind::Keyword(Keyword::Bool),
        "start" => Kind::Preprocessor(Preprocessor::Start),
        "end" => Kind::Preprocessor(Preprocessor::End),
        "inf" | "nan" => Kind::Number,
        other => {
            return duration_keyword(other).or_else(|| {
                AggregateOp::ALL.into_iter().find(|op| op.as_str() == other).map(Kind::Aggregate)
            });
        }
    };
    Some(kind)
}

/// Finds the keyword of duration expressions a word in lower case is.
pub(crate) fn duration_keyword(word: &str) -> Option<Kind> {
    let word = match word {
        "step" => Preprocessor::Step,
        "range" => Preprocessor::Range,
        "max_of" => Preprocessor::MaxOf,
        "min_of" => Preprocessor::MinOf,
        _ => return None,
    };
    Some(Kind::Preprocessor(word))
}

/// Finds the key of a histogram literal, in any case.
pub(crate) fn histogram_key(word: &str) -> Option<HistogramKey> {
    Some(match word.to_ascii_lowercase().as_str() {
        "sum" => HistogramKey::Sum,
        "count" => HistogramKey::Count,
        "schema" => HistogramKey::Schema,
        "offset" => HistogramKey::Offset,
        "n_offset" => HistogramKey::NegativeOffset,
        "buckets" => HistogramKey::Buckets,
        "n_buckets" => HistogramKey::NegativeBuckets,
        "z_bucket" => HistogramKey::ZeroBucket,
        "z_bucket_w" => HistogramKey::ZeroBucketWidth,
        "custom_values" => HistogramKey::CustomValues,
        "counter_reset_hint" => HistogramKey::CounterResetHint,
        _ => return None,
    })
}

impl HistogramKey {
    /// Returns the key as it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Count => "count",
            Self::Schema => "schema",
            Self::Offset => "offset",
            Self::NegativeOffset => "n_offset",
            Self::Buckets => "buckets",
            Self::NegativeBuckets => "n_buckets",
            Self::ZeroBucket => "z_bucket",
            Self::ZeroBucketWidth => "z_bucket_w",
            Self::CustomValues => "custom_values",
            Self::CounterResetHint => "counter_reset_hint",
        }
    }
}

/// Finds the value of a `counter_reset_hint`, in any case.
pub(crate) fn reset_hint(word: &str) -> Option<ResetHint> {
    Some(match word.to_ascii_lowercase().as_str() {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => return None,
    })
}

/// A token of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// Offset of the first byte.
    pub(crate) start: usize,
    /// The token as written.
    pub(crate) text: &'a str,
}

impl Token<'_> {
    pub(crate) fn pos(&self) -> PosRange {
        PosRange::new(self.start, self.start + self.text.len())
    }

    /// Returns how errors call the token.
    pub(crate) fn describe(&self) -> String {
        let text = self.text;
        match self.kind {
            Kind::Eof => "end of input".to_owned(),
            Kind::Identifier => format!("identifier {}", quote(text)),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
            Kind::String => format!("string {}", quote_short(text)),
            Kind::Number => format!("number {}", quote_short(text)),
            Kind::Duration => format!("duration {}", quote_short(text)),
            Kind::Keyword(_) => format!("<{text}>"),
            Kind::Binary(_) | Kind::EqlRegex | Kind::NeqRegex | Kind::At => format!("<op:{text}>"),
            Kind::Aggregate(_) => format!("<aggr:{text}>"),
            // Keys and hints of histogram literals have no name in Prometheus either; the numbers it prints for them
            // come from its generated parser and tell nobody anything.
            _ => quote_short(text),
        }
    }
}

/// Quotes the whole text as Go's `%q`.
pub(crate) fn quote(text: &str) -> String {
    model::quote::quote(text)
}

/// Quotes at most ten characters of a text longer than ten bytes.
fn quote_short(text: &str) -> String {
    if text.len() > 10 {
        let cut = text.char_indices().nth(10).map_or(text.len(), |(at, _)| at);
        return format!("{}...", quote(&text[..cut]));
    }
    quote(text)
}

/// Quotes a character as Go's `%q`; `None` is the end of the text, which Go's lexer passes on as an invalid rune.
pub(crate) fn quote_char(c: Option<char>) -> String {
    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let mut buf = [0; 4];
            let quoted = quote(c.encode_utf8(&mut buf));
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}
