//! Blocks that come and go, index-headers that are kept, mapped late and let go of, what people are shown.

use std::{sync::Arc, time::Duration};

use bucket::views::ViewKind;
use model::matcher::{MatchType, Matcher};
use objstore::{Fault, FaultyBucket, FsBucket, Operation};
use storeapi::InfoProvider;

use crate::harness::{golden, open, open_with_registry, recorded_blocks, request, series};

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
async fn people_are_shown_the_blocks_of_the_last_synchronization() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    let look = store.views().look(ViewKind::Loaded);
    assert_eq!(look.metas.keys().copied().collect::<Vec<_>>(), store.block_ids());
    assert!(look.refreshed_ms > 0 && look.error.is_none());
    assert!(store.views().look(ViewKind::Global).metas.is_empty(), "a store has no view of all blocks");
}
