//! `thanos tools`: commands that do a thing and end. They have no flags of servers and log nothing.

mod promql;

use std::io::Write as _;
use std::process::ExitCode;

const USAGE: &str = "\
usage: thanos tools <command> [<args> ...]

Tools that do one thing and end.

Commands:
  tools promql test <file>...
    Runs scripts in the test language of Prometheus's engine (load, eval, expect).
    Ends with 0 when all pass, with 1 when one fails, with 2 when a file is no script.
";

/// Tools of Thanos that are not built yet; they are refused by name.
const UNBUILT: [&str; 2] = ["bucket", "rules-check"];

/// Runs the tool that the arguments after `tools` name.
pub(crate) fn main(program: &str, arguments: &[String]) -> ExitCode {
    let fault = |text: &str| {
        // Nothing is left to tell a failure to.
        let _ = writeln!(std::io::stderr().lock(), "{program}: error: {text}");
        ExitCode::from(1)
    };
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if words.iter().any(|word| matches!(*word, "--help" | "-h")) {
        // A reader that went away is no fault of ours.
        let _ = std::io::stdout().lock().write_all(USAGE.as_bytes());
        return ExitCode::SUCCESS;
    }
    if let Some(flag) = words.iter().find(|word| word.starts_with('-')) {
        return fault(&format!("unknown flag '{flag}'"));
    }
    match words.as_slice() {
        [] => fault("must select a subcommand of 'tools'"),
        ["promql"] => fault("must select a subcommand of 'tools promql'"),
        ["promql", "test"] => fault("required argument 'file' not provided"),
        ["promql", "test", files @ ..] => promql::test(files),
        [name, ..] if UNBUILT.contains(name) => fault(&format!("the command tools {name} is not built yet")),
        _ => fault(&format!("expected command but got {:?}", words.join(" "))),
    }
}
