//! Index-headers as Thanos's store writes and reads them.

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;
use tsdb::index::{IndexReader, Version};
use tsdb::index_header::{self, IndexHeader, IndexHeaderWriter, IndexSections};
use tsdb::postings::PostingsSource;

use crate::shared;

const NAMES: [&str; 3] = ["main", "index-v1", "downsampled"];

fn read(golden: &Path, name: &str, ext: &str) -> Vec<u8> {
    std::fs::read(golden.join(format!("index-header/{name}.{ext}"))).unwrap()
}

#[test]
fn header_is_written_byte_for_byte() {
    let Some(golden) = shared::golden() else { return };
    for name in NAMES {
        let (index, want) = (read(&golden, name, "index"), read(&golden, name, "index-header"));
        assert!(index_header::from_index(&index).unwrap() == want, "{name}");

        // Piece by piece, as from a bucket.
        let size = index.len() as u64;
        let part = |r: std::ops::Range<u64>| &index[r.start as usize..r.end as usize];
        let sections = IndexSections::new(
            size,
            part(IndexSections::head_range(size)),
            part(IndexSections::tail_range(size)),
        )
        .unwrap();
        assert_eq!(sections.header_size(), want.len() as u64);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("01ABC/index-header");
        let mut writer = IndexHeaderWriter::create(&path, sections).unwrap();
        for range in [sections.symbols_range(), sections.postings_range()] {
            for piece in part(range).chunks(777) {
                writer.feed(piece).unwrap();
            }
        }
        assert!(!path.exists());
        writer.finish().unwrap();
        assert!(std::fs::read(&path).unwrap() == want, "{name}");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        IndexHeader::open(&path, 32).unwrap();

        let mut writer = IndexHeaderWriter::create(&path, sections).unwrap();
        writer.feed(part(sections.symbols_range())).unwrap();
        writer.finish().unwrap_err();
        assert!(std::fs::read(&path).unwrap() == want, "an unfinished file replaced the old one");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}

#[test]
fn header_answers_as_thanos_does() {
    let Some(golden) = shared::golden() else { return };
    for name in NAMES {
        let want: Value = serde_json::from_slice(&read(&golden, name, "json")).unwrap();
        for sampling in [1, 2, 3, 32, 1000] {
            let header =
                IndexHeader::new(Bytes::from(read(&golden, name, "index-header")), sampling).unwrap();
            check(&header, &want, name);
        }
        // The index itself gives the same.
        let index = IndexReader::new(Bytes::from(read(&golden, name, "index"))).unwrap();
        assert_eq!(Value::from(index.label_names()), want["label_names"]);
        for label in want["labels"].as_array().unwrap() {
            let values = index.label_values(label["name"].as_str().unwrap()).unwrap();
            assert_eq!(Value::from(values), label["values"]);
        }
    }
}

fn check(header: &IndexHeader, want: &Value, name: &str) {
    assert_eq!(Value::from(header.index_version() as u8), want["index_version"]);
    assert_eq!(Value::from(header.label_names()), want["label_names"]);
    for label in want["labels"].as_array().unwrap() {
        let label_name = label["name"].as_str().unwrap();
        let values: Vec<&str> =
            label["values"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(header.label_values(label_name).unwrap(), values, "{name} {label_name}");
        let ranges: Vec<Value> = header
            .postings_ranges(label_name, &values)
            .unwrap()
            .into_iter()
            .map(|r| range(r.as_ref()))
            .collect();
        assert_eq!(Value::from(ranges.clone()), label["postings_ranges"], "{name} {label_name}");
        for (value, want) in values.iter().zip(&ranges) {
            assert_eq!(&range(header.postings_range(label_name, value).unwrap().as_ref()), want);
        }
        let mut walked = Vec::new();
        header.for_each_value(label_name, "", |v, r| walked.push((v, range(Some(&r))))).unwrap();
        assert_eq!(walked, values.iter().copied().zip(ranges).collect::<Vec<_>>(), "{name} {label_name}");
        for prefix in values.iter().filter_map(|v| v.get(..1)).chain(["b00", "zz"]) {
            let mut got = Vec::new();
            header.for_each_value(label_name, prefix, |v, _| got.push(v)).unwrap();
            let want: Vec<_> = values.iter().copied().filter(|v| v.starts_with(prefix)).collect();
            assert_eq!(got, want, "{name} {label_name} {prefix}");
        }
    }
    for probe in want["probes"].as_array().unwrap() {
        let values: Vec<&str> =
            probe["values"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        let got = header.postings_ranges(probe["name"].as_str().unwrap(), &values).unwrap();
        let empty = Vec::new();
        let mut want = probe["ranges"].as_array().unwrap_or(&empty).iter().filter(|r| r["Start"] != -1);
        for range in got.into_iter().flatten() {
            let want = want.next().unwrap_or_else(|| panic!("{name}: {probe}"));
            assert_eq!(
                (Value::from(range.start), Value::from(range.end)),
                (want["Start"].clone(), want["End"].clone())
            );
        }
        assert!(want.next().is_none(), "{name}: {probe}");
    }
    let symbols = want["symbols"].as_array().unwrap();
    assert_eq!(header.symbols().len(), symbols.len());
    for (want, (reference, symbol)) in symbols.iter().zip(header.symbols().iter()) {
        assert_eq!(want["symbol"], symbol);
        if let Some(want) = want.get("ref") {
            assert_eq!(want, reference);
        }
        assert_eq!(header.lookup_symbol(reference).unwrap(), symbol);
        assert_eq!(header.symbols().find(symbol), Some(reference));
    }
    if header.index_version() == Version::V1 {
        for want in want["v1_symbol_refs_that_read"].as_array().unwrap() {
            let reference = want["ref"].as_u64().unwrap() as u32;
            // Some bytes before and behind the symbols happen to read as symbols, too.
            if header.symbols().iter().any(|(r, _)| r == reference) {
                assert_eq!(want["symbol"], header.lookup_symbol(reference).unwrap());
            }
        }
    } else {
        let past = &want["lookup_past_the_end"];
        let error = header.lookup_symbol(past["ref"].as_u64().unwrap() as u32).unwrap_err().to_string();
        assert!(error.contains(past["error"].as_str().unwrap()), "{error}");
    }
}

fn range(range: Option<&std::ops::Range<u64>>) -> Value {
    range.map_or(Value::Null, |r| Value::from(vec![r.start, r.end]))
}
