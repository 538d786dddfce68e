//! Counts and times every operation, under the names of Thanos's `objstore` metrics.
//!
//! Differs from Thanos: an object that is not there is never a failed operation, as asking is the only way to know. Thanos counts it
//! as one, but for the callers that say beforehand that they expect it.

use std::{
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use prometheus::{CounterVec, Gauge, HistogramOpts, HistogramVec, Opts, Registry, core::Collector};

use crate::{
    Attributes, Body, Bucket, ByteStream, EntryStream, Error, IterOptions, Object, Operation, Provider,
    Result,
};

#[derive(Debug)]
struct Metrics {
    operations: CounterVec,
    failures: CounterVec,
    duration: HistogramVec,
    fetched_bytes: CounterVec,
    transferred_bytes: HistogramVec,
    last_upload: Gauge,
}

impl Metrics {
    fn new(registry: &Registry, bucket: &str) -> prometheus::Result<Self> {
        let opts = |name: &str, help: &str| {
            Opts::new(format!("thanos_objstore_bucket_{name}"), help).const_label("bucket", bucket)
        };
        let operation = &["operation"];
        let transferred = HistogramOpts::from(opts(
            "operation_transferred_bytes",
            "Bytes moved from or to the bucket by one operation.",
        ))
        .buckets(prometheus::exponential_buckets(32768.0, 2.0, 16)?);
        let seconds = vec![0.001, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0];
        let duration = HistogramOpts::from(opts(
            "operation_duration_seconds",
            "Seconds that successful operations on the bucket took; a listing counts until its last entry is taken.",
        ))
        .buckets(seconds);
        let metrics = Metrics {
            operations: CounterVec::new(
                opts("operations_total", "Operations tried on the bucket."),
                operation,
            )?,
            failures: CounterVec::new(
                opts("operation_failures_total", "Operations on the bucket that failed."),
                operation,
            )?,
            duration: HistogramVec::new(duration, operation)?,
            fetched_bytes: CounterVec::new(
                opts("operation_fetched_bytes_total", "Bytes fetched from the bucket."),
                operation,
            )?,
            transferred_bytes: HistogramVec::new(transferred, operation)?,
            last_upload: Gauge::with_opts(opts(
                "last_successful_upload_time",
                "Unix time in seconds of the last upload that succeeded.",
            ))?,
        };
        let collectors: [Box<dyn Collector>; 6] = [
            Box::new(metrics.operations.clone()),
            Box::new(metrics.failures.clone()),
            Box::new(metrics.duration.clone()),
            Box::new(metrics.fetched_bytes.clone()),
            Box::new(metrics.transferred_bytes.clone()),
            Box::new(metrics.last_upload.clone()),
        ];
        for collector in collectors {
            registry.register(collector)?;
        }
        // Series exist from the start, so that rates over the first operation are right.
        for operation in Operation::ALL {
            let label = &[operation.as_str()];
            metrics.operations.with_label_values(label);
            metrics.failures.with_label_values(label);
            metrics.duration.with_label_values(label);
        }
        for operation in [Operation::Get, Operation::GetRange, Operation::Upload] {
            metrics.fetched_bytes.with_label_values(&[operation.as_str()]);
            metrics.transferred_bytes.with_label_values(&[operation.as_str()]);
        }
        Ok(metrics)
    }

    fn start(self: &Arc<Self>, operation: Operation) -> Running {
        self.operations.with_label_values(&[operation.as_str()]).inc();
        Running { metrics: Arc::clone(self), operation, start: Instant::now(), bytes: 0 }
    }
}

/// One operation under way. Dropped without an end (a cancelled caller), it counts neither as done nor as failed.
struct Running {
    metrics: Arc<Metrics>,
    operation: Operation,
    start: Instant,
    bytes: u64,
}

impl Running {
    fn label(&self) -> [&'static str; 1] {
        [self.operation.as_str()]
    }

    fn fetched(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.metrics.fetched_bytes.with_label_values(&self.label()).inc_by(bytes as f64);
    }

    fn done(self) {
        self.metrics.duration.with_label_values(&self.label()).observe(self.start.elapsed().as_secs_f64());
    }

    fn done_with_bytes(self) {
        self.metrics.transferred_bytes.with_label_values(&self.label()).observe(self.bytes as f64);
        self.done();
    }

    fn failed(self, error: Error) -> Error {
        if !error.is_not_found() {
            self.metrics.failures.with_label_values(&self.label()).inc();
        }
        error
    }
}

/// Measures a bucket.
#[derive(Debug)]
pub struct MetricsBucket {
    inner: Arc<dyn Bucket>,
    metrics: Arc<Metrics>,
}

impl MetricsBucket {
    /// Wraps `inner`, registering the metrics with the bucket's name. Fails when a bucket of that name is registered already.
    pub fn wrap(inner: Arc<dyn Bucket>, registry: &Registry) -> prometheus::Result<Arc<dyn Bucket>> {
        let metrics = Arc::new(Metrics::new(registry, inner.name())?);
        Ok(Arc::new(MetricsBucket { inner, metrics }))
    }
}

/// Passes a content on while counting it; `running` ends with the content.
fn measured(stream: ByteStream, running: Running, count: fn(&mut Running, usize)) -> ByteStream {
    let state = (stream, Some(running));
    stream::unfold(state, move |(mut stream, mut running)| async move {
        match stream.next().await {
            Some(Ok(part)) => {
                if let Some(running) = running.as_mut() {
                    count(running, part.len());
                }
                Some((Ok(part), (stream, running)))
            }
            Some(Err(error)) => {
                let error = match running.take() {
                    Some(running) => running.failed(error),
                    None => error,
                };
                Some((Err(error), (stream, None)))
            }
            None => {
                if let Some(running) = running.take() {
                    running.done_with_bytes();
                }
                None
            }
        }
    })
    .boxed()
}

/// The size of what an upload is about to send, where it is known.
async fn size_of(body: Body) -> (Body, u64) {
    let size = match &body {
        Body::Bytes(bytes) => bytes.len() as u64,
        Body::File(path) | Body::Final(path) => {
            let path = path.clone();
            tokio::fs::metadata(path).await.map_or(0, |metadata| metadata.len())
        }
        Body::Stream { size, .. } => size.unwrap_or(0),
    };
    (body, size)
}

#[async_trait]
impl Bucket for MetricsBucket {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn provider(&self) -> Provider {
        self.inner.provider()
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        let running = self.metrics.start(Operation::Get);
        match self.inner.get_stream(object).await {
            Ok(Object { size, stream }) => {
                Ok(Object { size, stream: measured(stream, running, Running::fetched) })
            }
            Err(error) => Err(running.failed(error)),
        }
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        let mut running = self.metrics.start(Operation::GetRange);
        match self.inner.get_range(object, range).await {
            Ok(bytes) => {
                running.fetched(bytes.len());
                running.done_with_bytes();
                Ok(bytes)
            }
            Err(error) => Err(running.failed(error)),
        }
    }

    /// Counts each range as one operation; where they are read in one go, they share its time.
    async fn get_ranges(&self, object: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut running: Vec<Running> =
            ranges.iter().map(|_| self.metrics.start(Operation::GetRange)).collect();
        match self.inner.get_ranges(object, ranges).await {
            Ok(contents) => {
                for (mut running, bytes) in running.into_iter().zip(&contents) {
                    running.fetched(bytes.len());
                    running.done_with_bytes();
                }
                Ok(contents)
            }
            // One of them failed; which, the layers below know.
            Err(error) => Err(match running.pop() {
                Some(running) => running.failed(error),
                None => error,
            }),
        }
    }

    /// Counts as a read when it is done; what cannot be linked is read, and counted then.
    async fn link(&self, object: &str, path: &Path) -> Result<Option<u64>> {
        let linked = self.inner.link(object, path).await;
        match &linked {
            Ok(Some(size)) => {
                let mut running = self.metrics.start(Operation::Get);
                running.bytes = *size;
                running.done_with_bytes();
                linked
            }
            Ok(None) => linked,
            Err(_) => linked.map_err(|error| self.metrics.start(Operation::Get).failed(error)),
        }
    }

    async fn tidy(&self, dir: &str, age: Duration) -> Result<u64> {
        self.inner.tidy(dir, age).await
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        let running = self.metrics.start(Operation::Exists);
        let answer = self.inner.exists(object).await;
        finish(running, answer)
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        let running = self.metrics.start(Operation::Attributes);
        let answer = self.inner.attributes(object).await;
        finish(running, answer)
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        let mut running = self.metrics.start(Operation::Upload);
        let (body, size) = size_of(body).await;
        running.bytes = size;
        match self.inner.upload(object, body).await {
            Ok(()) => {
                running.done_with_bytes();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
                self.metrics.last_upload.set(now);
                Ok(())
            }
            Err(error) => Err(running.failed(error)),
        }
    }

    async fn delete(&self, object: &str) -> Result<()> {
        let running = self.metrics.start(Operation::Delete);
        let answer = self.inner.delete(object).await;
        finish(running, answer)
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        let state = (self.inner.iter(dir, options), Some(self.metrics.start(Operation::Iter)));
        stream::unfold(state, |(mut entries, mut running)| async move {
            match entries.next().await {
                Some(Ok(entry)) => Some((Ok(entry), (entries, running))),
                Some(Err(error)) => {
                    let error = match running.take() {
                        Some(running) => running.failed(error),
                        None => error,
                    };
                    Some((Err(error), (entries, None)))
                }
                None => {
                    if let Some(running) = running.take() {
                        running.done();
                    }
                    None
                }
            }
        })
        .boxed()
    }
}

fn finish<T>(running: Running, answer: Result<T>) -> Result<T> {
    match answer {
        Ok(answer) => {
            running.done();
            Ok(answer)
        }
        Err(error) => Err(running.failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, FaultyBucket, MemoryBucket};

    fn value(registry: &Registry, name: &str, operation: &str) -> f64 {
        for family in registry.gather() {
            if family.name() != format!("thanos_objstore_bucket_{name}") {
                continue;
            }
            for metric in family.get_metric() {
                if metric.get_label().iter().any(|label| label.value() == operation) {
                    return metric.get_counter().get_value()
                        + metric.get_histogram().get_sample_count() as f64;
                }
            }
        }
        panic!("no metric {name} of {operation}")
    }

    #[tokio::test]
    async fn counts_what_is_done_and_what_fails() {
        let registry = Registry::new();
        let faulty = Arc::new(FaultyBucket::new(Arc::new(MemoryBucket::new()), 1));
        let bucket = MetricsBucket::wrap(faulty.clone(), &registry).unwrap();
        bucket.upload("a", "content".into()).await.unwrap();
        assert_eq!(bucket.get("a", 100).await.unwrap(), "content");
        assert_eq!(bucket.get_range("a", 0..3).await.unwrap(), "con");
        bucket.get("b", 100).await.unwrap_err();
        faulty.inject(Operation::GetRange, Fault::Before, 1.0);
        bucket.get_range("a", 0..3).await.unwrap_err();

        assert_eq!(value(&registry, "operations_total", "get"), 2.0);
        assert_eq!(value(&registry, "operation_failures_total", "get"), 0.0, "absence is an answer");
        assert_eq!(value(&registry, "operation_failures_total", "get_range"), 1.0);
        assert_eq!(value(&registry, "operation_duration_seconds", "get_range"), 1.0);
        assert_eq!(value(&registry, "operation_fetched_bytes_total", "get"), 7.0);
        assert_eq!(value(&registry, "operation_fetched_bytes_total", "get_range"), 3.0);
        assert_eq!(value(&registry, "operation_transferred_bytes", "upload"), 1.0);
        assert!(MetricsBucket::wrap(faulty, &registry).is_err(), "the same name twice");
    }
}
