//! The envelope of API answers, and which status an error gets.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::stream;

use super::json::push_string;
use crate::params::BadParam;

/// Kinds of API errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// The request makes no sense.
    BadData,
    /// The query could not be evaluated.
    Execution,
    /// The caller went away.
    Canceled,
    /// Took longer than allowed.
    Timeout,
    /// Anything else.
    Internal,
}

/// An API error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Its kind.
    pub kind: ApiErrorKind,
    /// Its text.
    pub message: String,
}

impl ApiError {
    /// The request makes no sense.
    pub fn bad_data(message: impl ToString) -> Self {
        ApiError { kind: ApiErrorKind::BadData, message: message.to_string() }
    }

    /// The query could not be evaluated.
    pub fn execution(message: impl ToString) -> Self {
        ApiError { kind: ApiErrorKind::Execution, message: message.to_string() }
    }

    /// A failure of this server.
    pub fn internal(message: impl ToString) -> Self {
        ApiError { kind: ApiErrorKind::Internal, message: message.to_string() }
    }

    pub(crate) fn respond(&self) -> Response {
        let (name, status) = match self.kind {
            ApiErrorKind::BadData => ("bad_data", StatusCode::BAD_REQUEST),
            ApiErrorKind::Execution => ("execution", StatusCode::UNPROCESSABLE_ENTITY),
            ApiErrorKind::Canceled => ("canceled", StatusCode::SERVICE_UNAVAILABLE),
            ApiErrorKind::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE),
            ApiErrorKind::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
        };
        let mut body = format!(r#"{{"status":"error","errorType":"{name}","error":"#);
        push_string(&mut body, &self.message, true);
        body.push('}');
        let mut response = json_response(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<BadParam> for ApiError {
    fn from(error: BadParam) -> Self {
        ApiError::bad_data(error)
    }
}

/// The data of an answer: JSON, whole or in pieces.
pub(crate) enum Data {
    /// JSON.
    Json(String),
    /// JSON in pieces that are made while they are sent.
    Pieces(Box<dyn Iterator<Item = String> + Send>),
}

/// An answer.
pub(crate) struct Answer {
    /// The data.
    pub data: Data,
    /// What went wrong without stopping it.
    pub warnings: Vec<String>,
}

impl Answer {
    /// An answer without warnings.
    pub(crate) fn json(json: String) -> Self {
        Answer { data: Data::Json(json), warnings: Vec::new() }
    }

    /// An answer with warnings.
    pub(crate) fn with_warnings(json: String, warnings: Vec<String>) -> Self {
        Answer { data: Data::Json(json), warnings }
    }
}

/// What a handler gives.
pub(crate) type ApiResult = Result<Answer, ApiError>;

pub(crate) fn respond(result: ApiResult) -> Response {
    let Answer { data, warnings } = match result {
        Ok(answer) => answer,
        Err(error) => return error.respond(),
    };
    let head = "{\"status\":\"success\",\"data\":".to_owned();
    let mut tail = String::new();
    if !warnings.is_empty() {
        tail.push_str(",\"warnings\":[");
        for (index, warning) in warnings.iter().enumerate() {
            if index > 0 {
                tail.push(',');
            }
            push_string(&mut tail, warning, true);
        }
        tail.push(']');
    }
    tail.push('}');
    let body = match data {
        Data::Json(json) => Body::from(head + &json + &tail),
        Data::Pieces(pieces) => {
            let pieces = std::iter::once(head).chain(pieces).chain(std::iter::once(tail));
            Body::from_stream(stream::iter(
                pieces.map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece))),
            ))
        }
    };
    let mut response = json_response(body);
    // Annotations of PromQL itself say nothing about missing data, so such answers may be kept.
    if warnings.iter().any(|warning| !is_promql_annotation(warning)) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn is_promql_annotation(warning: &str) -> bool {
    warning.starts_with("PromQL info: ")
        || warning.starts_with("PromQL warning: ")
        || warning.ends_with(promql::annotations::OMITTED)
}

fn json_response(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
