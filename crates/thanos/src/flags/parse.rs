//! Parsing the command line.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::value::{self, TimeOrDuration};
use super::{COMMANDS, Command, Flag, Kind, UNBUILT_COMMANDS, global};

/// Largest file of arguments read, in bytes.
const MAX_ARGUMENT_FILE: u64 = 1 << 20;

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// Print the version.
    Version,
    /// Print help: of a command, or of the program.
    Help(Option<&'static Command>),
    /// Print help of everything.
    HelpLong,
    /// Run a command.
    Run(&'static Command, Values),
}

/// What is wrong with the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be read: `thanos: error: …`, exit code 1.
    Syntax(String),
    /// A value is wrong: usage, `error parsing commandline arguments: …`, exit code 2.
    Value(String),
}

/// The values of all flags of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    given: BTreeMap<&'static str, Vec<String>>,
    flags: Vec<&'static Flag>,
    /// Older flags that were used, with their successors.
    pub(crate) aliases_used: Vec<(&'static str, &'static str)>,
}

/// Arguments left to read. An `@file` is replaced by the file's lines when it is reached.
struct Arguments {
    left: std::collections::VecDeque<String>,
    /// The value after `=` of the flag read last.
    pushed: Option<String>,
    arguments_only: bool,
}

enum Token {
    Long(String),
    Short(char, String),
    Argument(String),
    End,
}

impl Arguments {
    fn next(&mut self) -> Result<Token, Fault> {
        if let Some(value) = self.pushed.take() {
            return Ok(Token::Argument(value));
        }
        loop {
            let Some(argument) = self.left.pop_front() else { return Ok(Token::End) };
            if self.arguments_only {
                return Ok(Token::Argument(argument));
            }
            if argument == "--" {
                self.arguments_only = true;
            } else if let Some(long) = argument.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                self.pushed = value;
                return Ok(Token::Long(name.to_owned()));
            } else if let Some(short) = argument.strip_prefix('-') {
                let mut characters = short.chars();
                let Some(first) = characters.next() else { return Ok(Token::Argument(String::new())) };
                return Ok(Token::Short(first, characters.as_str().to_owned()));
            } else if let Some(file) = argument.strip_prefix('@') {
                for line in expand_file(file).map_err(Fault::Syntax)?.into_iter().rev() {
                    self.left.push_front(line);
                }
            } else {
                return Ok(Token::Argument(argument));
            }
        }
    }
}

fn expand_file(name: &str) -> Result<Vec<String>, String> {
    if name.is_empty() {
        return Err("expected @ file to expand arguments from".to_owned());
    }
    let failed = |cause: String| format!("failed to open arguments file {name:?}: {cause}");
    let length = std::fs::metadata(Path::new(name)).map_err(|error| failed(error.to_string()))?.len();
    if length > MAX_ARGUMENT_FILE {
        return Err(failed(format!("larger than {MAX_ARGUMENT_FILE} bytes")));
    }
    let text = std::fs::read_to_string(name).map_err(|error| failed(error.to_string()))?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(str::to_owned)
        .collect())
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Request, Fault> {
    let left: std::collections::VecDeque<String> = arguments.into_iter().collect();
    if left.is_empty() {
        return Ok(Request::Help(None));
    }
    let mut arguments = Arguments { left, pushed: None, arguments_only: false };
    let mut command: Option<&'static Command> = None;
    let mut help_asked = false;
    let mut matched: Vec<(&'static Flag, String)> = Vec::new();
    loop {
        match arguments.next()? {
            Token::End => break,
            Token::Long(name) => {
                let (flag, inverted) = find_long(command, &name)?;
                let value = if flag.is_bool() {
                    // `--flag=value` of a boolean leaves the value as an argument of its own, which is then unexpected.
                    (!inverted).to_string()
                } else {
                    argument_of(&mut arguments, &format!("--{name}"))?
                };
                matched.push((flag, value));
            }
            Token::Short(letter, rest) => {
                let flag = flags_of(command).find(|flag| flag.short == Some(letter));
                let Some(flag) = flag else {
                    return Err(Fault::Syntax(format!("unknown short flag '-{letter}'")));
                };
                // Every short flag there is is a boolean; letters after it are further ones.
                if !rest.is_empty() {
                    arguments.left.push_front(format!("-{rest}"));
                }
                matched.push((flag, "true".to_owned()));
            }
            Token::Argument(text) => match command {
                None if text == "help" && !help_asked => help_asked = true,
                None => match COMMANDS.iter().find(|command| command.name == text) {
                    Some(found) => command = Some(found),
                    None if UNBUILT_COMMANDS.contains(&text.as_str()) => {
                        return Err(Fault::Syntax(format!(
                            "the command {text} is not built yet; built are {}",
                            COMMANDS.map(|command| command.name).join(", ")
                        )));
                    }
                    None => return Err(Fault::Syntax(format!("expected command but got {text:?}"))),
                },
                Some(_) => return Err(Fault::Syntax(format!("unexpected {text}"))),
            },
        }
    }
    let asked = |name: &str| matched.iter().any(|(flag, value)| flag.name == name && value == "true");
    if asked("help-long") {
        return Ok(Request::HelpLong);
    }
    if asked("help") || help_asked {
        return Ok(Request::Help(command));
    }
    if asked("version") {
        return Ok(Request::Version);
    }
    for name in ["help-man", "completion-bash", "completion-script-bash", "completion-script-zsh"] {
        if asked(name) {
            return Err(Fault::Syntax(format!("--{name} is not built")));
        }
    }
    let mut values = Values { flags: flags_of(command).collect(), ..Values::default() };
    for (flag, text) in matched {
        value::check(flag, &text).map_err(Fault::Value)?;
        values.add(flag, text)?;
    }
    Ok(command.map_or(Request::Help(None), |command| Request::Run(command, values)))
}

fn flags_of(command: Option<&'static Command>) -> impl Iterator<Item = &'static Flag> {
    global::FLAGS.iter().chain(command.into_iter().flat_map(Command::own_flags))
}

fn find_long(command: Option<&'static Command>, name: &str) -> Result<(&'static Flag, bool), Fault> {
    if let Some(flag) = flags_of(command).find(|flag| flag.name == name) {
        return Ok((flag, false));
    }
    let inverted = name
        .strip_prefix("no-")
        .and_then(|name| flags_of(command).find(|flag| flag.name == name && flag.is_bool()));
    match inverted {
        Some(flag) => Ok((flag, true)),
        None => Err(Fault::Syntax(format!("unknown long flag '--{name}'"))),
    }
}

fn argument_of(arguments: &mut Arguments, flag: &str) -> Result<String, Fault> {
    match arguments.next()? {
        Token::Argument(text) => Ok(text),
        _ => Err(Fault::Syntax(format!("expected argument for flag '{flag}'"))),
    }
}

impl Values {
    fn add(&mut self, flag: &'static Flag, text: String) -> Result<(), Fault> {
        let target = match flag.alias_of {
            Some(target) => {
                if !self.aliases_used.iter().any(|(name, _)| *name == flag.name) {
                    self.aliases_used.push((flag.name, target));
                } else if !flag.repeatable {
                    return Err(Fault::Value(format!("flag '{}' cannot be repeated", flag.name)));
                }
                target
            }
            None => flag.name,
        };
        let values = self.given.entry(target).or_default();
        if flag.repeatable {
            values.push(text);
        } else if values.is_empty()
            || flag.alias_of.is_some()
            || self.aliases_used.iter().any(|(_, name)| *name == target)
        {
            *values = vec![text];
        } else {
            return Err(Fault::Value(format!("flag '{}' cannot be repeated", flag.name)));
        }
        Ok(())
    }

    /// The flags that are not built and were given another value than their default, with the reason.
    pub(crate) fn unbuilt(&self) -> Vec<(&'static str, &'static str)> {
        let differs =
            |flag: &Flag| self.given.get(flag.name).is_some_and(|given| given.as_slice() != flag.default);
        let refused = self.flags.iter().filter(|flag| differs(flag));
        refused.filter_map(|flag| Some((flag.name, flag.unbuilt?))).collect()
    }

    /// Each flag with its value as `/api/v1/status/flags` shows it.
    pub(crate) fn shown(&self) -> BTreeMap<String, String> {
        let own = self.flags.iter().filter(|flag| {
            let boilerplate = ["help", "help-long", "help-man", "version"].contains(&flag.name)
                || flag.name.starts_with("completion-");
            !boilerplate && flag.alias_of.is_none()
        });
        own.map(|flag| {
            let shown = match flag.name {
                // May hold credentials.
                "objstore.config" | "objstore.config-file" => "<REDACTED>".to_owned(),
                _ if flag.repeatable => self.texts(flag.name).join(","),
                _ => self.text(flag.name),
            };
            (flag.name.to_owned(), shown)
        })
        .collect()
    }

    fn flag(&self, name: &str) -> &'static Flag {
        self.flags.iter().find(|flag| flag.name == name).expect("the command declares the flag")
    }

    /// Whether the flag was given.
    #[cfg(test)]
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// All values of a repeatable flag, or its defaults.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        match self.given.get(name) {
            Some(values) => values.clone(),
            None => self.flag(name).default.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    /// The value of a flag, its default, or nothing.
    pub(crate) fn text(&self, name: &str) -> String {
        match self.given.get(name).and_then(|values| values.last()) {
            Some(value) => value.clone(),
            None => self.flag(name).default.first().copied().unwrap_or_default().to_owned(),
        }
    }

    fn typed<T>(&self, name: &str, parse: fn(&str) -> Result<T, String>) -> T {
        parse(&self.text(name)).expect("values and defaults were checked")
    }

    pub(crate) fn bool(&self, name: &str) -> bool {
        self.typed(name, value::bool)
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.typed(name, value::int)
    }

    pub(crate) fn uint(&self, name: &str) -> u64 {
        self.typed(name, value::uint)
    }

    pub(crate) fn float(&self, name: &str) -> f64 {
        self.typed(name, value::float)
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f64> {
        self.texts(name)
            .iter()
            .map(|text| value::float(text).expect("values and defaults were checked"))
            .collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> u64 {
        self.typed(name, value::bytes)
    }

    pub(crate) fn time(&self, name: &str) -> TimeOrDuration {
        self.typed(name, value::time_or_duration)
    }

    /// A duration of either kind; nothing given and no default is zero.
    pub(crate) fn duration(&self, name: &str) -> Duration {
        let text = self.text(name);
        if text.is_empty() {
            return Duration::ZERO;
        }
        let parsed = match self.flag(name).kind {
            Kind::PromDuration => value::prom_duration(&text),
            _ => value::go_duration(&text),
        };
        parsed.expect("values and defaults were checked")
    }
}
