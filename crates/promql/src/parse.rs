//! The parser: text to [`Expr`], with the errors of Prometheus 3.14 — text and position.
//!
//! A lexer by hand ([`lex`]) and a Pratt parser over its tokens ([`expr`]), with durations, selectors and the values of
//! test files in files of their own; [`check`] then looks at types. Prometheus's parser is generated from a grammar
//! and goes on behind an error, but only the first error is ever shown: this one ends there. What decides which error
//! comes first is when a token is looked at, so tokens are read one at a time and never sooner than needed.
//!
//! Expressions nested deeper than [`MAX_NESTING`] or higher than [`MAX_DEPTH`] are refused, so that no text can overflow a stack, here or later.

mod check;
mod duration;
mod error;
mod expr;
mod lex;
pub(crate) mod literal;
mod selector;
mod series;
mod stream;
mod token;

use model::matcher::Matcher;

use crate::ast::Expr;

pub use error::{LineColumn, ParseError};
pub use series::{MAX_SEQUENCE_LENGTH, SequenceValue, SeriesDescription};
use stream::Parser;

/// How high a tree may be: parentheses, arguments, operators, all count, so that `a + b + …` may have that many operands.
/// Walking down a tree of that height takes well under a MiB of stack. Prometheus has no such limit.
pub const MAX_DEPTH: u32 = 512;

/// How many expressions may be open at once: parentheses, arguments, signs, right operands.
pub const MAX_NESTING: u32 = 256;

/// Which parts of the language are switched on. The default is all of Prometheus that is not experimental.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// Functions and aggregations marked experimental (`promql-experimental-functions`).
    pub enable_experimental_functions: bool,
    /// Arithmetic on durations (`promql-duration-expr`).
    pub enable_duration_expressions: bool,
    /// `anchored` and `smoothed` (`promql-extended-range-selectors`).
    pub enable_extended_range_selectors: bool,
    /// `fill`, `fill_left` and `fill_right` (`promql-binop-fill-modifiers`).
    pub enable_binop_fill_modifiers: bool,
    /// `xrate`, `xincrease` and `xdelta`, which are Thanos's own (`--query.enable-x-functions`).
    pub enable_extended_functions: bool,
}

impl ParseOptions {
    /// Switches everything on.
    pub fn all() -> Self {
        Self {
            enable_experimental_functions: true,
            enable_duration_expressions: true,
            enable_extended_range_selectors: true,
            enable_binop_fill_modifiers: true,
            enable_extended_functions: true,
        }
    }
}

/// Parses and type-checks an expression.
pub fn parse_expr(input: &str, options: &ParseOptions) -> Result<Expr, ParseError> {
    Parser::new(input, *options).parse_expression()
}

/// Parses a series selector without range and modifiers (`up{job="a"}`). A selector that matches everything is fine here.
pub fn parse_metric_selector(input: &str) -> Result<Vec<Matcher>, ParseError> {
    Parser::new(input, ParseOptions::default()).parse_metric_selector()
}

/// Parses a metric (`up{job="a"}`) into its labels.
pub fn parse_metric(input: &str) -> Result<model::labels::Labels, ParseError> {
    Parser::new(input, ParseOptions::default()).parse_metric()
}

/// Parses a line of a test file: a metric and its values (`up{job="a"} 1+1x5 _ stale {{count:1}}`).
pub fn parse_series_description(input: &str) -> Result<SeriesDescription, ParseError> {
    Parser::for_series_description(input).parse_series_description()
}
