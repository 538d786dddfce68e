//! A body that tells an observer of its messages and of how it ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::{Code, Status};

use crate::frame::Counter;

/// What is told of a body.
pub trait Observer: Send + 'static {
    /// `count` more messages went by.
    fn messages(&mut self, count: u64);
    /// The body ended with this code. Not called when the body is dropped before its end.
    fn ended(&mut self, code: Code);
}

/// The code in gRPC headers or trailers, when there is one.
pub fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

pin_project_lite::pin_project! {
    /// A gRPC body under observation.
    pub struct Observed<B, O> {
        #[pin]
        body: B,
        observer: O,
        counter: Counter,
    }
}

impl<B, O: Observer> Observed<B, O> {
    /// Observes `body`.
    pub fn new(body: B, observer: O) -> Self {
        Self { body, observer, counter: Counter::default() }
    }
}

impl<B, O> Body for Observed<B, O>
where
    B: Body<Data = Bytes>,
    O: Observer,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let count = this.counter.feed(data);
                    if count > 0 {
                        this.observer.messages(count);
                    }
                } else if let Some(code) = frame.trailers_ref().and_then(code_of) {
                    this.observer.ended(code);
                }
            }
            Some(Err(_)) => this.observer.ended(Code::Unknown),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
