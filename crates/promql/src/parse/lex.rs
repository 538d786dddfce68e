//! The lexer: a state machine over the text, one token a call.
//!
//! What a character means depends on where it stands (in braces, in brackets, in a string, in the values of a series
//! description), and Prometheus's lexer carries some of that state a token further than one would think — a number in
//! brackets, for one, leads back to the ordinary state. Its errors are part of the language, so the same states and the
//! same flags are kept here.

mod number;
mod series;

use super::token::{Kind, Preprocessor, Token, duration_keyword, keyword, quote, quote_char};
use crate::ast::BinaryOp;

/// An error of the lexer: always the last thing it says.
#[derive(Debug)]
pub(crate) struct LexError {
    /// Offset it is reported at.
    pub(crate) start: usize,
    pub(crate) message: String,
}

type Lexed<T> = Result<T, LexError>;

/// What is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Statements,
    InsideBraces,
    DurationExpr,
    NumberOrDuration,
    // Series descriptions:
    Values,
    Histogram,
    Buckets,
    Number,
}

/// Where in a histogram literal, or right behind one, the lexer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HistogramState {
    None,
    Open,
    Mul,
    Add,
    Sub,
}

#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    input: &'a str,
    state: State,
    /// Offset of the next character.
    pos: usize,
    /// Offset of the token's first byte.
    start: usize,
    /// Start of the most recent token.
    last_start: usize,
    paren_depth: i64,
    brace_open: bool,
    bracket_open: bool,
    /// Whether a `:` came after the `[`.
    got_colon: bool,
    /// Whether a number or duration came in any bracket yet.
    got_duration: bool,
    series_description: bool,
    histogram: HistogramState,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            state: State::Statements,
            pos: 0,
            start: 0,
            last_start: 0,
            paren_depth: 0,
            brace_open: false,
            bracket_open: false,
            got_colon: false,
            got_duration: false,
            series_description: false,
            histogram: HistogramState::None,
        }
    }

    /// Makes a lexer for a series description (`metric{label="value"} 1+1x5`).
    pub(crate) fn for_series_description(input: &'a str) -> Self {
        Self { series_description: true, ..Self::new(input) }
    }

    /// Returns the next token, comments included; behind the end, ends.
    pub(crate) fn next_token(&mut self) -> Lexed<Token<'a>> {
        let token = loop {
            let found = match self.state {
                State::Statements => self.lex_statement(),
                State::InsideBraces => self.lex_inside_braces(),
                State::DurationExpr => self.lex_duration_expr(),
                State::NumberOrDuration => self.lex_number_or_duration().map(Some),
                State::Values => self.lex_values(),
                State::Histogram => self.lex_histogram(),
                State::Buckets => self.lex_buckets(),
                State::Number => self.lex_number().map(Some),
            }?;
            if let Some(token) = found {
                break token;
            }
        };
        self.last_start = token.start;
        Ok(token)
    }

    /// Returns the end of the `)` before the one that was read last, if only space lies between them, or `fallback`.
    ///
    /// An aggregation knows its end only when the token behind it was read, which may be the `)` of an enclosing expression.
    pub(crate) fn end_of_previous_right_paren(&self, fallback: usize) -> usize {
        let bytes = self.input.as_bytes();
        let last = self.last_start;
        if fallback == 0 || fallback > bytes.len() || last == 0 || bytes.get(last) != Some(&b')') {
            return fallback;
        }
        match bytes[1..last].iter().rposition(|b| !is_space(char::from(*b))) {
            Some(at) if bytes[at + 1] == b')' => at + 2,
            _ => fallback,
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn rest(&self) -> &'a str {
        &self.input[self.pos..]
    }

    fn accept(&mut self, valid: impl Fn(char) -> bool) -> bool {
        match self.peek() {
            Some(c) if valid(c) => {
                self.pos += c.len_utf8();
                true
            }
            _ => false,
        }
    }

    fn accept_run(&mut self, valid: impl Fn(char) -> bool) {
        while self.accept(&valid) {}
    }

    /// Makes a token of what was read since the last one.
    fn emit(&mut self, kind: Kind) -> Token<'a> {
        let token = Token { kind, start: self.start, text: &self.input[self.start..self.pos] };
        self.start = self.pos;
        token
    }

    /// Makes an error at the start of the current token.
    fn error<T>(&self, message: impl Into<String>) -> Lexed<T> {
        Err(LexError { start: self.start, message: message.into() })
    }

    fn skip_space(&mut self) {
        self.accept_run(is_space);
        self.start = self.pos;
    }

    fn lex_statement(&mut self) -> Lexed<Option<Token<'a>>> {
        if self.histogram != HistogramState::None {
            self.state = State::Histogram;
            return Ok(None);
        }
        if self.brace_open {
            self.state = State::InsideBraces;
            return Ok(None);
        }
        if self.peek() == Some('#') {
            return Ok(Some(self.lex_comment()));
        }
        let Some(c) = self.next() else {
            if self.paren_depth != 0 {
                return self.error("unclosed left parenthesis");
            }
            if self.bracket_open {
                return self.error("unclosed left bracket");
            }
            return Ok(Some(self.emit(Kind::Eof)));
        };
        let kind = match c {
            ',' => Kind::Comma,
            c if is_space(c) => {
                self.skip_space();
                return Ok(None);
            }
            '*' => Kind::Binary(BinaryOp::Mul),
            '/' => Kind::Binary(BinaryOp::Div),
            '%' => Kind::Binary(BinaryOp::Mod),
            '+' => Kind::Binary(BinaryOp::Add),
            '-' => Kind::Binary(BinaryOp::Sub),
            '^' => Kind::Binary(BinaryOp::Pow),
            '=' => match self.peek() {
                Some('=') => {
                    self.next();
                    Kind::Binary(BinaryOp::Eql)
                }
                Some('~') => return self.error("unexpected character after '=': '~'"),
                _ => Kind::Assign,
            },
            '!' => match self.next() {
                Some('=') => Kind::Binary(BinaryOp::Neq),
                other => return self.error(format!("unexpected character after '!': {}", quote_char(other))),
            },
            '<' => Kind::Binary(if self.accept(|c| c == '=') {
                BinaryOp::Lte
            } else if self.accept(|c| c == '/') {
                BinaryOp::TrimUpper
            } else {
                BinaryOp::Lss
            }),
            '>' => Kind::Binary(if self.accept(|c| c == '=') {
                BinaryOp::Gte
            } else if self.accept(|c| c == '/') {
                BinaryOp::TrimLower
            } else {
                BinaryOp::Gtr
            }),
            c if self.starts_number(c) => {
                self.pos = self.start;
                self.state = State::NumberOrDuration;
                return Ok(None);
            }
            '"' | '\'' => return self.lex_string(c).map(Some),
            '`' => return self.lex_raw_string().map(Some),
            c if is_alpha(c) || c == ':' => return self.lex_word(c).map(Some),
            '(' => {
                self.paren_depth += 1;
                Kind::LeftParen
            }
            ')' => return self.right_paren().map(Some),
            '{' => {
                self.brace_open = true;
                self.state = State::InsideBraces;
                Kind::LeftBrace
            }
            '[' => return self.left_bracket().map(Some),
            ']' if !self.bracket_open => {
                return self.error("unexpected right bracket ']'");
            }
            ']' => {
                self.bracket_open = false;
                Kind::RightBracket
            }
            '@' => Kind::At,
            other => return self.error(format!("unexpected character: {}", quote_char(Some(other)))),
        };
        Ok(Some(self.emit(kind)))
    }

    fn starts_number(&self, c: char) -> bool {
        c.is_ascii_digit() || (c == '.' && self.peek().is_some_and(|c| c.is_ascii_digit()))
    }

    fn right_paren(&mut self) -> Lexed<Token<'a>> {
        let token = self.emit(Kind::RightParen);
        self.paren_depth -= 1;
        if self.paren_depth < 0 {
            return self.error("unexpected right parenthesis ')'");
        }
        Ok(token)
    }

    fn left_bracket(&mut self) -> Lexed<Token<'a>> {
        if self.bracket_open {
            return self.error("unexpected left bracket '['");
        }
        self.got_colon = false;
        let token = self.emit(Kind::LeftBracket);
        self.skip_space();
        self.bracket_open = true;
        self.state = State::DurationExpr;
        Ok(token)
    }

    /// Reads a word that begins with `first`: an identifier, a keyword or, in brackets, a part of a duration expression.
    fn lex_word(&mut self, first: char) -> Lexed<Token<'a>> {
        if !self.bracket_open {
            return Ok(self.lex_keyword_or_identifier());
        }
        if first == ':' {
            if self.got_colon {
                return self.error("unexpected colon ':'");
            }
            self.got_colon = true;
            return Ok(self.emit(Kind::Colon));
        }
        match self.lex_duration_keyword(first) {
            Some(token) => Ok(token),
            None => self.error(format!("unexpected character: {}, expected ':'", quote_char(Some(first)))),
        }
    }

    fn lex_duration_keyword(&mut self, first: char) -> Option<Token<'a>> {
        if !matches!(first.to_ascii_lowercase(), 's' | 'r' | 'm') {
            return None;
        }
        self.accept_run(is_alpha);
        let kind = duration_keyword(&self.input[self.start..self.pos].to_ascii_lowercase())?;
        debug_assert!(!matches!(kind, Kind::Preprocessor(Preprocessor::Start | Preprocessor::End)));
        Some(self.emit(kind))
    }

    fn lex_keyword_or_identifier(&mut self) -> Token<'a> {
        self.accept_run(|c| is_alphanumeric(c) || c == ':');
        let word = &self.input[self.start..self.pos];
        let kind = match keyword(word) {
            // The fill modifiers came late: as metric names they go on to work, if no `(` follows.
            Some(Kind::Keyword(
                super::token::Keyword::Fill
                | super::token::Keyword::FillLeft
                | super::token::Keyword::FillRight,
            )) if !self.rest().trim_start_matches(is_space).starts_with('(') => Kind::Identifier,
            Some(kind) => kind,
            None if word.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        let token = self.emit(kind);
        self.state = if self.series_description && self.peek() != Some('{') {
            State::Values
        } else {
            State::Statements
        };
        token
    }

    fn lex_comment(&mut self) -> Token<'a> {
        self.accept_run(|c| c != '\n' && c != '\r');
        self.state = State::Statements;
        self.emit(Kind::Comment)
    }

    /// Reads within `{}`, where keywords mean nothing.
    fn lex_inside_braces(&mut self) -> Lexed<Option<Token<'a>>> {
        if self.peek() == Some('#') {
            return Ok(Some(self.lex_comment()));
        }
        let Some(c) = self.next() else {
            return self.error("unexpected end of input inside braces");
        };
        let kind = match c {
            c if is_space(c) => {
                self.skip_space();
                return Ok(None);
            }
            c if is_alpha(c) => {
                self.accept_run(is_alphanumeric);
                Kind::Identifier
            }
            ',' => Kind::Comma,
            '"' | '\'' => return self.lex_string(c).map(Some),
            '`' => return self.lex_raw_string().map(Some),
            '=' if self.accept(|c| c == '~') => Kind::EqlRegex,
            '=' => Kind::Assign,
            '!' => match self.next() {
                Some('~') => Kind::NeqRegex,
                Some('=') => Kind::Binary(BinaryOp::Neq),
                other => {
                    return self.error(format!(
                        "unexpected character after '!' inside braces: {}",
                        quote_char(other)
                    ));
                }
            },
            '{' => return self.error("unexpected left brace '{'"),
            '}' => {
                self.brace_open = false;
                self.state = if self.series_description { State::Values } else { State::Statements };
                Kind::RightBrace
            }
            other => {
                return self
                    .error(format!("unexpected character inside braces: {}", quote_char(Some(other))));
            }
        };
        Ok(Some(self.emit(kind)))
    }

    /// Reads in brackets, up to the first number (behind it the ordinary state goes on).
    fn lex_duration_expr(&mut self) -> Lexed<Option<Token<'a>>> {
        let Some(c) = self.next() else {
            return self.error("unexpected end of input in duration expression");
        };
        let kind = match c {
            ']' => {
                self.bracket_open = false;
                self.got_colon = false;
                self.state = State::Statements;
                Kind::RightBracket
            }
            ':' => {
                let token = self.emit(Kind::Colon);
                if !self.got_duration {
                    return self.error("unexpected colon before duration in duration expression");
                }
                if self.got_colon {
                    return self.error("unexpected repeated colon in duration expression");
                }
                self.got_colon = true;
                return Ok(Some(token));
            }
            '(' => {
                self.paren_depth += 1;
                Kind::LeftParen
            }
            ')' => return self.right_paren().map(Some),
            c if is_space(c) => {
                self.skip_space();
                return Ok(None);
            }
            '+' => Kind::Binary(BinaryOp::Add),
            '-' => Kind::Binary(BinaryOp::Sub),
            '*' => Kind::Binary(BinaryOp::Mul),
            '/' => Kind::Binary(BinaryOp::Div),
            '%' => Kind::Binary(BinaryOp::Mod),
            '^' => Kind::Binary(BinaryOp::Pow),
            ',' => Kind::Comma,
            c if self.starts_number(c) => {
                self.pos = self.start;
                self.got_duration = true;
                self.state = State::NumberOrDuration;
                return Ok(None);
            }
            c => {
                return match self.lex_duration_keyword(c) {
                    Some(token) => Ok(Some(token)),
                    None => self.error(format!(
                        "unexpected character in duration expression: {}",
                        quote_char(Some(c))
                    )),
                };
            }
        };
        Ok(Some(self.emit(kind)))
    }

    /// Reads a string whose quote was read already; escapes are checked here and resolved by the parser.
    fn lex_string(&mut self, open: char) -> Lexed<Token<'a>> {
        loop {
            match self.next() {
                Some('\\') => self.lex_escape(open)?,
                // Go's decoder gives this character for broken bytes, and its lexer cannot tell one from the other.
                Some(char::REPLACEMENT_CHARACTER) => return self.error("invalid UTF-8 rune"),
                None | Some('\n') => return self.error("unterminated quoted string"),
                Some(c) if c == open => break,
                Some(_) => {}
            }
        }
        let token = self.emit(Kind::String);
        self.state = State::Statements;
        Ok(token)
    }

    fn lex_raw_string(&mut self) -> Lexed<Token<'a>> {
        loop {
            match self.next() {
                Some(char::REPLACEMENT_CHARACTER) => return self.error("invalid UTF-8 rune"),
                None => return self.error("unterminated raw string"),
                Some('`') => break,
                Some(_) => {}
            }
        }
        let token = self.emit(Kind::String);
        self.state = State::Statements;
        Ok(token)
    }

    fn lex_escape(&mut self, open: char) -> Lexed<()> {
        let Some(c) = self.next() else {
            return self.error("escape sequence not terminated");
        };
        let (digits, base, max) = match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(()),
            c if c == open => return Ok(()),
            '0'..='7' => {
                self.pos -= 1;
                (3, 8, 255)
            }
            'x' => (2, 16, 255),
            'u' => (4, 16, u32::from(char::MAX)),
            'U' => (8, 16, u32::from(char::MAX)),
            other => return self.error(format!("unknown escape sequence {}", unicode_name(other))),
        };
        let mut value = 0u32;
        for _ in 0..digits {
            let Some(c) = self.next() else {
                return self.error("escape sequence not terminated");
            };
            let Some(digit) = c.to_digit(base) else {
                return self.error(format!("illegal character {} in escape sequence", unicode_name(c)));
            };
            // Eight hexadecimal digits fit.
            value = value * base + digit;
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            return self.error("escape sequence is an invalid Unicode code point");
        }
        Ok(())
    }

    fn lex_number_or_duration(&mut self) -> Lexed<Token<'a>> {
        self.state = State::Statements;
        if self.scan_number() {
            return Ok(self.emit(Kind::Number));
        }
        if self.scan_rest_of_duration() {
            return Ok(self.emit(Kind::Duration));
        }
        let text = &self.input[self.start..self.pos];
        self.error(format!("bad number or duration syntax: {}", quote(text)))
    }
}

/// Prints a character as Go's `%#U`.
fn unicode_name(c: char) -> String {
    let quoted = quote_char(Some(c));
    // What does not print is left out; Go's rule is the one of quoting.
    if quoted.starts_with("'\\") && c != '\\' && c != '\'' {
        return format!("U+{:04X}", u32::from(c));
    }
    format!("U+{:04X} '{c}'", u32::from(c))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_alpha(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

fn is_alphanumeric(c: char) -> bool {
    is_alpha(c) || c.is_ascii_digit()
}
