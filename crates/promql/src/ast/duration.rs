//! Durations and duration expressions (`[5m + step()]`), of the switch `promql-duration-expr`.

use super::{NumberLiteral, PosRange};

/// A duration in nanoseconds, the precision Prometheus keeps of what was written; the engine works with [`Nanos::ms`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub i64);

impl Nanos {
    /// No time.
    pub const ZERO: Nanos = Nanos(0);

    /// Makes a duration of milliseconds; saturates.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// Returns whole milliseconds, rounded to zero.
    pub fn ms(self) -> i64 {
        self.0 / 1_000_000
    }

    /// Returns seconds.
    pub fn seconds(self) -> f64 {
        // Split as Go does, so that whole seconds do not lose bits.
        (self.0 / 1_000_000_000) as f64 + (self.0 % 1_000_000_000) as f64 / 1e9
    }

    /// Whether it is no time.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// An operator of duration expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DurationOp {
    /// `a + b`; with a right operand only, a plain (wrapped) value.
    Add,
    /// `a - b`; with a right operand only, its negation.
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a % b`
    Mod,
    /// `a ^ b`
    Pow,
    /// `step()`, without operands.
    Step,
    /// `range()`, without operands.
    Range,
    /// `min_of(a, b)`
    MinOf,
    /// `max_of(a, b)`
    MaxOf,
}

impl DurationOp {
    /// Returns the operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Step => "step",
            Self::Range => "range",
            Self::MinOf => "min_of",
            Self::MaxOf => "max_of",
        }
    }
}

/// An operation on durations; its value in seconds is known when the query's step and range are.
#[derive(Clone, Debug, PartialEq)]
pub struct DurationExpr {
    /// The operation.
    pub op: DurationOp,
    /// The left operand; absent in signs, `step()` and `range()`.
    pub lhs: Option<Box<DurationOperand>>,
    /// The right operand; absent in `step()` and `range()`.
    pub rhs: Option<Box<DurationOperand>>,
    /// Whether it stands in parentheses.
    pub wrapped: bool,
    /// Start of a sign or of a function.
    pub start: usize,
    /// End of a function.
    pub end: usize,
}

/// An operand of a duration expression.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationOperand {
    /// A number of seconds or a duration.
    Number(NumberLiteral),
    /// An operation.
    Expr(DurationExpr),
}

impl DurationOperand {
    /// Returns where the operand stands.
    pub fn pos(&self) -> PosRange {
        match self {
            Self::Number(n) => n.pos,
            Self::Expr(e) => e.pos(),
        }
    }
}

impl DurationExpr {
    /// Returns where the expression stands. Parentheses around it are not counted in, as in Prometheus.
    pub fn pos(&self) -> PosRange {
        match (&self.lhs, &self.rhs) {
            (None, None) => PosRange::new(self.start, self.end),
            (Some(lhs), None) => PosRange::new(self.start, lhs.pos().end),
            (None, Some(rhs)) => PosRange::new(self.start, rhs.pos().end),
            (Some(lhs), Some(rhs)) => PosRange::new(lhs.pos().start, rhs.pos().end),
        }
    }
}
