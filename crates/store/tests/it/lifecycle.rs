//! Blocks that come and go, index-headers that are kept, mapped late and let go of, the blocks page.

use std::{sync::Arc, time::Duration};

use model::matcher::{MatchType, Matcher};
use objstore::{Fault, FaultyBucket, FsBucket, Operation};
use storeapi::InfoProvider;

use crate::harness::{Gateway, golden, open, open_with_registry, recorded_blocks, request, series};

fn any_metric() -> Vec<Matcher> {
    vec![Matcher::new(MatchType::Re, "__name__", ".+").unwrap()]
}

fn metric(registry: &prometheus::Registry, name: &str) -> f64 {
    let mut text = String::new();
    prometheus::TextEncoder::new().encode_utf8(&registry.gather(), &mut text).unwrap();
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_come_and_go_and_headers_are_reused() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let faulty = Arc::new(FaultyBucket::new(Arc::new(FsBucket::new(blocks.path()).unwrap()), 1));
    let (store, data, registry) = open_with_registry(faulty.clone(), |_| {}).await;
    let count = store.block_count();
    assert_eq!(metric(&registry, "thanos_bucket_store_blocks_loaded"), count as f64);
    let all = series(store.as_ref(), request(any_metric())).await.unwrap();
    let header = |id: &ulid::Ulid| data.path().join(id.to_string()).join("index-header");
    assert!(store.block_ids().iter().all(|id| header(id).exists()));

    // One goes away while it is being read.
    let gone = store.block_ids()[0];
    let answer = storeapi::StoreApi::series(store.as_ref(), request(any_metric())).await.unwrap();
    let aside = tempfile::tempdir_in(blocks.path().parent().unwrap()).unwrap();
    std::fs::rename(blocks.path().join(gone.to_string()), aside.path().join("x")).unwrap();
    store.sync().await.unwrap();
    drop(answer);
    assert_eq!(store.block_count(), count - 1);
    assert!(!header(&gone).exists());
    assert_eq!(metric(&registry, "thanos_bucket_store_block_drops_total"), 1.0);

    // A bucket whose metas cannot be read adds and drops nothing.
    faulty.inject(Operation::Iter, Fault::Before, 1.0);
    assert!(store.sync().await.is_err());
    assert_eq!(store.block_count(), count - 1);
    faulty.heal();

    // It comes back.
    std::fs::rename(aside.path().join("x"), blocks.path().join(gone.to_string())).unwrap();
    store.sync().await.unwrap();
    assert_eq!(series(store.as_ref(), request(any_metric())).await.unwrap(), all);

    // A second start fetches no index, and removes what it does not know.
    let left_over = data.path().join("01K5T52A70F0Y43NHW7S0T6DEM");
    std::fs::create_dir_all(&left_over).unwrap();
    faulty.inject(Operation::GetRange, Fault::Permanent, 1.0);
    let (again, _) = open(faulty.clone(), |config| config.data_dir = data.path().to_owned()).await;
    assert_eq!(again.block_count(), count);
    assert!(!left_over.exists());
    faulty.heal();
    assert_eq!(series(again.as_ref(), request(any_metric())).await.unwrap(), all);
    assert_eq!(again.info(), store.info());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_header_on_disk_is_fetched_again() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let bucket = Arc::new(FsBucket::new(blocks.path()).unwrap());
    let (store, data) = open(bucket.clone(), |_| {}).await;
    let all = series(store.as_ref(), request(any_metric())).await.unwrap();
    for (n, id) in store.block_ids().into_iter().enumerate() {
        let file = data.path().join(id.to_string()).join("index-header");
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        match n % 3 {
            0 => bytes.truncate(middle),
            1 => bytes[middle] ^= 0x55,
            _ => bytes.clear(),
        }
        // Not in place: the first store has the old file mapped.
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, bytes).unwrap();
    }
    let (again, _) = open(bucket, |config| config.data_dir = data.path().to_owned()).await;
    assert_eq!(again.block_count(), store.block_count());
    assert_eq!(series(again.as_ref(), request(any_metric())).await.unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn lazy_headers_are_mapped_by_requests_and_let_go_of() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let bucket = Arc::new(FsBucket::new(blocks.path()).unwrap());
    for lazy_download in [false, true] {
        let (store, data, registry) = open_with_registry(bucket.clone(), |config| {
            config.header.lazy_reader = true;
            config.header.lazy_download = lazy_download;
            config.header.idle_timeout = Duration::from_millis(1);
        })
        .await;
        let id = store.block_ids()[0];
        assert_eq!(data.path().join(id.to_string()).join("index-header").exists(), !lazy_download);
        assert_eq!(metric(&registry, "thanos_bucket_store_indexheader_lazy_load_total"), 0.0);
        let first = series(store.as_ref(), request(any_metric())).await.unwrap();
        let loads = metric(&registry, "thanos_bucket_store_indexheader_lazy_load_total");
        assert!(loads > 0.0);
        tokio::time::sleep(Duration::from_millis(5)).await;
        store.close_idle_headers();
        assert_eq!(metric(&registry, "thanos_bucket_store_indexheader_lazy_unload_total"), loads);
        assert_eq!(series(store.as_ref(), request(any_metric())).await.unwrap(), first);
    }
    let (store, data) = open(bucket, |config| config.header.keep_files = false).await;
    assert!(!series(store.as_ref(), request(any_metric())).await.unwrap().is_empty());
    let id = store.block_ids()[0];
    assert!(!data.path().join(id.to_string()).join("index-header").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_page_shows_and_marks() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let gateway = Gateway::start(blocks.path()).await;
    let get = async |path: &str| http(&gateway.http, "GET", path).await;
    let (status, body) = get("/api/v1/blocks?view=loaded").await;
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["status"], "success");
    let shown = body["data"]["blocks"].as_array().unwrap();
    assert_eq!(shown.len(), 13);
    let id = shown[0]["ulid"].as_str().unwrap().to_owned();
    assert!(body["data"]["err"].is_null() && body["data"]["refreshedAt"].as_str().unwrap().starts_with("20"));
    let (_, global) = get("/api/v1/blocks").await;
    let global: serde_json::Value = serde_json::from_str(&global).unwrap();
    assert_eq!(global["data"]["blocks"].as_array().unwrap().len(), 0);

    let (status, _) =
        http(&gateway.http, "POST", &format!("/api/v1/blocks/mark?id={id}&action=DELETION&detail=test"))
            .await;
    assert_eq!(status, 204);
    let mark = std::fs::read_to_string(blocks.path().join(&id).join("deletion-mark.json")).unwrap();
    assert!(mark.contains(r#""details":"test""#), "{mark}");
    for bad in
        ["id=x&action=DELETION", "action=DELETION", &format!("id={id}"), &format!("id={id}&action=PAINT")]
    {
        let (status, body) = http(&gateway.http, "POST", &format!("/api/v1/blocks/mark?{bad}")).await;
        assert_eq!(status, 400, "{bad}: {body}");
    }
    gateway.stop().await;
}

/// One request over a plain connection: status and body.
async fn http(address: &str, method: &str, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.0\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    (status, body)
}
