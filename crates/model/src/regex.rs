//! Regular expressions in the syntax of Go (RE2), as matchers, relabelling and `label_replace` take them.
//!
//! Go's syntax and that of Rust's `regex` differ in many small ways (`\Q…\E`, `{` as a literal, ASCII `\d`, class set operations, what is
//! refused), so patterns are parsed here and handed to `regex-automata` in its intermediate form. Matching is linear in the text; the
//! compiled size is capped.

mod class;
mod expand;
mod parse;
mod plan;

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, Look};

pub use parse::RegexError;
use parse::{Options, parse};
pub(crate) use plan::Plan;

/// Cap on the compiled automaton: far above any sensible expression, and building up to it stays within a second.
const MAX_COMPILED_BYTES: usize = 16 << 20;

/// A compiled pattern that has to match a whole text, as `^(?s:pattern)$`.
#[derive(Clone, Debug)]
pub struct Regex {
    pattern: String,
    regex: meta::Regex,
    /// The cheap form for questions of yes or no; `None` for the odd pattern that closes the wrapping group itself, such as `a)|(b`, and is
    /// then anchored only in part.
    plan: Option<Plan>,
    names: Vec<Option<String>>,
}

/// What the groups of a [`Regex`] matched.
#[derive(Clone, Debug)]
pub struct Groups<'r, 't> {
    text: &'t str,
    captures: Captures,
    names: &'r [Option<String>],
}

impl Regex {
    /// Compiles `^(?s:pattern)$` as one text, which is what relabelling and `label_replace` do.
    pub fn anchored(pattern: &str) -> Result<Self, RegexError> {
        let parsed = parse(
            &format!("^(?s:{pattern})$"),
            Options { dot_matches_newline: false, loose_names: true, captures: true },
        )?;
        let regex = compile(pattern, &parsed.hir)?;
        Ok(Self {
            pattern: pattern.to_owned(),
            regex,
            plan: Plan::of_regex(pattern, true).ok(),
            names: parsed.group_names,
        })
    }

    /// The pattern without the anchors.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the whole of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.plan {
            Some(plan) => plan.is_match(text),
            None => self.regex.is_match(text),
        }
    }

    /// The groups of the match, if the whole of `text` matches.
    pub fn groups<'r, 't>(&'r self, text: &'t str) -> Option<Groups<'r, 't>> {
        let mut captures = self.regex.create_captures();
        let anchored = if self.plan.is_some() { Anchored::Yes } else { Anchored::No };
        self.regex.captures(Input::new(text).anchored(anchored), &mut captures);
        captures.is_match().then(|| Groups { text, captures, names: &self.names })
    }
}

impl<'t> Groups<'_, 't> {
    /// What group `index` matched; group 0 is the whole.
    pub fn get(&self, index: usize) -> Option<&'t str> {
        self.captures.get_group(index).map(|span| &self.text[span.range()])
    }

    /// What the first group of this name that took part matched.
    pub fn named(&self, name: &str) -> Option<&'t str> {
        self.names
            .iter()
            .enumerate()
            .filter(|(_, n)| n.as_deref() == Some(name))
            .find_map(|(i, _)| self.get(i))
    }

    /// Appends `template` with `$1`, `${1}`, `$name`, `${name}` and `$$` replaced, as Go's `Expand` does.
    pub fn expand_into(&self, template: &str, out: &mut String) {
        expand::expand(self, template, out);
    }

    /// As [`expand_into`](Self::expand_into), into a new text.
    pub fn expand(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + self.text.len());
        self.expand_into(template, &mut out);
        out
    }
}

/// Compiles an expression to match from the beginning to the end of a text.
pub(crate) fn compile_whole(pattern: &str, hir: &Hir) -> Result<meta::Regex, RegexError> {
    compile(pattern, &Hir::concat(vec![Hir::look(Look::Start), hir.clone(), Hir::look(Look::End)]))
}

fn compile(pattern: &str, hir: &Hir) -> Result<meta::Regex, RegexError> {
    let config =
        meta::Config::new().nfa_size_limit(Some(MAX_COMPILED_BYTES)).onepass_size_limit(Some(1 << 20));
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(|_| RegexError::too_large(pattern))
}

#[cfg(test)]
mod tests;
