//! The routes of the pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use crate::assets::Assets;
use crate::index::{Index, Page};
use crate::prefix::Prefix;

/// Every page that Thanos has, of whatever component. All lead to the index, so that an old link opens and the page itself says
/// when it is none of this component.
const PAGES: [&str; 13] = [
    "alerts",
    "blocks",
    "config",
    "flags",
    "global",
    "graph",
    "loaded",
    "rules",
    "service-discovery",
    "status",
    "stores",
    "targets",
    "tsdb-status",
];

/// Folders under which old versions had the pages.
const OLD: [&str; 2] = ["new", "classic"];

/// The routes of the pages below `route_prefix`, which is `/` or a path without a slash at its end; `instrument` wraps the routes
/// of the index.
pub fn routes(
    page: Page,
    prefix: Prefix,
    assets: Assets,
    route_prefix: &str,
    instrument: impl Fn(MethodRouter) -> MethodRouter,
) -> Router {
    let below = below(route_prefix);
    let index = Arc::new(Index { page, prefix, assets });
    let page_route = || {
        let index = index.clone();
        instrument(get(move |request: HeaderMap| async move { index.answer(&request) }))
    };
    let mut router = Router::new().route(&format!("{below}/"), page_route());
    for page in PAGES {
        router = router.route(&format!("{below}/{page}"), page_route());
    }
    for old in OLD {
        let index = index.clone();
        let moved = move |Path(rest): Path<String>, RawQuery(query): RawQuery, request: HeaderMap| async move {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            found(format!("{}/{}{query}", index.prefix.of(&request), rest.trim_start_matches('/')))
        };
        router = router.route(&format!("{below}/{old}/{{*rest}}"), get(moved));
    }
    for asset in assets.0.iter().filter(|asset| asset.path != "index.html") {
        let answer = move |request: HeaderMap| async move { asset.answer(&request) };
        router = router.route(&format!("{below}/{}", asset.path), get(answer));
    }
    router
}

/// Below another prefix than `/`, the way from `/` and from the prefix itself to the page `home`, as Thanos has it.
pub fn redirects(route_prefix: &str, home: &str) -> Router {
    let below = below(route_prefix);
    if below.is_empty() {
        return Router::new();
    }
    let target = format!("{below}/{home}");
    ["/", below].into_iter().fold(Router::new(), |router, path| {
        let target = target.clone();
        router.route(path, get(move || async move { found(target) }))
    })
}

fn below(route_prefix: &str) -> &str {
    if route_prefix == "/" { "" } else { route_prefix }
}

fn found(target: String) -> Response {
    // A control character cannot come here but percent-encoded; what is no header value is no page either.
    match target.parse::<header::HeaderValue>() {
        Ok(target) => (StatusCode::FOUND, [(header::LOCATION, target)]).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests;
