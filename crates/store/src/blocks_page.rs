//! The HTTP API of the blocks page: the blocks being served, and marks on them.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bucket::marks::{self, DeletionMark, NoCompactMark};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use server::http::{ApiOptions, api, preflight};
use ulid::Ulid;

use crate::{BucketStore, gateway::Page};

/// What the handlers know.
struct Blocks {
    store: Arc<BucketStore>,
    label: String,
    admin: bool,
}

#[derive(Deserialize)]
struct ViewQuery {
    #[serde(default)]
    view: String,
}

#[derive(Serialize)]
struct Envelope<T> {
    status: &'static str,
    data: T,
}

#[derive(Serialize)]
struct Failure {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'static str,
    error: String,
}

/// What Thanos calls `BlocksInfo`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    label: String,
    blocks: Vec<Box<RawValue>>,
    refreshed_at: String,
    err: Option<String>,
}

/// The routes under `/api/v1/blocks`. `label` groups the blocks on the page; without `admin`, marks are refused.
pub fn routes(store: Arc<BucketStore>, label: String, admin: bool, options: &ApiOptions) -> Router {
    let blocks = Arc::new(Blocks { store, label, admin });
    let router = Router::new()
        .route("/api/v1/blocks", api(options, "blocks", get(view)))
        .route("/api/v1/blocks/mark", api(options, "blocks_mark", post(mark)));
    preflight(router, options.disable_cors).with_state(blocks)
}

async fn view(State(blocks): State<Arc<Blocks>>, Query(query): Query<ViewQuery>) -> Response {
    // The store keeps no view of the blocks that its filters leave out.
    let page = if query.view == "loaded" { blocks.store.page() } else { Page::default() };
    let mut metas = Vec::with_capacity(page.metas.len());
    for meta in &page.metas {
        let json = meta.to_json().ok().and_then(|json| String::from_utf8(json).ok());
        match json.and_then(|json| RawValue::from_string(json).ok()) {
            Some(json) => metas.push(json),
            None => {
                return failure(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    format!("encode meta of block {}", meta.ulid),
                );
            }
        }
    }
    let refreshed_at = match page.refreshed_ms {
        // Go's zero time: nothing was looked at yet.
        0 => "0001-01-01T00:00:00Z".to_owned(),
        time => model::time::format_rfc3339(time),
    };
    let data = View { label: blocks.label.clone(), blocks: metas, refreshed_at, err: page.error };
    Json(Envelope { status: "success", data }).into_response()
}

#[derive(Deserialize)]
struct MarkQuery {
    #[serde(default)]
    id: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    detail: String,
}

async fn mark(State(blocks): State<Arc<Blocks>>, query: Query<MarkQuery>, body: String) -> Response {
    if !blocks.admin {
        return failure(StatusCode::BAD_REQUEST, "bad_data", "Admin operations are disabled".to_owned());
    }
    // Parameters may be in the URL or in a form.
    let query = match query.0 {
        in_url if in_url.id.is_empty() && in_url.action.is_empty() => match axum::http::Uri::builder()
            .path_and_query(format!("/?{body}"))
            .build()
            .ok()
            .and_then(|uri| Query::<MarkQuery>::try_from_uri(&uri).ok())
        {
            Some(Query(in_form)) => in_form,
            None => in_url,
        },
        in_url => in_url,
    };
    if query.id.is_empty() {
        return failure(StatusCode::BAD_REQUEST, "bad_data", "ID cannot be empty".to_owned());
    }
    if query.action.is_empty() {
        return failure(StatusCode::BAD_REQUEST, "bad_data", "Action cannot be empty".to_owned());
    }
    let Ok(id) = Ulid::from_string(&query.id) else {
        return failure(StatusCode::BAD_REQUEST, "bad_data", format!("ULID {:?} is not valid", query.id));
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_secs() as i64);
    let bucket = blocks.store.bucket().as_ref();
    let written = match query.action.as_str() {
        "DELETION" => {
            let mark =
                DeletionMark { id, version: marks::VERSION, details: query.detail, deletion_time: now };
            marks::write(bucket, id, &mark).await
        }
        "NO_COMPACTION" => {
            let reason = marks::reason::MANUAL.to_owned();
            let mark = NoCompactMark {
                id,
                version: marks::VERSION,
                details: query.detail,
                no_compact_time: now,
                reason,
            };
            marks::write(bucket, id, &mark).await
        }
        other => {
            return failure(StatusCode::BAD_REQUEST, "bad_data", format!("not supported marker {other}"));
        }
    };
    match written {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failure(StatusCode::BAD_REQUEST, "bad_data", error.to_string()),
    }
}

fn failure(status: StatusCode, error_type: &'static str, error: String) -> Response {
    (status, Json(Failure { status: "error", error_type, error })).into_response()
}
