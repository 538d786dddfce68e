//! The pages and their addresses, of every component that has any.

use std::path::Path;

use anyhow::Result;
use e2e::http::{self, Answer};
use e2e::process::{Process, free_port};
use e2e::programs::{Thanos, create_blocks, filesystem_bucket, thanos_binary};
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

/// Two blocks of the same stream and time in a bucket: one as promtool makes it, and a copy that says it is another.
fn overlapping_blocks(dir: &Path, bucket: &Path) -> Result<[String; 2]> {
    let text = dir.join("samples.txt");
    std::fs::write(&text, "# TYPE a gauge\na 1 1700000000\na 2 1700000060\n# EOF\n")?;
    let made = dir.join("made");
    create_blocks(&text, &made)?;
    let block = std::fs::read_dir(&made)?.flatten().find(|entry| entry.path().join("meta.json").is_file());
    let block = block.expect("promtool has made a block").path();
    let first = block.file_name().expect("a folder").to_string_lossy().into_owned();
    let second = format!("{}ZZZZ", &first[..22]);
    for id in [&first, &second] {
        let target = bucket.join(id);
        std::fs::create_dir_all(target.join("chunks"))?;
        for file in ["index", "chunks/000001"] {
            std::fs::copy(block.join(file), target.join(file))?;
        }
        let mut meta: Value = serde_json::from_slice(&std::fs::read(block.join("meta.json"))?)?;
        meta["ulid"] = json!(id);
        meta["compaction"]["sources"] = json!([id]);
        meta["thanos"] = json!({"version": 1, "labels": {"cluster": "eu"}, "downsample": {"resolution": 0}, "source": "test"});
        std::fs::write(target.join("meta.json"), meta.to_string())?;
    }
    Ok([first, second])
}

#[test]
fn what_the_compactor_sets_aside_is_shown_and_can_be_marked() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (folder, bucket) = filesystem_bucket(dir.path())?;
    let [first, second] = overlapping_blocks(dir.path(), &folder)?;
    let url = format!("http://127.0.0.1:{}", free_port());
    let args = [
        "compact".to_owned(),
        format!("--http-address={}", url.trim_start_matches("http://")),
        format!("--data-dir={}", dir.path().join("compact").display()),
        format!("--objstore.config-file={}", bucket.display()),
        "--wait".to_owned(),
        "--consistency-delay=0s".to_owned(),
        "--block-viewer.global.sync-block-interval=100ms".to_owned(),
    ];
    let mut compact = Process::start("compact", &thanos_binary()?, &args, dir.path())?;
    let data = |path: &str| -> Result<Value> { Ok(get(&url, path)?.json()?["data"].clone()) };
    compact.wait_until("telling of the group set aside", || {
        data("/api/v1/blocks/plan")
            .is_ok_and(|plan| !plan["quarantined"].as_array().is_none_or(Vec::is_empty))
    })?;
    let plan = data("/api/v1/blocks/plan")?;
    let aside = &plan["quarantined"][0];
    assert_eq!((&aside["blocks"], &aside["labels"]), (&json!([first, second]), &json!({"cluster": "eu"})));
    assert!(aside["error"].as_str().is_some_and(|error| error.contains("overlap")), "{plan}");
    for view in ["loaded", "global"] {
        let overview = format!("/api/v1/blocks/overview?view={view}");
        compact.wait_until("showing both blocks", || {
            data(&overview)
                .is_ok_and(|shown| shown["blocks"].as_array().is_some_and(|blocks| blocks.len() == 2))
        })?;
        assert_eq!(data(&overview)?["labelSets"], json!([{"cluster": "eu"}]), "{view}");
    }
    let form = [("id", first.as_str()), ("action", "NO_COMPACTION"), ("detail", "by hand")];
    assert_eq!(http::post_form(&format!("{url}/api/v1/blocks/mark"), &form)?.status, 204);
    assert!(folder.join(&first).join("no-compact-mark.json").is_file());
    let marks = data("/api/v1/blocks/overview?view=loaded")?["marks"].clone();
    assert_eq!((&marks[0]["id"], &marks[0]["details"]), (&json!(first), &json!("by hand")), "{marks}");
    assert_eq!(http::post_form(&format!("{url}/api/v1/blocks/unmark"), &form)?.status, 204);
    assert!(!folder.join(&first).join("no-compact-mark.json").exists());
    Ok(())
}
