//! The syntax tree of a PromQL expression.
//!
//! The parser ([`crate::parse`]) makes it, the plan lowers it, and `Display` gives the canonical text back
//! (`parse ∘ print = identity`). Nodes own their children; every node knows where it stood in the query
//! ([`PosRange`], byte offsets), which errors and annotations report. Times in the tree are what was written:
//! offsets of enclosing subqueries, the meaning of `start()` and of duration expressions are resolved by the plan.

mod duration;
mod function;
mod op;
mod selector;
mod walk;

use crate::value_type::ValueType;

pub use duration::{DurationExpr, DurationOp, DurationOperand, Nanos};
pub use function::{Function, FunctionId, functions};
pub use op::{AggregateOp, BinaryOp, Cardinality, FillValues, UnaryOp, VectorMatching};
pub use selector::{AtModifier, MatrixSelector, RangeModifier, SubqueryExpr, VectorSelector};

/// A half-open range `[start, end)` of byte offsets in the query text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PosRange {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl PosRange {
    /// Makes a range of two offsets.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `1.5`, `0x1f`, `5m`.
    Number(NumberLiteral),
    /// `"text"`.
    String(StringLiteral),
    /// `up{job="a"} @ 10 offset 5m`.
    VectorSelector(VectorSelector),
    /// `up{job="a"}[5m]`.
    MatrixSelector(MatrixSelector),
    /// `<expr>[1h:5m]`.
    Subquery(SubqueryExpr),
    /// `sum by (job) (<expr>)`.
    Aggregate(AggregateExpr),
    /// `<expr> + on (job) <expr>`.
    Binary(BinaryExpr),
    /// `rate(<expr>)`.
    Call(Call),
    /// `(<expr>)`.
    Paren(ParenExpr),
    /// `-<expr>`.
    Unary(UnaryExpr),
    /// An instant vector that others compute; no text parses to it, [`distribute`](crate::distribute) puts it in.
    Remote(RemoteLeaf),
}

/// Stands for an expression whose value comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteLeaf {
    /// Which one it is.
    pub id: usize,
    /// What is computed elsewhere, as text.
    pub text: String,
    /// The first and the last step at which it is needed, ms.
    pub range: (i64, i64),
    /// Where the expression stood.
    pub pos: PosRange,
}

/// A number, or a duration where a number may stand.
#[derive(Clone, Debug)]
pub struct NumberLiteral {
    /// The value; of a duration, in seconds.
    pub value: f64,
    /// Whether it was written as a duration and prints as one.
    pub duration: bool,
    /// Where it stands.
    pub pos: PosRange,
}

/// Compares bits, so that equal trees have equal NaNs and zeros.
impl PartialEq for NumberLiteral {
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits()
            && self.duration == other.duration
            && self.pos == other.pos
    }
}

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringLiteral {
    /// The text without quotes, escapes resolved. Bytes that are no UTF-8 (`"\xff"`) are replaced by U+FFFD.
    pub value: String,
    /// All bytes, where they are no UTF-8. No label and no JSON text can hold them, so that they are good for errors only.
    pub broken: Option<Box<[u8]>>,
    /// Where it stands, quotes included.
    pub pos: PosRange,
}

/// An aggregation over the series of a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateExpr {
    /// The operation.
    pub op: AggregateOp,
    /// The vector that is aggregated.
    pub expr: Box<Expr>,
    /// The parameter; present exactly where [`AggregateOp::takes_param`].
    pub param: Option<Box<Expr>>,
    /// The labels of `by` or `without`, as written (order and repeats are kept).
    pub grouping: Vec<String>,
    /// Whether `grouping` are the labels to drop instead of those to keep.
    pub without: bool,
    /// Where it stands.
    pub pos: PosRange,
}

/// An operation of two expressions.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryExpr {
    /// The operation.
    pub op: BinaryOp,
    /// The left operand.
    pub lhs: Box<Expr>,
    /// The right operand.
    pub rhs: Box<Expr>,
    /// How series are matched; present exactly where both operands are instant vectors.
    pub matching: Option<VectorMatching>,
    /// Whether a comparison gives 0/1 instead of filtering.
    pub return_bool: bool,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub func: &'static Function,
    /// The arguments; their number and types fit the function.
    pub args: Vec<Expr>,
    /// Where it stands, name and parentheses included.
    pub pos: PosRange,
}

/// An expression in parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct ParenExpr {
    /// What is inside.
    pub expr: Box<Expr>,
    /// Where it stands, parentheses included.
    pub pos: PosRange,
}

/// A sign before an expression. A sign before a number literal is folded into the number.
#[derive(Clone, Debug, PartialEq)]
pub struct UnaryExpr {
    /// The sign.
    pub op: UnaryOp,
    /// The operand.
    pub expr: Box<Expr>,
    /// Offset of the sign.
    pub start: usize,
}

impl Expr {
    /// Returns the type of the expression's value.
    pub fn value_type(&self) -> ValueType {
        // Parentheses and signs are looked through in a loop: they may be many.
        let mut expr = self;
        loop {
            return match expr {
                Expr::Number(_) => ValueType::Scalar,
                Expr::String(_) => ValueType::String,
                Expr::VectorSelector(_) | Expr::Aggregate(_) | Expr::Remote(_) => ValueType::Vector,
                Expr::MatrixSelector(_) | Expr::Subquery(_) => ValueType::Matrix,
                Expr::Binary(b) => {
                    if b.lhs.value_type() == ValueType::Scalar && b.rhs.value_type() == ValueType::Scalar {
                        ValueType::Scalar
                    } else {
                        ValueType::Vector
                    }
                }
                Expr::Call(c) => c.func.return_type,
                Expr::Paren(p) => {
                    expr = &p.expr;
                    continue;
                }
                Expr::Unary(u) => {
                    expr = &u.expr;
                    continue;
                }
            };
        }
    }

    /// Returns where the expression stands.
    pub fn pos(&self) -> PosRange {
        PosRange::new(self.start(), self.end())
    }

    fn start(&self) -> usize {
        let mut expr = self;
        loop {
            return match expr {
                Expr::Number(n) => n.pos.start,
                Expr::String(s) => s.pos.start,
                Expr::VectorSelector(v) => v.pos.start,
                Expr::MatrixSelector(m) => m.selector.pos.start,
                Expr::Subquery(s) => {
                    expr = &s.expr;
                    continue;
                }
                Expr::Aggregate(a) => a.pos.start,
                Expr::Binary(b) => {
                    expr = &b.lhs;
                    continue;
                }
                Expr::Call(c) => c.pos.start,
                Expr::Paren(p) => p.pos.start,
                Expr::Unary(u) => u.start,
                Expr::Remote(r) => r.pos.start,
            };
        }
    }

    fn end(&self) -> usize {
        let mut expr = self;
        loop {
            return match expr {
                Expr::Number(n) => n.pos.end,
                Expr::String(s) => s.pos.end,
                Expr::VectorSelector(v) => v.pos.end,
                Expr::MatrixSelector(m) => m.end,
                Expr::Subquery(s) => s.end,
                Expr::Aggregate(a) => a.pos.end,
                Expr::Binary(b) => {
                    expr = &b.rhs;
                    continue;
                }
                Expr::Call(c) => c.pos.end,
                Expr::Paren(p) => p.pos.end,
                Expr::Unary(u) => {
                    expr = &u.expr;
                    continue;
                }
                Expr::Remote(r) => r.pos.end,
            };
        }
    }

    /// Returns the expression without the parentheses around it.
    pub fn unwrap_parens(&self) -> &Expr {
        let mut expr = self;
        while let Expr::Paren(p) = expr {
            expr = &p.expr;
        }
        expr
    }
}
