//! What the sidecar knows of its Prometheus: external labels, time range, version.

use std::sync::Arc;

use arc_swap::ArcSwap;
use client::prometheus::{Client, Error};
use model::labels::Labels;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Gives the lower end of the time range to serve (ms) at the time of the call: `--min-time` may be relative to now.
pub type MinTime = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The Prometheus beside the sidecar, with the last that is known of it. Cheap to clone.
#[derive(Clone)]
pub struct Peer {
    client: Client,
    known: Arc<Known>,
    min_time: MinTime,
}

struct Known {
    labels: watch::Sender<Labels>,
    range: Mutex<(i64, i64)>,
    version: ArcSwap<String>,
}

impl Peer {
    /// A peer of which nothing is known yet.
    pub fn new(client: Client, min_time: MinTime) -> Peer {
        let known = Known {
            labels: watch::Sender::default(),
            range: Mutex::new((min_time(), i64::MAX)),
            version: ArcSwap::default(),
        };
        Peer { client, known: Arc::new(known), min_time }
    }

    /// Client of the Prometheus.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// External labels; empty until they are known.
    pub fn labels(&self) -> Labels {
        self.known.labels.borrow().clone()
    }

    /// Waits until external labels are known and not empty.
    pub(crate) async fn has_labels(&self) {
        let mut labels = self.known.labels.subscribe();
        labels.wait_for(|labels| !labels.is_empty()).await.expect("the sender lives as long as the peer");
    }

    /// Time range that is served (closed, ms).
    pub fn range(&self) -> (i64, i64) {
        *self.known.range.lock()
    }

    /// Whether label calls of this Prometheus take matchers (2.24 and later).
    pub(crate) fn label_calls_take_matchers(&self) -> bool {
        takes_matchers(&self.known.version.load())
    }

    /// Asks for the version.
    pub async fn update_version(&self) -> Result<(), Error> {
        let version = self.client.build_version().await?;
        self.known.version.store(Arc::new(version));
        Ok(())
    }

    /// Asks for the oldest sample.
    pub async fn update_range(&self) -> Result<(), Error> {
        // A server without the metric (an agent) is taken to have data since 1970, as Thanos does.
        let lowest = self.client.lowest_timestamp().await?.unwrap_or(0);
        *self.known.range.lock() = ((self.min_time)().max(lowest), i64::MAX);
        Ok(())
    }

    /// Asks for the external labels.
    pub async fn update_labels(&self) -> Result<(), Error> {
        let labels = self.client.external_labels().await?;
        self.known.labels.send_if_modified(|known| {
            let changed = *known != labels;
            *known = labels;
            changed
        });
        Ok(())
    }
}

/// Whether a version like `2.42.0` or `3.0.0-rc.1` is 2.24.0 or later; what is no version is not.
fn takes_matchers(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = core.split('.').map(|n| n.parse::<u64>().ok());
    let (Some(Some(major)), Some(Some(minor)), Some(Some(_))) =
        (numbers.next(), numbers.next(), numbers.next())
    else {
        return false;
    };
    (major, minor) > (2, 24) || ((major, minor) == (2, 24) && !version.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions() {
        for (version, want) in [
            ("2.42.0", true),
            ("2.24.0", true),
            ("2.24.0-rc.1", false),
            ("2.23.9", false),
            ("3.0.0", true),
            ("3.14.0-rc.0+ds", true),
            ("0", false),
            ("", false),
            ("main", false),
        ] {
            assert_eq!(takes_matchers(version), want, "{version}");
        }
    }
}
