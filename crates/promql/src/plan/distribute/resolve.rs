//! Makes an expression independent of the query around it: what refers to its start, end, range and step becomes plain times.

use crate::ast::{AtModifier, Expr, Nanos, NumberLiteral, ParenExpr, VectorSelector};
use crate::error::EvalError;
use crate::plan::build::time_of_query;
use crate::plan::{BuildOptions, duration};

/// Resolves an expression in place.
pub(super) fn resolve(expr: &mut Expr, options: &BuildOptions<'_>) -> Result<(), EvalError> {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Remote(_) => {}
        Expr::VectorSelector(v) => selector(v, options)?,
        Expr::MatrixSelector(m) => {
            m.range = duration::range_of(m, options)?;
            m.range_expr = None;
            selector(&mut m.selector, options)?;
        }
        Expr::Subquery(s) => {
            let times = duration::subquery_times(s, options)?;
            s.range = times.range;
            s.step = match times.step.ms() {
                // Engines may have another default.
                0 => Nanos::from_ms((options.default_subquery_step)(times.range.ms())),
                _ => times.step,
            };
            s.offset = Nanos::from_ms(times.offset);
            (s.range_expr, s.step_expr, s.offset_expr) = (None, None, None);
            s.at = at(s.at, options);
            resolve(&mut s.expr, options)?;
        }
        Expr::Aggregate(a) => {
            resolve(&mut a.expr, options)?;
            if let Some(param) = &mut a.param {
                resolve(param, options)?;
            }
        }
        Expr::Binary(b) => {
            resolve(&mut b.lhs, options)?;
            resolve(&mut b.rhs, options)?;
        }
        Expr::Call(c) => {
            if let Some(value) = time_of_query(c.func.id, options) {
                // In parentheses, for a sign binds otherwise before `^`.
                let number = Expr::Number(NumberLiteral { value, duration: false, pos: c.pos });
                *expr = Expr::Paren(ParenExpr { expr: Box::new(number), pos: c.pos });
                return Ok(());
            }
            for arg in &mut c.args {
                resolve(arg, options)?;
            }
        }
        Expr::Paren(p) => resolve(&mut p.expr, options)?,
        Expr::Unary(u) => resolve(&mut u.expr, options)?,
    }
    Ok(())
}

fn selector(v: &mut VectorSelector, options: &BuildOptions<'_>) -> Result<(), EvalError> {
    if v.offset_expr.is_some() {
        v.offset = Nanos::from_ms(duration::offset_of(v.offset, v.offset_expr.as_deref(), options)?);
        v.offset_expr = None;
    }
    v.at = at(v.at, options);
    Ok(())
}

fn at(at: Option<AtModifier>, options: &BuildOptions<'_>) -> Option<AtModifier> {
    Some(match at? {
        AtModifier::Timestamp(t) => AtModifier::Timestamp(t),
        AtModifier::Start => AtModifier::Timestamp(options.start),
        AtModifier::End => AtModifier::Timestamp(options.end),
    })
}

/// Whether any selector or subquery has a fixed time.
pub(super) fn has_fixed_time(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= match e {
            Expr::VectorSelector(v) => v.at.is_some(),
            Expr::MatrixSelector(m) => m.selector.at.is_some(),
            Expr::Subquery(s) => s.at.is_some(),
            _ => false,
        };
    });
    found
}
