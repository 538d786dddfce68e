//! From the command line to the run group, and the exit code: 0 after a signal, 1 for faults of syntax, set-up and run,
//! 2 for wrong values.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use prometheus::Registry;
use server::run::{self, Group};
use tokio::sync::mpsc;

use crate::build_info::{build_info, version_text};
use crate::cmd;
use crate::flags::parse::{Fault, Request, Values, parse};
use crate::flags::{Command, help};

/// What a command is built with.
pub(crate) struct Setup<'a> {
    pub(crate) values: &'a Values,
    pub(crate) registry: Registry,
    pub(crate) group: &'a mut Group,
}

pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_else(|| "thanos".to_owned());
    let name = program.rsplit('/').next().unwrap_or("thanos").to_owned();
    let arguments: Vec<String> = arguments.collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == "tools"
    {
        return crate::tools::main(&name, rest);
    }
    match parse(arguments.iter().cloned()) {
        Ok(Request::Version) => print(&version_text()),
        Ok(Request::Help(command)) => print(&help::usage(command)),
        Ok(Request::HelpLong) => print(&help::everything()),
        Ok(Request::Run(command, values)) => start(command, &values),
        Err(Fault::Syntax(text)) => {
            complain(&format!("{name}: error: {text}\n"));
            ExitCode::from(1)
        }
        Err(Fault::Value(text)) => {
            let command = arguments
                .iter()
                .find_map(|argument| crate::flags::COMMANDS.iter().find(|known| known.name == argument));
            let all = std::iter::once(program).chain(arguments.iter().cloned()).collect::<Vec<_>>().join(" ");
            complain(&format!(
                "{}error parsing commandline arguments: [{all}]: {text}\n",
                help::usage(command)
            ));
            ExitCode::from(2)
        }
    }
}

/// Writes what was asked for. A reader that went away is no fault of ours.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn complain(text: &str) {
    // Nothing is left to tell a failure to.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn start(command: &'static Command, values: &Values) -> ExitCode {
    if let Err(error) = init_log(values) {
        complain(&format!("failed to create logger: {error}\n"));
        return ExitCode::from(1);
    }
    match execute(command, values) {
        Ok(()) => {
            tracing::info!("exiting");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(err = format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

fn init_log(values: &Values) -> Result<(), String> {
    let level = match values.text("log.level").as_str() {
        "error" => tracing::Level::ERROR,
        "warn" => tracing::Level::WARN,
        "debug" => tracing::Level::DEBUG,
        _ => tracing::Level::INFO,
    };
    let name = values.text("debug.name");
    let name = (!name.is_empty()).then_some(name);
    server::log::init(server::log::Config { level, format: values.text("log.format").parse()?, name })
}

fn execute(command: &'static Command, values: &Values) -> anyhow::Result<()> {
    // One line, however often the flags stand in an old unit file.
    let deprecated: Vec<String> =
        values.aliases_used.iter().map(|(name, successor)| format!("--{name} (use --{successor})")).collect();
    if !deprecated.is_empty() {
        tracing::warn!("deprecated flags: {}", deprecated.join(", "));
    }
    let preparing = || format!("preparing {} command failed", command.name);
    refuse_unbuilt(values).with_context(preparing)?;
    cmd::setup::check_tracing(values).with_context(preparing)?;
    // The one TLS back end; libraries that look for a default find it here.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("TLS provider is installed twice"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the async runtime")?;
    let outcome = runtime.block_on(async {
        let registry = server::metrics::registry(&build_info())?;
        let mut group = Group::new();
        // No command that is built reloads on SIGHUP; the signal is logged, and must not end the process.
        let (reload, _reloads) = mpsc::channel(1);
        let context = Setup { values, registry, group: &mut group };
        cmd::setup(command.name, context).with_context(preparing)?;
        run::add_interrupt(&mut group).context("install signal handlers")?;
        run::add_reload(&mut group, reload).context("install signal handlers")?;
        group.run().await.with_context(|| format!("{} command failed", command.name))
    });
    // Work that ignores its shutdown must not keep the process.
    runtime.shutdown_background();
    outcome
}

fn refuse_unbuilt(values: &Values) -> anyhow::Result<()> {
    let unbuilt = values.unbuilt();
    let Some((name, why)) = unbuilt.first() else { return Ok(()) };
    anyhow::bail!("flag --{name} can only have its default: {why}")
}
