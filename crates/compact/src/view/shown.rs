//! What people are shown: the view that the queues work from, all of the bucket, and the marks.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bucket::views::{BlockViews, Look, Partial as Shown, ViewKind};
use tokio_util::sync::CancellationToken;

use super::{Partial, Syncer};

/// Whether the queues have a new view is asked so often.
const SHOW_INTERVAL: Duration = Duration::from_secs(1);

/// Keeps what is shown current.
#[derive(Clone)]
pub struct Showing {
    /// Where it is written.
    pub views: BlockViews,
    /// Between two looks (`--block-viewer.global.sync-block-interval`).
    pub interval: Duration,
    /// How long one look may take (`--block-viewer.global.sync-block-timeout`).
    pub timeout: Duration,
}

impl Showing {
    /// Looks at the bucket again and again until `stop`, and shows each view of the queues soon after they have it.
    pub async fn run(&self, syncer: &Syncer, stop: &CancellationToken) {
        let every = |period: Duration| {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticks
        };
        let interval = self.interval.max(Duration::from_millis(10));
        let (mut looks, mut shows) = (every(interval), every(interval.min(SHOW_INTERVAL)));
        let looking = async {
            loop {
                looks.tick().await;
                self.look(syncer).await;
            }
        };
        let showing = async {
            loop {
                shows.tick().await;
                syncer.show(&self.views);
                self.show_arriving(syncer);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = looking => {}
            () = showing => {}
        }
    }

    /// Until the bucket was looked through once, what has been read of it so far is shown, as seen at no time.
    fn show_arriving(&self, syncer: &Syncer) {
        if self.views.look(ViewKind::Global).refreshed_ms != 0 {
            return;
        }
        let metas = syncer.fetcher.arriving();
        if !metas.is_empty() {
            self.views.set(ViewKind::Global, Look { metas: Arc::new(metas), ..Look::default() });
        }
    }

    async fn look(&self, syncer: &Syncer) {
        let fetched = tokio::time::timeout(self.timeout, syncer.fetcher.fetch_unfiltered()).await;
        let now = wall_ms();
        match fetched {
            Ok(Ok(fetched)) => self.views.fetched(ViewKind::Global, &fetched, now),
            Ok(Err(error)) => self.failed(error.to_string(), now),
            Err(_) => {
                self.failed(format!("the bucket was not looked through within {:?}", self.timeout), now)
            }
        }
    }

    fn failed(&self, error: String, now_ms: i64) {
        tracing::warn!(error, "blocks for the pages could not be fetched");
        self.views.failed(ViewKind::Global, error, now_ms);
    }
}

impl Syncer {
    /// Shows the view that the queues work from, with the marks that were found for it.
    pub fn show(&self, views: &BlockViews) {
        let view = self.view();
        if view.synced_ms == 0 || views.look(ViewKind::Loaded).refreshed_ms >= view.synced_ms {
            return;
        }
        let partial = view.partial.iter().map(|(id, why)| {
            let why = match why {
                Partial::NoMeta => Shown::NoMeta,
                Partial::CorruptMeta => Shown::CorruptMeta,
            };
            (*id, why)
        });
        let look = Look {
            metas: Arc::new(view.metas.clone()),
            partial: Arc::new(partial.collect()),
            refreshed_ms: view.synced_ms,
            error: None,
        };
        views.set(ViewKind::Loaded, look);
        views.change_marks(|marks| {
            marks.deletion = view.deletion.clone();
            marks.no_compact = self.findings.no_compact.marked();
            marks.no_downsample = self.findings.no_downsample.marked();
        });
    }
}

/// Milliseconds since 1970 by the clock on the wall.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
