//! A real Prometheus over data of our own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use client::prometheus::Client;
use e2e::programs::{Prometheus, create_blocks};
use sidecar::Peer;
use tempfile::TempDir;

/// Start of the data, in seconds: 2024-03-01T00:00:00Z.
pub(crate) const START: i64 = 1_709_251_200;

pub(crate) fn http_client() -> reqwest::Client {
    // Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("client")
}

/// Name, labels and value by tick of a series; 15 s between ticks.
pub(crate) type Line = (&'static str, &'static str, fn(i64) -> f64);

pub(crate) const LINES: [Line; 7] = [
    ("berth_ships", "berth=\"a\",job=\"quay\"", |i| (i % 7) as f64),
    ("berth_ships", "berth=\"b\",job=\"quay\"", |i| (i % 5) as f64),
    // A prefix of the next in the order of labels: with an external label between them the order turns.
    ("tide_metres", "basin=\"n\"", |i| i as f64 / 8.0),
    ("tide_metres", "basin=\"n\",buoy=\"1\"", |i| i as f64 / 4.0),
    // Labels of the same names as the external ones.
    ("crane_lifts", "cluster=\"its-own\",job=\"quay\"", |i| i as f64),
    ("crane_lifts", "job=\"dock\",replica=\"its-own\"", |i| 2.0 * i as f64),
    ("crane_lifts", "job=\"yard\"", |i| 3.0 * i as f64),
];

/// Ticks of every series: a bit more than two hours, so that there are several chunks and blocks.
pub(crate) const TICKS: i64 = 600;

/// A Prometheus with external labels `cluster="eu1", replica="0"` over [`LINES`].
pub(crate) struct Harbour {
    pub(crate) prometheus: Prometheus,
    _dir: TempDir,
}

impl Harbour {
    pub(crate) async fn start() -> Harbour {
        let external = [("cluster", "eu1"), ("replica", "0")].map(|(n, v)| (n.to_string(), v.to_string()));
        Harbour::with(lines(), external.to_vec()).await
    }

    /// A Prometheus over blocks of this OpenMetrics text. The helpers of the end-to-end tests block, hence the thread.
    pub(crate) async fn with(text: String, external: Vec<(String, String)>) -> Harbour {
        let start = move || {
            let dir = tempfile::tempdir().expect("folder");
            let data = write_text(dir.path(), &text);
            let external: Vec<_> = external.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let prometheus =
                Prometheus::start(dir.path(), "prometheus", &data, &external).expect("Prometheus");
            Harbour { prometheus, _dir: dir }
        };
        tokio::task::spawn_blocking(start).await.expect("no panic")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(http_client(), self.prometheus.url.parse().expect("address"))
    }

    /// The peer with all that a start-up finds out.
    pub(crate) async fn peer(&self) -> Peer {
        let peer = Peer::new(self.client(), Arc::new(|| i64::MIN));
        peer.update_version().await.expect("version");
        peer.update_range().await.expect("range");
        peer.update_labels().await.expect("labels");
        peer
    }
}

/// Writes [`LINES`] as blocks into `dir/data`, and returns that folder.
pub(crate) fn write_blocks(dir: &Path) -> PathBuf {
    write_text(dir, &lines())
}

fn lines() -> String {
    let mut text = String::new();
    for name in ["berth_ships", "crane_lifts", "tide_metres"] {
        text += &format!("# TYPE {name} gauge\n");
        for (_, labels, value) in LINES.iter().filter(|line| line.0 == name) {
            for tick in 0..TICKS {
                text += &format!("{name}{{{labels}}} {} {}\n", value(tick), START + 15 * tick);
            }
        }
    }
    text + "# EOF\n"
}

fn write_text(dir: &Path, text: &str) -> PathBuf {
    let (file, data) = (dir.join("harbour.om"), dir.join("data"));
    std::fs::write(&file, text).expect("write");
    create_blocks(&file, &data).expect("blocks");
    data
}
