//! `tools promql test`: scripts in the test language of Prometheus's engine.

use std::io::Write;
use std::process::ExitCode;

use promql::engine::Engine;
use promql::limits::Limits;
use promql::promqltest::{MAX_SAMPLES, Script, engine_options, run};

/// Runs the scripts and tells of each.
pub(super) fn test(files: &[&str]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let engine = Engine::new(engine_options());
    let limits = Limits { max_samples: MAX_SAMPLES, ..Limits::default() };
    let (mut failed, mut unreadable) = (false, false);
    for file in files {
        let script = std::fs::read_to_string(file)
            .map_err(|error| error.to_string())
            .and_then(|text| Script::parse(&text).map_err(|error| error.to_string()));
        // A reader that went away is no fault of ours; the exit code still tells how it went.
        let _ = match script {
            Err(error) => {
                unreadable = true;
                writeln!(out, "{file}: {error}")
            }
            Ok(script) => {
                let report = run(&script, &engine, &limits);
                failed |= !report.failures.is_empty();
                tell(&mut out, file, report.passed, &report.failures)
            }
        };
    }
    match (unreadable, failed) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::from(1),
        (false, false) => ExitCode::SUCCESS,
    }
}

fn tell(
    out: &mut impl Write,
    file: &str,
    passed: usize,
    failures: &[promql::promqltest::Failure],
) -> std::io::Result<()> {
    if failures.is_empty() {
        return writeln!(out, "{file}: ok, {passed} commands");
    }
    for failure in failures {
        writeln!(out, "{file}: {failure}")?;
    }
    writeln!(out, "{file}: FAILED, {} of {} commands", failures.len(), passed + failures.len())
}
