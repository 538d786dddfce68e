//! How a comparison is decided: the cheapest form that is exactly the expression.

use regex_automata::{Anchored, Input, meta};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use rustc_hash::FxHashSet;

use super::parse::{Options, is_any_star, parse, repeats_any};
use super::{RegexError, compile_whole};

/// Most values that a set may have, as in Prometheus.
const MAX_SET: usize = 256;
/// Sets up to this size are compared one by one.
const SMALL_SET: usize = 12;

#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Every value.
    All,
    /// Every value but the empty one.
    NonEmpty,
    /// These values: sorted, and as a hash set when there are many.
    Set(Vec<String>, FxHashSet<String>),
    /// Literals with gaps between them.
    Pieces(Pieces),
    /// An automaton, with what all matches begin with.
    Regex { regex: meta::Regex, prefix: String },
}

impl Plan {
    pub(crate) fn literal(value: &str) -> Self {
        Self::Set(vec![value.to_owned()], FxHashSet::default())
    }

    fn set_of(mut values: Vec<String>) -> Self {
        values.sort_unstable();
        values.dedup();
        let many =
            if values.len() > SMALL_SET { values.iter().cloned().collect() } else { FxHashSet::default() };
        Self::Set(values, many)
    }

    pub(crate) fn of_regex(pattern: &str, loose_names: bool) -> Result<Self, RegexError> {
        if !pattern.contains(['\\', '.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$']) {
            // Literals with bars between need no parser. However many there are, they are a set.
            return Ok(Self::set_of(pattern.split('|').map(str::to_owned).collect()));
        }
        let hir = without_outer_anchors(
            parse(pattern, Options { dot_matches_newline: true, loose_names, captures: false })?.hir,
        );
        if let Some(values) = enumerate(&hir) {
            return Ok(Self::set_of(values));
        }
        if is_any_star(&hir) {
            return Ok(Self::All);
        }
        if repeats_any(&hir) == Some(1) {
            return Ok(Self::NonEmpty);
        }
        if let Some(pieces) = Pieces::of(&hir) {
            return Ok(Self::Pieces(pieces));
        }
        let mut prefix = Vec::new();
        push_prefix(&hir, &mut prefix);
        // A class may have ended the prefix inside of a character.
        let valid = prefix.utf8_chunks().next().map_or(String::new(), |chunk| chunk.valid().to_owned());
        Ok(Self::Regex { regex: compile_whole(pattern, &hir)?, prefix: valid })
    }

    #[inline]
    pub(crate) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::NonEmpty => !text.is_empty(),
            Self::Set(values, many) => {
                if many.is_empty() {
                    values.iter().any(|v| v == text)
                } else {
                    many.contains(text)
                }
            }
            Self::Pieces(pieces) => pieces.is_match(text),
            Self::Regex { regex, prefix } => {
                text.starts_with(prefix.as_str()) && regex.is_match(Input::new(text).anchored(Anchored::Yes))
            }
        }
    }

    pub(crate) fn set(&self) -> Option<&[String]> {
        match self {
            Self::Set(values, _) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        match self {
            Self::Set(values, _) if values.len() == 1 => &values[0],
            Self::Pieces(pieces) => &pieces.prefix,
            Self::Regex { prefix, .. } => prefix,
            _ => "",
        }
    }
}

/// `prefix`, gap, literal, gap, …, `suffix`; a gap is `.*` or `.+`.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    prefix: String,
    /// A gap and what follows it.
    parts: Vec<(Gap, String)>,
}

/// The least number of characters in a gap.
type Gap = u32;

impl Pieces {
    fn of(hir: &Hir) -> Option<Self> {
        let HirKind::Concat(subs) = hir.kind() else { return None };
        let mut pieces = Self { prefix: String::new(), parts: Vec::new() };
        for sub in subs {
            if let Some(gap) = repeats_any(sub) {
                match pieces.parts.last_mut() {
                    // Two gaps in a row make one.
                    Some((last, text)) if text.is_empty() => *last += gap,
                    _ => pieces.parts.push((gap, String::new())),
                }
            } else if let HirKind::Literal(literal) = sub.kind() {
                let text = std::str::from_utf8(&literal.0).ok()?;
                pieces.parts.last_mut().map_or(&mut pieces.prefix, |(_, t)| t).push_str(text);
            } else {
                return None;
            }
        }
        (!pieces.parts.is_empty()).then_some(pieces)
    }

    /// Takes each literal where it first fits, which leaves most room for the others; the last one has to end the text.
    fn is_match(&self, text: &str) -> bool {
        let Some(mut rest) = text.strip_prefix(self.prefix.as_str()) else { return false };
        let (last, inner) = self.parts.split_last().expect("at least one gap");
        for (gap, literal) in inner {
            let Some(after) = skip(rest, *gap) else { return false };
            let Some(at) = after.find(literal.as_str()) else { return false };
            rest = &after[at + literal.len()..];
        }
        skip(rest, last.0).is_some_and(|after| after.ends_with(last.1.as_str()))
    }
}

/// The text after `count` characters.
fn skip(text: &str, count: Gap) -> Option<&str> {
    let mut chars = text.chars();
    for _ in 0..count {
        chars.next()?;
    }
    Some(chars.as_str())
}

/// Drops `^` at the beginning and `$` at the end, which say nothing in an anchored expression.
fn without_outer_anchors(hir: Hir) -> Hir {
    let is = |hir: &Hir, look| matches!(hir.kind(), HirKind::Look(l) if *l == look);
    if is(&hir, Look::Start) || is(&hir, Look::End) {
        return Hir::empty();
    }
    let HirKind::Concat(subs) = hir.kind() else { return hir };
    let mut subs = subs.as_slice();
    while subs.first().is_some_and(|s| is(s, Look::Start)) {
        subs = &subs[1..];
    }
    while subs.last().is_some_and(|s| is(s, Look::End)) {
        subs = &subs[..subs.len() - 1];
    }
    Hir::concat(subs.to_vec())
}

/// All texts that match, when these are at most [`MAX_SET`].
fn enumerate(hir: &Hir) -> Option<Vec<String>> {
    let values = enumerate_bytes(hir)?;
    values.into_iter().map(|v| String::from_utf8(v).ok()).collect()
}

fn enumerate_bytes(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let values = match hir.kind() {
        HirKind::Empty => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Class(class) => enumerate_class(class)?,
        HirKind::Look(_) | HirKind::Capture(_) => return None,
        HirKind::Repetition(Repetition { min, max: Some(max), sub, .. }) if *max <= MAX_SET as u32 => {
            let once = enumerate_bytes(sub)?;
            let mut power = vec![Vec::new()];
            let mut all = Vec::new();
            for times in 0..=*max {
                if times >= *min {
                    all.extend_from_slice(&power);
                }
                if times < *max {
                    power = product(&power, &once)?;
                }
                if all.len() > MAX_SET {
                    return None;
                }
            }
            all
        }
        HirKind::Repetition(_) => return None,
        HirKind::Concat(subs) => {
            let mut all = vec![Vec::new()];
            for sub in subs {
                all = product(&all, &enumerate_bytes(sub)?)?;
            }
            all
        }
        HirKind::Alternation(subs) => {
            let mut all = Vec::new();
            for sub in subs {
                all.extend(enumerate_bytes(sub)?);
                if all.len() > MAX_SET {
                    return None;
                }
            }
            all
        }
    };
    (values.len() <= MAX_SET).then_some(values)
}

fn enumerate_class(class: &Class) -> Option<Vec<Vec<u8>>> {
    let Class::Unicode(class) = class else {
        // The class of nothing has no kind of its own.
        return class.is_empty().then(Vec::new);
    };
    let mut all = Vec::new();
    for range in class.ranges() {
        if all.len() + range.len() > MAX_SET {
            return None;
        }
        all.extend((range.start()..=range.end()).map(|c| c.to_string().into_bytes()));
    }
    Some(all)
}

fn product(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if left.len() * right.len() > MAX_SET {
        return None;
    }
    Some(left.iter().flat_map(|l| right.iter().map(move |r| [l.as_slice(), r].concat())).collect())
}

/// Appends the literal that every match begins with; says whether that was all of the expression.
fn push_prefix(hir: &Hir, out: &mut Vec<u8>) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => {
            out.extend_from_slice(&literal.0);
            true
        }
        HirKind::Concat(subs) => subs.iter().all(|sub| push_prefix(sub, out)),
        HirKind::Repetition(Repetition { min, sub, .. }) if *min > 0 => {
            push_prefix(sub, out);
            false
        }
        HirKind::Alternation(subs) => {
            let mut common: Option<Vec<u8>> = None;
            for sub in subs {
                let mut prefix = Vec::new();
                push_prefix(sub, &mut prefix);
                common = Some(match common {
                    None => prefix,
                    Some(c) => c.iter().zip(&prefix).take_while(|(a, b)| a == b).map(|(a, _)| *a).collect(),
                });
            }
            out.extend_from_slice(&common.unwrap_or_default());
            false
        }
        _ => false,
    }
}
