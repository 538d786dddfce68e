//! Reading one store's stream in a task of its own.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use prometheus::IntCounter;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Retrieval, StoreRef};
use crate::api::{SeriesEvent, SeriesRequest};
use crate::batches::ReadyBatches;
use crate::call_log::StoreCall;
use crate::merge::Source;
use crate::shard::ShardMatcher;
use crate::{Error, ErrorKind};

/// Events of a batch of an eager reader, and batches that wait per store.
const EAGER_BATCH: usize = 1024;
const EAGER_BATCHES: usize = 32;
/// Bytes at which a batch ends, so that what waits per store is 8 MiB, or as many series if these are larger.
const BATCH_BYTES: usize = 256 << 10;

/// Begins the text of a failure to start a store's stream, as opposed to one on the way.
pub(super) const NOT_OPENED: &str = "fetch series for ";

/// The buffered stream of one store. Dropping it ends the task, which cancels the call.
pub(super) struct Reader {
    batches: mpsc::Receiver<Vec<SeriesEvent>>,
    task: AbortHandle,
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The task only reads and forwards, so it may stop anywhere.
        self.task.abort();
    }
}

impl Source for Reader {
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<SeriesEvent>>> {
        self.batches.poll_recv(cx)
    }
}

/// Starts reading a store's answer. Failures become a warning naming the store, as the last event.
pub(super) fn read(
    store: Arc<StoreRef>,
    request: &SeriesRequest,
    call: Option<Arc<StoreCall>>,
    timeout: Duration,
    retrieval: Retrieval,
    empty_streams: IntCounter,
) -> Reader {
    let (batch, capacity) = match retrieval {
        Retrieval::Lazy(responses) => (responses.max(1), 1),
        Retrieval::Eager => (EAGER_BATCH, EAGER_BATCHES),
    };
    let mut request = request.clone();
    request.context.call.clone_from(&call);
    let (sender, batches) = mpsc::channel(capacity);
    let task = tokio::spawn(async move {
        let resort = !store.supports_without_replica_labels && !request.without_replica_labels.is_empty();
        let remove = if resort { request.without_replica_labels.clone() } else { Vec::new() };
        let shard = if store.supports_sharding { None } else { request.shard_info.clone() };
        let shard = ShardMatcher::new(shard.as_ref());
        let mut read = Reading { store: &store, sender, timeout, shard, call, received: 0 };
        let ended =
            if resort { read.sorted(request, &remove).await } else { read.streamed(request, batch).await };
        if let Some(call) = &read.call {
            call.end(ended.as_ref().err().map(ToString::to_string));
        }
        if let Err(error) = ended {
            // A closed channel means nobody wants to know any more.
            let _ = read.sender.send(vec![SeriesEvent::Warning(error.to_string())]).await;
        }
        if read.received == 0 {
            empty_streams.inc();
        }
    });
    Reader { batches, task: task.abort_handle() }
}

struct Reading<'a> {
    store: &'a StoreRef,
    sender: mpsc::Sender<Vec<SeriesEvent>>,
    timeout: Duration,
    shard: ShardMatcher,
    call: Option<Arc<StoreCall>>,
    received: u64,
}

impl Reading<'_> {
    /// Waits for the store, but not longer than the response timeout.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        if self.timeout.is_zero() {
            return Ok(work.await);
        }
        tokio::time::timeout(self.timeout, work).await.map_err(|_| {
            let waited = model::duration::format_go(i64::try_from(self.timeout.as_nanos()).unwrap_or(i64::MAX));
            Error::new(
                ErrorKind::Cancelled,
                format!("failed to receive any data in {waited} from {}: rpc error: code = Canceled desc = context canceled", self.store),
            )
        })
    }

    /// Counts what came, for whoever asked for it.
    fn note(&self, events: &[Result<SeriesEvent, Error>]) {
        if let Some(call) = &self.call {
            call.received(events.iter().filter_map(|event| event.as_ref().ok()));
        }
    }

    /// Counts what goes on.
    fn note_kept(&self, event: &SeriesEvent) {
        if let (Some(call), SeriesEvent::Series(series)) = (&self.call, event) {
            call.kept(series);
        }
    }

    fn failed(&self, error: Error) -> Error {
        error.context(format!("receive series from {}", self.store))
    }

    async fn open(&self, request: SeriesRequest) -> Result<crate::api::SeriesStream, Error> {
        let opened = self.in_time(self.store.api.series(request)).await?;
        opened.map_err(|error| error.context(format!("{NOT_OPENED}{} {}", self.store.id(), self.store)))
    }

    /// Forwards the stream in batches of what is there, waiting for the reader when it falls behind.
    async fn streamed(&mut self, request: SeriesRequest, batch: usize) -> Result<(), Error> {
        let mut events = ReadyBatches::new(self.open(request).await?, batch, BATCH_BYTES);
        while let Some(chunk) = self.in_time(events.next()).await? {
            self.received += chunk.len() as u64;
            self.note(&chunk);
            let mut failure = None;
            let mut kept = Vec::with_capacity(chunk.len());
            for event in chunk {
                match event {
                    Ok(SeriesEvent::Series(series)) if !self.shard.matches(&series.labels) => {}
                    Ok(event) => {
                        self.note_kept(&event);
                        kept.push(event);
                    }
                    Err(error) => {
                        failure = Some(self.failed(error));
                        break;
                    }
                }
            }
            if !kept.is_empty() && self.sender.send(kept).await.is_err() {
                return Ok(());
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }

    /// For stores that cannot take replica labels off: reads the whole answer, takes them off, and sorts.
    ///
    /// Holds the whole answer of the store; there is no other way to sort it.
    async fn sorted(&mut self, request: SeriesRequest, remove: &[String]) -> Result<(), Error> {
        tracing::warn!(store = %self.store, "store cannot take replica labels off by itself; its answer is buffered and sorted here");
        let mut events = self.open(request).await?;
        let (mut series, mut others) = (Vec::new(), Vec::new());
        let mut failure = None;
        while let Some(event) = self.in_time(events.next()).await.unwrap_or_else(|error| {
            failure = Some(error);
            None
        }) {
            self.received += 1;
            self.note(std::slice::from_ref(&event));
            match event {
                Ok(SeriesEvent::Series(mut one)) => {
                    if self.shard.matches(&one.labels) {
                        one.labels = one.labels.without(remove);
                        if let Some(call) = &self.call {
                            call.kept(&one);
                        }
                        series.push(one);
                    }
                }
                Ok(other) => others.push(other),
                Err(error) => {
                    failure = Some(self.failed(error));
                    break;
                }
            }
        }
        // Stable, so that chunks of one series keep their order.
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        if self.sender.send(others).await.is_ok() {
            let mut series = series.into_iter().map(SeriesEvent::Series).peekable();
            while series.peek().is_some() {
                if self.sender.send(series.by_ref().take(EAGER_BATCH).collect()).await.is_err() {
                    return Ok(());
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

/// The stream up to and including its first error.
pub(super) fn until_error<T>(
    stream: impl Stream<Item = Result<T, Error>>,
) -> impl Stream<Item = Result<T, Error>> {
    stream.scan(false, |ended, item| {
        let item = (!*ended).then_some(item);
        *ended |= matches!(item, Some(Err(_)));
        std::future::ready(item)
    })
}
