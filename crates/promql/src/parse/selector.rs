//! Selectors, their modifiers, and metrics with label sets.

use model::labels::{Labels, METRIC_NAME};
use model::matcher::{MatchType, Matcher};

use super::ParseError;
use super::duration::split;
use super::literal::negated;
use super::stream::{Fail, Parsed, Parser};
use super::token::{Keyword, Kind, Preprocessor, Token};
use crate::ast::{
    AtModifier, BinaryOp, DurationExpr, DurationOperand, Expr, MatrixSelector, Nanos, PosRange,
    RangeModifier, SubqueryExpr, VectorSelector,
};

const NO_SELECTOR_FOR_OFFSET: &str =
    "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
const NO_SELECTOR_FOR_AT: &str =
    "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
const BOTH_MODIFIERS: &str = "anchored and smoothed modifiers cannot be used together";

/// Whether a token may be a metric's name.
pub(super) fn is_metric_identifier(kind: Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) | Kind::Preprocessor(_) => true,
        Kind::Binary(op) => op.is_set(),
        Kind::Keyword(k) => matches!(
            k,
            Keyword::By
                | Keyword::Without
                | Keyword::Fill
                | Keyword::FillLeft
                | Keyword::FillRight
                | Keyword::Offset
                | Keyword::Anchored
                | Keyword::Smoothed
        ),
        _ => false,
    }
}

impl<'a> Parser<'a> {
    pub(super) fn parse_metric_selector(mut self) -> Result<Vec<Matcher>, ParseError> {
        let result = self.metric_selector_to_end();
        self.finish(result)
    }

    fn metric_selector_to_end(&mut self) -> Parsed<Vec<Matcher>> {
        let token = self.peek()?;
        let selector = if is_metric_identifier(token.kind) {
            self.next()?;
            self.vector_selector(Some(token))?
        } else {
            self.vector_selector(None)?
        };
        self.expect(Kind::Eof)?;
        Ok(selector.matchers)
    }

    /// Parses a vector selector whose name, if any, was taken.
    pub(super) fn vector_selector(&mut self, name: Option<Token<'a>>) -> Parsed<VectorSelector> {
        let braces = if name.is_none() || self.peek()?.kind == Kind::LeftBrace {
            Some(self.label_matchers()?)
        } else {
            None
        };
        let (mut matchers, inside) = braces.unwrap_or_default();
        let mut pos = inside;
        if let Some(name) = name {
            pos = PosRange::new(name.start, inside.end.max(name.pos().end));
            matchers.push(self.matcher(MatchType::Eq, METRIC_NAME, name.text, pos)?);
        }
        Ok(VectorSelector {
            name: name.map(|n| n.text.to_owned()).unwrap_or_default(),
            matchers,
            offset: Nanos::ZERO,
            offset_expr: None,
            at: None,
            modifier: RangeModifier::None,
            allow_empty_matchers: false,
            pos,
        })
    }

    fn matcher(&self, ty: MatchType, name: &str, value: &str, pos: PosRange) -> Parsed<Matcher> {
        Matcher::new(ty, name, value).map_err(|e| self.error(pos, e.to_string()))
    }

    fn label_matchers(&mut self) -> Parsed<(Vec<Matcher>, PosRange)> {
        let open = self.expect(Kind::LeftBrace)?;
        let mut matchers = Vec::new();
        loop {
            // Here a matcher or, first or behind a comma, the end.
            if let Some(close) = self.accept(Kind::RightBrace)? {
                return Ok((matchers, PosRange::new(open.start, close.pos().end)));
            }
            let result = self.label_matcher();
            matchers.push(self.within(result, "label matching", "identifier or \"}\"")?);
            let next = self.peek()?;
            match next.kind {
                Kind::Comma => {
                    self.next()?;
                }
                Kind::RightBrace => {}
                _ => return Err(self.unexpected("label matching", "\",\" or \"}\"")),
            }
        }
    }

    fn label_matcher(&mut self) -> Parsed<Matcher> {
        let label = self.peek()?;
        let name = match label.kind {
            Kind::Identifier => {
                self.next()?;
                label.text.to_owned()
            }
            Kind::String => {
                self.next()?;
                self.label_string(label)?
            }
            _ => return Err(Fail::Unexpected),
        };
        let ty = match self.peek()?.kind {
            Kind::Assign => MatchType::Eq,
            Kind::Binary(BinaryOp::Neq) => MatchType::Ne,
            Kind::EqlRegex => MatchType::Re,
            Kind::NeqRegex => MatchType::NotRe,
            // A lone string is the metric's name.
            _ if label.kind == Kind::String => {
                return self.matcher(MatchType::Eq, METRIC_NAME, &name, label.pos());
            }
            _ => return Err(self.unexpected("label matching", "label matching operator")),
        };
        self.next()?;
        let value = self.expect(Kind::String);
        let value = self.within(value, "label matching", "string")?;
        let text = self.label_string(value)?;
        self.matcher(ty, &name, &text, PosRange::new(label.start, value.pos().end))
    }

    pub(super) fn parse_metric(mut self) -> Result<Labels, ParseError> {
        let result = self.metric().and_then(|labels| {
            self.expect(Kind::Eof)?;
            Ok(labels)
        });
        self.finish(result)
    }

    /// Parses a name, a label set or both. Nothing at all is a metric without labels.
    pub(super) fn metric(&mut self) -> Parsed<Labels> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let token = self.peek()?;
        let name = if is_metric_identifier(token.kind) {
            self.next()?;
            Some(token.text)
        } else {
            None
        };
        if self.peek()?.kind == Kind::LeftBrace {
            self.label_set(&mut pairs)?;
        }
        if let Some(name) = name {
            // The name in front takes the place of one in the braces.
            pairs.retain(|(n, _)| n != METRIC_NAME);
            pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
        }
        Ok(Labels::from_pairs(pairs))
    }

    fn label_set(&mut self, pairs: &mut Vec<(String, String)>) -> Parsed<()> {
        self.expect(Kind::LeftBrace)?;
        loop {
            if self.accept(Kind::RightBrace)?.is_some() {
                return Ok(());
            }
            let result = self.label();
            pairs.push(self.within(result, "label set", "identifier or \"}\"")?);
            match self.peek()?.kind {
                Kind::Comma => {
                    self.next()?;
                }
                Kind::RightBrace => {}
                _ => return Err(self.unexpected("label set", "\",\" or \"}\"")),
            }
        }
    }

    fn label(&mut self) -> Parsed<(String, String)> {
        let label = self.peek()?;
        let name = match label.kind {
            Kind::Identifier => {
                self.next()?;
                label.text.to_owned()
            }
            Kind::String => {
                self.next()?;
                self.label_string(label)?
            }
            _ => return Err(Fail::Unexpected),
        };
        if self.accept(Kind::Assign)?.is_none() {
            if label.kind == Kind::String {
                return Ok((METRIC_NAME.to_owned(), name));
            }
            return Err(self.unexpected("label set", "\"=\""));
        }
        let value = self.expect(Kind::String);
        let value = self.within(value, "label set", "string")?;
        Ok((name, self.label_string(value)?))
    }

    /// Parses `[range]` or `[range:step]` behind an expression; the `[` was taken.
    pub(super) fn range_or_subquery(&mut self, expr: Expr, open: Token<'a>) -> Parsed<Expr> {
        let range = self.positive_duration();
        let range =
            self.within(range, "subquery or range selector", "number, duration, step(), or range()")?;
        let token = self.peek()?;
        match token.kind {
            Kind::RightBracket => {
                self.next()?;
                self.matrix_selector(expr, range, PosRange::new(open.start, token.pos().end))
            }
            Kind::Colon => {
                self.next()?;
                let mut step = None;
                if self.peek()?.kind != Kind::RightBracket {
                    let duration = self.positive_duration();
                    step = Some(self.within(
                        duration,
                        "subquery selector",
                        "number, duration, step(), range(), or \"]\"",
                    )?);
                }
                let close = self.expect(Kind::RightBracket);
                let close = self.within(close, "subquery selector", "\"]\"")?;
                let (range, range_expr) = split(range);
                let (step, step_expr) = step.map_or((Nanos::ZERO, None), split);
                Ok(Expr::Subquery(SubqueryExpr {
                    expr: Box::new(expr),
                    range,
                    range_expr,
                    step,
                    step_expr,
                    offset: Nanos::ZERO,
                    offset_expr: None,
                    at: None,
                    end: close.pos().end,
                }))
            }
            _ => Err(self.unexpected("subquery or range", "\":\" or \"]\"")),
        }
    }

    fn matrix_selector(&mut self, expr: Expr, range: DurationOperand, brackets: PosRange) -> Parsed<Expr> {
        let refused = match &expr {
            Expr::VectorSelector(v) if !v.offset.is_zero() || v.offset_expr.is_some() => {
                "no offset modifiers allowed before range"
            }
            Expr::VectorSelector(v) if v.at.is_some() => "no @ modifiers allowed before range",
            Expr::VectorSelector(_) => "",
            _ => "ranges only allowed for vector selectors",
        };
        let Expr::VectorSelector(selector) = expr else {
            return Err(self.error(brackets, refused));
        };
        if !refused.is_empty() {
            return Err(self.error(brackets, refused));
        }
        let (range, range_expr) = split(range);
        Ok(Expr::MatrixSelector(MatrixSelector { selector, range, range_expr, end: self.last_closing }))
    }

    /// Parses what stands behind `offset` and sets it.
    pub(super) fn offset_modifier(&mut self, mut expr: Expr) -> Parsed<Expr> {
        let duration = self.offset_duration();
        let duration = self.within(duration, "offset", "number, duration, step(), or range()")?;
        let pos = expr.pos();
        let end = self.last_closing;
        let Some((offset, offset_expr)) = offset_of(&mut expr) else {
            return Err(self.error(pos, NO_SELECTOR_FOR_OFFSET));
        };
        if !offset.is_zero() || offset_expr.is_some() {
            return Err(self.error(pos, "offset may not be set multiple times"));
        }
        (*offset, *offset_expr) = split(duration);
        set_end(&mut expr, end);
        Ok(expr)
    }

    /// Parses what stands behind `@` and sets it.
    pub(super) fn at_modifier(&mut self, mut expr: Expr) -> Parsed<Expr> {
        let at = self.at_value(expr.pos());
        let at = self.within(at, "@", "timestamp")?;
        let pos = expr.pos();
        let end = self.last_closing;
        let Some(place) = at_of(&mut expr) else {
            return Err(self.error(pos, NO_SELECTOR_FOR_AT));
        };
        if place.is_some() {
            return Err(self.error(pos, "@ <timestamp> may not be set multiple times"));
        }
        *place = Some(at);
        set_end(&mut expr, end);
        Ok(expr)
    }

    fn at_value(&mut self, pos: PosRange) -> Parsed<AtModifier> {
        if let Kind::Preprocessor(word @ (Preprocessor::Start | Preprocessor::End)) = self.peek()?.kind {
            self.next()?;
            self.expect(Kind::LeftParen)?;
            self.expect(Kind::RightParen)?;
            return Ok(if word == Preprocessor::Start { AtModifier::Start } else { AtModifier::End });
        }
        let seconds = self.signed_number()?;
        // The bounds are 2^63: nothing near them is a time in milliseconds, but this is where Prometheus draws the line.
        if !seconds.is_finite() || seconds.abs() >= 9_223_372_036_854_775_808.0 {
            let printed = if seconds.is_finite() {
                format!("{seconds:.6}")
            } else {
                model::value::format_float(seconds)
            };
            return Err(self.error(pos, format!("timestamp out of bounds for @ modifier: {printed}")));
        }
        let ms = (seconds * 1000.0).round();
        // Go's conversion of what does not fit, on the processors it runs on.
        let ms = if ms.abs() >= 9_223_372_036_854_775_808.0 { i64::MIN } else { ms as i64 };
        Ok(AtModifier::Timestamp(ms))
    }

    /// Parses a number or duration with or without a sign.
    pub(super) fn signed_number(&mut self) -> Parsed<f64> {
        let sign = self.sign()?;
        let token = self.peek()?;
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return Err(Fail::Unexpected);
        }
        self.next()?;
        let value = self.literal_value(token)?;
        Ok(if sign.is_some_and(|s| s.kind == Kind::Binary(BinaryOp::Sub)) { negated(value) } else { value })
    }

    /// Sets `anchored` or `smoothed`.
    pub(super) fn range_modifier(&mut self, mut expr: Expr, modifier: RangeModifier) -> Parsed<Expr> {
        let word = if modifier == RangeModifier::Anchored { "anchored" } else { "smoothed" };
        let pos = expr.pos();
        if !self.options.enable_extended_range_selectors {
            return Err(self.error(pos, format!("{word} modifier is experimental and not enabled")));
        }
        let place = match &mut expr {
            Expr::VectorSelector(v) => &mut v.modifier,
            Expr::MatrixSelector(m) => &mut m.selector.modifier,
            Expr::Subquery(_) => {
                return Err(self.error(pos, format!("{word} modifier is not supported for subqueries")));
            }
            _ => return Err(self.error(pos, format!("{word} modifier not implemented"))),
        };
        if *place != RangeModifier::None && *place != modifier {
            return Err(self.error(pos, BOTH_MODIFIERS));
        }
        *place = modifier;
        Ok(expr)
    }
}

fn offset_of(expr: &mut Expr) -> Option<(&mut Nanos, &mut Option<Box<DurationExpr>>)> {
    match expr {
        Expr::VectorSelector(v) => Some((&mut v.offset, &mut v.offset_expr)),
        Expr::MatrixSelector(m) => Some((&mut m.selector.offset, &mut m.selector.offset_expr)),
        Expr::Subquery(s) => Some((&mut s.offset, &mut s.offset_expr)),
        _ => None,
    }
}

fn at_of(expr: &mut Expr) -> Option<&mut Option<AtModifier>> {
    match expr {
        Expr::VectorSelector(v) => Some(&mut v.at),
        Expr::MatrixSelector(m) => Some(&mut m.selector.at),
        Expr::Subquery(s) => Some(&mut s.at),
        _ => None,
    }
}

fn set_end(expr: &mut Expr, end: usize) {
    match expr {
        Expr::VectorSelector(v) => v.pos.end = end,
        Expr::MatrixSelector(m) => m.end = end,
        Expr::Subquery(s) => s.end = end,
        _ => {}
    }
}
