//! Runs test scripts: Prometheus's own, where they are, and ours.

use std::path::{Path, PathBuf};

use promql::engine::Engine;
use promql::limits::Limits;
use promql::promqltest::{MAX_SAMPLES, Script, engine_options, run};

/// Runs the scripts of a folder and returns what failed, one line a failure.
fn run_folder(folder: &Path) -> (usize, Vec<String>) {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "test"));
    files.sort();
    let engine = Engine::new(engine_options());
    let limits = Limits { max_samples: MAX_SAMPLES, ..Limits::default() };
    let only = std::env::var("PROMQLTEST").ok();
    let mut failures = Vec::new();
    let mut passed = 0;
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| !name.starts_with(only.as_str())) {
            continue;
        }
        match Script::parse(&std::fs::read_to_string(&file).unwrap()) {
            Ok(script) => {
                let report = run(&script, &engine, &limits);
                passed += report.passed;
                failures.extend(report.failures.into_iter().map(|f| format!("{name} {f}")));
            }
            Err(e) => failures.push(format!("{name} {e}")),
        }
    }
    (passed, failures)
}

/// The folder `shared` beside the checkout, or the one that `THANOS_SHARED` names.
fn shared() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("THANOS_SHARED") {
        return Some(folder.into());
    }
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    loop {
        let candidate = folder.join("shared");
        if candidate.is_dir() {
            return Some(candidate);
        }
        folder = folder.parent()?;
    }
}

#[test]
fn scripts_of_prometheus_pass() {
    let Some(folder) = shared().map(|s| s.join("promqltest")).filter(|f| f.is_dir()) else {
        eprintln!("skipped: no folder shared/promqltest beside the checkout");
        return;
    };
    let (passed, failures) = run_folder(&folder);
    assert!(
        failures.is_empty(),
        "{passed} commands passed, {} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(passed > 0, "no script was found");
}

#[test]
fn scripts_of_our_own_pass() {
    let (_, failures) = run_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_script_that_expects_something_else_fails() {
    let load = "load 1m\n  m{a=\"1\"} 1+1x5\n  m{a=\"2\"} 2+1x5\n  h {{count:3 sum:2 buckets:[1 2]}}x5\n\n";
    let engine = Engine::new(engine_options());
    for (eval, message) in [
        ("eval instant at 1m sum(m)\n  {} 6", "expected 6 for {} but got 5"),
        ("eval instant at 1m sum(m)", "unexpected metric {} in result, has value 5"),
        (
            "eval instant at 1m m{a=\"1\"}\n  m{a=\"1\"} 2\n  m 1",
            "expected metric {__name__=\"m\"} not found",
        ),
        (
            "eval instant at 1m h\n  h {{count:3 sum:2 buckets:[2 1]}}",
            "expected histogram {{count:3 sum:2 buckets:[2 1]}}",
        ),
        (
            "eval instant at 1m h\n  h {{count:3 sum:2 buckets:[1 2] counter_reset_hint:gauge}}",
            "expected histogram",
        ),
        ("eval instant at 1m sum(m)\n  5", "expected scalar result but got vector"),
        ("eval instant at 1m 5\n  {} 5", "expected vector or matrix result but got scalar"),
        ("eval instant at 1m 5\n  6", "expected scalar 6 but got 5"),
        (
            "eval instant at 1m sort(m)\n  expect ordered\n  m{a=\"2\"} 3\n  m{a=\"1\"} 2",
            "at position 2 but it was at 1",
        ),
        ("eval instant at 1m m\n  expect fail", "expected an error but got none"),
        ("eval instant at 1m m + on () m", "many-to-many"),
        ("eval instant at 1m m + on () m\n  expect fail msg: no", "expected error \"no\" but got"),
        ("eval instant at 1m rate(m[1m])\n  expect warn", "expected warn annotation"),
        (
            "eval instant at 5m rate(m[2m])\n  expect no_info\n  {a=\"1\"} 0.0166667\n  {a=\"2\"} 0.0166667",
            "unexpected info annotations",
        ),
        ("eval instant at 1m \"a\"\n  expect string \"b\"", "expected string \"b\" but got \"a\""),
        (
            "eval range from 0 to 2m step 1m sum(m)\n  {} 3 5",
            "expected 2 float points and 0 histogram points",
        ),
        (
            "eval range from 0 to 2m step 1m sum(m)\n  {} 3 5 8",
            "expected 8 at 120000 for {}, but got 7 at 120000",
        ),
        (
            "eval range from 0 to 1m step 1m sum(m)\n  {} 3 5 7",
            "expected 3 points for {}, but the range cannot have that many",
        ),
    ] {
        let script = Script::parse(&format!("{load}{eval}")).unwrap();
        let report = run(&script, &engine, &Limits::default());
        let failures: Vec<&str> = report.failures.iter().map(|f| f.message.as_str()).collect();
        assert!(failures.len() == 1 && failures[0].contains(message), "{eval}: {failures:?}");
        assert_eq!((report.passed, report.failures[0].line), (1, 6));
    }
    let script = Script::parse("load 1m\n  m 1 2\n\nload 1m\n  m 3").unwrap();
    let report = run(&script, &engine, &Limits::default());
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].message.contains("out of order sample"), "{}", report.failures[0]);
}
