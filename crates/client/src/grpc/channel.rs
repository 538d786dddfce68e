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

/// Calls to a group are tried this often while servers are unavailable.
const GROUP_ATTEMPTS: u32 = 3;
/// Pause before the second attempt; it doubles.
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
        let call_type = self.shared.methods.get(path).unwrap_or(CallType::Unary);
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
        let response = match self.target {
            Target::One(transport) => transport.oneshot(request).await.map_err(BoxError::from),
            Target::Group(group) => in_turn(&group, request).await,
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

/// Tries a call at one server after the other. The request is held as a whole for that: all calls of Thanos's APIs have
/// one small request message.
async fn in_turn(group: &Group, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let body: Bytes = body.collect().await?.to_bytes();
    let mut pause = GROUP_BACKOFF;
    for attempt in 1.. {
        let Some(transport) = group.pick() else {
            return Err(Status::unavailable("endpoint group has no addresses").into());
        };
        let mut again = Request::new(Body::new(Full::new(body.clone())));
        *again.uri_mut() = parts.uri.clone();
        *again.method_mut() = parts.method.clone();
        *again.version_mut() = parts.version;
        *again.headers_mut() = parts.headers.clone();
        let outcome = transport.oneshot(again).await;
        let unavailable = match &outcome {
            Ok(response) => code_of(response.headers()) == Some(Code::Unavailable),
            Err(_) => true,
        };
        if !unavailable || attempt >= GROUP_ATTEMPTS {
            return outcome.map_err(BoxError::from);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    unreachable!("the last attempt returns")
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
