//! The envelope of all answers.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    error_type: &'static str,
    error: String,
}

impl Failure {
    pub(crate) fn bad_data(error: impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error_type: "bad_data", error: error.to_string() }
    }

    pub(crate) fn not_found(error: impl ToString) -> Self {
        Self { status: StatusCode::NOT_FOUND, error_type: "not_found", error: error.to_string() }
    }

    pub(crate) fn forbidden(error: impl ToString) -> Self {
        Self { status: StatusCode::FORBIDDEN, error_type: "bad_data", error: error.to_string() }
    }

    pub(crate) fn internal(error: impl ToString) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, error_type: "internal", error: error.to_string() }
    }
}

#[derive(Serialize)]
struct Success<T> {
    status: &'static str,
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Error {
    status: &'static str,
    error_type: &'static str,
    error: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Error { status: "error", error_type: self.error_type, error: self.error };
        (self.status, axum::Json(body)).into_response()
    }
}

/// Encodes an answer on a thread that may take its time: there may be many blocks.
pub(crate) async fn encoded<T: Serialize>(
    make: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Response {
    let encode = move || {
        let data = make()?;
        serde_json::to_vec(&Success { status: "success", data }).map_err(Failure::internal)
    };
    match tokio::task::spawn_blocking(encode).await {
        Ok(Ok(json)) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
        }
        Ok(Err(failure)) => failure.into_response(),
        Err(error) => Failure::internal(error).into_response(),
    }
}
