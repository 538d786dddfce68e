//! The answer to a Series call: the blocks' sorted series, merged, then the hints.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Instant,
};

use futures::Stream;
use parking_lot::Mutex;
use prometheus::Histogram;
use storeapi::{
    AggrChunk, Error, Series, SeriesEvent,
    merge::{MergedSeries, Source},
};
use tokio::{sync::mpsc, task::JoinSet};
use ulid::Ulid;

use super::{Request, hints};
use crate::{
    gate::Turn,
    series::{BlockSeries, Message, count},
};

/// The first failure of any block.
type Failure = Arc<Mutex<Option<Error>>>;

/// One block as an input of the merge.
struct Input {
    messages: mpsc::Receiver<Message>,
    id: Ulid,
    failure: Failure,
    ended: bool,
}

impl Source for Input {
    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<SeriesEvent>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let failed = match ready!(self.messages.poll_recv(cx)) {
            Some(Message::Portion(events)) => return Poll::Ready(Some(events)),
            Some(Message::End) => None,
            Some(Message::Failed(error)) => Some(error),
            None => Some(Error::internal(format!("block {}: reading it ended without an answer", self.id))),
        };
        self.ended = true;
        if let Some(error) = failed {
            self.failure.lock().get_or_insert(error);
        }
        Poll::Ready(None)
    }
}

/// The answer. Dropping it stops the work behind it.
pub(super) struct Answer {
    merged: MergedSeries<Input>,
    failure: Failure,
    request: Arc<Request>,
    /// The queried blocks, and whether statistics are wanted; `None` sends no hints.
    hints: Option<(Vec<Ulid>, bool)>,
    /// Series that may still be sent, if there is a limit.
    left: Option<u64>,
    state: State,
    started: Instant,
    /// The tenant's sizes of series.
    chunk_size: Histogram,
    /// The blocks' tasks, which end when this is dropped.
    _tasks: JoinSet<()>,
    _turn: Turn,
}

#[derive(PartialEq, Eq)]
enum State {
    Series,
    Hints,
    Done,
}

impl Answer {
    /// Starts the blocks and merges what they send.
    pub(super) fn start(
        blocks: Vec<BlockSeries>,
        request: Arc<Request>,
        hints: Option<(Vec<Ulid>, bool)>,
        turn: Turn,
    ) -> Self {
        let failure = Failure::default();
        let mut tasks = JoinSet::new();
        let inputs = blocks.into_iter().map(|block| {
            // One portion waits while the next is fetched.
            let (sender, messages) = mpsc::channel(1);
            let id = block.block.id;
            tasks.spawn(block.run(sender));
            Input { messages, id, failure: Arc::clone(&failure), ended: false }
        });
        let merged = MergedSeries::new(inputs.collect());
        let left = request.limit;
        let chunk_size = request.metrics.chunk_size.with_label_values(&[&request.tenant]);
        Answer {
            merged,
            failure,
            chunk_size,
            request,
            hints,
            left,
            state: State::Series,
            started: Instant::now(),
            _tasks: tasks,
            _turn: turn,
        }
    }

    fn count(&self, series: &Series) {
        let stats = &self.request.stats;
        count(&stats.merged_series, 1);
        if !self.request.skip_chunks {
            count(&stats.merged_chunks, series.chunks.len() as u64);
            let size: usize = series.chunks.iter().map(AggrChunk::data_len).sum();
            self.chunk_size.observe(size as f64);
        }
    }

    fn finish(&mut self) {
        self.request.stats.merge_nanos.store(self.started.elapsed().as_nanos() as u64, Relaxed);
        self.state = State::Hints;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.request.metrics.observe(&self.request.stats, &self.request.tenant);
    }
}

impl Stream for Answer {
    type Item = Result<SeriesEvent, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.state {
                State::Done => return Poll::Ready(None),
                State::Hints => {
                    this.state = State::Done;
                    let Some((queried, with_stats)) = this.hints.take() else { continue };
                    let stats = with_stats.then(|| this.request.stats.to_proto());
                    return Poll::Ready(Some(Ok(SeriesEvent::Hints(hints::series_answer(&queried, stats)))));
                }
                State::Series if this.left == Some(0) => this.finish(),
                State::Series => {
                    let event = ready!(Pin::new(&mut this.merged).poll_next(cx));
                    // A block that failed has ended for the merge, so that what follows would lack its series.
                    if let Some(error) = this.failure.lock().take() {
                        this.state = State::Done;
                        return Poll::Ready(Some(Err(error)));
                    }
                    match event {
                        Some(SeriesEvent::Series(series)) => {
                            this.count(&series);
                            if let Some(left) = &mut this.left {
                                *left -= 1;
                            }
                            return Poll::Ready(Some(Ok(SeriesEvent::Series(series))));
                        }
                        Some(other) => return Poll::Ready(Some(Ok(other))),
                        None => this.finish(),
                    }
                }
            }
        }
    }
}
