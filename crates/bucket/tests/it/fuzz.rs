//! Metas and marks cut short and bent: counted or an error, never a panic.

use std::sync::Arc;

use bucket::{
    fetcher::{FetcherConfig, MetaFetcher},
    filters::{ConsistencyDelay, Deduplicate, DeletionMarks, LabelSharding, MetaFilter, ReplicaLabelRemover},
};
use objstore::{Bucket, MemoryBucket};
use prometheus::Registry;
use tsdb::meta::BlockMeta;
use ulid::Ulid;

fn iterations() -> u64 {
    std::env::var("FUZZ_ITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

#[tokio::test]
async fn bent_metas_and_marks_do_not_panic() {
    let id = Ulid::from_parts(1_700_000_000_000, 1);
    let mut meta = BlockMeta::new(id, -5, 1000);
    meta.thanos.labels.insert("replica".into(), "a".into());
    meta.compaction.sources = vec![id];
    let json = meta.to_json().unwrap();
    let mark =
        format!(r#"{{"id":"{id}","version":1,"details":"x","deletion_time":1700000000}}"#).into_bytes();
    let mut random = 0x5eed_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let mut bend = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        for _ in 0..next(4) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = b"0123456789{}[]\",:-eEnulfasT\\\xff"[next(29)],
                _ => {
                    let piece = bytes[at..].to_vec();
                    bytes.extend_from_slice(&piece);
                }
            }
        }
        bytes
    };
    for _ in 0..iterations() {
        let bucket = Arc::new(MemoryBucket::new());
        bucket.upload(&format!("{id}/meta.json"), bend(&json).into()).await.unwrap();
        bucket.upload(&format!("{id}/deletion-mark.json"), bend(&mark).into()).await.unwrap();
        let filters: Vec<Box<dyn MetaFilter>> = vec![
            Box::new(LabelSharding::default()),
            Box::new(ConsistencyDelay { delay_ms: 1000 }),
            Box::new(DeletionMarks::new(bucket.clone(), 1000, 2)),
            Box::new(ReplicaLabelRemover { labels: vec!["replica".into()] }),
            Box::new(Deduplicate::new()),
        ];
        let fetcher = MetaFetcher::new(bucket, FetcherConfig::default(), filters, &Registry::new()).unwrap();
        if let Ok(fetched) = fetcher.fetch().await {
            assert!(fetched.metas.len() + fetched.partial.len() + fetched.missing.len() <= 1);
        }
    }
}
