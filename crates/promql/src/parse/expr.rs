//! Expressions: a Pratt parser. Modifiers and brackets behind an expression bind tightest, then `^` (to the right), signs,
//! `* / % atan2`, `+ -`, comparisons and trims, `and unless`, `or`.

use super::ParseError;
use super::literal::{negated, quote_bytes, unquote};
use super::stream::{Fail, Parsed, Parser};
use super::token::{Keyword, Kind, Preprocessor, Token, quote};
use super::{MAX_DEPTH, MAX_NESTING, selector::is_metric_identifier};
use crate::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, BinaryOp, Call, Cardinality, Expr, Function, NumberLiteral,
    ParenExpr, PosRange, RangeModifier, UnaryExpr, UnaryOp, VectorMatching,
};

/// An expression and the height of its tree, counted against [`MAX_DEPTH`].
pub(super) struct Tree {
    pub(super) expr: Expr,
    height: u32,
}

impl Tree {
    fn leaf(expr: Expr) -> Self {
        Self { expr, height: 1 }
    }
}

const MULTIPLICATIVE: u8 = 5;
const POWER: u8 = 7;

/// How tightly an operator binds its left operand.
fn binding(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Eql
        | BinaryOp::Neq
        | BinaryOp::Lss
        | BinaryOp::Lte
        | BinaryOp::Gtr
        | BinaryOp::Gte
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Atan2 => MULTIPLICATIVE,
        BinaryOp::Pow => POWER,
    }
}

/// Whether an expression may begin with a token.
fn starts_expr(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Number
            | Kind::Duration
            | Kind::String
            | Kind::LeftParen
            | Kind::LeftBrace
            | Kind::Binary(BinaryOp::Add | BinaryOp::Sub)
    ) || is_metric_identifier(kind)
}

impl<'a> Parser<'a> {
    pub(super) fn parse_expression(mut self) -> Result<Expr, ParseError> {
        let result = self.whole_expression();
        self.finish(result)
    }

    fn whole_expression(&mut self) -> Parsed<Expr> {
        if self.peek()?.kind == Kind::Eof {
            return Err(self.error(PosRange::default(), "no expression found in input"));
        }
        let mut expr = self.expr(0)?.expr;
        self.expect(Kind::Eof)?;
        self.check(&mut expr)?;
        Ok(expr)
    }

    /// Parses an expression of operators that bind at least as tightly as `min`.
    fn expr(&mut self, min: u8) -> Parsed<Tree> {
        if self.nesting >= MAX_NESTING {
            return Err(self.too_deep(MAX_NESTING));
        }
        self.nesting += 1;
        let mut lhs = self.operand()?;
        loop {
            let token = self.peek()?;
            lhs = match token.kind {
                Kind::LeftBracket => {
                    self.next()?;
                    let expr = self.range_or_subquery(lhs.expr, token)?;
                    self.node(expr, lhs.height)?
                }
                Kind::At => {
                    self.next()?;
                    Tree { expr: self.at_modifier(lhs.expr)?, height: lhs.height }
                }
                Kind::Keyword(Keyword::Offset) => {
                    self.next()?;
                    Tree { expr: self.offset_modifier(lhs.expr)?, height: lhs.height }
                }
                Kind::Keyword(word @ (Keyword::Anchored | Keyword::Smoothed)) => {
                    self.next()?;
                    let modifier = if word == Keyword::Anchored {
                        RangeModifier::Anchored
                    } else {
                        RangeModifier::Smoothed
                    };
                    Tree { expr: self.range_modifier(lhs.expr, modifier)?, height: lhs.height }
                }
                Kind::Binary(op) if binding(op) >= min => {
                    self.next()?;
                    self.binary(lhs, op)?
                }
                _ => break,
            };
        }
        self.nesting -= 1;
        Ok(lhs)
    }

    /// Makes a node one higher than what is below it.
    fn node(&self, expr: Expr, below: u32) -> Parsed<Tree> {
        if below >= MAX_DEPTH {
            return Err(self.too_deep(MAX_DEPTH));
        }
        Ok(Tree { expr, height: below + 1 })
    }

    fn operand(&mut self) -> Parsed<Tree> {
        let token = self.peek()?;
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.next()?;
                Ok(Tree::leaf(Expr::Number(self.number_literal(token)?)))
            }
            Kind::String => {
                self.next()?;
                Ok(Tree::leaf(Expr::String(self.string_literal(token))))
            }
            Kind::LeftParen => {
                self.next()?;
                let inner = self.expr(0)?;
                let close = self.expect(Kind::RightParen)?;
                let pos = PosRange::new(token.start, close.pos().end);
                self.node(Expr::Paren(ParenExpr { expr: Box::new(inner.expr), pos }), inner.height)
            }
            Kind::Binary(BinaryOp::Add | BinaryOp::Sub) => {
                self.next()?;
                self.signed(token)
            }
            Kind::LeftBrace => Ok(Tree::leaf(Expr::VectorSelector(self.vector_selector(None)?))),
            kind if is_metric_identifier(kind) => {
                self.next()?;
                self.word(token)
            }
            _ => Err(Fail::Unexpected),
        }
    }

    fn signed(&mut self, sign: Token<'a>) -> Parsed<Tree> {
        let minus = sign.kind == Kind::Binary(BinaryOp::Sub);
        let operand = self.expr(MULTIPLICATIVE + 1)?;
        if let Expr::Number(n) = operand.expr {
            let value = if minus { negated(n.value) } else { n.value };
            let pos = PosRange::new(sign.start, n.pos.end);
            return Ok(Tree::leaf(Expr::Number(NumberLiteral { value, duration: n.duration, pos })));
        }
        let op = if minus { UnaryOp::Minus } else { UnaryOp::Plus };
        let unary = UnaryExpr { op, expr: Box::new(operand.expr), start: sign.start };
        self.node(Expr::Unary(unary), operand.height)
    }

    /// Parses what begins with a word, which was taken: an aggregation, a call or a selector.
    fn word(&mut self, word: Token<'a>) -> Parsed<Tree> {
        let next = self.peek()?.kind;
        match word.kind {
            Kind::Aggregate(op)
                if matches!(next, Kind::LeftParen | Kind::Keyword(Keyword::By | Keyword::Without)) =>
            {
                let result = self.aggregation(word, op);
                self.within(result, "aggregation", "")
            }
            Kind::Identifier | Kind::Preprocessor(_) if next == Kind::LeftParen => self.call(word),
            _ => Ok(Tree::leaf(Expr::VectorSelector(self.vector_selector(Some(word))?))),
        }
    }

    fn call(&mut self, name: Token<'a>) -> Parsed<Tree> {
        debug_assert!(!matches!(name.kind, Kind::Preprocessor(Preprocessor::Start)) || !name.text.is_empty());
        let (args, below) = self.arguments()?;
        // Names of functions, other than keywords, have no second spelling.
        let known = |func: &&Function| self.options.enable_extended_functions || !func.id.is_extended();
        let Some(func) = Function::by_name(name.text).filter(known) else {
            return Err(self.error(name.pos(), format!("unknown function with name {}", quote(name.text))));
        };
        if func.experimental && !self.options.enable_experimental_functions {
            return Err(self.error(name.pos(), format!("function {} is not enabled", quote(name.text))));
        }
        let pos = PosRange::new(name.start, self.last_closing);
        self.node(Expr::Call(Call { func, args, pos }), below)
    }

    /// Parses arguments in parentheses; also returns the height of the highest.
    fn arguments(&mut self) -> Parsed<(Vec<Expr>, u32)> {
        self.expect(Kind::LeftParen)?;
        let mut args = Vec::new();
        let mut height = 0;
        if self.accept(Kind::RightParen)?.is_some() {
            return Ok((args, height));
        }
        loop {
            let arg = self.expr(0)?;
            height = height.max(arg.height);
            args.push(arg.expr);
            if self.accept(Kind::RightParen)?.is_some() {
                return Ok((args, height));
            }
            let comma = self.expect(Kind::Comma)?;
            if !starts_expr(self.peek()?.kind) {
                return Err(self.error(comma.pos(), "trailing commas not allowed in function call args"));
            }
        }
    }

    fn aggregation(&mut self, name: Token<'a>, op: AggregateOp) -> Parsed<Tree> {
        let mut modifier = self.aggregate_modifier()?;
        let (args, below) = self.arguments()?;
        let mut overread = false;
        if modifier.is_none() {
            modifier = self.aggregate_modifier()?;
            overread = modifier.is_none();
        }
        let mut end = self.last_closing;
        if overread {
            end = self.lexer.end_of_previous_right_paren(end);
        }
        let pos = PosRange::new(name.start, end);
        let (grouping, without) = modifier.unwrap_or_default();

        let given = args.len();
        if given == 0 {
            return Err(self.error(pos, "no arguments for aggregate expression provided"));
        }
        if op.is_experimental() && !self.options.enable_experimental_functions {
            let message = format!(
                "{op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            );
            return Err(self.error(pos, message));
        }
        let wanted = if op.takes_param() { 2 } else { 1 };
        let mut args = args.into_iter();
        let param = if op.takes_param() { args.next() } else { None };
        let (Some(expr), None) = (args.next(), args.next()) else {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {given}"
            );
            return Err(self.error(pos, message));
        };
        let aggregate =
            AggregateExpr { op, expr: Box::new(expr), param: param.map(Box::new), grouping, without, pos };
        self.node(Expr::Aggregate(aggregate), below)
    }

    /// Parses `by (…)` or `without (…)`, if it stands here: the labels, and whether it was `without`.
    fn aggregate_modifier(&mut self) -> Parsed<Option<(Vec<String>, bool)>> {
        let without = match self.peek()?.kind {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.next()?;
        Ok(Some((self.grouping_labels()?, without)))
    }

    fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        let open = self.expect(Kind::LeftParen);
        self.within(open, "grouping opts", "\"(\"")?;
        let mut labels = Vec::new();
        loop {
            if self.accept(Kind::RightParen)?.is_some() {
                return Ok(labels);
            }
            let label = self.grouping_label();
            labels.push(self.within(label, "grouping opts", "label")?);
            match self.peek()?.kind {
                Kind::Comma => {
                    self.next()?;
                }
                Kind::RightParen => {}
                _ => return Err(self.unexpected("grouping opts", "\",\" or \")\"")),
            }
        }
    }

    fn grouping_label(&mut self) -> Parsed<String> {
        let token = self.peek()?;
        let label = match token.kind {
            // Most keywords may be labels, too.
            Kind::Identifier
            | Kind::MetricIdentifier
            | Kind::Aggregate(_)
            | Kind::Preprocessor(_)
            | Kind::Binary(BinaryOp::And | BinaryOp::Or | BinaryOp::Unless | BinaryOp::Atan2) => {
                token.text.into()
            }
            Kind::Keyword(word) if word != Keyword::Without => token.text.into(),
            Kind::String => unquote(token.text),
            _ => return Err(Fail::Unexpected),
        };
        self.next()?;
        match String::from_utf8(label) {
            Ok(label) if !label.is_empty() => Ok(label),
            Ok(_) => Err(self.error(token.pos(), "invalid label name for grouping: \"\"")),
            Err(e) => {
                let label = quote_bytes(e.as_bytes());
                Err(self.error(token.pos(), format!("invalid label name for grouping: {label}")))
            }
        }
    }

    /// Parses the modifiers and the right operand of an operator, which was taken.
    fn binary(&mut self, lhs: Tree, op: BinaryOp) -> Parsed<Tree> {
        let return_bool = self.accept(Kind::Keyword(Keyword::Bool))?.is_some();
        let matching = self.vector_matching()?;
        // To the left but for `^`.
        let rhs = self.expr(if op == BinaryOp::Pow { POWER } else { binding(op) + 1 })?;
        let fills = matching.fill.is_set();
        let below = lhs.height.max(rhs.height);
        let expr = Expr::Binary(BinaryExpr {
            op,
            lhs: Box::new(lhs.expr),
            rhs: Box::new(rhs.expr),
            matching: Some(matching),
            return_bool,
        });
        if fills && !self.options.enable_binop_fill_modifiers {
            return Err(self.error(expr.pos(), "binop fill modifiers are experimental and not enabled"));
        }
        self.node(expr, below)
    }

    fn vector_matching(&mut self) -> Parsed<VectorMatching> {
        let mut matching = VectorMatching::default();
        if let Kind::Keyword(word @ (Keyword::On | Keyword::Ignoring)) = self.peek()?.kind {
            self.next()?;
            matching.on = word == Keyword::On;
            matching.labels = self.grouping_labels()?;
            let card = match self.peek()?.kind {
                Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
                Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
                _ => Cardinality::OneToOne,
            };
            if card != Cardinality::OneToOne {
                self.next()?;
                matching.card = card;
                let next = self.peek()?.kind;
                // A parenthesis here holds labels, never an operand.
                if next == Kind::LeftParen || !starts_expr(next) {
                    matching.include = self.grouping_labels()?;
                }
            }
        }
        let first = self.peek()?.kind;
        match first {
            Kind::Keyword(Keyword::Fill) => {
                self.next()?;
                let value = self.fill_value()?;
                (matching.fill.lhs, matching.fill.rhs) = (Some(value), Some(value));
            }
            Kind::Keyword(Keyword::FillLeft) => {
                self.next()?;
                matching.fill.lhs = Some(self.fill_value()?);
                if self.accept(Kind::Keyword(Keyword::FillRight))?.is_some() {
                    matching.fill.rhs = Some(self.fill_value()?);
                }
            }
            Kind::Keyword(Keyword::FillRight) => {
                self.next()?;
                matching.fill.rhs = Some(self.fill_value()?);
                if self.accept(Kind::Keyword(Keyword::FillLeft))?.is_some() {
                    matching.fill.lhs = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(matching)
    }

    fn fill_value(&mut self) -> Parsed<f64> {
        self.expect(Kind::LeftParen)?;
        let value = self.signed_number()?;
        self.expect(Kind::RightParen)?;
        Ok(value)
    }
}
