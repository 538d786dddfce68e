//! Numbers and durations as the lexer takes them; what they are worth is found out by the parser.

use super::{Lexer, is_alphanumeric};

impl Lexer<'_> {
    /// Reads a number: decimal, hexadecimal or octal digits with underscores, a fraction, an exponent. What was read when
    /// it turns out to be none stays read: the rest may be a duration, or stands in the error.
    pub(super) fn scan_number(&mut self) -> bool {
        let initial = self.pos;
        let mut hexadecimal = false;
        // In the values of a series `0x3` is three zeros.
        if !self.series_description && self.accept(|c| c == '0') && self.accept(|c| matches!(c, 'x' | 'X')) {
            self.accept(|c| c == '_');
            hexadecimal = true;
        }
        let digit = move |c: char| if hexadecimal { c.is_ascii_hexdigit() } else { c.is_ascii_digit() };
        let exponent = |c: char| matches!(c, 'e' | 'E');

        self.accept(|c| c == '.');
        self.accept(digit);
        let mut got_dot = false;
        let mut got_exponent = false;
        while let Some(c) = self.peek() {
            if !(digit(c) || exponent(c) || matches!(c, '.' | '_')) {
                break;
            }
            if (c == '.' && got_dot) || (exponent(c) && got_exponent) {
                self.next();
                return false;
            }
            if c == '.' {
                self.next();
                got_dot = true;
                // A fraction does not begin with an underscore or a second dot, and a hexadecimal number has none.
                if self.accept(|c| matches!(c, '_' | '.')) || hexadecimal {
                    return false;
                }
            } else if exponent(c) {
                self.next();
                got_exponent = true;
                self.accept(|c| matches!(c, '+' | '-'));
                if self.accept(|c| matches!(c, '.' | '_' | 'e' | 'E')) || self.peek().is_none() {
                    return false;
                }
            } else if c == '_' {
                self.next();
                if self.accept(|c| matches!(c, '.' | '_' | 'e' | 'E')) || self.peek().is_none() {
                    return false;
                }
            } else {
                self.accept_run(digit);
            }
        }
        if self.pos == initial {
            return false;
        }
        match self.peek() {
            Some('x') if self.series_description => true,
            Some(c) => !is_alphanumeric(c),
            None => true,
        }
    }

    /// Reads units and further numbers behind a number that was read as far as it goes.
    pub(super) fn scan_rest_of_duration(&mut self) -> bool {
        let digit = |c: char| c.is_ascii_digit();
        if !self.accept(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w' | 'y')) {
            return false;
        }
        // For `ms`; wrong units are found when the value is taken.
        self.accept(|c| c == 's');
        while self.accept(digit) {
            self.accept_run(digit);
            if !self.accept(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w')) {
                return false;
            }
            self.accept(|c| c == 's');
        }
        match self.peek() {
            Some(c) if is_alphanumeric(c) => {
                // The offending character is part of the error's text.
                self.next();
                false
            }
            _ => true,
        }
    }
}
