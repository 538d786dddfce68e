//! The parser of Go's regular expression syntax (the `syntax.Perl` flags), with Go's limits and error texts.
//!
//! The rules are those of Go's `regexp/syntax` as Prometheus uses it. Parsing works with a stack of open groups and not by recursion; the
//! depth of the result is capped, since what follows does recurse.

use regex_syntax::hir::{Capture, Hir, HirKind, Look, Repetition};

use super::class::{self, ClassBuilder};

/// Why a pattern is refused. The text is Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{fragment}`")]
pub struct RegexError {
    reason: &'static str,
    fragment: String,
}

impl RegexError {
    fn new(reason: &'static str, fragment: &str) -> Self {
        Self { reason, fragment: fragment.to_owned() }
    }

    pub(super) fn too_large(pattern: &str) -> Self {
        Self::new("expression too large", pattern)
    }
}

const INVALID_RANGE: &str = "invalid character class range";
const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_NAME: &str = "invalid named capture";
const INVALID_PERL: &str = "invalid or unsupported Perl syntax";
const INVALID_REPEAT_OP: &str = "invalid nested repetition operator";
const INVALID_REPEAT_SIZE: &str = "invalid repeat count";
const MISSING_BRACKET: &str = "missing closing ]";
const MISSING_PAREN: &str = "missing closing )";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";
const TRAILING_BACKSLASH: &str = "trailing backslash at end of expression";
const UNEXPECTED_PAREN: &str = "unexpected )";
const NESTING_DEPTH: &str = "expression nests too deeply";

/// Go's bounds on the height of the expression and on the product of nested repeat counts.
const MAX_HEIGHT: u32 = 1000;
const MAX_REPEAT: u32 = 1000;
/// Patterns beyond this size are refused before work is put into them; Go's own bound on the result is of this order.
const MAX_PATTERN_BYTES: usize = 4 << 20;

/// How to parse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// `.` starts out matching line feeds.
    pub(crate) dot_matches_newline: bool,
    /// Names of character properties may be spelt loosely.
    pub(crate) loose_names: bool,
    /// Keep groups; without, the result is simpler to look into.
    pub(crate) captures: bool,
}

/// A parsed pattern.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) hir: Hir,
    /// Names by group number; the first is the whole and has none.
    pub(crate) group_names: Vec<Option<String>>,
}

#[derive(Clone, Copy)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    swap_greed: bool,
}

/// An expression with what the limits need to know of it.
struct Node {
    hir: Hir,
    height: u32,
    /// The largest product of nested repeat counts within.
    repeats: u32,
}

/// An open group, or the whole.
struct Frame {
    /// Finished alternatives.
    branches: Vec<Node>,
    /// The parts of the open alternative.
    items: Vec<Node>,
    /// Flags to restore when it closes.
    flags: Flags,
    /// The group number, if it captures.
    group: Option<u32>,
}

struct Parser<'p> {
    pattern: &'p str,
    rest: &'p str,
    options: Options,
    flags: Flags,
    stack: Vec<Frame>,
    group_names: Vec<Option<String>>,
}

/// Parses a pattern.
pub(crate) fn parse(pattern: &str, options: Options) -> Result<Parsed, RegexError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(RegexError::too_large(&pattern.chars().take(64).collect::<String>()));
    }
    let flags =
        Flags { fold: false, multi_line: false, dot_newline: options.dot_matches_newline, swap_greed: false };
    let root = Frame { branches: Vec::new(), items: Vec::new(), flags, group: None };
    let mut parser =
        Parser { pattern, rest: pattern, options, flags, stack: vec![root], group_names: vec![None] };
    parser.run()?;
    let frame = parser.stack.pop().expect("the root frame");
    if !parser.stack.is_empty() {
        return Err(RegexError::new(MISSING_PAREN, pattern));
    }
    let hir = parser.close(frame)?.hir;
    Ok(Parsed { hir, group_names: parser.group_names })
}

impl<'p> Parser<'p> {
    fn run(&mut self) -> Result<(), RegexError> {
        // Where the repetition operator right before this place starts.
        let mut last_repeat: Option<&'p str> = None;
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match c {
                '(' if before.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.rest = &before[1..];
                    self.open_capture(None);
                }
                '|' => {
                    self.rest = &before[1..];
                    let node = self.take_branch()?;
                    self.top().branches.push(node);
                }
                ')' => {
                    self.rest = &before[1..];
                    self.close_group()?;
                }
                '^' => self.look(1, if self.flags.multi_line { Look::StartLF } else { Look::Start }),
                '$' => self.look(1, if self.flags.multi_line { Look::EndLF } else { Look::End }),
                '.' => {
                    self.rest = &before[1..];
                    self.push(class::any(self.flags.dot_newline));
                }
                '[' => self.bracket_class()?,
                '*' | '+' | '?' => {
                    self.rest = &before[1..];
                    let (min, max) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(min, max, false, before, last_repeat)?;
                    repeat = Some(before);
                }
                '{' => match counts(before) {
                    None => self.literal_char(),
                    Some((range, rest)) => {
                        self.rest = rest;
                        let (min, max) =
                            range.ok_or_else(|| RegexError::new(INVALID_REPEAT_SIZE, self.since(before)))?;
                        self.repeat(min, max, true, before, last_repeat)?;
                        repeat = Some(before);
                    }
                },
                '\\' => self.escape()?,
                _ => self.literal_char(),
            }
            last_repeat = repeat;
        }
        Ok(())
    }

    fn top(&mut self) -> &mut Frame {
        self.stack.last_mut().expect("the root frame stays")
    }

    /// The part of the pattern from `start` to the present place.
    fn since(&self, start: &'p str) -> &'p str {
        &start[..start.len() - self.rest.len()]
    }

    fn push(&mut self, hir: Hir) {
        self.top().items.push(Node { hir, height: 1, repeats: 1 });
    }

    fn look(&mut self, bytes: usize, look: Look) {
        self.rest = &self.rest[bytes..];
        self.push(Hir::look(look));
    }

    fn literal_char(&mut self) {
        let c = self.rest.chars().next().expect("not at the end");
        self.rest = &self.rest[c.len_utf8()..];
        self.push(class::literal(u32::from(c), self.flags.fold));
    }

    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        counted: bool,
        before: &'p str,
        last: Option<&'p str>,
    ) -> Result<(), RegexError> {
        let mut greedy = !self.flags.swap_greed;
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            greedy = !greedy;
        }
        if let Some(last) = last {
            return Err(RegexError::new(INVALID_REPEAT_OP, self.since(last)));
        }
        let Some(sub) = self.top().items.pop() else {
            return Err(RegexError::new(MISSING_ARGUMENT, self.since(before)));
        };
        let mut repeats = sub.repeats;
        if counted {
            let times = max.unwrap_or(min);
            repeats = if max == Some(0) { 1 } else { repeats.saturating_mul(times.max(1)) };
            if (min >= 2 || max.is_some_and(|m| m >= 2)) && repeats > MAX_REPEAT {
                return Err(RegexError::new(INVALID_REPEAT_SIZE, self.since(before)));
            }
        }
        let height = self.checked_height(sub.height + 1)?;
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(sub.hir) });
        self.top().items.push(Node { hir, height, repeats });
        Ok(())
    }

    fn checked_height(&self, height: u32) -> Result<u32, RegexError> {
        if height > MAX_HEIGHT { Err(RegexError::new(NESTING_DEPTH, self.pattern)) } else { Ok(height) }
    }

    /// Joins nodes, which counts as one level when there are several.
    fn join(&self, nodes: Vec<Node>, build: fn(Vec<Hir>) -> Hir) -> Result<Node, RegexError> {
        let below = nodes.iter().map(|n| n.height).max().unwrap_or(0);
        let height = self.checked_height(if nodes.len() == 1 { below } else { below + 1 })?;
        let repeats = nodes.iter().map(|n| n.repeats).max().unwrap_or(1);
        Ok(Node { hir: build(nodes.into_iter().map(|n| n.hir).collect()), height, repeats })
    }

    /// Ends the open alternative.
    fn take_branch(&mut self) -> Result<Node, RegexError> {
        let items = std::mem::take(&mut self.top().items);
        self.join(items, Hir::concat)
    }

    /// Makes one node of a frame.
    fn close(&mut self, mut frame: Frame) -> Result<Node, RegexError> {
        let last = self.join(std::mem::take(&mut frame.items), Hir::concat)?;
        frame.branches.push(last);
        let mut node = self.join(frame.branches, Hir::alternation)?;
        if let Some(index) = frame.group {
            node.height = self.checked_height(node.height + 1)?;
            if self.options.captures {
                node.hir = Hir::capture(Capture { index, name: None, sub: Box::new(node.hir) });
            }
        }
        Ok(node)
    }

    fn open(&mut self, group: Option<u32>, restore: Flags) {
        self.stack.push(Frame { branches: Vec::new(), items: Vec::new(), flags: restore, group });
    }

    fn open_capture(&mut self, name: Option<&str>) {
        let index = self.group_names.len() as u32;
        self.group_names.push(name.map(str::to_owned));
        self.open(Some(index), self.flags);
    }

    fn close_group(&mut self) -> Result<(), RegexError> {
        if self.stack.len() < 2 {
            return Err(RegexError::new(UNEXPECTED_PAREN, self.pattern));
        }
        let frame = self.stack.pop().expect("more than the root");
        self.flags = frame.flags;
        let node = self.close(frame)?;
        self.top().items.push(node);
        Ok(())
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` and `(?flags:`.
    fn perl_group(&mut self) -> Result<(), RegexError> {
        let start = self.rest;
        let named = start
            .strip_prefix("(?P<")
            .or_else(|| start.strip_prefix("(?<"))
            .filter(|after| !after.is_empty());
        if let Some(after) = named {
            let Some(end) = after.find('>') else { return Err(RegexError::new(INVALID_NAME, start)) };
            self.rest = &after[end + 1..];
            let name = &after[..end];
            if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
                return Err(RegexError::new(INVALID_NAME, self.since(start)));
            }
            self.open_capture(Some(name));
            return Ok(());
        }
        self.rest = &start[2..];
        let (mut flags, mut negative, mut seen) = (self.flags, false, false);
        while let Some(c) = self.rest.chars().next() {
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                'i' => flags.fold = !negative,
                'm' => flags.multi_line = !negative,
                's' => flags.dot_newline = !negative,
                'U' => flags.swap_greed = !negative,
                '-' if !negative => {
                    negative = true;
                    seen = false;
                    continue;
                }
                ':' | ')' if !negative || seen => {
                    if c == ':' {
                        self.open(None, self.flags);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(RegexError::new(INVALID_PERL, self.since(start)))
    }

    /// A backslash outside of a class.
    fn escape(&mut self) -> Result<(), RegexError> {
        match self.rest.as_bytes().get(1) {
            Some(b'A') => self.look(2, Look::Start),
            Some(b'z') => self.look(2, Look::End),
            Some(b'b') => self.look(2, Look::WordAscii),
            Some(b'B') => self.look(2, Look::WordAsciiNegate),
            Some(b'C') => return Err(RegexError::new(INVALID_ESCAPE, &self.rest[..2])),
            Some(b'Q') => {
                let text = &self.rest[2..];
                let (quoted, rest) = text.split_once("\\E").unwrap_or((text, ""));
                for c in quoted.chars() {
                    self.push(class::literal(u32::from(c), self.flags.fold));
                }
                self.rest = rest;
            }
            _ => {
                let mut class = ClassBuilder::new();
                if self.escaped_set(&mut class)? {
                    self.push(class.finish(false));
                } else {
                    let code = self.escaped_char()?;
                    self.push(class::literal(code, self.flags.fold));
                }
            }
        }
        Ok(())
    }

    /// `\pL`, `\p{Greek}`, `\d` and the like at the present place, added to `class`.
    fn escaped_set(&mut self, class: &mut ClassBuilder) -> Result<bool, RegexError> {
        let start = self.rest;
        let mut chars = start.chars();
        if chars.next() != Some('\\') {
            return Ok(false);
        }
        let Some(letter) = chars.next() else { return Ok(false) };
        if letter != 'p' && letter != 'P' {
            let Some((set, negated)) = class::perl(letter) else { return Ok(false) };
            self.rest = chars.as_str();
            class.add_set(set, negated, self.flags.fold);
            return Ok(true);
        }
        let name = match chars.next() {
            None => return Err(RegexError::new(INVALID_RANGE, start)),
            Some('{') => {
                let Some(end) = start.find('}') else { return Err(RegexError::new(INVALID_RANGE, start)) };
                self.rest = &start[end + 1..];
                &start[3..end]
            }
            Some(c) => {
                self.rest = chars.as_str();
                &start[2..2 + c.len_utf8()]
            }
        };
        let (bare, inverted) = name.strip_prefix('^').map_or((name, false), |bare| (bare, true));
        let set = class::unicode(bare, self.options.loose_names)
            .ok_or_else(|| RegexError::new(INVALID_RANGE, self.since(start)))?;
        class.add_set(set, (letter == 'P') != inverted, self.flags.fold);
        Ok(true)
    }

    /// A backslash that stands for one character.
    fn escaped_char(&mut self) -> Result<u32, RegexError> {
        let start = self.rest;
        let mut chars = start[1..].chars();
        let Some(c) = chars.next() else { return Err(RegexError::new(TRAILING_BACKSLASH, "")) };
        self.rest = chars.as_str();
        let octal_follows = matches!(self.rest.as_bytes().first(), Some(b'0'..=b'7'));
        let code = match c {
            '0' => Some(self.octal(0)),
            '1'..='7' if octal_follows => Some(self.octal(u32::from(c) - u32::from('0'))),
            'x' => self.hexadecimal(),
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        code.ok_or_else(|| RegexError::new(INVALID_ESCAPE, self.since(start)))
    }

    /// Up to two more octal digits.
    fn octal(&mut self, first: u32) -> u32 {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit @ b'0'..=b'7') = self.rest.as_bytes().first() else { break };
            code = code * 8 + u32::from(digit - b'0');
            self.rest = &self.rest[1..];
        }
        code
    }

    /// `41` or `{1F600}` after `\x`.
    fn hexadecimal(&mut self) -> Option<u32> {
        let mut next = || {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            Some(c)
        };
        let first = next()?;
        if first != '{' {
            let second = next()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let (mut code, mut digits) = (0u32, 0);
        loop {
            let c = next()?;
            if c == '}' {
                return (digits > 0).then_some(code);
            }
            code = code * 16 + c.to_digit(16)?;
            digits += 1;
            if code > 0x10ffff {
                return None;
            }
        }
    }

    /// `[…]`. A `]` or `-` that comes first is itself, and `-` is so anywhere it makes no range.
    fn bracket_class(&mut self) -> Result<(), RegexError> {
        let start = self.rest;
        self.rest = &start[1..];
        let negated = self.rest.starts_with('^');
        if negated {
            self.rest = &self.rest[1..];
        }
        let (mut class, mut first, fold) = (ClassBuilder::new(), true, self.flags.fold);
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.posix_set(&mut class)? || self.escaped_set(&mut class)? {
                continue;
            }
            let range = self.rest;
            let low = self.class_char(start)?;
            let mut high = low;
            if self.rest.len() >= 2 && self.rest.starts_with('-') && !self.rest[1..].starts_with(']') {
                self.rest = &self.rest[1..];
                high = self.class_char(start)?;
                if high < low {
                    return Err(RegexError::new(INVALID_RANGE, self.since(range)));
                }
            }
            class.add_range(low, high, fold);
        }
        self.rest = &self.rest[1..];
        self.push(class.finish(negated));
        Ok(())
    }

    fn class_char(&mut self, class_start: &'p str) -> Result<u32, RegexError> {
        match self.rest.chars().next() {
            None => Err(RegexError::new(MISSING_BRACKET, class_start)),
            Some('\\') => self.escaped_char(),
            Some(c) => {
                self.rest = &self.rest[c.len_utf8()..];
                Ok(u32::from(c))
            }
        }
    }

    /// `[:name:]` or `[:^name:]` inside of a class.
    fn posix_set(&mut self, class: &mut ClassBuilder) -> Result<bool, RegexError> {
        let start = self.rest;
        let Some(after) = start.strip_prefix("[:") else { return Ok(false) };
        let Some(end) = after.find(":]") else { return Ok(false) };
        self.rest = &after[end + 2..];
        let name = &after[..end];
        let (bare, negated) = name.strip_prefix('^').map_or((name, false), |bare| (bare, true));
        let set = class::posix(bare).ok_or_else(|| RegexError::new(INVALID_RANGE, self.since(start)))?;
        class.add_set(set, negated, self.flags.fold);
        Ok(true)
    }
}

/// Least and most times, or `None` when the numbers are out of bounds.
type Counts = Option<(u32, Option<u32>)>;

/// `{n}`, `{n,}` or `{n,m}` and what follows it; `None` when the brace is a literal.
fn counts(text: &str) -> Option<(Counts, &str)> {
    let (min, rest) = integer(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => integer(rest).map(|(max, rest)| (Some(max), rest))?,
    };
    let rest = rest.strip_prefix('}')?;
    let fits = min <= MAX_REPEAT && max.is_none_or(|max| min <= max && max <= MAX_REPEAT);
    Some((fits.then_some((min, max)), rest))
}

/// A decimal number without leading zeros, saturated far above the bounds.
fn integer(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits == 0 || (digits > 1 && number.starts_with('0')) {
        return None;
    }
    Some((number.parse().unwrap_or(u32::MAX), rest))
}

/// Whether an expression matches every text: `.*` with line feeds included.
pub(crate) fn is_any_star(hir: &Hir) -> bool {
    repeats_any(hir) == Some(0)
}

/// The least length (0 or 1) when the expression is `.*` or `.+` over all characters.
pub(crate) fn repeats_any(hir: &Hir) -> Option<u32> {
    let HirKind::Repetition(Repetition { min: min @ 0..=1, max: None, sub, .. }) = hir.kind() else {
        return None;
    };
    let HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = sub.kind() else { return None };
    let [range] = class.ranges() else { return None };
    (range.start() == '\0' && range.end() == char::MAX).then_some(*min)
}
