use axum::body::{Body as HttpBody, to_bytes};
use axum::http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::assets::{Asset, Body};

const GZIP_OF_ALERT: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 75, 204, 73, 45, 42, 209, 48, 212, 180, 6, 0, 131, 195, 1, 12, 9, 0,
    0, 0,
];

static BUILT: Assets = Assets(&[
    Asset {
        path: "assets/main-abc.js",
        tag: "t1",
        body: Body::Compressed { brotli: b"brotli form", gzip: GZIP_OF_ALERT },
    },
    Asset { path: "favicon.svg", tag: "t2", body: Body::Plain(b"<svg/>") },
    Asset {
        path: "index.html",
        tag: "t3",
        body: Body::Plain(b"<script id=\"thanos-data\" type=\"application/json\">__THANOS_DATA__</script>"),
    },
]);

fn page() -> Page {
    Page {
        component: "query",
        version: "1.2.3".into(),
        revision: "r".into(),
        pages: vec!["graph", "stores"],
        home: "graph",
        features: json!({"queryUrl": "</script>"}),
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn data(&self) -> Value {
        let json = self.body.split_once("json\">").unwrap().1.split_once("</script>").unwrap().0;
        serde_json::from_str(json).unwrap()
    }
}

async fn ask(
    assets: Assets,
    route_prefix: &str,
    prefix: (&str, &str),
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let prefix = Prefix::new(prefix.0, prefix.1).unwrap();
    let router = routes(page(), prefix, assets, route_prefix, |route| route);
    let router = router.merge(redirects(route_prefix, "graph"));
    let (method, path) = match path.strip_prefix("HEAD ") {
        Some(path) => (Method::HEAD, path),
        None => (Method::GET, path),
    };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.oneshot(request.body(HttpBody::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(BUILT, "/", ("", ""), path, headers).await
}

#[tokio::test]
async fn every_page_is_the_same_index_with_data() {
    for path in PAGES.iter().map(|page| format!("/{page}")).chain(["/".into(), "/graph?g0.expr=up".into()]) {
        let answer = get(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-cache");
        let data = answer.data();
        assert_eq!(
            (&data["component"], &data["home"], &data["prefix"]),
            (&json!("query"), &json!("graph"), &json!(""))
        );
        assert_eq!(data["features"]["queryUrl"], "</script>");
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains(&format!("'nonce-{}'", data["nonce"].as_str().unwrap())), "{policy}");
        assert!(!policy.contains("unsafe") && policy.starts_with("default-src 'none'"), "{policy}");
    }
    assert_eq!(get("/nothing", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get("/index.html", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_come_as_the_client_takes_them() {
    let path = "/assets/main-abc.js";
    let brotli = get(path, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((brotli.header(header::CONTENT_ENCODING), brotli.body.as_str()), ("br", "brotli form"));
    assert_eq!(brotli.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(brotli.header(header::VARY), "Accept-Encoding");
    assert_eq!(brotli.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    let gzip = get(path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(gzip.header(header::CONTENT_ENCODING), "gzip");
    let plain = get(path, &[]).await;
    assert_eq!((plain.header(header::CONTENT_ENCODING), plain.body.as_str()), ("", "alert(1);"));
    let tag = plain.header(header::ETAG);
    let known = get(path, &[("if-none-match", tag)]).await;
    assert_eq!((known.status, known.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.header(header::ETAG), tag);
    let head = get("HEAD /assets/main-abc.js", &[]).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    let icon = get("/favicon.svg", &[("accept-encoding", "br")]).await;
    assert_eq!((icon.header(header::CACHE_CONTROL), icon.body.as_str()), ("no-cache", "<svg/>"));
    assert_eq!(get("/assets/other.js", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_browser_is_told_the_prefix_it_sees() {
    let header = [("x-forwarded-prefix", "https://evil.example/proxied/")];
    let given = ask(BUILT, "/", ("", "X-Forwarded-Prefix"), "/graph", &header).await;
    assert_eq!(given.data()["prefix"], "/proxied");
    let fixed = ask(BUILT, "/", ("/thanos", "X-Forwarded-Prefix"), "/graph", &header).await;
    assert_eq!(fixed.data()["prefix"], "/thanos");
}

#[tokio::test]
async fn a_route_prefix_moves_all_routes() {
    let at = |path: &'static str| ask(BUILT, "/thanos", ("/thanos", ""), path, &[]);
    for path in ["/thanos/graph", "/thanos/", "/thanos/assets/main-abc.js", "/thanos/favicon.svg"] {
        assert_eq!(at(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/graph", "/assets/main-abc.js"] {
        assert_eq!(at(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/", "/thanos"] {
        let answer = at(path).await;
        assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::FOUND, "/thanos/graph"));
    }
}

#[tokio::test]
async fn pages_of_old_versions_lead_to_those_of_today() {
    let answer = get("/new/graph?g0.expr=up&g0.tab=1", &[]).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::FOUND, "/graph?g0.expr=up&g0.tab=1")
    );
    let answer = ask(BUILT, "/t", ("/t", ""), "/t/classic/stores", &[]).await;
    assert_eq!(answer.header(header::LOCATION), "/t/stores");
    // Never to another host.
    assert_eq!(get("/new//evil.example", &[]).await.header(header::LOCATION), "/evil.example");
}

#[tokio::test]
async fn without_a_build_the_pages_say_how_to_get_them() {
    let answer = ask(Assets(&[]), "/", ("", ""), "/graph", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("make ui"), "{}", answer.body);
    assert_eq!(answer.data()["component"], "query");
}
