//! The command line: flags declared in tables, parsed the way Thanos's own parser (kingpin) does.
//!
//! One place per flag holds its name, type, default and help; parser, help text, documentation and the test against the
//! reference tables all read it. A parser of our own rather than a general one: spelling of errors, exit codes, `--no-x`,
//! `@file` and repeated flags are part of the interface that unit files rely on.

pub(crate) mod compact;
pub(crate) mod global;
pub(crate) mod help;
pub(crate) mod parse;
pub(crate) mod query;
pub(crate) mod shared;
pub(crate) mod sidecar;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod value;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `--x` or `--no-x`.
    Bool,
    /// Any text.
    Text,
    /// A signed number; written as a float it is cut, as in Go.
    Int,
    /// An unsigned number.
    Uint,
    /// A float.
    Float,
    /// `1h30m`, also with `d` and `w`.
    GoDuration,
    /// Prometheus's durations, `1d12h`.
    PromDuration,
    /// `250MB`; K, M, G are powers of 1024.
    Bytes,
    /// RFC 3339, or a duration relative to now.
    TimeOrDuration,
    /// One of a list.
    Enum(&'static [&'static str]),
    /// A URL.
    Url,
    /// An endpoint's address.
    Address,
    /// A file whose content may be given by the other flag instead.
    YamlFile(&'static str),
    /// Content that may be given as a file by the other flag instead.
    YamlInline(&'static str),
}

/// One flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
    pub(crate) default: &'static [&'static str],
    pub(crate) repeatable: bool,
    pub(crate) hidden: bool,
    pub(crate) placeholder: &'static str,
    pub(crate) help: &'static str,
    /// The flag that took this one's place; the values of both are joined.
    pub(crate) alias_of: Option<&'static str>,
    /// Why another value than the default is refused.
    pub(crate) unbuilt: Option<&'static str>,
}

impl Flag {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self {
            name,
            short: None,
            kind,
            default,
            repeatable: false,
            hidden: false,
            placeholder: "",
            help,
            alias_of: None,
            unbuilt: None,
        }
    }

    pub(crate) const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    pub(crate) const fn repeated(mut self) -> Self {
        self.repeatable = true;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(crate) const fn placeholder(mut self, text: &'static str) -> Self {
        self.placeholder = text;
        self
    }

    pub(crate) const fn alias_of(mut self, name: &'static str) -> Self {
        self.alias_of = Some(name);
        self
    }

    pub(crate) const fn unbuilt(mut self, why: &'static str) -> Self {
        self.unbuilt = Some(why);
        self
    }

    pub(crate) fn is_bool(&self) -> bool {
        self.kind == Kind::Bool
    }
}

/// A sub-command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) groups: &'static [&'static [Flag]],
}

impl Command {
    /// Its flags, global ones first.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &'static Flag> + use<> {
        global::FLAGS.iter().chain(self.groups.iter().flat_map(|group| group.iter()))
    }

    /// Its own flags.
    pub(crate) fn own_flags(&self) -> impl Iterator<Item = &'static Flag> + use<> {
        self.groups.iter().flat_map(|group| group.iter())
    }
}

/// The sub-commands that are built.
pub(crate) const COMMANDS: [Command; 4] =
    [sidecar::COMMAND, store::COMMAND, query::COMMAND, compact::COMMAND];

/// Sub-commands of Thanos that are not built yet; they are refused by name.
pub(crate) const UNBUILT_COMMANDS: [&str; 3] = ["rule", "receive", "query-frontend"];
