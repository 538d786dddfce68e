//! The pages and their addresses, of every component that has any.

use anyhow::Result;
use e2e::http::{self, Answer};
use e2e::process::{Process, free_port};
use e2e::programs::{Thanos, filesystem_bucket, thanos_binary};
use serde_json::{Value, json};

fn get(base: &str, path: &str) -> Result<Answer> {
    http::get(&format!("{base}{path}"), &[])
}

/// What the index tells the pages.
fn told(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{:.300}", answer.body);
    let policy = answer.headers["content-security-policy"].to_str().expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let from = answer.body.find("id=\"thanos-data\"").expect("the index has its data");
    let json = &answer.body[from..];
    let json = &json[json.find('>').unwrap() + 1..json.find("</script>").unwrap()];
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn the_querier_serves_its_pages_under_its_prefix() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let plain = Thanos::query(dir.path(), "plain", &[], &["--alert.query-url=https://query.example/x"])?;
    for page in ["/", "/graph?g0.expr=up", "/stores", "/alerts", "/rules", "/targets", "/status", "/flags"] {
        let data = told(&get(&plain.url, page)?);
        assert_eq!((&data["component"], &data["prefix"]), (&json!("query"), &json!("")), "{page}");
        assert_eq!(data["features"]["queryUrl"], "https://query.example/x");
    }
    assert_eq!(told(&get(&plain.url, "/new/graph?g0.expr=up")?)["home"], "graph", "an old link is led on");
    assert_eq!(get(&plain.url, "/nothing")?.status, 404);

    let moved = Thanos::query(dir.path(), "moved", &[], &["--web.external-prefix=/thanos/"])?;
    for page in ["/", "/thanos", "/thanos/", "/thanos/graph"] {
        assert_eq!(told(&get(&moved.url, page)?)["prefix"], "/thanos", "{page}");
    }
    assert_eq!(get(&moved.url, "/graph")?.status, 404);
    assert_eq!(get(&moved.url, "/thanos/api/v1/status/buildinfo")?.status, 200);
    assert_eq!(get(&moved.url, "/-/ready")?.status, 200, "probes stay where they are");
    Ok(())
}

#[test]
fn store_and_compactor_serve_pages_and_blocks() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (folder, bucket) = filesystem_bucket(dir.path())?;
    let store = Thanos::store(dir.path(), "store", &bucket)?;
    assert_eq!(told(&get(&store.url, "/loaded")?)["component"], "store");
    assert_eq!(get(&store.url, "/api/v1/blocks?view=loaded")?.json()?["data"]["blocks"], json!([]));
    assert_eq!(get(&store.url, "/api/v1/blocks/plan")?.status, 404, "a store plans nothing");

    // A block that is not whole, for all to see.
    let id = "01HQ0000000000000000000000";
    std::fs::create_dir_all(folder.join(id).join("chunks"))?;
    std::fs::write(folder.join(id).join("chunks/000001"), "x")?;
    let url = format!("http://127.0.0.1:{}", free_port());
    let args = [
        "compact".to_owned(),
        format!("--http-address={}", url.trim_start_matches("http://")),
        format!("--data-dir={}", dir.path().join("compact").display()),
        format!("--objstore.config-file={}", bucket.display()),
        "--wait".to_owned(),
        "--web.route-prefix=/c".to_owned(),
        "--web.external-prefix=/c".to_owned(),
        "--block-viewer.global.sync-block-interval=100ms".to_owned(),
        "--disable-admin-operations".to_owned(),
    ];
    let mut compact = Process::start("compact", &thanos_binary()?, &args, dir.path())?;
    compact.wait_until("ready", || http::is_ok(&format!("{url}/-/ready")))?;
    for page in ["/blocks", "/c/blocks", "/c/"] {
        let data = told(&get(&url, page)?);
        assert_eq!((&data["component"], &data["prefix"]), (&json!("compact"), &json!("/c")), "{page}");
        assert_eq!(data["features"]["adminOperations"], false);
    }
    let overview = format!("{url}/c/api/v1/blocks/overview?view=global");
    compact.wait_until("showing the partial block", || {
        let shown = http::get(&overview, &[]).and_then(|answer| answer.json());
        shown.is_ok_and(|shown| shown["data"]["partial"] == json!([{"id": id, "reason": "no-meta"}]))
    })?;
    assert_eq!(get(&url, "/api/v1/blocks/plan")?.json()?["data"]["jobs"], json!([]));
    let mark = http::post_form(&format!("{url}/api/v1/blocks/mark"), &[("id", id), ("action", "DELETION")])?;
    assert_eq!((mark.status, mark.json()?["error"].clone()), (400, json!("Admin operations are disabled")));
    Ok(())
}

#[test]
fn components_can_do_without_pages() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (_, bucket) = filesystem_bucket(dir.path())?;
    let args = [
        format!("--data-dir={}", dir.path().join("data").display()),
        format!("--objstore.config-file={}", bucket.display()),
        "--web.disable".to_owned(),
    ];
    let store = Thanos::start(dir.path(), "store", "store", &args)?;
    for path in ["/", "/loaded", "/api/v1/blocks", "/api/v1/status/flags"] {
        assert_eq!(get(&store.url, path)?.status, 404, "{path}");
    }
    Ok(())
}
