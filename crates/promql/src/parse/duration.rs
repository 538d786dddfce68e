//! Durations in brackets and behind `offset`: literals, and expressions where they are switched on.

use super::MAX_NESTING;
use super::literal::negated;
use super::stream::{Fail, Parsed, Parser};
use super::token::{Kind, Preprocessor, Token};
use crate::ast::{BinaryOp, DurationExpr, DurationOp, DurationOperand, Nanos, NumberLiteral, PosRange};

/// A literal's value becomes nanoseconds; from here on (in seconds) it does not fit.
const OUT_OF_RANGE_SECONDS: f64 = 9_223_372_036.854_776;

const ADDITIVE: u8 = 1;
const MULTIPLICATIVE: u8 = 2;
const POWER: u8 = 3;

impl<'a> Parser<'a> {
    /// Parses what stands in brackets: it must be greater than zero, as far as that can be known now.
    pub(super) fn positive_duration(&mut self) -> Parsed<DurationOperand> {
        self.duration_nodes = 0;
        let duration = self.duration(0)?;
        if let DurationOperand::Number(n) = &duration
            && n.value <= 0.0
        {
            return Err(self.error(n.pos, "duration must be greater than 0"));
        }
        Ok(duration)
    }

    /// Parses what stands behind `offset`. A lone literal, function or signed parenthesis ends it, so that
    /// `a offset 5m + b` adds `b` to the vector; only behind a parenthesis or a double sign does the duration go on.
    pub(super) fn offset_duration(&mut self) -> Parsed<DurationOperand> {
        self.duration_nodes = 0;
        let first = self.peek()?;
        if let Kind::LeftParen = first.kind {
            return self.duration(0);
        }
        let Some(sign) = self.sign()? else {
            return self.duration_primary();
        };
        let next = self.peek()?;
        match next.kind {
            Kind::Number | Kind::Duration => {
                self.next()?;
                let literal = self.number_literal(next)?;
                self.signed_literal(sign, literal)
            }
            Kind::Preprocessor(Preprocessor::MaxOf | Preprocessor::MinOf) => {
                let mut inner = self.duration_function(next)?;
                // The outer operation ends where the second argument does, and so does the inner one.
                let end = inner.rhs.as_ref().map_or(inner.end, |rhs| rhs.pos().end);
                inner.end = end;
                let signed = signed_function(sign, inner, end);
                self.experimental_duration(signed.pos())?;
                Ok(DurationOperand::Expr(signed))
            }
            Kind::Preprocessor(Preprocessor::Step | Preprocessor::Range) => {
                let inner = self.duration_function(next)?;
                let signed = signed_function(sign, inner, 0);
                self.experimental_duration(signed.pos())?;
                Ok(DurationOperand::Expr(signed))
            }
            Kind::LeftParen => {
                self.next()?;
                self.count_duration_node()?;
                let inner = self.duration(0)?;
                self.expect(Kind::RightParen)?;
                let pos = inner.pos();
                let wrapped = wrap(inner, pos);
                self.signed_duration(sign, DurationOperand::Expr(wrapped))
            }
            _ => {
                self.count_duration_node()?;
                let operand = self.duration(MULTIPLICATIVE + 1)?;
                let signed = self.signed_duration(sign, operand)?;
                self.duration_from(signed, 0)
            }
        }
    }

    /// Parses a duration expression of operators that bind at least as tightly as `min`.
    fn duration(&mut self, min: u8) -> Parsed<DurationOperand> {
        let first = match self.sign()? {
            Some(sign) => {
                self.count_duration_node()?;
                let operand = self.duration(MULTIPLICATIVE + 1)?;
                self.signed_duration(sign, operand)?
            }
            None => {
                let token = self.peek()?;
                match token.kind {
                    Kind::LeftParen => {
                        self.next()?;
                        self.count_duration_node()?;
                        let inner = self.duration(0)?;
                        let close = self.expect(Kind::RightParen)?;
                        self.experimental_duration(inner.pos())?;
                        DurationOperand::Expr(wrap(inner, PosRange::new(token.start, close.pos().end)))
                    }
                    Kind::Preprocessor(_) => {
                        let call = self.duration_function(token)?;
                        self.experimental_duration(call.pos())?;
                        DurationOperand::Expr(call)
                    }
                    _ => self.duration_primary()?,
                }
            }
        };
        self.duration_from(first, min)
    }

    /// Goes on behind a first operand.
    fn duration_from(&mut self, first: DurationOperand, min: u8) -> Parsed<DurationOperand> {
        let mut lhs = first;
        loop {
            let token = self.peek()?;
            let (op, binds, right) = match token.kind {
                Kind::Binary(BinaryOp::Add) => (DurationOp::Add, ADDITIVE, ADDITIVE + 1),
                Kind::Binary(BinaryOp::Sub) => (DurationOp::Sub, ADDITIVE, ADDITIVE + 1),
                Kind::Binary(BinaryOp::Mul) => (DurationOp::Mul, MULTIPLICATIVE, MULTIPLICATIVE + 1),
                Kind::Binary(BinaryOp::Div) => (DurationOp::Div, MULTIPLICATIVE, MULTIPLICATIVE + 1),
                Kind::Binary(BinaryOp::Mod) => (DurationOp::Mod, MULTIPLICATIVE, MULTIPLICATIVE + 1),
                Kind::Binary(BinaryOp::Pow) => (DurationOp::Pow, POWER, POWER),
                _ => break,
            };
            if binds < min {
                break;
            }
            self.next()?;
            self.count_duration_node()?;
            let rhs = self.duration(right)?;
            self.experimental_duration(lhs.pos())?;
            if let DurationOperand::Number(n) = &rhs
                && n.value == 0.0
                && matches!(op, DurationOp::Div | DurationOp::Mod)
            {
                let what = if op == DurationOp::Div { "division by zero" } else { "modulo by zero" };
                return Err(self.error(token.pos(), what));
            }
            lhs = DurationOperand::Expr(DurationExpr {
                op,
                lhs: Some(Box::new(lhs)),
                rhs: Some(Box::new(rhs)),
                wrapped: false,
                start: 0,
                end: 0,
            });
        }
        Ok(lhs)
    }

    /// Parses a literal or, with the check, a function.
    fn duration_primary(&mut self) -> Parsed<DurationOperand> {
        let token = self.peek()?;
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.next()?;
                let literal = self.number_literal(token)?;
                self.check_range(&literal, literal.pos)?;
                Ok(DurationOperand::Number(literal))
            }
            Kind::Preprocessor(_) => {
                let call = self.duration_function(token)?;
                self.experimental_duration(call.pos())?;
                Ok(DurationOperand::Expr(call))
            }
            _ => Err(Fail::Unexpected),
        }
    }

    /// Parses `step()`, `range()`, `max_of(a, b)` or `min_of(a, b)`, the name of which is the next token.
    fn duration_function(&mut self, name: Token<'a>) -> Parsed<DurationExpr> {
        let op = match name.kind {
            Kind::Preprocessor(Preprocessor::Step) => DurationOp::Step,
            Kind::Preprocessor(Preprocessor::Range) => DurationOp::Range,
            Kind::Preprocessor(Preprocessor::MaxOf) => DurationOp::MaxOf,
            Kind::Preprocessor(Preprocessor::MinOf) => DurationOp::MinOf,
            _ => return Err(Fail::Unexpected),
        };
        self.next()?;
        self.expect(Kind::LeftParen)?;
        let (mut lhs, mut rhs) = (None, None);
        if matches!(op, DurationOp::MaxOf | DurationOp::MinOf) {
            self.count_duration_node()?;
            lhs = Some(Box::new(self.duration(0)?));
            self.expect(Kind::Comma)?;
            rhs = Some(Box::new(self.duration(0)?));
        }
        let close = self.expect(Kind::RightParen)?;
        Ok(DurationExpr { op, lhs, rhs, wrapped: false, start: name.start, end: close.pos().end })
    }

    /// Counts an operation, so that a duration's tree cannot be too high.
    fn count_duration_node(&mut self) -> Parsed<()> {
        self.duration_nodes += 1;
        if self.duration_nodes > MAX_NESTING {
            return Err(self.too_deep(MAX_NESTING));
        }
        Ok(())
    }

    /// Takes a `+` or `-`.
    pub(super) fn sign(&mut self) -> Parsed<Option<Token<'a>>> {
        match self.peek()?.kind {
            Kind::Binary(BinaryOp::Add | BinaryOp::Sub) => self.next().map(Some),
            _ => Ok(None),
        }
    }

    fn signed_duration(&self, sign: Token<'a>, operand: DurationOperand) -> Parsed<DurationOperand> {
        match operand {
            DurationOperand::Number(n) => self.signed_literal(sign, n),
            DurationOperand::Expr(e) if is_minus(sign) => Ok(DurationOperand::Expr(DurationExpr {
                op: DurationOp::Sub,
                lhs: None,
                rhs: Some(Box::new(DurationOperand::Expr(e))),
                wrapped: false,
                start: sign.start,
                end: 0,
            })),
            expr => Ok(expr),
        }
    }

    fn signed_literal(&self, sign: Token<'a>, mut literal: NumberLiteral) -> Parsed<DurationOperand> {
        if is_minus(sign) {
            literal.value = negated(literal.value);
        }
        self.check_range(&literal, sign.pos())?;
        literal.pos.start = sign.start;
        Ok(DurationOperand::Number(literal))
    }

    fn check_range(&self, literal: &NumberLiteral, pos: PosRange) -> Parsed<()> {
        if literal.value.abs() > OUT_OF_RANGE_SECONDS {
            return Err(self.error(pos, "duration out of range"));
        }
        Ok(())
    }

    fn experimental_duration(&self, pos: PosRange) -> Parsed<()> {
        if !self.options.enable_duration_expressions {
            return Err(self.error(pos, "experimental duration expression is not enabled"));
        }
        Ok(())
    }
}

fn is_minus(sign: Token<'_>) -> bool {
    sign.kind == Kind::Binary(BinaryOp::Sub)
}

fn signed_function(sign: Token<'_>, inner: DurationExpr, end: usize) -> DurationExpr {
    DurationExpr {
        op: if is_minus(sign) { DurationOp::Sub } else { DurationOp::Add },
        lhs: None,
        rhs: Some(Box::new(DurationOperand::Expr(inner))),
        wrapped: false,
        start: sign.start,
        end,
    }
}

/// Marks an operand as standing in parentheses. A literal has no place for the mark and gets a plus around it.
fn wrap(operand: DurationOperand, pos: PosRange) -> DurationExpr {
    match operand {
        DurationOperand::Expr(mut e) => {
            e.wrapped = true;
            e
        }
        number => DurationExpr {
            op: DurationOp::Add,
            lhs: None,
            rhs: Some(Box::new(number)),
            wrapped: true,
            start: pos.start,
            end: pos.end,
        },
    }
}

/// Splits a duration into what is known now and what is not.
pub(super) fn split(duration: DurationOperand) -> (Nanos, Option<Box<DurationExpr>>) {
    match duration {
        DurationOperand::Number(n) => (seconds_to_nanos(n.value), None),
        DurationOperand::Expr(e) => (Nanos::ZERO, Some(Box::new(e))),
    }
}

/// Rounds seconds to nanoseconds. What does not fit (a NaN, or the very end of the range) becomes the smallest number,
/// as the conversion does on the processors Prometheus runs on.
fn seconds_to_nanos(seconds: f64) -> Nanos {
    let nanos = (seconds * 1e9).round();
    if nanos.is_nan() || nanos >= 9_223_372_036_854_775_808.0 {
        return Nanos(i64::MIN);
    }
    Nanos(nanos as i64)
}
