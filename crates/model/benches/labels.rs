//! How long does it take to compare and hash the label sets of a usual series, and to decide the usual kinds of matchers?
//!
//! Ten labels of Kubernetes length (about 300 bytes); pairs that differ only in the last label, as neighbours in an index do.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use model::labels::Labels;
use model::matcher::{MatchType, Matcher};

fn series(pod: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "container_network_receive_bytes_total"),
        ("cluster", "eu-north-1"),
        ("container", "harbour-master"),
        ("endpoint", "https-metrics"),
        ("instance", "10.12.130.11:9100"),
        ("interface", "eth0"),
        ("job", "kubelet"),
        ("namespace", "harbour-production"),
        ("node", "ip-10-12-130-11.eu-north-1.compute.internal"),
        ("pod", &format!("harbour-master-6c9f4d7b8f-{pod:05}")),
    ])
}

fn labels(c: &mut Criterion) {
    let (a, b) = (series(1), series(2));
    c.bench_function("labels/compare", |bench| bench.iter(|| black_box(&a).cmp(black_box(&b))));
    c.bench_function("labels/hash", |bench| bench.iter(|| black_box(&a).hash()));
    c.bench_function("labels/hash_without", |bench| {
        bench.iter(|| black_box(&a).hash_without(&["instance", "pod"]))
    });
    c.bench_function("labels/get", |bench| bench.iter(|| black_box(&a).get("pod").map(str::len)));
    let pairs: Vec<(String, String)> = a.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    c.bench_function("labels/build", |bench| {
        bench.iter(|| Labels::from_sorted(black_box(&pairs).iter().map(|(n, v)| (n, v))));
    });
}

fn matcher(c: &mut Criterion) {
    let value = "harbour-master-6c9f4d7b8f-00042";
    for (name, pattern) in [
        ("literal", "harbour-master-6c9f4d7b8f-00042"),
        ("set", "kubelet|node-exporter|harbour-master-6c9f4d7b8f-00042|prometheus"),
        ("prefix", "harbour-.*"),
        ("contains", ".*6c9f.*"),
        ("pieces", "harbour-.+-6c9f.*42"),
        ("class", "harbour-[a-z]+-[0-9a-f]+-[0-9]{5}"),
        ("fold", "(?i)HARBOUR-.*"),
        ("alternation", "harbour-(master|pilot|tug).*|lighthouse-.*"),
    ] {
        let matcher = Matcher::new(MatchType::Re, "pod", pattern).expect("a valid pattern");
        assert!(matcher.matches(value), "{pattern}");
        c.bench_function(&format!("matcher/{name}"), |bench| {
            bench.iter(|| matcher.matches(black_box(value)))
        });
    }
    c.bench_function("matcher/compile", |bench| {
        bench.iter(|| Matcher::new(MatchType::Re, "pod", black_box("harbour-[a-z]+-[0-9a-f]+-[0-9]{5}")));
    });
}

criterion_group!(benches, labels, matcher);
criterion_main!(benches);
