//! Exit codes and what is printed.

use crate::process::{run, text};

fn fails(arguments: &[&str], code: i32, message: &str) {
    let output = run(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(message), "{arguments:?} does not say {message:?} but {stderr}");
}

#[test]
fn syntax_faults_end_with_1() {
    fails(&["sidecar", "--xx"], 1, "thanos: error: unknown long flag '--xx'\n");
    fails(&["foo"], 1, "thanos: error: expected command but got \"foo\"\n");
    fails(&["receive"], 1, "thanos: error: the command receive is not built yet");
    fails(&["tools"], 1, "thanos: error: must select a subcommand of 'tools'");
    fails(&["tools", "bucket", "ls"], 1, "thanos: error: the command tools bucket is not built yet");
    fails(&["tools", "rules-check"], 1, "thanos: error: the command tools rules-check is not built yet");
    fails(&["tools", "promql", "test"], 1, "thanos: error: required argument 'file' not provided");
}

#[test]
fn promql_scripts_are_run() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = script("good.test", "load 1m\n  up{job=\"a\"} 1 2 3\n\neval instant at 2m sum(up)\n  {} 3\n");
    let bad = script("bad.test", "load 1m\n  up 1 2 3\n\neval instant at 2m sum(up)\n  {} 4\n");
    let broken = script("broken.test", "laod 1m\n");
    for (files, code, said) in [
        (&[&good][..], 0, format!("{good}: ok, 2 commands\n")),
        (&[&good, &bad], 1, format!("{bad}: FAILED, 1 of 2 commands\n")),
        (&[&broken, &good], 2, format!("{broken}: line 1: invalid command \"laod 1m\"\n")),
    ] {
        let arguments: Vec<&str> =
            ["tools", "promql", "test"].into_iter().chain(files.iter().map(|file| file.as_str())).collect();
        let output = run(&arguments);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{stdout}");
        assert!(stdout.contains(&said), "{stdout}");
    }
}

#[test]
fn value_faults_end_with_2_after_the_usage() {
    fails(&["query", "--query.timeout=1q"], 2, "usage: thanos query [<flags>]");
    fails(
        &["query", "--query.timeout=1q"],
        2,
        "query --query.timeout=1q]: unknown unit \"q\" in duration \"1q\"\n",
    );
}

#[test]
fn faults_of_setup_end_with_1_and_one_line() {
    for (arguments, message) in [
        (
            &["store"][..],
            "preparing store command failed: getting object store config: flag objstore.config-file or objstore.config is required",
        ),
        (&["store", "--objstore.config=type: NOPE"], "bucket with type NOPE is not supported"),
        (
            &["store", "--objstore.config=a", "--objstore.config-file=b"],
            "both objstore.config-file and objstore.config flags set.",
        ),
        (
            &["store", "--objstore.config=$(THANOS_TEST_UNSET)"],
            "found reference to unset environment variable",
        ),
        (
            &["store", "--objstore.config=type: INMEM", "--store.enable-lazy-expanded-postings"],
            "flag --store.enable-lazy-expanded-postings can only have its default: lazy postings are not built",
        ),
        (&["query", "--selector-label=x"], "unrecognized label"),
        (&["query", "--endpoint-strict=dns+a:1"], "not permitted under strict mode"),
        (&["sidecar", "--tracing.config=type: OTLP"], "tracing with type OTLP is not built"),
        (&["sidecar", "--grpc-server-tls-cert=x"], "both server key and certificate must be provided"),
        (&["query", "--enable-feature=nope"], "no such feature is built"),
    ] {
        fails(arguments, 1, message);
        let stderr = text(&run(arguments).stderr);
        let last = stderr.lines().last().unwrap();
        assert!(
            last.starts_with("ts=") && last.contains(" level=error ") && last.contains(" err=\""),
            "{last}"
        );
    }
}

#[test]
fn help_and_version_end_with_0() {
    for arguments in
        [&["--version"][..], &["--help"], &["help", "store"], &["query", "-h"], &[], &["--help-long"]]
    {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
    assert!(text(&run(&["--version"]).stdout).starts_with("thanos, version "));
    let help = text(&run(&["query", "--help"]).stdout);
    assert!(
        help.contains("--[no-]query.auto-downsampling") && !help.contains("inject-test-addresses"),
        "{help}"
    );
}

#[test]
fn json_logs_carry_the_name() {
    let output = run(&["query", "--log.format=json", "--debug.name=me", "--enable-feature=nope"]);
    let line: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((line["level"].as_str(), line["name"].as_str()), (Some("error"), Some("me")));
    assert!(line["ts"].is_string() && line["caller"].is_string());
}
