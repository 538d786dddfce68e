//! Routes and what their handlers know.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bucket::views::{BlockViews, ViewKind};
use objstore::Bucket;
use server::http::{ApiOptions, api, preflight};

use crate::answer::{Failure, encoded};
use crate::form::Form;
use crate::mark::{self, Change};
use crate::plan::Plan;
use crate::{overview, view};

/// Tells what a component is going to do with its blocks.
pub type PlanSource = Arc<dyn Fn() -> Plan + Send + Sync>;

/// What the API is made of.
#[derive(Clone)]
pub struct BlocksApi {
    /// What the component sees.
    pub views: BlockViews,
    /// Where marks are written.
    pub bucket: Arc<dyn Bucket>,
    /// External label that names the lanes of the page (`--bucket-web-label`).
    pub label: String,
    /// Marks may be changed; not with `--disable-admin-operations`.
    pub admin: bool,
    /// The plans of a component that has any.
    pub plan: Option<PlanSource>,
}

/// The routes under `/api/v1/blocks`.
pub fn routes(blocks: BlocksApi, options: &ApiOptions) -> Router {
    let planned = blocks.plan.clone();
    let mut router = Router::new()
        .route("/api/v1/blocks", api(options, "blocks", get(all)))
        .route("/api/v1/blocks/overview", api(options, "blocks_overview", get(over)))
        .route("/api/v1/blocks/meta", api(options, "blocks_meta", get(one)))
        .route(
            "/api/v1/blocks/mark",
            api(options, "blocks_mark", post(|state, request| change(state, request, Change::Mark))),
        )
        .route(
            "/api/v1/blocks/unmark",
            api(options, "blocks_unmark", post(|state, request| change(state, request, Change::Unmark))),
        );
    if let Some(source) = planned {
        let plan = move || {
            let source = source.clone();
            encoded(move || Ok(source()))
        };
        router = router.route("/api/v1/blocks/plan", api(options, "blocks_plan", get(plan)));
    }
    preflight(router, options.disable_cors).with_state(Arc::new(blocks))
}

/// As in Thanos, whatever is not `loaded` is the view of all blocks.
fn kind(form: &Form) -> ViewKind {
    if form.get("view") == "loaded" { ViewKind::Loaded } else { ViewKind::Global }
}

async fn all(State(blocks): State<Arc<BlocksApi>>, request: Request) -> Response {
    match Form::read(request).await {
        Ok(form) => encoded(move || view::view(blocks.views.look(kind(&form)), &blocks.label)).await,
        Err(failure) => failure.into_response(),
    }
}

async fn over(State(blocks): State<Arc<BlocksApi>>, request: Request) -> Response {
    match Form::read(request).await {
        Ok(form) => encoded(move || Ok(overview::overview(&blocks, kind(&form)))).await,
        Err(failure) => failure.into_response(),
    }
}

async fn one(State(blocks): State<Arc<BlocksApi>>, request: Request) -> Response {
    let found = async {
        let form = Form::read(request).await?;
        let id = mark::block_id(&form)?;
        let metas = blocks.views.look(kind(&form)).metas;
        let meta = metas.get(&id).ok_or_else(|| Failure::not_found(format!("there is no block {id}")))?;
        view::json(meta)
    };
    match found.await {
        Ok(json) => encoded(move || Ok(json)).await,
        Err(failure) => failure.into_response(),
    }
}

async fn change(State(blocks): State<Arc<BlocksApi>>, request: Request, change: Change) -> Response {
    match mark::change(&blocks, request, change).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => failure.into_response(),
    }
}
