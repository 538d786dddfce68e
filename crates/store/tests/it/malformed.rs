//! Broken blocks: an error that names block and place, other blocks served on, no panic.

use std::{path::Path, sync::Arc};

use model::matcher::{MatchType, Matcher};
use objstore::FsBucket;
use storeapi::{ErrorKind, LabelNamesRequest, LabelValuesRequest, StoreApi};

use crate::harness::{golden, open, recorded_blocks, request, series};

fn any_metric() -> Vec<Matcher> {
    vec![Matcher::new(MatchType::Re, "__name__", ".+").unwrap()]
}

fn iterations() -> u64 {
    std::env::var("FUZZ_ITERS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

/// Cuts a file short, flips bits, or writes large numbers over a place.
fn bend(path: &Path, random: &mut Random) {
    let mut bytes = std::fs::read(path).unwrap();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 => bytes.iter_mut().skip(at).take(9).for_each(|byte| *byte = 0xff),
            _ => bytes.iter_mut().skip(at).take(random.below(64)).for_each(|byte| *byte = 0),
        }
        if bytes.is_empty() {
            break;
        }
    }
    // A new file: the old one may be mapped.
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_cannot_be_loaded_does_not_take_others_down() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let mut ids: Vec<_> =
        std::fs::read_dir(blocks.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    ids.sort();
    std::fs::remove_file(ids[0].join("index")).unwrap();
    std::fs::write(ids[1].join("index"), "no index").unwrap();
    std::fs::write(ids[2].join("index"), "").unwrap();
    let mut meta = tsdb::meta::BlockMeta::read_dir(&ids[3]).unwrap();
    meta.thanos.downsample.resolution = 77;
    meta.write_dir(&ids[3]).unwrap();
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    assert_eq!(store.block_count(), ids.len() - 4);
    assert!(!series(store.as_ref(), request(any_metric())).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_block_file_and_offset() {
    let Some(golden) = golden() else { return };
    let blocks = recorded_blocks(&golden);
    let (store, _data) = open(Arc::new(FsBucket::new(blocks.path()).unwrap()), |_| {}).await;
    // The raw block with most series: its first segment keeps its header only.
    let id = store.block_ids().into_iter().find(|id| id.to_string() == "01M7YQ7R3736HXH8Y00JG18S5Z").unwrap();
    let segment = blocks.path().join(id.to_string()).join("chunks/000001");
    let whole = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &whole[..8]).unwrap();
    let error = series(store.as_ref(), request(any_metric())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Aborted);
    let text = error.to_string();
    assert!(text.contains(&format!("block {id}: {id}/chunks/000001: chunk at offset 8: ")), "{text}");
    let mut flipped = whole.clone();
    flipped[12] ^= 1;
    std::fs::write(&segment, &flipped).unwrap();
    let text = series(store.as_ref(), request(any_metric())).await.unwrap_err().to_string();
    assert!(text.contains("chunks/000001: chunk at offset 8: invalid checksum"), "{text}");
    std::fs::write(&segment, &whole).unwrap();
    assert!(series(store.as_ref(), request(any_metric())).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn bent_blocks_give_errors_and_never_a_panic() {
    let Some(golden) = golden() else { return };
    let mut random = Random(0x5eed);
    let source = recorded_blocks(&golden);
    let names: Vec<_> =
        std::fs::read_dir(source.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for round in 0..iterations() {
        let bucket = tempfile::tempdir().unwrap();
        // Two blocks of a kind, of which one is bent.
        for pick in [random.below(names.len()), random.below(names.len())] {
            let (from, to) = (source.path().join(&names[pick]), bucket.path().join(&names[pick]));
            if to.exists() {
                continue;
            }
            std::fs::create_dir_all(to.join("chunks")).unwrap();
            for file in ["meta.json", "index", "chunks/000001"] {
                if from.join(file).exists() {
                    std::fs::copy(from.join(file), to.join(file)).unwrap();
                }
            }
        }
        let bent = bucket.path().join(&names[random.below(names.len())]);
        let early = round % 2 == 0;
        let file = bent.join(["index", "index", "chunks/000001"][random.below(3)]);
        if early && file.exists() {
            bend(&file, &mut random);
        }
        let (store, _data) = open(Arc::new(FsBucket::new(bucket.path()).unwrap()), |config| {
            config.header.lazy_reader = round % 3 == 0;
            config.header.lazy_download = round % 6 == 0;
        })
        .await;
        if !early {
            let dir = std::fs::read_dir(bucket.path()).unwrap().next().unwrap().unwrap().path();
            bend(&dir.join("index"), &mut random);
        }
        for matchers in
            [any_metric(), vec![Matcher::not_equal("berth", "x")], vec![Matcher::equal("__name__", "up")]]
        {
            for max_resolution_window in [0, 3_600_000] {
                let ask = storeapi::SeriesRequest {
                    max_resolution_window,
                    aggregates: vec![storeapi::Aggr::Count, storeapi::Aggr::Counter],
                    ..request(matchers.clone())
                };
                if let Err(error) = series(store.as_ref(), ask).await {
                    assert!(matches!(error.kind(), ErrorKind::Aborted | ErrorKind::Internal), "{error}");
                    assert!(!error.to_string().contains("panic"), "{error}");
                }
            }
            let names = LabelNamesRequest {
                start: i64::MIN,
                end: i64::MAX,
                matchers: matchers.clone(),
                ..Default::default()
            };
            if let Err(error) = store.label_names(names).await {
                assert!(!error.to_string().contains("panic"), "{error}");
            }
            let values = LabelValuesRequest {
                label: "berth".into(),
                start: i64::MIN,
                end: i64::MAX,
                matchers,
                ..Default::default()
            };
            if let Err(error) = store.label_values(values).await {
                assert!(!error.to_string().contains("panic"), "{error}");
            }
        }
    }
}
