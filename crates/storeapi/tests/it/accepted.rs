//! The acceptance suite on the implementations of this crate.

use std::sync::Arc;
use std::time::Duration;

use model::labels::Labels;
use prometheus::Registry;
use storeapi::testing::{Fixture, MemoryStore, accept, fixture_series, write_block};
use storeapi::{ProxyConfig, ProxyStore, Retrieval, StoreApi, StoreRef, StoreSelector, TsdbStore};
use tsdb::block::BlockReader;

use crate::served::serve;

const START: i64 = 1_700_000_000_000;

fn memory(fixture: &Fixture) -> MemoryStore {
    MemoryStore::new(fixture.external_labels.clone(), fixture_series(fixture))
}

pub(crate) fn reference(api: Arc<dyn StoreApi>, labels: Labels, capable: bool) -> Arc<StoreRef> {
    Arc::new(StoreRef {
        api,
        address: Some("127.0.0.1:1".to_owned()),
        label_sets: vec![labels],
        min_time: 0,
        max_time: i64::MAX,
        tsdb_infos: Vec::new(),
        supports_sharding: capable,
        supports_without_replica_labels: capable,
    })
}

pub(crate) fn proxy(
    stores: Vec<Arc<StoreRef>>,
    retrieval: Retrieval,
    response_timeout: Duration,
) -> ProxyStore {
    let config = ProxyConfig {
        selector_labels: Labels::empty(),
        selector: StoreSelector::default(),
        response_timeout,
        retrieval,
    };
    ProxyStore::new(Arc::new(move || stores.clone()), config, &Registry::new()).unwrap()
}

#[tokio::test]
async fn memory_store() {
    let fixture = Fixture::new(START);
    accept(&memory(&fixture), &fixture).await;
}

#[tokio::test]
async fn memory_store_over_grpc() {
    let fixture = Fixture::new(START);
    let (remote, _served) = serve(Arc::new(memory(&fixture))).await;
    accept(&remote, &fixture).await;
}

#[tokio::test]
async fn tsdb_store_over_a_block() {
    let fixture = Fixture::new(START);
    let dir = tempfile::tempdir().unwrap();
    write_block(dir.path(), &fixture_series(&fixture));
    let block = BlockReader::open(dir.path()).unwrap();
    let store = TsdbStore::new(move || vec![block.clone()], fixture.external_labels.clone());
    accept(&store, &fixture).await;
}

#[tokio::test]
async fn tsdb_store_over_two_blocks() {
    let fixture = Fixture::new(START);
    let middle = START + 5 * 60_000;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for (labels, samples) in fixture_series(&fixture) {
        let (before, after): (Vec<_>, Vec<_>) = samples.into_iter().partition(|(t, _)| *t < middle);
        old.push((labels.clone(), before));
        new.push((labels, after));
    }
    new.retain(|(_, samples)| !samples.is_empty());
    let dir = tempfile::tempdir().unwrap();
    write_block(&dir.path().join("old"), &old);
    write_block(&dir.path().join("new"), &new);
    let blocks: Vec<_> =
        ["new", "old"].iter().map(|name| BlockReader::open(dir.path().join(name)).unwrap()).collect();
    let store = TsdbStore::new(move || blocks.clone(), fixture.external_labels.clone());
    accept(&store, &fixture).await;
}

#[tokio::test]
async fn proxy_over_stores_of_every_kind() {
    for capable in [true, false] {
        for retrieval in [Retrieval::Eager, Retrieval::Lazy(1)] {
            let fixture = Fixture { refuses_external_matchers_alone: false, ..Fixture::new(START) };
            let series = fixture_series(&fixture);
            // Two stores with a part each, and one that has everything once more.
            let halves = series.split_at(series.len() / 2);
            let parts = [halves.0.to_vec(), halves.1.to_vec(), series.clone()];
            let stores = parts
                .into_iter()
                .map(|part| {
                    let store = MemoryStore::new(fixture.external_labels.clone(), part);
                    let store: Arc<dyn StoreApi> =
                        if capable { Arc::new(store) } else { Arc::new(Incapable(store)) };
                    reference(store, fixture.external_labels.clone(), capable)
                })
                .collect();
            accept(&proxy(stores, retrieval, Duration::ZERO), &fixture).await;
        }
    }
}

/// A store that knows neither shards nor replica labels to take off.
struct Incapable(MemoryStore);

#[async_trait::async_trait]
impl StoreApi for Incapable {
    async fn series(
        &self,
        request: storeapi::SeriesRequest,
    ) -> Result<storeapi::SeriesStream, storeapi::Error> {
        self.0
            .series(storeapi::SeriesRequest { shard_info: None, without_replica_labels: vec![], ..request })
            .await
    }

    async fn label_names(
        &self,
        request: storeapi::LabelNamesRequest,
    ) -> Result<storeapi::LabelNamesResponse, storeapi::Error> {
        self.0.label_names(request).await
    }

    async fn label_values(
        &self,
        request: storeapi::LabelValuesRequest,
    ) -> Result<storeapi::LabelValuesResponse, storeapi::Error> {
        self.0.label_values(request).await
    }
}
