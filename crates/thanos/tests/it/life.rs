//! Components from start to end: probes, metrics, signals.

use std::collections::BTreeMap;
use std::path::Path;

use crate::process::{Process, get};

const HTTP: &str = "listening for requests and metrics";
const PORTS: [&str; 2] = ["--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0"];

/// Metrics of a running Thanos that are not here; the page of differences lists them.
const KNOWN_MISSING: [&str; 6] = [
    "thanos_bucket_store_cached_postings_compression_errors_total",
    "thanos_bucket_store_cached_postings_compression_time_seconds_total",
    "thanos_bucket_store_cached_postings_compressions_total",
    "thanos_bucket_store_lazy_expanded_posting_series_overfetched_size_bytes_total",
    "thanos_bucket_store_lazy_expanded_posting_size_bytes_total",
    "thanos_bucket_store_lazy_expanded_postings_total",
];

/// Holds the metrics of an idle component against those of Thanos when idle.
fn metrics_are_those_of_thanos(component: &str, exposition: &str) {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/metrics/{component}.tsv"));
    let table = std::fs::read_to_string(table).unwrap();
    let expected: BTreeMap<&str, &str> = table.lines().filter_map(|line| line.split_once('\t')).collect();
    let ours: BTreeMap<&str, &str> =
        exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let differences =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences.md"))
            .unwrap();
    for (name, kind) in &ours {
        if let Some(expected) = expected.get(name) {
            assert_eq!(kind, expected, "type of {name}");
        }
    }
    for name in expected.keys().filter(|name| !ours.contains_key(*name)) {
        if KNOWN_MISSING.contains(name) {
            assert!(differences.contains(&format!("`{name}`")), "docs/differences.md does not name {name}");
        }
    }
    let missing: Vec<_> =
        expected.keys().filter(|name| !ours.contains_key(*name) && !KNOWN_MISSING.contains(*name)).collect();
    assert!(missing.is_empty(), "{component}: {missing:#?}");
}

fn ends_well(process: Process) {
    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");
    let signal = log.find("caught signal. Exiting.").expect("the signal is logged");
    let not_ready = log.find("status=not-ready").expect("the probe is logged");
    let not_healthy = log.find("status=not-healthy").expect("the probe is logged");
    assert!(signal < not_ready && not_ready < not_healthy, "{log}");
    assert!(log.trim_end().ends_with("msg=exiting"), "{log}");
}

#[test]
fn store_over_an_empty_bucket() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bucket")).unwrap();
    let bucket = format!(
        "--objstore.config={{type: FILESYSTEM, config: {{directory: {}}}}}",
        dir.path().join("bucket").display()
    );
    let data = format!("--data-dir={}", dir.path().join("data").display());
    let mut store = Process::start(&["store", &bucket, &data, PORTS[0], PORTS[1]]);
    let address = loop_addresses(&mut store);
    assert_eq!(get(&address, "/-/healthy"), (200, "OK".into()));
    assert_eq!(get(&address, "/-/ready"), (200, "OK".into()));
    let (status, flags) = get(&address, "/api/v1/status/flags");
    assert!(status == 200 && flags.contains("\"objstore.config\":\"<REDACTED>\""), "{flags}");
    metrics_are_those_of_thanos("store", &get(&address, "/metrics").1);
    store.signal("HUP");
    store.wait_for(&["caught signal. Reloading."]);
    ends_well(store);
}

/// Waits for HTTP, readiness and gRPC, in whichever order they are logged, and returns the HTTP address.
fn loop_addresses(process: &mut Process) -> String {
    process.wait_for(&["listening for serving gRPC"]);
    while !(process.log.contains(HTTP) && process.log.contains("status=ready")) {
        process.wait_for(&[""]);
    }
    let line = process.log.lines().find(|line| line.contains(HTTP)).expect("the line was just seen");
    line.split("address=").nth(1).expect("the line tells the address").trim().to_owned()
}

#[test]
fn query_without_endpoints() {
    let mut query = Process::start(&["query", "--store=127.0.0.1:1", PORTS[0], PORTS[1]]);
    query.wait_for(&["level=warn", "deprecated flags: --store (use --endpoint)"]);
    let address = loop_addresses(&mut query);
    assert_eq!(get(&address, "/-/ready"), (200, "OK".into()));
    let (status, answer) = get(&address, "/api/v1/query?query=1");
    assert!(status == 200 && answer.contains("\"resultType\":\"scalar\""), "{answer}");
    metrics_are_those_of_thanos("query", &get(&address, "/metrics").1);
    ends_well(query);
}

#[test]
fn routes_move_under_the_prefix() {
    let mut query = Process::start(&["query", "--web.external-prefix=/thanos/", PORTS[0], PORTS[1]]);
    let address = loop_addresses(&mut query);
    assert_eq!(get(&address, "/thanos/api/v1/query?query=1").0, 200);
    assert_eq!(get(&address, "/api/v1/query?query=1").0, 404);
    assert_eq!(get(&address, "/").0, 302);
    assert_eq!(get(&address, "/-/ready").0, 200);
    ends_well(query);
}

#[test]
fn sidecar_without_its_prometheus() {
    let mut sidecar = Process::start(&["sidecar", "--prometheus.url=http://127.0.0.1:1", PORTS[0], PORTS[1]]);
    let address = sidecar.address(HTTP);
    assert_eq!(get(&address, "/-/healthy"), (200, "OK".into()));
    assert_eq!(get(&address, "/-/ready"), (503, "NOT OK\n".into()));
    let metrics = get(&address, "/metrics").1;
    assert!(metrics.contains("\nthanos_sidecar_prometheus_up 0\n"), "{metrics}");
    metrics_are_those_of_thanos("sidecar", &metrics);
    sidecar.signal("INT");
    let (code, log) = sidecar.ended();
    assert!(code == 0 && !log.contains("listening for serving gRPC"), "{log}");
}

#[test]
fn a_taken_port_ends_the_command() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--http-address={}", taken.local_addr().unwrap());
    let mut query = Process::start(&["query", &address, PORTS[1]]);
    let (code, log) = query.ended();
    assert_eq!(code, 1);
    assert!(log.contains("query command failed: http: listen HTTP on address"), "{log}");
}
