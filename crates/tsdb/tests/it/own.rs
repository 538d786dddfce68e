//! The crate's own small data: chunks of every encoding, and a block made by promtool.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::labels::Labels;
use model::matcher::{MatchType, Matcher, matches_all};
use model::series::{SampleBuffer, SeriesSet};
use tsdb::block::BlockReader;
use tsdb::chunk::Encoding;
use tsdb::index_header::{self, IndexHeader};
use tsdb::postings::{self, PostingsSource, label_values_for_matchers, postings_for_matchers};

use crate::{golden, shared};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

#[test]
fn chunks_of_every_encoding_are_read() {
    let text = std::fs::read_to_string(testdata().join("chunks.jsonl")).unwrap();
    let mut seen = BTreeMap::new();
    for line in text.lines() {
        let want: serde_json::Value = serde_json::from_str(line).unwrap();
        let hex = want["data"].as_str().unwrap();
        let data: Vec<u8> =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        let encoding = (1..=255)
            .filter_map(|byte| Encoding::from_byte(byte).ok())
            .find(|e| want["enc"] == e.to_string())
            .unwrap();
        golden::check_chunk(&want, encoding, &data, &mut seen, want["name"].as_str().unwrap());
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

#[test]
fn chunks_come_out_byte_for_byte() {
    let text = std::fs::read_to_string(testdata().join("chunks.jsonl")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let chunk: serde_json::Value = serde_json::from_str(line).unwrap();
        let hex = chunk["data"].as_str().unwrap();
        let data: Vec<u8> =
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
        let encoding = (1..=255)
            .filter_map(|byte| Encoding::from_byte(byte).ok())
            .find(|e| chunk["enc"] == e.to_string())
            .unwrap();
        if encoding == Encoding::Aggregate {
            continue;
        }
        golden::check_encoding(encoding, &data, chunk["name"].as_str().unwrap());
        seen.insert(encoding.byte());
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

/// Labels and samples of the text that the block was made of.
fn text_series() -> BTreeMap<Labels, Vec<(i64, f64)>> {
    let text = std::fs::read_to_string(testdata().join("block.om")).unwrap();
    let mut out: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (name, rest) = line.split_once('{').unwrap();
        let (labels, rest) = rest.rsplit_once("} ").unwrap();
        let (value, time) = rest.split_once(' ').unwrap();
        let mut pairs = vec![("__name__".to_owned(), name.to_owned())];
        for pair in labels.split("\",") {
            let (label, value) = pair.split_once("=\"").unwrap();
            let value = value.strip_suffix('"').filter(|v| !v.ends_with('\\')).unwrap_or(value);
            pairs.push((label.to_owned(), value.replace("\\\"", "\"")));
        }
        let sample = (time.parse::<i64>().unwrap() * 1000, value.parse().unwrap());
        out.entry(Labels::from_pairs(pairs)).or_default().push(sample);
    }
    out
}

fn open() -> BlockReader {
    BlockReader::open(&shared::block_dirs(&testdata())[0]).unwrap()
}

fn selected(
    block: &BlockReader,
    matchers: &[Matcher],
    mint: i64,
    maxt: i64,
) -> Vec<(Labels, Vec<(i64, f64)>)> {
    let mut set = block.select(matchers, mint, maxt).unwrap();
    let mut out = Vec::new();
    while let Some(series) = set.next_series() {
        let series = series.unwrap();
        let mut samples = SampleBuffer::new();
        series.samples.samples_into(mint, maxt, &mut samples).unwrap();
        out.push((series.labels, samples.timestamps.into_iter().zip(samples.floats).collect()));
    }
    out
}

fn m(ty: MatchType, name: &str, value: &str) -> Matcher {
    Matcher::new(ty, name, value).unwrap()
}

#[test]
fn block_answers_selects() {
    use MatchType::{Eq, Ne, NotRe, Re};
    let block = open();
    let text = text_series();
    assert_eq!(text.len(), 82);
    let cases: &[&[(MatchType, &str, &str)]] = &[
        &[(Eq, "__name__", "requests_total")],
        &[(Eq, "__name__", "up"), (Re, "instance", "i00.|i05[1-3]")],
        &[(Re, "__name__", ".+"), (Ne, "job", "")],
        &[(Eq, "job", "web"), (NotRe, "room", "att.*")],
        &[(Eq, "room", "hall with \"quotes\"")],
        &[(Ne, "instance", "0"), (Eq, "job", "api")],
        &[(NotRe, "__name__", "up|temperature")],
        &[(Eq, "job", "nobody")],
        &[(Re, "instance", "i06.*"), (Eq, "room", "")],
    ];
    for case in cases {
        let matchers: Vec<_> = case.iter().map(|(ty, name, value)| m(*ty, name, value)).collect();
        let want: Vec<_> = text
            .iter()
            .filter(|(labels, _)| matches_all(&matchers, labels))
            .map(|(labels, samples)| (labels.clone(), samples.clone()))
            .collect();
        assert_eq!(selected(&block, &matchers, i64::MIN, i64::MAX), want, "{case:?}");
    }
    let (mint, maxt) = (1_700_000_300_000, 1_700_000_600_000);
    for (labels, samples) in selected(&block, &[m(Eq, "job", "db")], mint, maxt) {
        let want: Vec<_> = text[&labels].iter().copied().filter(|(t, _)| (mint..=maxt).contains(t)).collect();
        assert_eq!((samples.len(), &samples), (11, &want));
    }
}

#[test]
fn labels_of_the_block_are_listed() {
    let block = open();
    let index = block.index();
    assert_eq!(index.label_names(), ["__name__", "instance", "job", "room"]);
    assert_eq!(index.label_values("job").unwrap(), ["api", "db", "web"]);
    assert_eq!(index.label_values("instance").unwrap().len(), 73);
    let matchers = [m(MatchType::Eq, "__name__", "temperature")];
    assert_eq!(label_values_for_matchers(index, "job", &matchers).unwrap(), ["web"]);
    let postings = postings_for_matchers(index, &matchers).unwrap();
    assert_eq!(index.label_names_of(&postings).unwrap(), ["__name__", "job", "room"]);
}

#[test]
fn header_of_the_block_finds_the_postings_in_the_index() {
    let block = open();
    let bytes = std::fs::read(block.dir().join("index")).unwrap();
    let header = IndexHeader::new(Bytes::from(index_header::from_index(&bytes).unwrap()), 32).unwrap();
    for name in header.label_names() {
        for value in header.label_values(&name).unwrap() {
            let range = header.postings_range(&name, &value).unwrap().unwrap();
            let fetched = &bytes[range.start as usize..range.end as usize];
            let want = block.index().postings_for_values(&name, &[&value]).unwrap();
            assert_eq!(postings::decode(fetched).unwrap(), want, "{name}={value}");
        }
    }
    let values: Vec<String> = (0..80).map(|i| format!("i{i:03}")).collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    let ranges = header.postings_ranges("instance", &values).unwrap();
    assert!(ranges[..70].iter().all(Option::is_some) && ranges[70..].iter().all(Option::is_none));
}

#[test]
fn broken_parts_are_named_in_errors() {
    let dir = tempfile::tempdir().unwrap();
    let copy = |cut: Option<(&str, u64)>| {
        let to = dir.path().join("copy");
        std::fs::remove_dir_all(&to).ok();
        std::fs::create_dir_all(to.join("chunks")).unwrap();
        for file in ["meta.json", "index", "tombstones", "chunks/000001"] {
            std::fs::copy(open().dir().join(file), to.join(file)).unwrap();
        }
        if let Some((file, len)) = cut {
            let file = std::fs::OpenOptions::new().write(true).open(to.join(file)).unwrap();
            file.set_len(len).unwrap();
        }
        to
    };
    BlockReader::open(copy(None)).unwrap();
    for file in ["meta.json", "index", "tombstones", "chunks/000001"] {
        let error = BlockReader::open(copy(Some((file, 6)))).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        assert!(error.to_string().contains(file), "{error}");
    }
    // A cut segment is noticed when the chunk is read.
    let block = BlockReader::open(copy(Some(("chunks/000001", 300)))).unwrap();
    let mut set = block.select(&[m(MatchType::Eq, "__name__", "temperature")], i64::MIN, i64::MAX).unwrap();
    let series = set.next_series().unwrap().unwrap();
    let error =
        series.samples.samples_into(i64::MIN, i64::MAX, &mut SampleBuffer::new()).unwrap_err().to_string();
    assert!(error.contains("chunks/000001: chunk at offset"), "{error}");
}
