//! The tokens as the parser sees them: one ahead, comments left out, with the ways to fail.

use super::lex::Lexer;
use super::token::{Kind, Token};
use super::{ParseError, ParseOptions};
use crate::ast::PosRange;

/// Why a rule did not come to its end.
pub(super) enum Fail {
    /// The next token does not fit. What is said of it is up to the innermost rule that has something to say.
    Unexpected,
    /// An error with its text.
    Error(ParseError),
}

pub(super) type Parsed<T> = Result<T, Fail>;

pub(super) struct Parser<'a> {
    pub(super) input: &'a str,
    pub(super) options: ParseOptions,
    pub(super) lexer: Lexer<'a>,
    /// The token that was read and not taken.
    ahead: Option<Token<'a>>,
    /// The token read last, taken or not: the one errors complain about.
    last: Token<'a>,
    /// End of the last `)`, `]`, `}`, number or duration read, taken or not: where selectors, calls and aggregations end.
    pub(super) last_closing: usize,
    /// How many expressions within each other are under way.
    pub(super) nesting: u32,
    /// How many operations the duration under way has.
    pub(super) duration_nodes: u32,
}

impl<'a> Parser<'a> {
    pub(super) fn new(input: &'a str, options: ParseOptions) -> Self {
        Self::with_lexer(input, options, Lexer::new(input))
    }

    pub(super) fn for_series_description(input: &'a str) -> Self {
        Self::with_lexer(input, ParseOptions::default(), Lexer::for_series_description(input))
    }

    fn with_lexer(input: &'a str, options: ParseOptions, lexer: Lexer<'a>) -> Self {
        let last = Token { kind: Kind::Eof, start: 0, text: "" };
        Self { input, options, lexer, ahead: None, last, last_closing: 0, nesting: 0, duration_nodes: 0 }
    }

    /// Returns the next token without taking it.
    pub(super) fn peek(&mut self) -> Parsed<Token<'a>> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        let token = loop {
            match self.lexer.next_token() {
                Ok(Token { kind: Kind::Comment, .. }) => {}
                Ok(token) => break token,
                Err(e) => return Err(self.error(PosRange::new(e.start, self.input.len()), e.message)),
            }
        };
        if matches!(
            token.kind,
            Kind::RightBrace | Kind::RightParen | Kind::RightBracket | Kind::Duration | Kind::Number
        ) {
            self.last_closing = token.pos().end;
        }
        self.last = token;
        self.ahead = Some(token);
        Ok(token)
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Parsed<Token<'a>> {
        let token = self.peek()?;
        self.ahead = None;
        Ok(token)
    }

    /// Takes the next token if it is of a kind.
    pub(super) fn accept(&mut self, kind: Kind) -> Parsed<Option<Token<'a>>> {
        if self.peek()?.kind == kind { self.next().map(Some) } else { Ok(None) }
    }

    /// Takes the next token, which must be of a kind.
    pub(super) fn expect(&mut self, kind: Kind) -> Parsed<Token<'a>> {
        self.accept(kind)?.ok_or(Fail::Unexpected)
    }

    /// Returns where the token read last stands.
    pub(super) fn last_pos(&self) -> PosRange {
        self.last.pos()
    }

    /// Makes an error.
    pub(super) fn error(&self, pos: PosRange, message: impl Into<String>) -> Fail {
        Fail::Error(ParseError::new(self.input, pos, message))
    }

    /// Makes the error that the token read last does not fit in `context`, where `expected` should stand; both may be empty.
    pub(super) fn unexpected(&self, context: &str, expected: &str) -> Fail {
        let mut message = format!("unexpected {}", self.last.describe());
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.error(self.last.pos(), message)
    }

    /// Makes the error of an expression that is too deep; Prometheus has none such.
    pub(super) fn too_deep(&self, levels: u32) -> Fail {
        self.error(self.last.pos(), format!("expression is nested deeper than {levels} levels"))
    }

    /// Gives a token that did not fit its text, if no inner rule did.
    pub(super) fn within<T>(&self, result: Parsed<T>, context: &str, expected: &str) -> Parsed<T> {
        result.map_err(|fail| match fail {
            Fail::Unexpected => self.unexpected(context, expected),
            error => error,
        })
    }

    /// Ends the parser.
    pub(super) fn finish<T>(&self, result: Parsed<T>) -> Result<T, ParseError> {
        self.within(result, "", "").map_err(|fail| match fail {
            Fail::Error(e) => e,
            Fail::Unexpected => unreachable!("`within` leaves only errors"),
        })
    }
}
