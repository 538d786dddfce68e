//! The text of an expression: `Display` gives it on one line, [`prettify`] with line breaks, both as Prometheus does.

mod pretty;

use std::fmt::{self, Display, Formatter};

use model::duration::format_prometheus;
use model::labels::{METRIC_NAME, is_legacy_label_name};
use model::matcher::MatchType;
use model::quote::quote;
use model::value::{format_float_g, format_float_plain};

use crate::ast::{
    AggregateExpr, AtModifier, BinaryExpr, Call, Cardinality, DurationExpr, DurationOp, DurationOperand,
    Expr, MatrixSelector, Nanos, NumberLiteral, RangeModifier, SubqueryExpr, VectorMatching, VectorSelector,
};

use crate::parse::literal::quote_bytes;

pub use pretty::prettify;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(n) => n.fmt(f),
            Expr::String(s) => f.write_str(&match &s.broken {
                None => quote(&s.value),
                Some(bytes) => quote_bytes(bytes),
            }),
            Expr::VectorSelector(v) => v.fmt(f),
            Expr::MatrixSelector(m) => m.fmt(f),
            Expr::Subquery(s) => {
                s.expr.fmt(f)?;
                subquery_suffix(s, f)
            }
            Expr::Aggregate(a) => {
                aggregate_head(a, f)?;
                f.write_str("(")?;
                if let Some(param) = &a.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", a.expr)
            }
            Expr::Binary(b) => {
                write!(f, "{} ", b.lhs)?;
                binary_operator(b, f)?;
                write!(f, " {}", b.rhs)
            }
            Expr::Call(c) => call(c, f),
            Expr::Paren(p) => write!(f, "({})", p.expr),
            Expr::Unary(u) => write!(f, "{}{}", u.op, u.expr),
            Expr::Remote(r) => write!(f, "remote({})", r.text),
        }
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.duration {
            return f.write_str(&format_float_plain(self.value));
        }
        let sign = if self.value < 0.0 { "-" } else { "" };
        write!(f, "{sign}{}", format_prometheus((self.value.abs() * 1e9) as i64 / 1_000_000))
    }
}

fn call(call: &Call, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(call.func.name)?;
    f.write_str("(")?;
    for (i, arg) in call.args.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        arg.fmt(f)?;
    }
    f.write_str(")")
}

fn labels(labels: &[String], f: &mut Formatter<'_>) -> fmt::Result {
    for (i, label) in labels.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        if is_legacy_label_name(label) { f.write_str(label)? } else { f.write_str(&quote(label))? }
    }
    Ok(())
}

/// The operation of an aggregation with its grouping: what stands before the parenthesis.
fn aggregate_head(aggregate: &AggregateExpr, f: &mut Formatter<'_>) -> fmt::Result {
    aggregate.op.fmt(f)?;
    if !aggregate.without && aggregate.grouping.is_empty() {
        return Ok(());
    }
    f.write_str(if aggregate.without { " without (" } else { " by (" })?;
    labels(&aggregate.grouping, f)?;
    f.write_str(") ")
}

/// The operator of a binary expression with all its modifiers.
fn binary_operator(binary: &BinaryExpr, f: &mut Formatter<'_>) -> fmt::Result {
    binary.op.fmt(f)?;
    if binary.return_bool {
        f.write_str(" bool")?;
    }
    binary.matching.as_ref().map_or(Ok(()), |m| matching(m, f))
}

fn matching(matching: &VectorMatching, f: &mut Formatter<'_>) -> fmt::Result {
    let group = match matching.card {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if !matching.labels.is_empty() || matching.on || group.is_some() {
        f.write_str(if matching.on { " on (" } else { " ignoring (" })?;
        labels(&matching.labels, f)?;
        f.write_str(")")?;
    }
    if let Some(side) = group {
        write!(f, " group_{side} (")?;
        labels(&matching.include, f)?;
        f.write_str(")")?;
    }
    match (matching.fill.lhs, matching.fill.rhs) {
        (Some(lhs), Some(rhs)) if lhs == rhs => write!(f, " fill ({})", format_float_g(lhs)),
        (lhs, rhs) => {
            if let Some(lhs) = lhs {
                write!(f, " fill_left ({})", format_float_g(lhs))?;
            }
            if let Some(rhs) = rhs {
                write!(f, " fill_right ({})", format_float_g(rhs))?;
            }
            Ok(())
        }
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        series(self, f)?;
        at(self.at, f)?;
        range_modifier(self.modifier, f)?;
        offset(self.offset, self.offset_expr.as_deref(), f)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let selector = &self.selector;
        series(selector, f)?;
        f.write_str("[")?;
        duration(self.range, self.range_expr.as_deref(), f)?;
        f.write_str("]")?;
        range_modifier(selector.modifier, f)?;
        at(selector.at, f)?;
        offset(selector.offset, selector.offset_expr.as_deref(), f)
    }
}

/// Name and matchers, the latter sorted by their text.
fn series(selector: &VectorSelector, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(&selector.name)?;
    let mut matchers: Vec<String> = selector
        .matchers
        .iter()
        // The name outside the braces is not repeated inside.
        .filter(|m| {
            selector.name.is_empty()
                || m.name() != METRIC_NAME
                || m.ty() != MatchType::Eq
                || m.value() != selector.name
        })
        .map(ToString::to_string)
        .collect();
    if matchers.is_empty() {
        return Ok(());
    }
    matchers.sort();
    write!(f, "{{{}}}", matchers.join(","))
}

fn at(modifier: Option<AtModifier>, f: &mut Formatter<'_>) -> fmt::Result {
    match modifier {
        None => Ok(()),
        Some(AtModifier::Timestamp(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
        Some(AtModifier::Start) => f.write_str(" @ start()"),
        Some(AtModifier::End) => f.write_str(" @ end()"),
    }
}

fn range_modifier(modifier: RangeModifier, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(match modifier {
        RangeModifier::None => "",
        RangeModifier::Anchored => " anchored",
        RangeModifier::Smoothed => " smoothed",
    })
}

fn offset(offset: Nanos, expr: Option<&DurationExpr>, f: &mut Formatter<'_>) -> fmt::Result {
    match expr {
        Some(expr) => write!(f, " offset {expr}"),
        None if offset.0 > 0 => write!(f, " offset {}", format_prometheus(offset.ms())),
        None if offset.0 < 0 => {
            write!(f, " offset -{}", format_prometheus(Nanos(offset.0.wrapping_neg()).ms()))
        }
        None => Ok(()),
    }
}

fn duration(value: Nanos, expr: Option<&DurationExpr>, f: &mut Formatter<'_>) -> fmt::Result {
    match expr {
        Some(expr) => expr.fmt(f),
        None => f.write_str(&format_prometheus(value.ms())),
    }
}

fn subquery_suffix(subquery: &SubqueryExpr, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("[")?;
    duration(subquery.range, subquery.range_expr.as_deref(), f)?;
    f.write_str(":")?;
    if !subquery.step.is_zero() || subquery.step_expr.is_some() {
        duration(subquery.step, subquery.step_expr.as_deref(), f)?;
    }
    f.write_str("]")?;
    at(subquery.at, f)?;
    offset(subquery.offset, subquery.offset_expr.as_deref(), f)
}

impl Display for DurationOperand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => n.fmt(f),
            Self::Expr(e) => e.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.wrapped {
            f.write_str("(")?;
        }
        let op = self.op.as_str();
        match (&self.lhs, &self.rhs) {
            (Some(lhs), Some(rhs)) if matches!(self.op, DurationOp::MinOf | DurationOp::MaxOf) => {
                write!(f, "{op}({lhs}, {rhs})")?;
            }
            (Some(lhs), Some(rhs)) => write!(f, "{lhs} {op} {rhs}")?,
            (None, Some(rhs)) if self.op == DurationOp::Sub => write!(f, "-{rhs}")?,
            // A plus changes nothing and is not printed.
            (None, Some(rhs)) => write!(f, "{rhs}")?,
            (_, None) => write!(f, "{op}()")?,
        }
        if self.wrapped {
            f.write_str(")")?;
        }
        Ok(())
    }
}
