//! Metrics of what a store is asked for.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use prometheus::{Histogram, HistogramOpts, IntGauge, Registry};

use crate::Error;
use crate::api::*;

/// A store whose Series calls are counted under `thanos_store_server_*`.
pub struct InstrumentedStore {
    store: Arc<dyn StoreApi>,
    series: Histogram,
    chunks: Histogram,
    pending: IntGauge,
}

impl InstrumentedStore {
    /// Puts metrics on a store.
    pub fn new(store: Arc<dyn StoreApi>, registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let pending = IntGauge::new(
            "thanos_store_server_pending_series_requests",
            "Series calls that are being answered.",
        )?;
        registry.register(Box::new(pending.clone()))?;
        Ok(InstrumentedStore {
            store,
            series: histogram(
                "thanos_store_server_series_requested",
                "Series sent per Series call.",
                &[1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6],
            )?,
            chunks: histogram(
                "thanos_store_server_chunks_requested",
                "Chunks sent per Series call.",
                &[1.0, 100.0, 1e3, 1e4, 1e5, 1e7, 1e8, 1e9],
            )?,
            pending,
        })
    }
}

/// One call that is being answered; observed when it ends well.
struct Call {
    series: u64,
    chunks: u64,
    observe: (Histogram, Histogram),
    pending: IntGauge,
}

impl Call {
    fn done(&self) {
        self.observe.0.observe(self.series as f64);
        self.observe.1.observe(self.chunks as f64);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.pending.dec();
    }
}

#[async_trait]
impl StoreApi for InstrumentedStore {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        self.pending.inc();
        let call = Call {
            series: 0,
            chunks: 0,
            observe: (self.series.clone(), self.chunks.clone()),
            pending: self.pending.clone(),
        };
        let events = self.store.series(request).await?;
        let counted = futures::stream::unfold(Some((events, call)), |state| async {
            let (mut events, mut call) = state?;
            match events.next().await {
                None => {
                    call.done();
                    None
                }
                Some(Ok(event)) => {
                    if let SeriesEvent::Series(series) = &event {
                        call.series += 1;
                        call.chunks += series.chunks.len() as u64;
                    }
                    Some((Ok(event), Some((events, call))))
                }
                Some(Err(error)) => Some((Err(error), None)),
            }
        });
        Ok(counted.boxed())
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        self.store.label_names(request).await
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        self.store.label_values(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    #[async_trait]
    impl StoreApi for Fixed {
        async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
            let series = || Series { chunks: vec![AggrChunk::default(); 3], ..Series::default() };
            let mut events =
                vec![Ok(SeriesEvent::Series(series())), Ok(SeriesEvent::Warning("w".to_owned()))];
            if request.limit == 1 {
                events.push(Err(Error::internal("broken")));
            }
            events.push(Ok(SeriesEvent::Series(series())));
            Ok(futures::stream::iter(events).boxed())
        }

        async fn label_names(&self, _: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
            Ok(LabelNamesResponse::default())
        }

        async fn label_values(&self, _: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
            Ok(LabelValuesResponse::default())
        }
    }

    #[tokio::test]
    async fn counts_series_and_chunks_of_calls_that_end_well() {
        let store = InstrumentedStore::new(Arc::new(Fixed), &Registry::new()).unwrap();
        let mut events = store.series(SeriesRequest::default()).await.unwrap();
        assert_eq!(store.pending.get(), 1);
        while let Some(event) = events.next().await {
            event.unwrap();
        }
        drop(events);
        assert_eq!(store.pending.get(), 0);
        assert_eq!((store.series.get_sample_sum(), store.chunks.get_sample_sum()), (2.0, 6.0));

        let broken = store.series(SeriesRequest { limit: 1, ..SeriesRequest::default() }).await.unwrap();
        assert_eq!(broken.collect::<Vec<_>>().await.len(), 3);
        assert_eq!(store.pending.get(), 0);
        assert_eq!(store.series.get_sample_count(), 1);
    }
}
