//! The channel that generated clients call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use rpc::methods::{CallType, split_path};
use rpc::metrics::Call;
use rpc::observe::{Observed, Observer, code_of};
use rpc::{request_id, snappy};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

use super::{Compression, Group, Shared};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A call is sent this often at most.
const ATTEMPTS: u32 = 3;
/// Pause before a group's second attempt; it doubles.
const GROUP_BACKOFF: Duration = Duration::from_millis(100);

/// A channel to one server or to a group. Clones share the connections.
#[derive(Clone)]
pub struct Channel {
    target: Target,
    compression: Compression,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum Target {
    One(tonic::transport::Channel),
    Group(Arc<Group>),
}

impl Channel {
    pub(super) fn to_one(
        transport: tonic::transport::Channel,
        compression: Compression,
        shared: Arc<Shared>,
    ) -> Self {
        Self { target: Target::One(transport), compression, shared }
    }

    pub(super) fn to_group(group: Arc<Group>, compression: Compression, shared: Arc<Shared>) -> Self {
        Self { target: Target::Group(group), compression, shared }
    }

    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let path = request.uri().path();
        let (service, method) = split_path(path).unwrap_or(("unknown", "unknown"));
        let known = self.shared.methods.get(path);
        let call_type = known.unwrap_or(CallType::Unary);
        let call = self.shared.metrics.as_ref().map(|metrics| metrics.start(call_type, service, method));
        let sent = Sent(call.as_ref().map(|call| call.sent.clone()));
        if let Some(id) = request_id::current().and_then(|id| HeaderValue::from_str(&id).ok()) {
            request.headers_mut().insert(request_id::METADATA_KEY, id);
        }
        // Answers in snappy are understood whatever is sent: a server chooses by what it was sent, as Go's does.
        snappy::accept(request.headers_mut());
        let compress = self.compression == Compression::Snappy;
        if compress {
            snappy::mark(request.headers_mut());
        }
        let request = request.map(|body| {
            let body = Observed::new(body, sent);
            if compress { Body::new(snappy::Recoded::compress(body)) } else { Body::new(body) }
        });
        let mut observer = Received(call);
        // Calls with one request message can be sent again; those that stream requests cannot be held.
        let whole = matches!(known, Some(CallType::Unary | CallType::ServerStream));
        let response = match (self.target, whole) {
            (target, true) => Repeatable::of(request).await?.send(&target).await,
            (target, false) => match target.next() {
                Some(transport) => transport.oneshot(request).await.map_err(BoxError::from),
                None => Err(no_addresses()),
            },
        };
        let mut response = response.inspect_err(|_| observer.ended(Code::Unavailable))?;
        if let Some(code) = code_of(response.headers()) {
            observer.ended(code);
        }
        let compressed = snappy::unmark(response.headers_mut());
        Ok(response.map(|body| {
            if compressed {
                Body::new(Observed::new(snappy::Recoded::decompress(body), observer))
            } else {
                Body::new(Observed::new(body, observer))
            }
        }))
    }
}

impl Target {
    fn next(&self) -> Option<tonic::transport::Channel> {
        match self {
            Self::One(transport) => Some(transport.clone()),
            Self::Group(group) => group.pick(),
        }
    }
}

fn no_addresses() -> BoxError {
    Status::unavailable("endpoint group has no addresses").into()
}

/// A request whose message is held, so that it can be sent again. All calls of Thanos's APIs have one small request.
struct Repeatable {
    parts: http::request::Parts,
    body: Bytes,
}

impl Repeatable {
    async fn of(request: Request<Body>) -> Result<Self, BoxError> {
        let (parts, body) = request.into_parts();
        Ok(Self { parts, body: body.collect().await?.to_bytes() })
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::new(Full::new(self.body.clone())));
        *request.uri_mut() = self.parts.uri.clone();
        *request.method_mut() = self.parts.method.clone();
        *request.version_mut() = self.parts.version;
        *request.headers_mut() = self.parts.headers.clone();
        request
    }

    /// Sends the request. What the transport never sent, since its connection was just ending, is sent again; to a group
    /// also what a server could not take.
    async fn send(&self, target: &Target) -> Result<Response<Body>, BoxError> {
        let mut pause = GROUP_BACKOFF;
        let mut attempt = 1;
        loop {
            let transport = target.next().ok_or_else(no_addresses)?;
            let outcome = transport.oneshot(self.request()).await;
            let unsent = outcome.as_ref().err().is_some_and(was_unsent);
            let unavailable = match &outcome {
                Ok(response) => code_of(response.headers()) == Some(Code::Unavailable),
                Err(_) => true,
            };
            let again = unsent || (unavailable && matches!(target, Target::Group(_)));
            if !again || attempt >= ATTEMPTS {
                return outcome.map_err(BoxError::from);
            }
            if !unsent {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            attempt += 1;
        }
    }
}

/// Whether the request never reached the wire.
fn was_unsent(error: &tonic::transport::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        source = cause.source();
    }
    false
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Waiting for the transport is part of the call, so that it counts into its time.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let target = match &self.target {
            Target::One(_) => "one".to_owned(),
            Target::Group(group) => format!("{:?}", group.addresses()),
        };
        f.debug_struct("Channel").field("target", &target).field("compression", &self.compression).finish()
    }
}

struct Sent(Option<::prometheus::IntCounter>);

impl Observer for Sent {
    fn messages(&mut self, count: u64) {
        if let Some(sent) = &self.0 {
            sent.inc_by(count);
        }
    }

    fn ended(&mut self, _: Code) {}
}

struct Received(Option<Call>);

impl Observer for Received {
    fn messages(&mut self, count: u64) {
        if let Some(call) = &self.0 {
            call.received.inc_by(count);
        }
    }

    fn ended(&mut self, code: Code) {
        if let Some(call) = &mut self.0 {
            call.finish(code);
        }
    }
}
