//! What happens around every call: request id, panics, metrics, request log, snappy.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus::IntCounter;
use rpc::methods::{Methods, split_path};
use rpc::metrics::{Call, CallMetrics};
use rpc::observe::{Observed, Observer, code_of};
use rpc::{request_id, snappy};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::ServiceExt;

use crate::listener::ConnectionInfo;
use crate::request_log::{GrpcLog, RequestLog};

/// What the calls of a server share.
pub(super) struct Stack {
    pub(super) methods: Methods,
    pub(super) metrics: CallMetrics,
    pub(super) panics: IntCounter,
    pub(super) request_log: RequestLog,
}

impl Stack {
    /// Answers one call.
    pub(super) async fn answer(&self, routes: Routes, mut request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        // A path nobody serves goes to tonic, which answers Unimplemented; it gets no time series of its own,
        // for the peer chooses it.
        let Some((call_type, (service, method))) = self.methods.get(&path).zip(split_path(&path)) else {
            return self.guarded(routes, request).await;
        };
        let id = request
            .headers()
            .get(request_id::METADATA_KEY)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let call = self.metrics.start(call_type, service, method);
        let received = ReceivedCounter(call.received.clone());
        let remote = request.extensions().get::<ConnectionInfo>().map(|info| info.remote);
        let log = self.request_log.grpc(&path, call_type, remote, id.as_deref());

        let compressed = snappy::unmark(request.headers_mut());
        let request = request.map(|body| {
            let observed = Observed::new(body, received);
            if compressed { Body::new(snappy::Recoded::decompress(observed)) } else { Body::new(observed) }
        });
        let answer = self.guarded(routes, request);
        let mut response = match id {
            Some(id) => request_id::scope(id, answer).await,
            None => answer.await,
        };

        let mut observer = CallObserver { call, log };
        if let Some(code) = code_of(response.headers()) {
            observer.ended(code);
        }
        // As Go: the answer is compressed the way the request was.
        if compressed && !response.headers().contains_key(Status::GRPC_STATUS) {
            snappy::mark(response.headers_mut());
        }
        if compressed {
            snappy::accept(response.headers_mut());
        }
        response.map(|body| {
            let body = Observed::new(Guarded { body, panics: self.panics.clone(), ended: false }, observer);
            if compressed { Body::new(snappy::Recoded::compress(body)) } else { Body::new(body) }
        })
    }

    async fn guarded(&self, routes: Routes, request: Request<Body>) -> Response<Body> {
        match AssertUnwindSafe(routes.oneshot(request)).catch_unwind().await {
            Ok(Ok(response)) => response,
            Err(payload) => recovered(&self.panics, &*payload).into_http(),
        }
    }
}

fn recovered(panics: &IntCounter, payload: &(dyn Any + Send)) -> Status {
    panics.inc();
    let message = crate::panic::message(payload);
    tracing::error!(panic = message, "recovered from panic");
    Status::internal(message)
}

struct ReceivedCounter(IntCounter);

impl Observer for ReceivedCounter {
    fn messages(&mut self, count: u64) {
        self.0.inc_by(count);
    }

    fn ended(&mut self, _: Code) {}
}

struct CallObserver {
    call: Call,
    log: Option<GrpcLog>,
}

impl Observer for CallObserver {
    fn messages(&mut self, count: u64) {
        self.call.sent.inc_by(count);
    }

    fn ended(&mut self, code: Code) {
        self.call.finish(code);
    }
}

impl Drop for CallObserver {
    fn drop(&mut self) {
        if let Some(log) = &self.log {
            log.finished(self.call.code().unwrap_or(Code::Cancelled), self.call.started_at().elapsed());
        }
    }
}

/// A body whose panics end the call with Internal.
struct Guarded {
    body: Body,
    panics: IntCounter,
    ended: bool,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.body).poll_frame(cx))) {
            Ok(poll) => poll,
            Err(payload) => {
                self.ended = true;
                // The broken stream is not touched again.
                self.body = Body::empty();
                let status = recovered(&self.panics, &*payload);
                let mut trailers = http::HeaderMap::new();
                if status.add_header(&mut trailers).is_err() {
                    trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("13"));
                }
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
