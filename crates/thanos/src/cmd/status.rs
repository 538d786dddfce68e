//! `/api/v1/status/{flags,runtimeinfo,buildinfo}` of components that have no query API.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use server::http::{ApiOptions, api};

use crate::build_info::build_info;

/// The routes; `flags` are the flags with their values.
pub(super) fn routes(flags: BTreeMap<String, String>, options: &ApiOptions) -> Router {
    let started = jiff::Timestamp::now();
    let flags = move || {
        let answer = answer(json!(flags));
        async move { answer }
    };
    Router::new()
        .route("/api/v1/status/flags", api(options, "status_flags", get(flags)))
        .route(
            "/api/v1/status/runtimeinfo",
            api(options, "status_runtime", get(move || async move { answer(runtime(started)) })),
        )
        .route("/api/v1/status/buildinfo", api(options, "status_build", get(|| async { answer(build()) })))
}

fn answer(data: Value) -> Response {
    let body = json!({"status": "success", "data": data}).to_string();
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// Go's names; what has no counterpart here holds what is nearest to it.
fn runtime(started: jiff::Timestamp) -> Value {
    let directory = std::env::current_dir().map_or_else(
        |_| "<error retrieving current working directory>".to_owned(),
        |directory| directory.to_string_lossy().into_owned(),
    );
    json!({
        "startTime": started.to_string(),
        "CWD": directory,
        "goroutineCount": tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        "GOMAXPROCS": std::thread::available_parallelism().map_or(1, usize::from),
        "GOGC": "",
        "GODEBUG": "",
        "GOMEMLIMIT": i64::MAX,
    })
}

fn build() -> Value {
    let build = build_info();
    json!({
        "version": build.version,
        "revision": build.revision,
        "branch": build.branch,
        "buildUser": build.build_user,
        "buildDate": build.build_date,
        "goVersion": build.compiler,
    })
}
