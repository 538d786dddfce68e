//! The values of duration expressions, once step and range of the query are known.

use super::BuildOptions;
use crate::ast::{DurationExpr, DurationOp, DurationOperand, MatrixSelector, Nanos, PosRange, SubqueryExpr};
use crate::error::EvalError;

/// The range of a range selector.
pub(super) fn range_of(m: &MatrixSelector, options: &BuildOptions<'_>) -> Result<Nanos, EvalError> {
    resolve(m.range, m.range_expr.as_deref(), false, options)
}

/// An offset in ms.
pub(super) fn offset_of(
    written: Nanos,
    expr: Option<&DurationExpr>,
    options: &BuildOptions<'_>,
) -> Result<i64, EvalError> {
    Ok(resolve(written, expr, true, options)?.ms())
}

/// The times of a subquery, evaluated in Prometheus's order, which decides about the error shown.
pub(super) struct SubqueryTimes {
    pub(super) offset: i64,
    pub(super) step: Nanos,
    pub(super) range: Nanos,
}

pub(super) fn subquery_times(
    s: &SubqueryExpr,
    options: &BuildOptions<'_>,
) -> Result<SubqueryTimes, EvalError> {
    let offset = offset_of(s.offset, s.offset_expr.as_deref(), options)?;
    let step = resolve(s.step, s.step_expr.as_deref(), false, options)?;
    let range = resolve(s.range, s.range_expr.as_deref(), false, options)?;
    Ok(SubqueryTimes { offset, step, range })
}

fn resolve(
    written: Nanos,
    expr: Option<&DurationExpr>,
    negative: bool,
    options: &BuildOptions<'_>,
) -> Result<Nanos, EvalError> {
    let Some(expr) = expr else {
        return Ok(written);
    };
    let seconds = eval(expr, options)?;
    let pos = expr.pos();
    if !seconds.is_finite() {
        return Err(error(pos, "duration is NaN or infinite"));
    }
    if seconds <= 0.0 && !negative {
        return Err(error(pos, "duration must be greater than 0"));
    }
    // What fits into nanoseconds.
    const MOST: f64 = 9_223_372_036.854_776;
    if !(-MOST..=MOST).contains(&seconds) {
        return Err(error(pos, "duration is out of range"));
    }
    Ok(Nanos::from_ms((seconds * 1000.0) as i64))
}

fn error(pos: PosRange, text: &str) -> EvalError {
    EvalError::Invalid(format!("{}:{}: {text}", pos.start, pos.end))
}

fn operand(operand: Option<&DurationOperand>, options: &BuildOptions<'_>) -> Result<f64, EvalError> {
    match operand {
        None => Ok(0.0),
        Some(DurationOperand::Number(n)) => Ok(n.value),
        Some(DurationOperand::Expr(e)) => eval(e, options),
    }
}

fn eval(e: &DurationExpr, options: &BuildOptions<'_>) -> Result<f64, EvalError> {
    let lhs = operand(e.lhs.as_deref(), options)?;
    let rhs = operand(e.rhs.as_deref(), options)?;
    Ok(match e.op {
        DurationOp::Step => Nanos::from_ms(options.step).seconds(),
        DurationOp::Range => Nanos::from_ms(options.end.saturating_sub(options.start)).seconds(),
        DurationOp::MinOf => crate::math::min(lhs, rhs),
        DurationOp::MaxOf => crate::math::max(lhs, rhs),
        // Without a left operand these are signs, and the absent operand counts as zero; negating keeps the sign of zero.
        DurationOp::Add if e.lhs.is_none() => rhs,
        DurationOp::Sub if e.lhs.is_none() => -rhs,
        DurationOp::Add => lhs + rhs,
        DurationOp::Sub => lhs - rhs,
        DurationOp::Mul => lhs * rhs,
        DurationOp::Div if rhs == 0.0 => return Err(error(e.pos(), "division by zero")),
        DurationOp::Div => lhs / rhs,
        DurationOp::Mod if rhs == 0.0 => return Err(error(e.pos(), "modulo by zero")),
        DurationOp::Mod => lhs % rhs,
        DurationOp::Pow => crate::math::pow(lhs, rhs),
    })
}
