//! What is wrong with a text.

use std::fmt;

use crate::ast::PosRange;

/// A line and a column, both from 1; columns count bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl LineColumn {
    /// Finds the place of an offset; `None` in an empty text, where there is no place.
    pub fn of(text: &str, offset: usize) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
        Some(Self { line, column })
    }
}

/// Why a text is no expression. Prints as Prometheus prints it: `1:5: parse error: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The offending part of the text.
    pub pos: PosRange,
    /// Where that begins; `None` if the text is empty.
    pub place: Option<LineColumn>,
    /// What is wrong.
    pub message: String,
}

impl ParseError {
    pub(crate) fn new(text: &str, pos: PosRange, message: impl Into<String>) -> Self {
        Self { pos, place: LineColumn::of(text, pos.start), message: message.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(LineColumn { line, column }) => write!(f, "{line}:{column}: parse error: {}", self.message),
            None => write!(f, "unknown position: parse error: {}", self.message),
        }
    }
}

impl std::error::Error for ParseError {}
