//! Request metrics of the HTTP APIs, under the names Thanos's dashboards use.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::MethodRouter;
use bytes::Bytes;
use http::HeaderName;
use http_body::{Frame, SizeHint};
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, exponential_buckets,
};

/// Buckets in seconds of request durations, for HTTP APIs and gRPC clients.
pub(crate) const DURATION_BUCKETS: [f64; 17] =
    [0.001, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 6.0, 9.0, 20.0, 30.0, 60.0, 90.0, 120.0, 240.0, 360.0, 720.0];

/// Where the `tenant` label comes from.
#[derive(Clone, Debug)]
pub struct Tenancy {
    /// Header with the tenant.
    pub header: HeaderName,
    /// Tenant of requests without that header.
    pub default_tenant: String,
}

/// The `http_*` metrics of one process. Clones share them.
#[derive(Clone)]
pub struct Instrumentation {
    metrics: Arc<Metrics>,
}

struct Metrics {
    tenancy: Option<Tenancy>,
    duration: HistogramVec,
    request_size: HistogramVec,
    requests: IntCounterVec,
    response_size: HistogramVec,
    inflight: GaugeVec,
}

impl Instrumentation {
    /// Registers the metrics; with `tenancy` each carries the label `tenant`.
    ///
    /// # Errors
    /// When they are already registered.
    pub fn new(registry: &Registry, tenancy: Option<Tenancy>) -> Result<Self, prometheus::Error> {
        let with_tenant = |labels: &[&'static str]| {
            let mut labels = labels.to_vec();
            labels.extend(tenancy.is_some().then_some("tenant"));
            labels
        };
        let labels = with_tenant(&["code", "handler", "method"]);
        let sizes = exponential_buckets(64.0, 2.0, 10)?;
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &labels)
        };
        let metrics = Metrics {
            duration: histogram(
                "http_request_duration_seconds",
                "How long HTTP requests took.",
                &DURATION_BUCKETS,
            )?,
            request_size: histogram("http_request_size_bytes", "Size of HTTP requests.", &sizes)?,
            response_size: histogram("http_response_size_bytes", "Size of HTTP responses.", &sizes)?,
            requests: IntCounterVec::new(
                Opts::new("http_requests_total", "Number of HTTP requests."),
                &labels,
            )?,
            inflight: GaugeVec::new(
                Opts::new("http_inflight_requests", "HTTP requests being answered now."),
                &with_tenant(&["handler", "method"]),
            )?,
            tenancy,
        };
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.request_size.clone()))?;
        registry.register(Box::new(metrics.response_size.clone()))?;
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.inflight.clone()))?;
        Ok(Self { metrics: Arc::new(metrics) })
    }

    /// Measures every method of `route` under the label `handler`.
    pub fn wrap<S>(&self, handler: &'static str, route: MethodRouter<S>) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let metrics = self.metrics.clone();
        route.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            metrics.clone().measure(handler, request, next)
        }))
    }

    /// Measures every route of `router` under the one label `handler`.
    pub fn wrap_router<S>(&self, handler: &'static str, router: Router<S>) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let metrics = self.metrics.clone();
        router.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            metrics.clone().measure(handler, request, next)
        }))
    }
}

impl Metrics {
    async fn measure(self: Arc<Self>, handler: &'static str, request: Request, next: Next) -> Response {
        let start = Instant::now();
        let method = request.method().as_str().to_owned();
        let tenant = self.tenancy.as_ref().map(|tenancy| {
            let header = request.headers().get(&tenancy.header).and_then(|value| value.to_str().ok());
            header.filter(|value| !value.is_empty()).unwrap_or(&tenancy.default_tenant).to_owned()
        });
        let request_size = request_size(&request);
        let inflight = self.inflight.with_label_values(&labels(&[handler, &method], tenant.as_deref()));
        let inflight = Inflight::new(inflight);
        let response = next.run(request).await;
        let pending = Pending {
            metrics: self,
            handler,
            method: method.to_ascii_lowercase(),
            code: response.status().as_u16().to_string(),
            tenant,
            request_size,
            response_size: 0,
            start,
            _inflight: inflight,
        };
        // The duration ends with the last byte: large answers are written while they are sent.
        response.map(|body| Body::new(MeasuredBody { body, pending }))
    }
}

fn labels<'a>(base: &[&'a str], tenant: Option<&'a str>) -> Vec<&'a str> {
    base.iter().copied().chain(tenant).collect()
}

/// Size of the request line, headers and body, as Prometheus's Go library reckons it.
fn request_size(request: &Request) -> usize {
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let body = request
        .headers()
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    uri + request.method().as_str().len() + "HTTP/1.1".len() + headers + body.unwrap_or(0)
}

struct Inflight(Gauge);

impl Inflight {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Inflight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is reported once the answer has been sent or given up.
struct Pending {
    metrics: Arc<Metrics>,
    handler: &'static str,
    method: String,
    code: String,
    tenant: Option<String>,
    request_size: usize,
    response_size: usize,
    start: Instant,
    _inflight: Inflight,
}

impl Drop for Pending {
    fn drop(&mut self) {
        let labels = labels(&[&self.code, self.handler, &self.method], self.tenant.as_deref());
        self.metrics.duration.with_label_values(&labels).observe(self.start.elapsed().as_secs_f64());
        self.metrics.request_size.with_label_values(&labels).observe(self.request_size as f64);
        self.metrics.response_size.with_label_values(&labels).observe(self.response_size as f64);
        self.metrics.requests.with_label_values(&labels).inc();
    }
}

struct MeasuredBody {
    body: Body,
    pending: Pending,
}

impl HttpBody for MeasuredBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.pending.response_size += frame.data_ref().map_or(0, Bytes::len);
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
