//! Limits on what one Series call may send: `--store.limits.request-series` and `--store.limits.request-samples`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::Error;
use crate::api::*;

/// Samples that a chunk is taken to have; the samples limit is in truth one of chunks.
pub const MAX_SAMPLES_PER_CHUNK: u64 = 120;

/// A limit that several tasks count against; 0 is no limit.
#[derive(Debug)]
pub struct Limiter {
    limit: u64,
    reserved: AtomicU64,
    failed: AtomicBool,
    failures: IntCounter,
}

/// A limit was hit. The text is Thanos's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit {limit} violated (got {got})")]
pub struct LimitViolated {
    /// The limit.
    pub limit: u64,
    /// What was counted, the request that broke the limit included.
    pub got: u64,
}

impl Limiter {
    /// A limit; `failures` is counted up once when it is hit.
    pub fn new(limit: u64, failures: IntCounter) -> Self {
        Limiter { limit, reserved: AtomicU64::new(0), failed: AtomicBool::new(false), failures }
    }

    /// Counts `number` more.
    pub fn reserve(&self, number: u64) -> Result<(), LimitViolated> {
        if self.limit == 0 {
            return Ok(());
        }
        let got = self.reserved.fetch_add(number, Ordering::Relaxed).saturating_add(number);
        if got <= self.limit {
            return Ok(());
        }
        if !self.failed.swap(true, Ordering::Relaxed) {
            self.failures.inc();
        }
        Err(LimitViolated { limit: self.limit, got })
    }
}

/// Limits of one Series call; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectLimits {
    /// Most series.
    pub series_per_request: u64,
    /// Most samples, counted as 120 per chunk.
    pub samples_per_request: u64,
}

/// A store that ends a Series call when it sends more than the limits allow.
pub struct LimitedStore {
    store: Arc<dyn StoreApi>,
    limits: SelectLimits,
    dropped: IntCounterVec,
}

impl LimitedStore {
    /// Puts limits on a store.
    pub fn new(
        store: Arc<dyn StoreApi>,
        limits: SelectLimits,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let dropped = IntCounterVec::new(
            Opts::new(
                "thanos_store_selects_dropped_total",
                "Series calls that were ended because of a limit.",
            ),
            &["reason"],
        )?;
        registry.register(Box::new(dropped.clone()))?;
        // Both series exist from the start, as dashboards expect.
        dropped.with_label_values(&["series"]);
        dropped.with_label_values(&["chunks"]);
        Ok(LimitedStore { store, limits, dropped })
    }
}

#[async_trait]
impl StoreApi for LimitedStore {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        let events = self.store.series(request).await?;
        if self.limits == SelectLimits::default() {
            return Ok(events);
        }
        let series =
            Limiter::new(self.limits.series_per_request, self.dropped.with_label_values(&["series"]));
        let samples =
            Limiter::new(self.limits.samples_per_request, self.dropped.with_label_values(&["chunks"]));
        let check = move |event: &SeriesEvent| {
            if let SeriesEvent::Series(one) = event {
                series.reserve(1).map_err(|violated| {
                    Error::resource_exhausted(format!("failed to send series: {violated}"))
                })?;
                samples.reserve(one.chunks.len() as u64 * MAX_SAMPLES_PER_CHUNK).map_err(|violated| {
                    Error::resource_exhausted(format!("failed to send samples: {violated}"))
                })?;
            }
            Ok(())
        };
        let limited = events.scan(false, move |ended, event| {
            let event = event.and_then(|event| check(&event).map(|()| event));
            let item = (!*ended).then_some(event);
            *ended |= matches!(item, Some(Err(_)));
            std::future::ready(item)
        });
        Ok(limited.boxed())
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        self.store.label_names(request).await
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        self.store.label_values(request).await
    }
}
