//! The routes over a store in memory, as a client sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use model::labels::Labels;
use prometheus::Registry;
use server::http::{ApiOptions, Instrumentation};
use server::request_log::RequestLog;
use storeapi::endpoint::{EndpointSet, EndpointSetConfig, EndpointSource, Endpoints};
use storeapi::testing::MemoryStore;
use storeapi::{ProxyConfig, ProxyStore, Retrieval, StoreApi, StoreRef, StoreSelector};
use tower::ServiceExt;

use super::routes;
use crate::api::QueryApi;
use crate::config::QueryConfig;
use crate::tenancy::TenancyConfig;

struct NoEndpoints;

impl EndpointSource for NoEndpoints {
    fn endpoints(&self, _: &dyn Fn(&str) -> bool) -> Endpoints {
        Endpoints::default()
    }
}

/// Two replicas that scraped the same thing, a little apart.
fn stores(broken: bool) -> Vec<Arc<StoreRef>> {
    let replica = |name: &str, shift: i64| {
        let external = Labels::from_pairs([("cluster", "eu"), ("replica", name)]);
        let samples = (0..20).map(|i| (i * 15_000 + shift, i as f64)).collect();
        let series = vec![(Labels::from_pairs([("__name__", "ships"), ("dock", "a<b")]), samples)];
        let store = MemoryStore::new(external.clone(), series);
        let store = if broken && name == "b" {
            store.failing_after(0, storeapi::Error::internal("index is gone"))
        } else {
            store
        };
        reference(&format!("store-{name}:1"), Arc::new(store), external)
    };
    vec![replica("a", 0), replica("b", 5000)]
}

fn reference(address: &str, api: Arc<dyn StoreApi>, external: Labels) -> Arc<StoreRef> {
    Arc::new(StoreRef {
        api,
        address: Some(address.to_owned()),
        label_sets: vec![external],
        min_time: 0,
        max_time: i64::MAX,
        tsdb_infos: Vec::new(),
        supports_sharding: true,
        supports_without_replica_labels: true,
    })
}

fn router(broken: bool, change: impl FnOnce(&mut QueryConfig)) -> axum::Router {
    router_over(stores(broken), change)
}

fn router_over(stores: Vec<Arc<StoreRef>>, change: impl FnOnce(&mut QueryConfig)) -> axum::Router {
    let registry = Registry::new();
    let mut config = QueryConfig {
        replica_labels: vec!["replica".to_owned()],
        evaluation_threads: 1,
        flags: BTreeMap::from([("query.timeout".to_owned(), "2m".to_owned())]),
        ..QueryConfig::default()
    };
    change(&mut config);
    let proxy_config = ProxyConfig {
        selector_labels: Labels::empty(),
        selector: StoreSelector::default(),
        response_timeout: Duration::ZERO,
        retrieval: Retrieval::Eager,
    };
    let proxy: Arc<dyn StoreApi> =
        Arc::new(ProxyStore::new(Arc::new(move || stores.clone()), proxy_config, &registry).unwrap());
    let endpoint_config = EndpointSetConfig {
        unhealthy_timeout: Duration::ZERO,
        info_timeout: Duration::from_secs(1),
        metric_labels: Vec::new(),
    };
    let endpoints = EndpointSet::new(endpoint_config, Arc::new(NoEndpoints), &registry).unwrap();
    let api = Arc::new(QueryApi::new(config, proxy, endpoints, &registry).unwrap());
    let options = ApiOptions {
        instrumentation: Instrumentation::new(&registry, None).unwrap(),
        request_log: RequestLog::from_yaml("").unwrap(),
        disable_cors: false,
    };
    routes(api, &options)
}

struct Got {
    status: StatusCode,
    no_store: bool,
    body: String,
}

async fn send(router: &axum::Router, request: Request<Body>) -> Got {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let no_store = response.headers().get("cache-control").is_some_and(|value| value == "no-store");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Got { status, no_store, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(router: &axum::Router, path: &str) -> Got {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn instant_query_joins_replicas_unless_told_not_to() {
    let router = router(false, |_| {});
    let got = get(&router, "/api/v1/query?query=ships&time=100").await;
    let expected = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"ships","cluster":"eu","dock":"a<b"},"value":[100,"6"]}],"analysis":{}}}"#;
    assert_eq!((got.status, got.body.as_str(), got.no_store), (StatusCode::OK, expected, false));
    let got = get(&router, "/api/v1/query?query=count(ships)&time=100&dedup=false").await;
    assert!(got.body.contains(r#""value":[100,"2"]"#), "{}", got.body);
    let form = Request::post("/api/v1/query")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Body::from("query=count%28ships%29&time=100"))
        .unwrap();
    assert!(send(&router, form).await.body.contains(r#""value":[100,"1"]"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matcher_on_a_replica_says_nothing_of_other_operands() {
    let store = |name: &str, replica: &str| {
        let external = Labels::from_pairs([("replica", replica)]);
        let series = vec![(Labels::from_pairs([("__name__", name), ("dock", "x")]), vec![(90_000, 1.0)])];
        reference(&format!("{name}:1"), Arc::new(MemoryStore::new(external.clone(), series)), external)
    };
    let router = router_over(vec![store("ships", "a"), store("boats", "b")], |_| {});
    let query = "query=ships%7Breplica=%22a%22%7D%20and%20boats&time=100";
    let got = get(&router, &format!("/api/v1/query?{query}")).await;
    assert!(got.body.contains(r#""value":[100,"1"]"#), "{}", got.body);
    let got = get(&router, &format!("/api/v1/query?{query}&dedup=false")).await;
    assert!(got.body.contains(r#""result":[]"#), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn range_query_gives_every_step() {
    let router = router(false, |_| {});
    let got = get(&router, "/api/v1/query_range?query=ships%2B0&start=30&end=60&step=15").await;
    assert!(got.body.contains(r#""values":[[30,"2"],[45,"3"],[60,"4"]]"#), "{}", got.body);
    let got = get(&router, "/api/v1/query_range?query=ships&start=30&end=60&step=15&resolutions=true").await;
    assert!(got.body.contains(r#","resolutions":[0],"analysis":{}"#), "{}", got.body);
    let got = get(&router, "/api/v1/query_range?query=ships&start=0&end=20000&step=1").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert!(got.body.contains("exceeded maximum resolution of 11,000 points"), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_store_is_a_warning_or_an_execution_error() {
    let router = router(true, |_| {});
    let got = get(&router, "/api/v1/query?query=ships&time=100").await;
    assert!(got.status == StatusCode::OK && got.no_store, "{}", got.body);
    assert!(got.body.contains(r#""warnings":["receive series from Addr: store-b:1 "#), "{}", got.body);
    let got = get(&router, "/api/v1/query?query=ships&time=100&partial_response=0").await;
    assert!(got.status == StatusCode::UNPROCESSABLE_ENTITY && got.no_store, "{}", got.body);
    let expected = r#"{"status":"error","errorType":"execution","error":"expanding series: proxy Series(): rpc error: code = Aborted desc = receive series from Addr: store-b:1 "#;
    assert!(got.body.starts_with(expected), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_can_be_chosen_by_address() {
    let router = router(true, |_| {});
    let matcher = "storeMatch[]=%7B__address__%3D%22store-a:1%22%7D";
    let got = get(&router, &format!("/api/v1/query?query=ships&time=100&{matcher}")).await;
    assert!(got.status == StatusCode::OK && !got.body.contains("warnings"), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn series_and_labels_are_listed() {
    let router = router(false, |_| {});
    let got = get(&router, "/api/v1/series?match[]=ships").await;
    assert_eq!(got.body, r#"{"status":"success","data":[{"__name__":"ships","cluster":"eu","dock":"a<b"}]}"#);
    let got = get(&router, "/api/v1/labels").await;
    assert_eq!(got.body, r#"{"status":"success","data":["__name__","cluster","dock","replica"]}"#);
    let got = get(&router, "/api/v1/label/dock/values").await;
    assert_eq!(got.body, r#"{"status":"success","data":["a\u003cb"]}"#);
    let got = get(&router, "/api/v1/label/replica/values?limit=1").await;
    assert_eq!(
        got.body,
        r#"{"status":"success","data":["a"],"warnings":["results truncated due to limit"]}"#
    );
    assert_eq!(get(&router, "/api/v1/series").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_say_what_is_wrong() {
    let router = router(false, |_| {});
    for (path, text) in [
        (
            "/api/v1/query?query=up&time=x",
            r#"Invalid time value for 'time': cannot parse \"x\" to a valid timestamp"#,
        ),
        ("/api/v1/query?query=up&engine=x", "'x' bad engine"),
        (
            "/api/v1/query?query=up&max_source_resolution=-1",
            "negative 'max_source_resolution' is not accepted",
        ),
        ("/api/v1/query_range?query=up&start=2&end=1&step=1", "end timestamp must not be before start time"),
        ("/api/v1/query_explain?query=up", "engine type must be 'thanos'"),
        ("/api/v1/rules?type=x", "invalid rules parameter type='x'"),
    ] {
        let got = get(&router, path).await;
        assert!(got.status == StatusCode::BAD_REQUEST && got.no_store, "{path}: {}", got.body);
        assert!(got.body.contains(text) && got.body.contains("bad_data"), "{path}: {}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_see_only_their_series_when_enforced() {
    let router = router(false, |config| {
        config.tenancy =
            TenancyConfig { enforce: true, label: "cluster".to_owned(), ..TenancyConfig::default() };
    });
    for (tenant, found) in [("eu", true), ("us", false)] {
        let request =
            |path: &str| Request::get(path).header("THANOS-TENANT", tenant).body(Body::empty()).unwrap();
        let got = send(&router, request("/api/v1/query?query=ships&time=100")).await;
        assert_eq!(got.body.contains("\"value\""), found, "{}", got.body);
        let got = send(&router, request("/api/v1/labels")).await;
        assert_eq!(got.body.contains("dock"), found, "{}", got.body);
    }
    let request = Request::get("/api/v1/query?query=ships")
        .header("THANOS-TENANT", "../x")
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(&router, request).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_pages_and_empty_fan_outs_answer() {
    let router = router(false, |_| {});
    let data = |body: &str| format!(r#"{{"status":"success","data":{body}}}"#);
    assert_eq!(get(&router, "/api/v1/status/flags").await.body, data(r#"{"query.timeout":"2m"}"#));
    assert_eq!(get(&router, "/api/v1/stores").await.body, data("{}"));
    assert_eq!(get(&router, "/api/v1/rules").await.body, data(r#"{"groups":[]}"#));
    assert_eq!(get(&router, "/api/v1/alerts").await.body, data(r#"{"alerts":null}"#));
    assert_eq!(
        get(&router, "/api/v1/targets").await.body,
        data(r#"{"activeTargets":[],"droppedTargets":[]}"#)
    );
    assert_eq!(get(&router, "/api/v1/metadata").await.body, data("{}"));
    assert_eq!(get(&router, "/api/v1/query_exemplars?query=up").await.body, data("[]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn query_over_a_hanging_store_ends_with_its_timeout() {
    let store = MemoryStore::new(
        Labels::empty(),
        vec![(Labels::from_pairs([("__name__", "ships")]), vec![(1, 1.0)])],
    );
    let router =
        router_over(vec![reference("store-c:1", Arc::new(store.hanging_after(1)), Labels::empty())], |_| {});
    let got = get(&router, "/api/v1/query?query=ships&time=1&timeout=0.2").await;
    assert!(matches!(got.status.as_u16(), 422 | 503), "{} {}", got.status, got.body);
    assert!(got.body.contains("deadline exceeded") || got.body.contains("timed out"), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn expressions_are_formatted_and_taken_apart() {
    let router = router(false, |_| {});
    let got = get(&router, "/api/v1/format_query?query=sum(foo)by(a)%3Cbool%201").await;
    assert_eq!(got.body, r#"{"status":"success","data":"sum by (a) (foo) \u003c bool 1"}"#);
    let got = get(&router, "/api/v1/parse_query?query=-foo%7Ba!~%22x%22%7D%5B5m%5D%20%40%20end()").await;
    let expected = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\""}"#;
    assert_eq!((got.status, got.body.as_str()), (StatusCode::BAD_REQUEST, expected));
    let form = Request::post("/api/v1/parse_query")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("query=foo%7Ba!~%22x%22%7D%5B5m%5D%20%40%20end()"))
        .unwrap();
    let expected = r#"{"status":"success","data":{"anchored":false,"matchers":[{"name":"a","type":"!~","value":"x"},{"name":"__name__","type":"=","value":"foo"}],"name":"foo","offset":0,"offsetExpr":null,"range":300000,"rangeExpr":null,"smoothed":false,"startOrEnd":"end","timestamp":null,"type":"matrixSelector"}}"#;
    assert_eq!(send(&router, form).await.body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn analysis_measures_each_operator() {
    let router = router(false, |_| {});
    let query = "query=sum(rate(ships%5B1m%5D))%2B1&start=60&end=90&step=15&analyze=true&stats=all";
    let got = get(&router, &format!("/api/v1/query_range?{query}&engine=thanos")).await;
    let json: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let root = &json["data"]["analysis"];
    let aggregate = &root["children"][0];
    let function = &aggregate["children"][0];
    let selector = &function["children"][0];
    let names = [root, aggregate, function, selector].map(|node| node["name"].as_str().unwrap());
    let expected = [
        "[scalarBinary] +",
        "[aggregate] sum by ()",
        "[function] rate",
        "[matrixSelector] ships[1m] range 1m",
    ];
    assert!(
        names.iter().zip(expected).all(|(name, expected)| name.starts_with(&expected[..12])),
        "{names:?}"
    );
    let total = json["data"]["stats"]["samples"]["totalQueryableSamples"].as_u64().unwrap();
    assert!(total > 0);
    for node in [root, aggregate, function, selector] {
        assert_eq!(node["totalSamples"].as_u64(), Some(total), "{node}");
        assert!(node["executionTime"].as_str().unwrap().ends_with('s'), "{node}");
    }
    let per_step = json["data"]["stats"]["samples"]["totalQueryableSamplesPerStep"].as_array().unwrap();
    let steps: Vec<(f64, u64)> =
        per_step.iter().map(|step| (step[0].as_f64().unwrap(), step[1].as_u64().unwrap())).collect();
    assert_eq!(steps.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [60.0, 75.0, 90.0]);
    assert_eq!(steps.iter().map(|(_, samples)| samples).sum::<u64>(), total);

    let got = get(&router, &format!("/api/v1/query_range?{query}&engine=prometheus")).await;
    let warned = got.body.contains("Query not analyzable; change engine to 'thanos'.");
    assert!(warned && got.body.contains(r#""analysis":{}}"#), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn analysis_tells_what_each_store_did() {
    let router = router(true, |_| {});
    let query = "query=sum(rate(ships%5B1m%5D))&start=60&end=90&step=15&engine=thanos";
    let got = get(&router, &format!("/api/v1/query_range?{query}&analyze=true")).await;
    let json: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let selector = &json["data"]["analysis"]["children"][0]["children"][0];
    let fanout = selector["fanout"].as_array().unwrap_or_else(|| panic!("no fan-out in {}", got.body));
    let addresses: Vec<&str> = fanout.iter().filter_map(|entry| entry["endpointAddr"].as_str()).collect();
    assert_eq!(addresses, ["store-a:1", "store-b:1"]);
    let good = &fanout[0];
    for (name, number) in [("numResponses", 1), ("series", 1), ("chunks", 1), ("samples", 20)] {
        assert_eq!(good[name].as_u64(), Some(number), "{name} of {good}");
    }
    assert!(good["bytesProcessed"].as_u64().unwrap() > 40 && good.get("error").is_none(), "{good}");
    assert!(good["duration"].as_str().unwrap().ends_with('s'), "{good}");
    // What failed has its error, and nothing that it did not send.
    let bad = &fanout[1];
    assert!(bad["error"].as_str().unwrap().contains("index is gone"), "{bad}");
    assert!(bad.get("series").is_none() && bad.get("bytesProcessed").is_none(), "{bad}");
    for other in [query.to_owned(), format!("{query}&analyze=true").replace("=thanos", "=prometheus")] {
        let got = get(&router, &format!("/api/v1/query_range?{other}")).await;
        assert!(!got.body.contains("fanout") && !got.body.contains("\"blocks\""), "{}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_were_read_are_told_when_asked_for() {
    let external = Labels::from_pairs([("cluster", "eu")]);
    let store = |ids: &[&str], name: &str| {
        let series = vec![(Labels::from_pairs([("__name__", name)]), vec![(90_000, 1.0)])];
        Arc::new(MemoryStore::new(external.clone(), series).reading_blocks(ids))
    };
    let stores = vec![
        reference("store-b:1", store(&["01C"], "ships"), external.clone()),
        reference("store-a:1", store(&["01B", "01A"], "ships"), external.clone()),
        reference("sidecar:1", store(&[], "ships"), external.clone()),
    ];
    let router = router_over(stores, |_| {});
    // Two selects, one of which finds nothing; the same blocks stand there once.
    let got = get(&router, "/api/v1/query?query=ships%20or%20boats&time=100&blocks=true").await;
    let json: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let expected = serde_json::json!([
        {"endpointAddr": "store-a:1", "blocks": ["01A", "01B"], "stats": {"mergedSeriesCount": 1}},
        {"endpointAddr": "store-b:1", "blocks": ["01C"], "stats": {"mergedSeriesCount": 1}},
    ]);
    assert_eq!(json["data"]["blocks"], expected, "{}", got.body);
    let got = get(&router, "/api/v1/query?query=ships&time=100").await;
    assert!(!got.body.contains("blocks"), "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn info_has_the_fan_out_of_what_it_selects_itself() {
    let labels = |name: &str| Labels::from_pairs([("__name__", name), ("instance", "a"), ("job", "x")]);
    let series = ["ships", "target_info"].map(|name| (labels(name), vec![(90_000, 1.0)]));
    let store = MemoryStore::new(Labels::empty(), series.to_vec());
    let router = router_over(vec![reference("store:1", Arc::new(store), Labels::empty())], |config| {
        config.parse_options.enable_experimental_functions = true;
    });
    let query = "query=info(ships)&time=100&engine=thanos&analyze=true";
    let got = get(&router, &format!("/api/v1/query?{query}")).await;
    let json: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    let root = &json["data"]["analysis"];
    assert!(root["name"].as_str().unwrap().contains("info"), "{}", got.body);
    assert_eq!(root["fanout"][0]["series"].as_u64(), Some(1), "{}", got.body);
    assert_eq!(root["children"][0]["fanout"][0]["endpointAddr"].as_str(), Some("store:1"), "{}", got.body);
}
