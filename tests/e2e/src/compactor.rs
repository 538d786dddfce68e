//! `thanos compact` as a test starts it.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::process::{Process, free_port};
use crate::programs::thanos_binary;

/// The URL and the arguments of a compactor over the bucket.
pub fn arguments(dir: &Path, config: &Path, extra: &[&str]) -> (String, Vec<String>) {
    let address = format!("127.0.0.1:{}", free_port());
    let mut args = vec![
        "compact".to_owned(),
        format!("--data-dir={}", dir.join("compact-data").display()),
        format!("--objstore.config-file={}", config.display()),
        format!("--http-address={address}"),
        "--consistency-delay=0s".to_owned(),
    ];
    args.extend(extra.iter().map(|arg| (*arg).to_owned()));
    (format!("http://{address}"), args)
}

/// Runs one pass to its end; returns the exit code and the log.
pub fn one_pass(dir: &Path, config: &Path, extra: &[&str]) -> Result<(Option<i32>, String)> {
    let (_, args) = arguments(dir, config, extra);
    let mut process = Process::start("compact", &thanos_binary()?, &args, dir)?;
    let status = process.wait()?;
    Ok((status.code(), process.log()))
}

/// Runs one pass that has to end well.
pub fn clean_pass(dir: &Path, config: &Path, extra: &[&str]) -> Result<()> {
    let (code, log) = one_pass(dir, config, extra)?;
    ensure!(code == Some(0), "exit code {code:?}:\n{log}");
    Ok(())
}
