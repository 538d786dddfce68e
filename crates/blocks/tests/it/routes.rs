use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use blocks::{BlocksApi, Job, JobKind, JobState, Plan, routes};
use bucket::fetcher::{Fetched, Metas};
use bucket::marks::{DeletionMark, NoCompactMark, NoDownsampleMark};
use bucket::views::{BlockViews, ViewKind};
use objstore::{Bucket, MemoryBucket};
use serde_json::{Value, json};
use server::http::{ApiOptions, Instrumentation};
use tower::ServiceExt;
use tsdb::meta::{BlockMeta, File};
use ulid::Ulid;

const A: Ulid = Ulid::from_parts(1_700_000_000_000, 1);
const B: Ulid = Ulid::from_parts(1_700_000_000_000, 2);
const BROKEN: Ulid = Ulid::from_parts(1_700_000_000_000, 3);

struct Pages {
    bucket: Arc<MemoryBucket>,
    views: BlockViews,
    router: Router,
}

fn meta(id: Ulid, replica: &str) -> Arc<BlockMeta> {
    let mut meta = BlockMeta::new(id, 1000, 2000);
    meta.thanos.labels.insert("replica".into(), replica.into());
    meta.stats.num_series = 7;
    let file = |name: &str, size_bytes| File { rel_path: name.into(), size_bytes, hash: None };
    meta.thanos.files = vec![file("index", 10), file("chunks/000001", 30), file("meta.json", 2)];
    Arc::new(meta)
}

fn pages(admin: bool) -> Pages {
    let (bucket, views) = (Arc::new(MemoryBucket::new()), BlockViews::new());
    let metas =
        |list: &[Arc<BlockMeta>]| list.iter().map(|meta| (meta.ulid, meta.clone())).collect::<Metas>();
    let loaded = Fetched { metas: metas(&[meta(A, "a")]), ..Fetched::default() };
    let partial = [(BROKEN, bucket::Error::NoMeta { id: BROKEN })].into();
    let global = Fetched { metas: metas(&[meta(A, "a"), meta(B, "b")]), partial, ..Fetched::default() };
    views.fetched(ViewKind::Loaded, &loaded, 1_700_000_000_000);
    views.fetched(ViewKind::Global, &global, 1_700_000_000_000);
    let options = ApiOptions {
        instrumentation: Instrumentation::new(&prometheus::Registry::new(), None).unwrap(),
        request_log: server::request_log::RequestLog::default(),
        disable_cors: false,
    };
    let plan = || Plan {
        jobs: vec![Job {
            kind: JobKind::Compaction,
            state: JobState::Running,
            group: "0@1".into(),
            labels: [("replica".into(), "a".into())].into(),
            resolution: 0,
            min_time: 1000,
            max_time: 2000,
            blocks: vec![A],
        }],
        ..Plan::default()
    };
    let api = BlocksApi {
        views: views.clone(),
        bucket: bucket.clone(),
        label: "replica".into(),
        admin,
        plan: Some(Arc::new(plan)),
    };
    Pages { bucket, views, router: routes(api, &options) }
}

impl Pages {
    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("success")), "{path}: {body}");
        body["data"].clone()
    }

    async fn post(&self, path: &str, form: &str) -> (StatusCode, Value) {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    async fn has<M: bucket::marks::Mark>(&self, id: Ulid) -> bool {
        self.bucket.exists(&bucket::marks::object::<M>(id)).await.unwrap()
    }
}

#[tokio::test]
async fn views_are_those_of_thanos() {
    let pages = pages(true);
    let loaded = pages.get("/api/v1/blocks?view=loaded").await;
    assert_eq!((&loaded["label"], &loaded["err"]), (&json!("replica"), &Value::Null));
    assert_eq!(loaded["refreshedAt"], "2023-11-14T22:13:20Z");
    assert_eq!(loaded["blocks"].as_array().unwrap().len(), 1);
    assert_eq!(loaded["blocks"][0]["thanos"]["labels"]["replica"], "a");
    for all in ["/api/v1/blocks", "/api/v1/blocks?view=global"] {
        assert_eq!(pages.get(all).await["blocks"].as_array().unwrap().len(), 2, "{all}");
    }
    pages.views.failed(ViewKind::Loaded, "away".into(), 1);
    let failed = pages.get("/api/v1/blocks?view=loaded").await;
    assert_eq!((failed["blocks"].as_array().unwrap().len(), &failed["err"]), (1, &json!("away")));
}

#[tokio::test]
async fn the_overview_says_all_in_few_words() {
    let pages = pages(true);
    let over = pages.get("/api/v1/blocks/overview?view=global").await;
    assert_eq!(over["labelSets"], json!([{"replica": "a"}, {"replica": "b"}]));
    let expected = json!({
        "id": A.to_string(), "minTime": 1000, "maxTime": 2000, "set": 0, "level": 0, "resolution": 0, "source": over["blocks"][0]["source"],
        "series": 7, "samples": 0, "chunks": 0, "indexBytes": 10, "chunkBytes": 30, "totalBytes": 42,
    });
    assert_eq!(over["blocks"][0], expected);
    assert_eq!(over["partial"], json!([{"id": BROKEN.to_string(), "reason": "no-meta"}]));
    assert_eq!((&over["admin"], &over["marks"]), (&json!(true), &json!([])));
    let meta = pages.get(&format!("/api/v1/blocks/meta?id={B}")).await;
    assert_eq!((&meta["ulid"], &meta["minTime"]), (&json!(B.to_string()), &json!(1000)));
    let (status, _) = pages
        .send(Request::get(format!("/api/v1/blocks/meta?id={B}&view=loaded")).body(Body::empty()).unwrap())
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let plan = pages.get("/api/v1/blocks/plan").await;
    assert_eq!(
        (&plan["jobs"][0]["kind"], &plan["jobs"][0]["state"]),
        (&json!("compaction"), &json!("running"))
    );
}

#[tokio::test]
async fn marks_come_and_go_and_are_shown_at_once() {
    let pages = pages(true);
    let mark = "/api/v1/blocks/mark";
    for action in ["DELETION", "NO_COMPACTION", "NO_DOWNSAMPLE"] {
        let (status, body) = pages.post(mark, &format!("id={A}&action={action}&detail=too+big")).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{body}");
    }
    assert!(pages.has::<DeletionMark>(A).await);
    assert!(pages.has::<NoCompactMark>(A).await && pages.has::<NoDownsampleMark>(A).await);
    let over = pages.get("/api/v1/blocks/overview?view=loaded").await;
    let kinds: Vec<_> = over["marks"].as_array().unwrap().iter().map(|mark| mark["kind"].clone()).collect();
    assert_eq!(kinds, ["deletion", "no-compact", "no-downsample"]);
    assert_eq!(
        (&over["marks"][0]["details"], &over["marks"][1]["reason"]),
        (&json!("too big"), &json!("manual"))
    );

    let unmark = "/api/v1/blocks/unmark";
    let form = format!("id={A}&action=NO_COMPACTION");
    assert_eq!(pages.post(unmark, &form).await.0, StatusCode::NO_CONTENT);
    assert!(!pages.has::<NoCompactMark>(A).await);
    let (status, body) = pages.post(unmark, &form).await;
    assert_eq!((status, &body["errorType"]), (StatusCode::BAD_REQUEST, &json!("bad_data")), "{body}");
    assert_eq!(pages.get("/api/v1/blocks/overview?view=loaded").await["marks"].as_array().unwrap().len(), 2);
    // Parameters may stand in the URL, too.
    let (status, _) = pages.post(&format!("{mark}?id={B}&action=DELETION"), "").await;
    assert_eq!((status, pages.has::<DeletionMark>(B).await), (StatusCode::NO_CONTENT, true));
}

#[tokio::test]
async fn bad_and_foreign_requests_change_nothing() {
    let open = pages(true);
    for (form, text) in [
        ("action=DELETION".to_owned(), "ID cannot be empty"),
        (format!("id={A}"), "Action cannot be empty"),
        ("id=x&action=DELETION".to_owned(), "ULID \"x\" is not valid"),
        (format!("id={A}&action=PAINT"), "not supported marker PAINT"),
    ] {
        let (status, body) = open.post("/api/v1/blocks/mark", &form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{form}");
        assert!(body["error"].as_str().unwrap().starts_with(text), "{body}");
    }
    let foreign = Request::post(format!("/api/v1/blocks/mark?id={A}&action=DELETION"));
    let foreign = foreign.header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(open.send(foreign).await.0, StatusCode::FORBIDDEN);

    let closed = pages(false);
    for path in ["/api/v1/blocks/mark", "/api/v1/blocks/unmark"] {
        let (status, body) = closed.post(path, &format!("id={A}&action=DELETION")).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("Admin operations are disabled"))
        );
    }
    assert!(!open.has::<DeletionMark>(A).await && !closed.has::<DeletionMark>(A).await);
}
