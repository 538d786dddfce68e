//! StoreAPI's acceptance cases on a bucket store.

use std::sync::Arc;

use objstore::{Bucket, FsBucket};
use storeapi::testing::{Fixture, accept, fixture_series, write_block};
use tsdb::meta::BlockMeta;
use ulid::Ulid;

use crate::harness::open;

#[tokio::test(flavor = "multi_thread")]
async fn bucket_store_passes_the_acceptance_cases() {
    let fixture = Fixture {
        refuses_external_matchers_alone: false,
        refuses_no_matchers: false,
        ..Fixture::new(1_700_000_000_000)
    };
    let root = tempfile::tempdir().unwrap();
    let id = Ulid::from_parts(1_700_000_000_000, 1);
    let dir = root.path().join(id.to_string());
    write_block(&dir, &fixture_series(&fixture));
    let mut meta = BlockMeta::read_dir(&dir).unwrap();
    meta.ulid = id;
    meta.thanos.labels =
        fixture.external_labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    meta.write_dir(&dir).unwrap();
    for lazy in [false, true] {
        let bucket: Arc<dyn Bucket> = Arc::new(FsBucket::new(root.path()).unwrap());
        let (store, _data) = open(bucket, |config| {
            config.header.lazy_reader = lazy;
            config.series_batch_size = if lazy { 2 } else { 10_000 };
        })
        .await;
        assert_eq!(store.block_count(), 1);
        accept(store.as_ref(), &fixture).await;
    }
}
