//! The declarations against the reference tables, the parser against the behaviour of Thanos, the pages against the
//! declarations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::parse::{Fault, Request, Values, parse};
use super::*;

fn testdata(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/flags").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A line of the reference tables, in their form.
fn table_line(flag: &Flag) -> String {
    let yes = |value: bool| if value { "y" } else { "n" };
    let enums = match flag.kind {
        Kind::Enum(options) => options
            .iter()
            .map(|option| if option.is_empty() { "\"\"" } else { option })
            .collect::<Vec<_>>()
            .join("|"),
        _ => String::new(),
    };
    [
        flag.name.to_owned(),
        flag.short.map(String::from).unwrap_or_default(),
        help::kind_name(flag.kind),
        yes(flag.repeatable).to_owned(),
        flag.default.join("|"),
        yes(flag.hidden).to_owned(),
        enums,
        // No flag of these commands is required by the parser.
        "n".to_owned(),
        flag.placeholder.to_owned(),
    ]
    .join("\t")
}

fn same_as_table<'a>(flags: impl Iterator<Item = &'a Flag>, table: &str) {
    let declared: BTreeSet<String> = flags.map(table_line).collect();
    let expected: BTreeSet<String> =
        testdata(table).lines().skip(1).map(|line| line.trim_end_matches('\r').to_owned()).collect();
    // The tables cut trailing tabs of empty columns in places.
    let trimmed =
        |set: &BTreeSet<String>| set.iter().map(|line| line.trim_end().to_owned()).collect::<BTreeSet<_>>();
    let (declared, expected) = (trimmed(&declared), trimmed(&expected));
    let missing: Vec<_> = expected.difference(&declared).collect();
    let extra: Vec<_> = declared.difference(&expected).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{table}\nnot declared so: {missing:#?}\nnot in the table: {extra:#?}"
    );
}

#[test]
fn flags_are_those_of_the_reference_tables() {
    same_as_table(global::FLAGS.iter(), "global.tsv");
    for command in &COMMANDS {
        // Flags of older versions, and the few of ours, are all there is beyond the tables.
        let beyond: &[&str] = match command.name {
            "query" => &[
                "store",
                "store-strict",
                "rule",
                "target",
                "metadata",
                "exemplar",
                "query.max-samples",
                "query.max-memory",
                "query.max-memory-total",
                "query.blocks-url",
            ],
            "compact" => &["compact.halt-on-error", "compact.threads", "retention.keep-until-downsampled"],
            _ => &[],
        };
        let flags = command.own_flags().filter(|flag| !beyond.contains(&flag.name));
        same_as_table(flags, &format!("{}.tsv", command.name));
    }
}

#[test]
fn every_default_is_a_value_and_every_pair_is_whole() {
    for command in &COMMANDS {
        let names: Vec<_> = command.flags().map(|flag| flag.name).collect();
        let once: BTreeSet<_> = names.iter().collect();
        assert_eq!(once.len(), names.len(), "{}: a flag is declared twice", command.name);
        for flag in command.flags() {
            for default in flag.default {
                value::check(flag, default).unwrap_or_else(|error| panic!("{}: {error}", flag.name));
            }
            if let Kind::YamlFile(pair) | Kind::YamlInline(pair) = flag.kind {
                assert!(names.contains(&pair), "{} has no {pair}", flag.name);
            }
            if let Some(target) = flag.alias_of {
                let target = command.flags().find(|other| other.name == target).unwrap();
                assert_eq!((target.kind, target.repeatable), (flag.kind, flag.repeatable), "{}", flag.name);
            }
        }
    }
}

fn run(line: &str) -> Result<(&'static str, Values), Fault> {
    match parse(line.split_ascii_whitespace().map(str::to_owned))? {
        Request::Run(command, values) => Ok((command.name, values)),
        other => panic!("{line} asks for {other:?}"),
    }
}

fn values(line: &str) -> Values {
    run(line).unwrap_or_else(|fault| panic!("{line}: {fault:?}")).1
}

#[test]
fn faults_are_told_as_thanos_tells_them() {
    let syntax = |text: &str| Fault::Syntax(text.to_owned());
    let value = |text: &str| Fault::Value(text.to_owned());
    for (line, fault) in [
        ("sidecar --xx", syntax("unknown long flag '--xx'")),
        ("query -x", syntax("unknown short flag '-x'")),
        ("query --no-http-address", syntax("unknown long flag '--no-http-address'")),
        ("--http-address=x sidecar", syntax("unknown long flag '--http-address'")),
        ("nope", syntax("expected command but got \"nope\"")),
        ("query extra", syntax("unexpected extra")),
        ("query --query.partial-response=false", syntax("unexpected false")),
        ("sidecar --http-address", syntax("expected argument for flag '--http-address'")),
        ("sidecar --http-address --grpc-address=x", syntax("expected argument for flag '--http-address'")),
        (
            "sidecar @/nope/args",
            syntax("failed to open arguments file \"/nope/args\": No such file or directory (os error 2)"),
        ),
        ("query --help-man", syntax("--help-man is not built")),
        ("query --log.level=foo", value("enum value must be one of error,warn,info,debug, got 'foo'")),
        ("query --log.level=info --log.level=info", value("flag 'log.level' cannot be repeated")),
        ("query --query.max-concurrent=a", value("strconv.ParseFloat: parsing \"a\": invalid syntax")),
        ("sidecar --min-time=xyz", value("not a valid duration string: \"xyz\"")),
        ("store --index-cache-size=1XB", value("units: unknown unit XB in 1XB")),
        ("sidecar --prometheus.url=:x", value("invalid URL: parse \":x\": missing protocol scheme")),
    ] {
        assert_eq!(run(line).unwrap_err(), fault, "{line}");
    }
    assert!(matches!(run("receive").unwrap_err(), Fault::Syntax(text) if text.contains("not built yet")));
}

#[test]
fn each_way_to_write_a_flag() {
    let given = values(
        "--log.level=debug store --data-dir /d --no-cache-index-header --web.disable --debug.series-batch-size=5",
    );
    assert_eq!((given.text("log.level"), given.text("data-dir")), ("debug".into(), "/d".into()));
    assert!(!given.bool("cache-index-header") && given.bool("web.disable"));
    assert_eq!(given.int("debug.series-batch-size"), 5);
    assert_eq!(given.text("http-address"), "0.0.0.0:10902");
    assert!(given.is_given("data-dir") && !given.is_given("http-address"));
    let given = values("query --query.replica-label a --query.replica-label=b");
    assert_eq!(given.texts("query.replica-label"), ["a", "b"]);
    assert_eq!(given.texts("query.conn-metric.label"), ["external_labels", "store_type"]);
    assert_eq!(
        values("query --query.conn-metric.label=ip_port").texts("query.conn-metric.label"),
        ["ip_port"]
    );
}

#[test]
fn help_and_version_are_requests() {
    let request = |line: &str| parse(line.split_ascii_whitespace().map(str::to_owned)).unwrap();
    assert!(matches!(request(""), Request::Help(None)));
    assert!(matches!(request("--log.level=debug"), Request::Help(None)));
    assert!(matches!(request("query -h"), Request::Help(Some(command)) if command.name == "query"));
    assert!(matches!(request("help store"), Request::Help(Some(command)) if command.name == "store"));
    assert!(matches!(request("query --version"), Request::Version));
    assert!(matches!(request("--help-long"), Request::HelpLong));
    // Values are not looked at when only help is wanted.
    assert!(matches!(request("query --help --query.max-concurrent=a"), Request::Help(Some(_))));
}

#[test]
fn arguments_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("args");
    std::fs::write(&path, "# comment\n\n--data-dir\n/from/file\n--web.disable\n").unwrap();
    let given = values(&format!("store @{} --log.level=warn", path.display()));
    assert_eq!(given.text("data-dir"), "/from/file");
    assert!(given.bool("web.disable") && given.text("log.level") == "warn");
}

#[test]
fn older_flags_mean_their_successors() {
    let given = values("query --store a:1 --endpoint b:1 --store-strict=c:1 --rule d:1 --store e:1");
    assert_eq!(given.texts("endpoint"), ["a:1", "b:1", "d:1", "e:1"]);
    assert_eq!(given.texts("endpoint-strict"), ["c:1"]);
    assert_eq!(
        given.aliases_used,
        [("store", "endpoint"), ("store-strict", "endpoint-strict"), ("rule", "endpoint")]
    );
    let given = values("store --store.grpc.touched-series-limit=7");
    assert_eq!(given.uint("store.limits.request-series"), 7);
}

#[test]
fn unbuilt_flags_are_refused_only_when_they_differ() {
    assert!(values("query --grpc.proxy-strategy=eager").unbuilt().is_empty());
    let given = values("query --inject-test-addresses=x");
    assert_eq!(given.unbuilt().len(), 1);
}

#[test]
fn shown_flags_hide_the_bucket() {
    let shown = values("store --objstore.config=secret --log.level=warn").shown();
    assert_eq!(shown["objstore.config"], "<REDACTED>");
    assert_eq!(shown["log.level"], "warn");
    assert!(!shown.contains_key("help") && shown.contains_key("web.disable"));
}

/// The folder with the pages: that of the checkout this crate is built in.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// Set this to write the flag tables of the pages anew.
const UPDATE: &str = "UPDATE_FLAG_DOCS";
const BEGIN: &str = "<!-- flags: written by `UPDATE_FLAG_DOCS=1 cargo test -p thanos`, do not edit -->\n";
const END: &str = "<!-- end of flags -->\n";

#[test]
fn pages_list_the_flags_as_declared() {
    for command in &COMMANDS {
        let path = docs().join(format!("components/{}.md", command.name));
        let page =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (before, rest) =
            page.split_once(BEGIN).unwrap_or_else(|| panic!("{}: no flags mark", path.display()));
        let (table, after) =
            rest.split_once(END).unwrap_or_else(|| panic!("{}: no end of flags mark", path.display()));
        let expected = help::markdown(command);
        if table == expected {
            continue;
        }
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        } else {
            let stale = expected.lines().find(|line| !table.lines().any(|other| other == *line));
            assert!(table == expected, "{}: run with {UPDATE}=1; new or changed: {stale:?}", path.display());
        }
    }
}

#[test]
fn differences_name_every_unbuilt_flag() {
    let page = std::fs::read_to_string(docs().join("differences.md")).unwrap();
    for command in &COMMANDS {
        for flag in command.flags().filter(|flag| flag.unbuilt.is_some()) {
            assert!(
                page.contains(&format!("`--{}`", flag.name)),
                "docs/differences.md does not name --{}",
                flag.name
            );
        }
    }
}
