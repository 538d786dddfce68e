//! Operations on two values.

use std::sync::Arc;

use model::histogram::{CounterResetHint, FloatHistogram, HistogramError, Trim};

use crate::annotations::{Annotation, HistogramOperation};
use crate::ast::{BinaryOp as Op, PosRange};
use crate::column::{Cell, CellRef};
use crate::math;

/// An arithmetic operation, or a comparison as 0 or 1.
pub(crate) fn scalar_op(op: Op, a: f64, b: f64) -> f64 {
    match comparison(op, a, b) {
        Some(holds) => f64::from(u8::from(holds)),
        None => arithmetic(op, a, b),
    }
}

#[inline]
pub(super) fn arithmetic(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
        Op::Mod => a % b,
        Op::Pow => math::pow(a, b),
        Op::Atan2 => math::atan2(a, b),
        _ => f64::NAN,
    }
}

/// Whether a comparison holds; `None` if it is none.
#[inline]
pub(super) fn comparison(op: Op, a: f64, b: f64) -> Option<bool> {
    Some(match op {
        Op::Eql => a == b,
        Op::Neq => a != b,
        Op::Gtr => a > b,
        Op::Lss => a < b,
        Op::Gte => a >= b,
        Op::Lte => a <= b,
        _ => return None,
    })
}

/// Whether the result is another metric than the operands, so that the name goes.
pub(super) fn changes_metric(op: Op) -> bool {
    matches!(op, Op::Add | Op::Sub | Op::Div | Op::Mul | Op::Pow | Op::Mod | Op::Atan2)
}

/// What an operation on two values gave.
pub(super) struct Element {
    /// The value; of a comparison the left one.
    pub(super) value: Cell,
    /// Whether a comparison holds; true of other operations.
    pub(super) keep: bool,
    /// Something to note although there is a value.
    pub(super) note: Option<Annotation>,
}

/// Why an operation gave nothing.
pub(super) enum Refused {
    /// What is noted.
    Note(Annotation),
    /// A histogram error, which the caller words.
    Histogram(HistogramError),
}

impl Refused {
    pub(super) fn into_note(self, op: Op, pos: PosRange) -> Option<Annotation> {
        match self {
            Self::Note(note) => Some(note),
            Self::Histogram(HistogramError::IncompatibleSchemas) => {
                Some(Annotation::incompatible_bucket_layout(op.as_str(), pos))
            }
            Self::Histogram(_) => None,
        }
    }
}

fn kept(value: Cell) -> Result<Element, Refused> {
    Ok(Element { value, keep: true, note: None })
}

fn of_histogram(mut h: FloatHistogram) -> Result<Element, Refused> {
    h.compact(0);
    kept(Cell::Histogram(Arc::new(h)))
}

/// An operation between two elements of vectors.
pub(super) fn element_op(op: Op, a: CellRef<'_>, b: CellRef<'_>, pos: PosRange) -> Result<Element, Refused> {
    let refuse = |left, right| {
        Err(Refused::Note(Annotation::incompatible_types_in_binop(left, op.as_str(), right, pos)))
    };
    match (a, b) {
        (CellRef::Float(x), CellRef::Float(y)) => {
            if op.is_trim() {
                return refuse("float", "float");
            }
            match comparison(op, x, y) {
                Some(keep) => Ok(Element { value: Cell::Float(x), keep, note: None }),
                None => kept(Cell::Float(arithmetic(op, x, y))),
            }
        }
        (CellRef::Float(x), CellRef::Histogram(h)) => match op {
            Op::Mul => {
                let mut h = (**h).clone();
                h.mul(x);
                of_histogram(h)
            }
            _ => refuse("float", "histogram"),
        },
        (CellRef::Histogram(h), CellRef::Float(x)) => {
            let mut h = (**h).clone();
            match op {
                Op::Mul => {
                    h.mul(x);
                    of_histogram(h)
                }
                Op::Div => {
                    h.div(x);
                    of_histogram(h)
                }
                Op::TrimUpper | Op::TrimLower => {
                    h.trim(x, if op == Op::TrimUpper { Trim::Below } else { Trim::Above });
                    kept(Cell::Histogram(Arc::new(h)))
                }
                _ => refuse("histogram", "float"),
            }
        }
        (CellRef::Histogram(x), CellRef::Histogram(y)) => match op {
            Op::Eql | Op::Neq => {
                let keep = x.equals(y) == (op == Op::Eql);
                Ok(Element { value: Cell::Histogram(x.clone()), keep, note: None })
            }
            Op::Add | Op::Sub => {
                let mut h = (**x).clone();
                let (combined, operation) = match op {
                    Op::Add => (h.add(y), HistogramOperation::Add),
                    _ => (h.sub(y), HistogramOperation::Sub),
                };
                let seen = combined.map_err(Refused::Histogram)?;
                if op == Op::Sub {
                    h.counter_reset_hint = CounterResetHint::Gauge;
                }
                // A collision of hints is an error to Prometheus: noted, and there is no result.
                if seen.counter_reset_collision {
                    return Err(Refused::Note(Annotation::histogram_counter_reset_collision(pos, operation)));
                }
                let note =
                    seen.bounds_reconciled.then(|| Annotation::mismatched_custom_buckets(pos, operation));
                Ok(Element { note, ..of_histogram(h)? })
            }
            _ => refuse("histogram", "histogram"),
        },
    }
}
