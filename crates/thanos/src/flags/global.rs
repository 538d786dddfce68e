//! Flags of every command.

use super::{Flag, Kind};

pub(crate) const FLAGS: &[Flag] = &[
    Flag { short: Some('h'), ..Flag::new("help", Kind::Bool, &[], "Print this help and end; --help-long covers all commands.") },
    Flag::new("help-long", Kind::Bool, &[], "Print the help of all commands.").hidden(),
    Flag::new("help-man", Kind::Bool, &[], "Print a manual page.").hidden(),
    Flag::new("completion-bash", Kind::Bool, &["false"], "Print possible completions for bash.").hidden(),
    Flag::new("completion-script-bash", Kind::Bool, &["false"], "Print the completion script for bash.").hidden(),
    Flag::new("completion-script-zsh", Kind::Bool, &["false"], "Print the completion script for zsh.").hidden(),
    Flag::new("version", Kind::Bool, &[], "Print the version and end."),
    Flag::new("debug.name", Kind::Text, &[], "A name that is put on every log line.").hidden(),
    Flag::new("log.level", Kind::Enum(&["error", "warn", "info", "debug"]), &["info"], "Lines below this level are not logged."),
    Flag::new("log.format", Kind::Enum(&["logfmt", "json", "journald"]), &["logfmt"], "Shape of the log lines: logfmt or json on stderr, or journald for the systemd journal."),
    Flag::new("tracing.config-file", Kind::YamlFile("tracing.config"), &[], "YAML file that says where traces go. No exporter is built yet, so a configuration that names one is refused.")
        .placeholder("<file-path>"),
    Flag::new("tracing.config", Kind::YamlInline("tracing.config-file"), &[], "The content of tracing.config-file in place of a file.")
        .placeholder("<content>"),
    Flag::new("enable-auto-gomemlimit", Kind::Bool, &["false"], "Taken for the sake of existing unit files. There is no garbage collector whose memory could be limited, so it changes nothing."),
    Flag::new("auto-gomemlimit.ratio", Kind::Float, &["0.9"], "Taken for the sake of existing unit files; see enable-auto-gomemlimit."),
];
