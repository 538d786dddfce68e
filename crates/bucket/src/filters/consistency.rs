//! Hides blocks that are so young that a bucket may not show all of their objects yet.

use async_trait::async_trait;
use prometheus::{Gauge, Registry};
use tsdb::meta::{BlockMeta, Source};

use super::MetaFilter;
use crate::{
    Error, Result, block,
    fetcher::{Counts, Metas, State},
};

/// Hides blocks younger than a delay, by the time of upload or else of creation. What compactor and repair tools made is never hidden: it
/// stands in for blocks that are gone.
#[derive(Debug, Clone, Copy)]
pub struct ConsistencyDelay {
    /// The delay in ms.
    pub delay_ms: i64,
}

impl ConsistencyDelay {
    /// Creates the filter and shows the delay as `<prefix>consistency_delay_seconds`.
    pub fn new(delay_ms: i64, registry: &Registry, metrics_prefix: &str) -> Result<Self> {
        let gauge = Gauge::new(
            format!("{metrics_prefix}consistency_delay_seconds"),
            "Seconds that a block must be old to be seen.",
        );
        let shown = gauge.and_then(|gauge| {
            gauge.set(delay_ms as f64 / 1000.0);
            registry.register(Box::new(gauge))
        });
        shown.map_err(Error::Metrics)?;
        Ok(ConsistencyDelay { delay_ms })
    }

    fn is_too_fresh(self, now_ms: i64, meta: &BlockMeta) -> bool {
        let since = match meta.thanos.upload_time.0 {
            Some(time) => time.as_millisecond(),
            None => block::created_ms(meta.ulid),
        };
        let source = &meta.thanos.source;
        let exempt = [Source::BUCKET_REPAIR, Source::COMPACTOR, Source::COMPACTOR_REPAIR].contains(source);
        now_ms.saturating_sub(since) < self.delay_ms && !exempt
    }
}

#[async_trait]
impl MetaFilter for ConsistencyDelay {
    async fn filter(&self, now_ms: i64, metas: &mut Metas, counts: &mut Counts) -> Result<()> {
        metas.retain(|id, meta| {
            let fresh = self.is_too_fresh(now_ms, meta);
            if fresh {
                tracing::debug!(block = %id, "block is too fresh for now");
                counts.add(State::TooFresh);
            }
            !fresh
        });
        Ok(())
    }
}
