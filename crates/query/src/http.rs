//! The HTTP API, as Thanos's querier serves it under `/api/v1`. Handlers decode, call one method, encode.

mod analysis;
mod fanout;
pub(crate) mod json;
mod object;
mod params;
mod query;
pub(crate) mod respond;
mod series;
mod status;
mod syntax;

use std::sync::Arc;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use rustls_pki_types::CertificateDer;
use server::http::{ApiOptions, api};
use server::listener::ConnectionInfo;

use crate::api::QueryApi;
use crate::params::Form;
use respond::{ApiResult, respond};

/// Largest form body, bytes: what Go's form parser takes.
const MAX_FORM: usize = 10 << 20;

/// A request, decoded.
pub(crate) struct Call {
    pub(crate) form: Form,
    pub(crate) headers: HeaderMap,
    /// The client's certificate, DER.
    pub(crate) certificate: Option<CertificateDer<'static>>,
    /// The `name` of `/label/{name}/values`.
    pub(crate) name: String,
}

type Shared = Arc<QueryApi>;

/// The routes, below whatever prefix the caller nests them under.
pub(crate) fn routes(query: Arc<QueryApi>, options: &ApiOptions) -> Router {
    macro_rules! route {
        ($handler:expr, GET) => {
            get(|state: State<Shared>, request: Request| async move { call(state, request, $handler).await })
        };
        ($handler:expr, GET POST) => {
            get(|state: State<Shared>, request: Request| async move { call(state, request, $handler).await })
                .post(|state: State<Shared>, request: Request| async move { call(state, request, $handler).await })
        };
    }
    let named: MethodRouter<Shared> =
        get(|State(query): State<Shared>, Path(name): Path<String>, request: Request| async move {
            match decode(request, name).await {
                Ok(call) => respond(series::label_values(query, call).await),
                Err(response) => response,
            }
        });
    let routes: Vec<(&str, &'static str, MethodRouter<Shared>)> = vec![
        ("/api/v1/query", "query", route!(query::instant, GET POST)),
        ("/api/v1/query_range", "query_range", route!(query::range, GET POST)),
        ("/api/v1/query_explain", "query", route!(query::explain_instant, GET POST)),
        ("/api/v1/query_range_explain", "query", route!(query::explain_range, GET POST)),
        ("/api/v1/format_query", "format_query", route!(syntax::format_query, GET POST)),
        ("/api/v1/parse_query", "parse_query", route!(syntax::parse_query, GET POST)),
        ("/api/v1/label/{name}/values", "label_values", named),
        ("/api/v1/series", "series", route!(series::series, GET POST)),
        ("/api/v1/labels", "label_names", route!(series::label_names, GET POST)),
        ("/api/v1/stores", "stores", route!(status::stores, GET)),
        ("/api/v1/alerts", "alerts", route!(fanout::alerts, GET)),
        ("/api/v1/rules", "rules", route!(fanout::rules, GET)),
        ("/api/v1/targets", "targets", route!(fanout::targets, GET)),
        ("/api/v1/metadata", "metadata", route!(fanout::metadata, GET)),
        ("/api/v1/query_exemplars", "exemplars", route!(fanout::exemplars, GET POST)),
        ("/api/v1/status/tsdb", "status_tsdb", route!(fanout::tsdb_status, GET)),
        ("/api/v1/status/flags", "status_flags", route!(status::flags, GET)),
        ("/api/v1/status/runtimeinfo", "status_runtime", route!(status::runtime_info, GET)),
        ("/api/v1/status/buildinfo", "status_build", route!(status::build_info, GET)),
    ];
    let router = routes.into_iter().fold(Router::new(), |router, (path, handler, route)| {
        router.route(path, api(options, handler, route))
    });
    router.with_state(query)
}

async fn call<F>(
    State(query): State<Shared>,
    request: Request,
    handler: impl FnOnce(Shared, Call) -> F,
) -> Response
where
    F: Future<Output = ApiResult>,
{
    match decode(request, String::new()).await {
        Ok(call) => respond(handler(query, call).await),
        Err(response) => response,
    }
}

/// Reads the form of the URL and, as Go does, of a body that says it is one.
async fn decode(request: Request, name: String) -> Result<Call, Response> {
    let (parts, body) = request.into_parts();
    let is_form =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().unwrap_or("").trim() == "application/x-www-form-urlencoded"
        });
    let body = if parts.method == Method::POST && is_form {
        to_bytes(body, MAX_FORM).await.map_err(|error| {
            (StatusCode::BAD_REQUEST, format!("read request body: {error}")).into_response()
        })?
    } else {
        Bytes::new()
    };
    let form = Form::parse(parts.uri.query().unwrap_or(""), &body);
    let certificate = parts
        .extensions
        .get::<ConnectionInfo>()
        .and_then(|connection| connection.peer_certificates.first().cloned());
    Ok(Call { form, headers: parts.headers, certificate, name })
}

#[cfg(test)]
mod tests;
