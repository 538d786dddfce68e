//! Between events and frames of a Series stream: batching on the way out, taking batches apart on the way in.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;
use proto::series::{AggrChunk, Series, SeriesResponse, SeriesResult};
use tonic::Status;

use crate::{Error, SeriesEvent, SeriesStream};

/// Batches larger than this are not built, whatever the caller wishes: a frame is held in memory whole.
const MAX_BATCH: usize = 4096;

/// Bytes of chunks from which on a batch is sent, however few series it has. Series of a month have hundreds of kilobytes each; frames are
/// copied between buffers on both sides, which is cheap as long as they fit the processor's cache.
const BATCH_BYTES: usize = 256 << 10;

/// Events as frames, series gathered to `batch_size` per frame.
///
/// Series come alone when the batch size is below 2. Anything else flushes the series before it, so the order is kept.
pub struct Frames {
    events: SeriesStream,
    batch_size: usize,
    batch: Vec<Series>,
    /// Bytes of the batch's chunks.
    bytes: usize,
    /// What comes after the batch that was flushed for it.
    next: Option<Result<SeriesResponse, Status>>,
    done: bool,
}

impl Frames {
    /// Frames of the events with the batch size of the request.
    pub fn new(events: SeriesStream, batch_size: i64) -> Self {
        let batch_size = usize::try_from(batch_size).unwrap_or(0).min(MAX_BATCH);
        Frames { events, batch_size, batch: Vec::new(), bytes: 0, next: None, done: false }
    }

    fn flush(&mut self) -> Option<Result<SeriesResponse, Status>> {
        if self.batch.is_empty() {
            return None;
        }
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(self.batch_size));
        Some(Ok(SeriesResult::Batch(batch).into()))
    }

    /// Hands out what has to go before `frame`, keeping it for the next poll, or `frame` itself.
    fn after_flush(
        &mut self,
        frame: Result<SeriesResponse, Status>,
    ) -> Option<Result<SeriesResponse, Status>> {
        match self.flush() {
            Some(batch) => {
                self.next = Some(frame);
                Some(batch)
            }
            None => Some(frame),
        }
    }
}

fn chunk_bytes(series: &Series) -> usize {
    series.chunks.iter().map(AggrChunk::data_len).sum()
}

impl Stream for Frames {
    type Item = Result<SeriesResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(frame) = self.next.take() {
            self.done |= frame.is_err();
            return Poll::Ready(Some(frame));
        }
        while !self.done {
            let frame = match ready!(self.events.as_mut().poll_next(cx)) {
                Some(Ok(SeriesEvent::Series(series))) if self.batch_size > 1 => {
                    self.bytes += chunk_bytes(&series);
                    self.batch.push(series);
                    if self.batch.len() < self.batch_size && self.bytes < BATCH_BYTES {
                        continue;
                    }
                    return Poll::Ready(self.flush());
                }
                Some(Ok(SeriesEvent::Series(series))) => Ok(SeriesResult::Series(series).into()),
                Some(Ok(SeriesEvent::Warning(text))) => Ok(SeriesResult::Warning(text).into()),
                Some(Ok(SeriesEvent::Hints(any))) => Ok(SeriesResult::Hints(any).into()),
                Some(Err(error)) => {
                    // Series before the error are of no use to a caller that gets an error.
                    self.done = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    self.done = true;
                    return Poll::Ready(self.flush());
                }
            };
            return Poll::Ready(self.after_flush(frame));
        }
        Poll::Ready(None)
    }
}

/// Frames as events; frames of unknown kinds are skipped.
pub struct Events<S> {
    frames: S,
    batch: VecDeque<Series>,
    done: bool,
}

impl<S> Events<S> {
    /// Events of a stream of frames.
    pub fn new(frames: S) -> Self {
        Events { frames, batch: VecDeque::new(), done: false }
    }
}

impl<S> Stream for Events<S>
where
    S: Stream<Item = Result<SeriesResponse, Status>> + Unpin,
{
    type Item = Result<SeriesEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(series) = self.batch.pop_front() {
                return Poll::Ready(Some(Ok(SeriesEvent::Series(series))));
            }
            if self.done {
                return Poll::Ready(None);
            }
            let event = match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
                Some(Ok(frame)) => match frame.result {
                    Some(SeriesResult::Series(series)) => SeriesEvent::Series(series),
                    Some(SeriesResult::Warning(text)) => SeriesEvent::Warning(text),
                    Some(SeriesResult::Hints(any)) => SeriesEvent::Hints(any),
                    Some(SeriesResult::Batch(batch)) => {
                        self.batch = batch.into();
                        continue;
                    }
                    None => continue,
                },
                Some(Err(status)) => {
                    self.done = true;
                    return Poll::Ready(Some(Err(status.into())));
                }
                None => {
                    self.done = true;
                    continue;
                }
            };
            return Poll::Ready(Some(Ok(event)));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::stream;
    use model::labels::Labels;

    use super::*;

    fn series(value: &str) -> SeriesEvent {
        SeriesEvent::Series(Series { labels: Labels::from_pairs([("a", value)]), chunks: vec![] })
    }

    async fn frame_sizes(events: Vec<Result<SeriesEvent, Error>>, batch_size: i64) -> Vec<String> {
        Frames::new(stream::iter(events).boxed(), batch_size)
            .map(|frame| match frame.map(|frame| frame.result) {
                Ok(Some(SeriesResult::Series(_))) => "series".to_owned(),
                Ok(Some(SeriesResult::Batch(batch))) => format!("batch of {}", batch.len()),
                Ok(Some(SeriesResult::Warning(text))) => text,
                other => format!("{other:?}").chars().take(3).collect(),
            })
            .collect()
            .await
    }

    #[tokio::test]
    async fn batches_are_filled_and_flushed_before_anything_else() {
        let events = || {
            vec![
                Ok(series("1")),
                Ok(series("2")),
                Ok(series("3")),
                Ok(SeriesEvent::Warning("careful".into())),
                Ok(series("4")),
            ]
        };
        assert_eq!(frame_sizes(events(), 2).await, ["batch of 2", "batch of 1", "careful", "batch of 1"]);
        assert_eq!(frame_sizes(events(), 0).await, ["series", "series", "series", "careful", "series"]);
    }

    #[tokio::test]
    async fn nothing_follows_an_error() {
        let events = vec![Ok(series("1")), Err(Error::internal("broken")), Ok(series("2"))];
        assert_eq!(frame_sizes(events, 1).await, ["series", "Err"]);
    }

    #[tokio::test]
    async fn events_come_back_from_frames() {
        let events =
            vec![Ok(series("1")), Ok(series("2")), Ok(SeriesEvent::Warning("w".into())), Ok(series("3"))];
        let back: Vec<_> = Events::new(Frames::new(stream::iter(events.clone()).boxed(), 2)).collect().await;
        assert_eq!(back, events);
    }
}
