//! Help texts, and the flag tables of the documentation, from the declarations.

use std::fmt::Write;

use super::{COMMANDS, Command, Flag, Kind, global};

const WIDTH: usize = 100;
const INDENT: usize = 34;
const ABOUT: &str = "Long-term storage for Prometheus: the components of Thanos in one program.";

/// Help of one command, or of the program.
pub(crate) fn usage(command: Option<&Command>) -> String {
    let mut out = String::new();
    match command {
        Some(command) => {
            let _ = write!(out, "usage: thanos {} [<flags>]\n\n{}\n\n\nFlags:\n", command.name, command.help);
            flags(&mut out, command.flags());
        }
        None => {
            let _ = write!(out, "usage: thanos [<flags>] <command> [<args> ...]\n\n{ABOUT}\n\n\nFlags:\n");
            flags(&mut out, global::FLAGS.iter());
            out.push_str("\nCommands:\nhelp [<command>]\n    Print help.\n\n");
            for command in &COMMANDS {
                let _ = write!(out, "{} [<flags>]\n    {}\n\n", command.name, command.help);
            }
        }
    }
    out.push('\n');
    out
}

/// Help of the program and of every command.
pub(crate) fn everything() -> String {
    COMMANDS.iter().fold(usage(None), |mut out, command| {
        let _ = write!(out, "{} [<flags>]\n    {}\n\n", command.name, command.help);
        flags(&mut out, command.own_flags());
        out.push('\n');
        out
    })
}

fn flags(out: &mut String, flags: impl Iterator<Item = &'static Flag>) {
    for flag in flags.filter(|flag| !flag.hidden) {
        let mut head = match flag.short {
            Some(short) => format!("  -{short}, {}", spelled(flag)),
            None => format!("      {}", spelled(flag)),
        };
        if head.len() + 2 > INDENT {
            let _ = writeln!(out, "{head}");
            head.clear();
        }
        let _ = write!(out, "{head:INDENT$}");
        wrap(out, &described(flag), WIDTH - INDENT, INDENT);
    }
}

/// `--[no-]flag`, `--flag=default`, `--flag=<placeholder> ...`.
fn spelled(flag: &Flag) -> String {
    if flag.is_bool() {
        return format!("--[no-]{}", flag.name);
    }
    let quoted = matches!(flag.kind, Kind::Text | Kind::Address);
    let value = match (flag.placeholder, flag.default.first()) {
        ("", Some(default)) if quoted => format!("{default:?}"),
        ("", Some(default)) => (*default).to_owned(),
        ("", None) if flag.repeatable => flag.name.to_uppercase(),
        ("", None) if quoted => "\"\"".to_owned(),
        ("", None) => String::new(),
        (placeholder, _) => placeholder.to_owned(),
    };
    format!("--{}={value}{}", flag.name, if flag.repeatable { " ..." } else { "" })
}

fn described(flag: &Flag) -> String {
    let mut text = flag.help.to_owned();
    if let Some(target) = flag.alias_of {
        let _ = write!(text, " Deprecated: use {target}.");
    }
    if let Some(why) = flag.unbuilt {
        let _ = write!(text, " Not built ({why}): only the default is taken.");
    }
    text
}

fn wrap(out: &mut String, text: &str, width: usize, indent: usize) {
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.len() > width {
            let _ = write!(out, "\n{:indent$}", "");
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
}

/// The flag table of a command's documentation page.
#[cfg(test)]
pub(crate) fn markdown(command: &Command) -> String {
    let mut out = String::from("| flag | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for flag in command.flags() {
        let name = if flag.is_bool() { format!("--[no-]{}", flag.name) } else { format!("--{}", flag.name) };
        let kind = match flag.kind {
            Kind::Enum(options) => options
                .iter()
                .map(|option| if option.is_empty() { "\"\"" } else { option })
                .collect::<Vec<_>>()
                .join(" \\| "),
            other => kind_name(other),
        };
        let repeated = if flag.repeatable { ", repeatable" } else { "" };
        let default = flag.default.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" ");
        let hidden = if flag.hidden { " (not shown in `--help`)" } else { "" };
        let _ = writeln!(
            out,
            "| `{name}` | {kind}{repeated} | {default} | {}{hidden} |",
            described(flag).replace('|', "\\|")
        );
    }
    out
}

/// The name of a kind as in the reference tables.
#[cfg(test)]
pub(crate) fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Bool => "bool".into(),
        Kind::Text => "string".into(),
        Kind::Int => "int".into(),
        Kind::Uint => "uint64".into(),
        Kind::Float => "float".into(),
        Kind::GoDuration => "go-duration".into(),
        Kind::PromDuration => "prom-duration".into(),
        Kind::Bytes => "bytes".into(),
        Kind::TimeOrDuration => "rfc3339-or-duration".into(),
        Kind::Enum(_) => "enum".into(),
        Kind::Url => "url".into(),
        Kind::Address => "address".into(),
        Kind::YamlFile(pair) => format!("yaml-file (pair: {pair})"),
        Kind::YamlInline(pair) => format!("yaml-inline (pair: {pair})"),
    }
}
