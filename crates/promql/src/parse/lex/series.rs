//! The values of series descriptions, with histogram literals: the language of test files.

use super::super::token::{Kind, Token, histogram_key, keyword, quote, quote_char, reset_hint};
use super::{HistogramState, Lexed, Lexer, State, is_alpha, is_space};
use crate::ast::BinaryOp;

impl<'a> Lexer<'a> {
    pub(super) fn lex_values(&mut self) -> Lexed<Option<Token<'a>>> {
        if self.histogram != HistogramState::None {
            self.state = State::Histogram;
            return Ok(None);
        }
        let Some(c) = self.next() else {
            self.state = State::Statements;
            return Ok(None);
        };
        let kind = match c {
            '{' if self.peek() == Some('{') => {
                self.next();
                self.histogram = HistogramState::Open;
                self.state = State::Histogram;
                Kind::OpenHistogram
            }
            c if is_space(c) => {
                let token = self.emit(Kind::Space);
                self.skip_space();
                return Ok(Some(token));
            }
            '+' => Kind::Binary(BinaryOp::Add),
            '-' => Kind::Binary(BinaryOp::Sub),
            'x' => Kind::Times,
            '_' => Kind::Blank,
            c if self.starts_number(c) => {
                self.pos = self.start;
                let token = self.lex_number()?;
                self.state = State::Values;
                return Ok(Some(token));
            }
            c if is_alpha(c) => return Ok(Some(self.lex_keyword_or_identifier())),
            other => {
                return self
                    .error(format!("unexpected character in series sequence: {}", quote_char(Some(other))));
            }
        };
        Ok(Some(self.emit(kind)))
    }

    pub(super) fn lex_number(&mut self) -> Lexed<Token<'a>> {
        self.state = State::Statements;
        if !self.scan_number() {
            let text = &self.input[self.start..self.pos];
            return self.error(format!("bad number syntax: {}", quote(text)));
        }
        Ok(self.emit(Kind::Number))
    }

    pub(super) fn lex_histogram(&mut self) -> Lexed<Option<Token<'a>>> {
        // Right behind a literal: how it goes on was seen already.
        let operator = match self.histogram {
            HistogramState::Mul => Some(Kind::Times),
            HistogramState::Add => Some(Kind::Binary(BinaryOp::Add)),
            HistogramState::Sub => Some(Kind::Binary(BinaryOp::Sub)),
            HistogramState::None | HistogramState::Open => None,
        };
        if let Some(kind) = operator {
            self.histogram = HistogramState::None;
            self.next();
            self.state = State::Values;
            return Ok(Some(self.emit(kind)));
        }
        if self.bracket_open {
            self.state = State::Buckets;
            return Ok(None);
        }
        let kind = match self.next() {
            Some(c) if is_space(c) => {
                let token = self.emit(Kind::Space);
                self.skip_space();
                return Ok(Some(token));
            }
            Some(c) if is_alpha(c) => return self.lex_histogram_word().map(Some),
            Some(':') => Kind::Colon,
            Some('-') => Kind::Binary(BinaryOp::Sub),
            Some(c) if c.is_ascii_digit() => {
                self.pos = self.start;
                self.state = State::Number;
                return Ok(None);
            }
            Some('[') => {
                self.bracket_open = true;
                self.got_colon = false;
                self.got_duration = false;
                self.state = State::Buckets;
                Kind::LeftBracket
            }
            Some('}') if self.peek() == Some('}') => {
                self.next();
                self.histogram = match self.peek() {
                    Some('x') => HistogramState::Mul,
                    Some('+') => HistogramState::Add,
                    Some('-') => HistogramState::Sub,
                    _ => HistogramState::None,
                };
                self.state = State::Values;
                Kind::CloseHistogram
            }
            other => {
                return self
                    .error(format!("histogram description incomplete unexpected: {}", quote_char(other)));
            }
        };
        Ok(Some(self.emit(kind)))
    }

    fn lex_histogram_word(&mut self) -> Lexed<Token<'a>> {
        self.accept_run(is_alpha);
        let word = &self.input[self.start..self.pos];
        if let Some(key) = histogram_key(word) {
            if self.peek() != Some(':') {
                return self.error("missing `:` for histogram descriptor");
            }
            return Ok(self.emit(Kind::HistogramKey(key)));
        }
        if keyword(word) == Some(Kind::Number) {
            return Ok(self.emit(Kind::Number));
        }
        if let Some(hint) = reset_hint(word) {
            return Ok(self.emit(Kind::ResetHint(hint)));
        }
        self.error(format!("bad histogram descriptor found: {}", quote(word)))
    }

    pub(super) fn lex_buckets(&mut self) -> Lexed<Option<Token<'a>>> {
        match self.next() {
            Some(c) if is_space(c) => {
                let token = self.emit(Kind::Space);
                self.skip_space();
                Ok(Some(token))
            }
            Some('-') => {
                self.state = State::Number;
                Ok(Some(self.emit(Kind::Binary(BinaryOp::Sub))))
            }
            Some(c) if c.is_ascii_digit() => {
                self.pos = self.start;
                self.state = State::Number;
                Ok(None)
            }
            Some(']') => {
                self.bracket_open = false;
                self.state = State::Histogram;
                Ok(Some(self.emit(Kind::RightBracket)))
            }
            Some(c) if is_alpha(c) => {
                // `Inf` and `NaN` are taken as soon as they are whole.
                if keyword(&self.input[self.start..self.pos]) == Some(Kind::Number) {
                    self.state = State::Statements;
                    return Ok(Some(self.emit(Kind::Number)));
                }
                Ok(None)
            }
            other => self.error(format!("invalid character in buckets description: {}", quote_char(other))),
        }
    }
}
