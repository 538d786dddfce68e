//! Texts: expressions, regular expressions, YAML.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use corpus::Generator;
use model::labels::Labels;
use model::matcher::{MatchType, Matcher};
use model::relabel::{self, RelabelConfig};
use promql::engine::{Engine, EngineOptions, QueryParams};
use promql::limits::{Ledger, Limits, ProcessBudget};
use promql::parse::{ParseOptions, parse_expr};
use promql::promqltest::MemoryStorage;

use super::Target;

pub(super) const TARGETS: [Target; 5] = [
    Target { name: "promql", run: promql, seeds: promql_seeds },
    Target { name: "evaluate", run: evaluate, seeds: evaluate_seeds },
    Target { name: "matcher", run: matcher, seeds: matcher_seeds },
    Target { name: "relabel", run: relabel, seeds: relabel_seeds },
    Target { name: "bucket-config", run: bucket_config, seeds: bucket_config_seeds },
];

fn as_text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

fn owned(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|t| t.as_bytes().to_vec()).collect()
}

/// An expression that parses prints as one that parses to the same text.
fn promql(data: &[u8]) {
    let Some(text) = as_text(data) else { return };
    let Ok(expr) = parse_expr(text, &ParseOptions::all()) else { return };
    let printed = expr.to_string();
    if let Ok(again) = parse_expr(&printed, &ParseOptions::all()) {
        assert_eq!(again.to_string(), printed, "of {text:?}");
    }
}

fn promql_seeds() -> Vec<Vec<u8>> {
    owned(&[
        r#"sum by (le, "a.b") (rate({"some.metric", job=~"a|b.*"}[5m] offset -1h @ end())) / on (x) group_left (y) up > bool 1"#,
        "histogram_quantile(0.9, sum(rate(x_bucket[5m])) without (pod))[1h:5m] @ 17e8",
        r#"label_replace(up, "a", "$1", 'b', `(.*)`) and ignoring() -1 ^ 2 % 0x1F unless Inf"#,
        "topk(3, x) or count_values(\"v\", y offset 5m + 2s) atan2 NaN # comment",
        "x[5m] anchored + fill(0) y </ 3",
    ])
}

/// Whatever is asked of data of every kind has a value or an error, within the memory that it is given, all of which comes back.
fn evaluate(data: &[u8]) {
    static DATA: LazyLock<MemoryStorage> =
        LazyLock::new(|| corpus::data::aligned_storage().unwrap_or_else(|error| panic!("{error}")));
    const MEMORY: u64 = 16 << 20;
    let Some((how, text)) = data.split_first() else { return };
    let Some(text) = as_text(text).filter(|text| text.len() < 4096) else { return };
    let options = EngineOptions {
        parse: ParseOptions::all(),
        delayed_name_removal: how & 1 != 0,
        use_start_timestamps: how & 2 != 0,
        ..EngineOptions::default()
    };
    let start = i64::from(how >> 4) * 100_000;
    let params = match how & 4 {
        0 => QueryParams::instant(start),
        _ => QueryParams::range(start, start + 300_000, 20_000),
    };
    let Ok(query) = Engine::new(options).query(text, params) else { return };
    let process = ProcessBudget::new(2 * MEMORY);
    let limits = Limits {
        max_samples: 200_000,
        memory: Ledger::new(MEMORY, Some(process.clone())),
        deadline: Some(Instant::now() + Duration::from_secs(2)),
        ..Limits::default()
    };
    let result = query.exec(&*DATA, &limits);
    assert!(result.stats.peak_bytes <= 2 * MEMORY, "{} bytes of {text:?}", result.stats.peak_bytes);
    result.annotations.as_strings(text, 10, 10);
    drop(result);
    assert_eq!(process.used(), 0, "of {text:?}");
}

fn evaluate_seeds() -> Vec<Vec<u8>> {
    let mut generator = Generator::new(41);
    (0..200u8)
        .map(|how| {
            let mut seed = vec![how.wrapping_mul(37)];
            seed.extend(generator.query(how & 4 == 0).into_bytes());
            seed
        })
        .collect()
}

/// A regular expression that is accepted matches some strings without trouble.
fn matcher(data: &[u8]) {
    let Some(text) = as_text(data) else { return };
    for ty in [MatchType::Re, MatchType::NotRe] {
        let Ok(matcher) = Matcher::new(ty, "name", text) else { continue };
        for value in ["", "a", "foo", "abcabc", "1.2.3.4:9090", "\u{e9}\n", text] {
            let _ = matcher.matches(value);
        }
        if let Some(set) = matcher.set_matches() {
            for value in set.iter().take(100) {
                assert_eq!(matcher.matches(value), ty == MatchType::Re, "{text:?} {value:?}");
            }
        }
        if let (Some(prefix), MatchType::Re) = (matcher.prefix().filter(|p| !p.is_empty()), ty) {
            assert!(prefix.starts_with('\u{1}') || !matcher.matches("\u{1}"), "{text:?} {prefix:?}");
        }
    }
}

fn matcher_seeds() -> Vec<Vec<u8>> {
    owned(&[
        "foo|bar|baz",
        "(?i)abc.*",
        "a.+b?",
        "[a-z0-9]{1,5}\\.example\\.com",
        "(foo|(ba[rz])+)",
        "x*\\d+$",
        "^a\\Qb.c\\E",
        "(?s).*\\pL",
        "prefix-.*-suffix",
        ".*(a|b).*",
    ])
}

fn relabel(data: &[u8]) {
    let Some(text) = as_text(data) else { return };
    let Ok(configs) = serde_saphyr::from_str::<Vec<RelabelConfig>>(text) else { return };
    let labels =
        Labels::from_pairs([("__name__", "up"), ("job", "node"), ("instance", "a:1"), ("replica", "0")]);
    let _ = relabel::process(&labels, &configs);
}

fn relabel_seeds() -> Vec<Vec<u8>> {
    owned(&[
        "- action: keep\n  source_labels: [job, instance]\n  separator: '@'\n  regex: '(.+)@a:.*'\n- action: hashmod\n  \
        source_labels: [job]\n  modulus: 8\n  target_label: shard\n- {action: labelmap, regex: '__(.+)__', replacement: 'x_$1'}\n\
        - {action: replace, source_labels: [a], target_label: '${1}_b', regex: '(.*)'}\n- {action: labeldrop, regex: r.*}\n",
    ])
}

/// Configurations that name no network are opened, others are only read.
fn bucket_config(data: &[u8]) {
    let Some(text) = as_text(data) else { return };
    let _ = objstore::config::open_without_metrics(text, "fuzz");
}

fn bucket_config_seeds() -> Vec<Vec<u8>> {
    owned(&[
        "type: S3\nconfig:\n  bucket: b\n  endpoint: 127.0.0.1:1\n  insecure: true\n  access_key: a\n  secret_key: s\n  \
         http_config:\n    idle_conn_timeout: 90s\n  sse_config: {type: SSE-S3}\nprefix: x/y\n",
        "type: GCS\nconfig: {bucket: b}\n",
        "type: MEMORY\n",
    ])
}
