//! The `thanos` binary: flags, wiring and tools; composition only.

mod build_info;
mod cli;
mod cmd;
mod flags;
mod malloc;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    malloc::configure();
    cli::main()
}
