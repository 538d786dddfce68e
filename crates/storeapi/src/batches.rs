//! Taking what has arrived of an answer in one go, but no more than a bounded amount of it.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{Fuse, Stream, StreamExt};

use crate::Error;
use crate::api::{Series, SeriesEvent};

/// Batches of the events that are there, without waiting for more: up to a number of them, and not beyond the event with which they
/// hold a number of bytes. A series of a month is half a megabyte, one of two hours less than a kilobyte.
pub struct ReadyBatches<S> {
    events: Fuse<S>,
    most: usize,
    bytes: usize,
}

impl<S: Stream<Item = Result<SeriesEvent, Error>> + Unpin> ReadyBatches<S> {
    /// Takes at most `most` events, one or more, at once.
    pub fn new(events: S, most: usize, bytes: usize) -> Self {
        Self { events: events.fuse(), most, bytes }
    }
}

impl<S: Stream<Item = Result<SeriesEvent, Error>> + Unpin> Stream for ReadyBatches<S> {
    type Item = Vec<Result<SeriesEvent, Error>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (mut batch, mut held) = (Vec::new(), 0);
        loop {
            match self.events.poll_next_unpin(cx) {
                Poll::Ready(Some(event)) => {
                    if let Ok(SeriesEvent::Series(series)) = &event {
                        held += held_bytes(series);
                    }
                    batch.push(event);
                    if batch.len() >= self.most || held >= self.bytes {
                        return Poll::Ready(Some(batch));
                    }
                }
                Poll::Ready(None) if batch.is_empty() => return Poll::Ready(None),
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => return Poll::Ready(Some(batch)),
            }
        }
    }
}

/// Bytes that a series holds, as labels, chunks and descriptions of chunks.
fn held_bytes(series: &Series) -> usize {
    let chunks: usize = series.chunks.iter().map(|chunk| size_of_val(chunk) + chunk.data_len()).sum();
    size_of::<Series>() + series.labels.heap_size() + chunks
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use model::labels::Labels;

    use super::*;

    #[tokio::test]
    async fn batches_end_at_events_bytes_and_gaps() {
        let series = |name: &str| {
            let labels = Labels::from_pairs([("__name__", name)]);
            Ok(SeriesEvent::Series(Series { labels, chunks: Vec::new() }))
        };
        let large = "x".repeat(1000);
        let there = vec![
            series("a"),
            series("b"),
            series("c"),
            series(&large),
            Ok(SeriesEvent::Warning("w".to_owned())),
            Err(Error::cancelled()),
        ];
        let mut gap = true;
        let late = stream::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if std::mem::take(&mut gap) { Poll::Pending } else { Poll::Ready(None) }
        });
        let batches = ReadyBatches::new(stream::iter(there).chain(late), 3, 1000);
        let lengths: Vec<usize> = batches.map(|batch| batch.len()).collect().await;
        assert_eq!(lengths, [3, 1, 2]);
    }
}
