//! Selectors and subqueries.

use model::matcher::Matcher;

use super::{DurationExpr, Expr, Nanos, PosRange};

/// The `@` modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtModifier {
    /// A time in milliseconds since the epoch.
    Timestamp(i64),
    /// `start()`: the first step of the query.
    Start,
    /// `end()`: the last step of the query.
    End,
}

/// How the samples at the edges of a range are taken; experimental.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RangeModifier {
    /// Only samples within the range.
    #[default]
    None,
    /// `anchored`: the last sample before the range counts in.
    Anchored,
    /// `smoothed`: values at the edges are interpolated.
    Smoothed,
}

/// A selection of series by matchers.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorSelector {
    /// The metric name before the braces; empty if there is none (it may still stand within the braces).
    pub name: String,
    /// The matchers; the one of `name` is the last.
    pub matchers: Vec<Matcher>,
    /// The offset as written, zero if none or if it is an expression.
    pub offset: Nanos,
    /// The offset, where it is an expression.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<AtModifier>,
    /// `anchored` or `smoothed`.
    pub modifier: RangeModifier,
    /// Whether matchers that all match the empty string are fine: the second argument of `info`.
    pub allow_empty_matchers: bool,
    /// Where it stands, modifiers included (of a vector selector inside a range selector: without those behind the range).
    pub pos: PosRange,
}

/// A selection of series over a range. Offset, `@` and `anchored`/`smoothed` stand in the inner selector.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    /// The series.
    pub selector: VectorSelector,
    /// The range as written, zero if it is an expression.
    pub range: Nanos,
    /// The range, where it is an expression.
    pub range_expr: Option<Box<DurationExpr>>,
    /// End of the selector with its modifiers.
    pub end: usize,
}

/// An expression evaluated at steps over a range.
#[derive(Clone, Debug, PartialEq)]
pub struct SubqueryExpr {
    /// The expression.
    pub expr: Box<Expr>,
    /// The range as written, zero if it is an expression.
    pub range: Nanos,
    /// The range, where it is an expression.
    pub range_expr: Option<Box<DurationExpr>>,
    /// The step as written, zero if none is (the default step then holds) or if it is an expression.
    pub step: Nanos,
    /// The step, where it is an expression.
    pub step_expr: Option<Box<DurationExpr>>,
    /// The offset as written, zero if none or if it is an expression.
    pub offset: Nanos,
    /// The offset, where it is an expression.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<AtModifier>,
    /// End of the subquery with its modifiers.
    pub end: usize,
}
