//! What every API route does beside its own work: request id, CORS, gzip, request log, metrics.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::http::Instrumentation;
use crate::request_log::RequestLog;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answers below this are sent as they are; the figure is that of Thanos's gzip handler.
const GZIP_FROM_BYTES: u16 = 1024;

/// The id of a request, taken over from `X-Request-ID` or made; a request extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// What the API routes of a component share.
#[derive(Clone)]
pub struct ApiOptions {
    /// Metrics of the routes.
    pub instrumentation: Instrumentation,
    /// Which requests are logged.
    pub request_log: RequestLog,
    /// `--web.disable-cors`.
    pub disable_cors: bool,
}

/// Wraps `route` with everything an API route has. `handler` is the name in metrics and logs.
pub fn api<S>(options: &ApiOptions, handler: &'static str, route: MethodRouter<S>) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let cors = !options.disable_cors;
    let log = options.request_log.clone();
    let route = route
        .layer::<_, Infallible>(from_fn(move |request: Request, next: Next| with_cors(cors, request, next)))
        .layer::<_, Infallible>(from_fn(move |request: Request, next: Next| {
            let log = log.clone();
            async move { log.http(handler, request, next).await }
        }))
        .layer::<_, Infallible>(
            CompressionLayer::new().gzip(true).compress_when(SizeAbove::new(GZIP_FROM_BYTES)),
        );
    options.instrumentation.wrap(handler, route).layer(from_fn(with_request_id))
}

/// Adds the answer to `OPTIONS` under `/api/v1`, which is the same for every path, and that to other methods than a path takes.
pub fn preflight<S>(router: Router<S>, disable_cors: bool) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.layer(from_fn(move |request: Request, next: Next| async move {
        if request.method() == Method::OPTIONS && request.uri().path().contains("/api/v1/") {
            let mut response = StatusCode::NO_CONTENT.into_response();
            if !disable_cors {
                set_cors(response.headers_mut());
            }
            return response;
        }
        let response = next.run(request).await;
        if response.status() == StatusCode::METHOD_NOT_ALLOWED { not_allowed(&response) } else { response }
    }))
}

/// The answer of Go's router where axum's says that the method is none of the path's.
fn not_allowed(response: &Response) -> Response {
    let allowed = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok()).unwrap_or("");
    let posts = allowed.split(',').any(|method| method.trim() == "POST");
    let headers = [
        (header::ALLOW, if posts { "GET, OPTIONS, POST" } else { "GET, OPTIONS" }),
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::METHOD_NOT_ALLOWED, headers, "Method Not Allowed\n").into_response()
}

async fn with_cors(enabled: bool, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if enabled {
        set_cors(response.headers_mut());
    }
    response
}

fn set_cors(headers: &mut HeaderMap) {
    for (name, value) in [
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Accept, Accept-Encoding, Authorization, Content-Type, Origin",
        ),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

async fn with_request_id(mut request: Request, next: Next) -> Response {
    let given =
        request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty());
    let id = match given {
        Some(id) => id.to_owned(),
        None => {
            let id = ulid::Ulid::generate().to_string();
            let value = HeaderValue::from_str(&id).expect("a ULID is plain ASCII");
            request.headers_mut().insert(REQUEST_ID, value);
            id
        }
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    rpc::request_id::scope(id, next.run(request)).await
}
