//! Call metrics under the names of Go's gRPC middleware: `grpc_server_*` and `grpc_client_*`.

use std::sync::Arc;
use std::time::Instant;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tonic::Code;

use crate::methods::{CallType, Methods, split_path};

const CODES: [Code; 17] = [
    Code::Ok,
    Code::Cancelled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

/// The name of a code as in the label `grpc_code`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

/// The call metrics of one end. Clones share them.
#[derive(Clone)]
pub struct CallMetrics {
    inner: Arc<Inner>,
}

struct Inner {
    started: IntCounterVec,
    handled: IntCounterVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    seconds: HistogramVec,
}

impl CallMetrics {
    /// Registers `grpc_server_*`.
    ///
    /// # Errors
    /// When they are already registered.
    pub fn server(registry: &Registry) -> Result<Self, prometheus::Error> {
        const BUCKETS: [f64; 14] =
            [0.001, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0];
        Self::new(registry, "server", &BUCKETS)
    }

    /// Registers `grpc_client_*`.
    ///
    /// # Errors
    /// When they are already registered.
    pub fn client(registry: &Registry) -> Result<Self, prometheus::Error> {
        const BUCKETS: [f64; 17] = [
            0.001, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0, 240.0, 360.0,
            720.0,
        ];
        Self::new(registry, "client", &BUCKETS)
    }

    fn new(registry: &Registry, end: &str, buckets: &[f64]) -> Result<Self, prometheus::Error> {
        let labels = ["grpc_type", "grpc_service", "grpc_method"];
        let counter = |name: &str, help: &str| {
            let counter = IntCounterVec::new(Opts::new(format!("grpc_{end}_{name}"), help), &labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let started = counter("started_total", "Number of calls started.")?;
        let received = counter("msg_received_total", "Number of stream messages received.")?;
        let sent = counter("msg_sent_total", "Number of stream messages sent.")?;
        let handled = IntCounterVec::new(
            Opts::new(format!("grpc_{end}_handled_total"), "Number of calls ended, well or not."),
            &["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
        )?;
        registry.register(Box::new(handled.clone()))?;
        let help = "How long calls took, in seconds.";
        let options =
            HistogramOpts::new(format!("grpc_{end}_handling_seconds"), help).buckets(buckets.to_vec());
        let seconds = HistogramVec::new(options, &labels)?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { inner: Arc::new(Inner { started, handled, received, sent, seconds }) })
    }

    /// Creates the time series of `methods` at zero, so that rates are right from the first call on.
    pub fn initialise(&self, methods: &Methods) {
        for (path, call) in methods.iter() {
            let Some((service, method)) = split_path(path) else { continue };
            let labels = [call.as_str(), service, method];
            self.inner.started.with_label_values(&labels);
            self.inner.received.with_label_values(&labels);
            self.inner.sent.with_label_values(&labels);
            self.inner.seconds.with_label_values(&labels);
            for code in CODES {
                self.inner.handled.with_label_values(&[labels[0], labels[1], labels[2], code_name(code)]);
            }
        }
    }

    /// Counts a call as started.
    pub fn start(&self, call: CallType, service: &str, method: &str) -> Call {
        let labels = [call.as_str(), service, method];
        self.inner.started.with_label_values(&labels).inc();
        Call {
            handled: self.inner.handled.clone(),
            received: self.inner.received.with_label_values(&labels),
            sent: self.inner.sent.with_label_values(&labels),
            seconds: self.inner.seconds.with_label_values(&labels),
            call,
            service: service.to_owned(),
            method: method.to_owned(),
            start: Instant::now(),
            code: None,
        }
    }
}

/// One call; counted as handled when dropped, as `Canceled` unless a code was told before.
pub struct Call {
    handled: IntCounterVec,
    /// Messages received.
    pub received: IntCounter,
    /// Messages sent.
    pub sent: IntCounter,
    seconds: Histogram,
    call: CallType,
    service: String,
    method: String,
    start: Instant,
    code: Option<Code>,
}

impl Call {
    /// Tells how the call ended. The first code told stays.
    pub fn finish(&mut self, code: Code) {
        self.code.get_or_insert(code);
    }

    /// The code told so far.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// When the call began.
    pub fn started_at(&self) -> Instant {
        self.start
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = code_name(self.code.unwrap_or(Code::Cancelled));
        self.handled.with_label_values(&[self.call.as_str(), &self.service, &self.method, code]).inc();
        self.seconds.observe(self.start.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_call_counts_as_canceled() {
        let registry = Registry::new();
        let metrics = CallMetrics::server(&registry).unwrap();
        drop(metrics.start(CallType::Unary, "s", "m"));
        let mut call = metrics.start(CallType::Unary, "s", "m");
        call.finish(Code::Ok);
        call.finish(Code::Internal);
        drop(call);
        let handled = |code| metrics.inner.handled.with_label_values(&["unary", "s", "m", code]).get();
        assert_eq!((handled("Canceled"), handled("OK"), handled("Internal")), (1, 1, 0));
        assert!(CallMetrics::server(&registry).is_err());
    }
}
