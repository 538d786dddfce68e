//! Parts of a block: chunks, index, index-header, chunk segment, meta.json, tombstones.
//!
//! Checksums would keep most mutations from getting far. So the checked parts are read as they are and once more with
//! their checksums set right.

use bytes::Bytes;
use model::labels::LabelsWriter;
use model::matcher::{MatchType, Matcher};
use model::series::SampleBuffer;
use tsdb::chunk::float_histogram::FloatHistogramDecoder;
use tsdb::chunk::histogram::HistogramDecoder;
use tsdb::chunk::{AggregateChunk, AggregateKind, Encoding, decode_into, sample_count};
use tsdb::chunkfile::{ChunkFrame, ChunkReader, ChunkRef};
use tsdb::index::{IndexReader, SeriesEntry, SeriesFrame};
use tsdb::index_header::{self, IndexHeader};
use tsdb::meta::BlockMeta;
use tsdb::postings::{self, PostingsSource, postings_for_matchers};
use tsdb::tombstones::Tombstones;

use super::Target;

pub(super) const TARGETS: [Target; 6] = [
    Target { name: "chunk", run: chunk, seeds: chunk_seeds },
    Target { name: "segment", run: segment, seeds: || vec![SEGMENT.to_vec()] },
    Target { name: "index", run: index, seeds: || vec![INDEX.to_vec()] },
    Target { name: "index-header", run: header, seeds: header_seeds },
    Target { name: "meta-json", run: meta, seeds: || vec![META.to_vec(), META_THANOS.to_vec()] },
    Target { name: "tombstones", run: tombstones, seeds: tombstone_seeds },
];

macro_rules! testdata {
    ($file:literal) => {
        include_bytes!(concat!("../../../crates/tsdb/testdata/", $file))
    };
}

const INDEX: &[u8] = testdata!("block/01M7YWV47NPG5QGPKKVYF6PW23/index");
const SEGMENT: &[u8] = testdata!("block/01M7YWV47NPG5QGPKKVYF6PW23/chunks/000001");
const META: &[u8] = testdata!("block/01M7YWV47NPG5QGPKKVYF6PW23/meta.json");
const META_THANOS: &[u8] = include_bytes!("../../../crates/tsdb/src/meta/testdata/full.json");
const CHUNKS: &[u8] = testdata!("chunks.jsonl");

/// The first byte is the encoding, the rest the chunk.
fn chunk(data: &[u8]) {
    let Some((encoding, data)) = data.split_first() else { return };
    let Ok(encoding) = Encoding::from_byte(*encoding) else { return };
    let _ = sample_count(encoding, data);
    match encoding {
        Encoding::Aggregate => {
            let Ok(parts) = AggregateChunk::parse(data) else { return };
            for (encoding, data) in AggregateKind::ALL.into_iter().filter_map(|kind| parts.get(kind)) {
                if encoding != Encoding::Aggregate {
                    decode_chunk(encoding, data);
                }
            }
        }
        other => decode_chunk(other, data),
    }
}

fn decode_chunk(encoding: Encoding, data: &[u8]) {
    let mut out = SampleBuffer::new();
    let decoded = decode_into(encoding, data, &mut out).is_ok();
    assert_eq!(out.floats.len(), out.timestamps.len());
    assert!(out.histograms.is_empty() || out.histograms.len() == out.len());
    assert!(out.start_timestamps.is_empty() || out.start_timestamps.len() == out.len());
    assert!(decoded || out.is_empty());
    match encoding {
        Encoding::Histogram | Encoding::HistogramSt => {
            if let Ok(mut decoder) = HistogramDecoder::new(encoding, data) {
                while let Ok(Some(_)) = decoder.next_sample() {
                    decoder.histogram();
                }
            }
        }
        Encoding::FloatHistogram | Encoding::FloatHistogramSt => {
            if let Ok(mut decoder) = FloatHistogramDecoder::new(encoding, data) {
                while let Ok(Some(_)) = decoder.next_sample() {}
            }
        }
        Encoding::Xor => {
            let _ = tsdb::chunk::XorAppender::resume(data);
        }
        _ => {}
    }
}

/// The chunks of the crate's test data, of every encoding.
fn chunk_seeds() -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(CHUNKS);
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    text.lines()
        .filter_map(|line| {
            // The first "enc" is that of the chunk.
            let (encoding, data) = (field(line, "enc")?, field(line, "data")?);
            let byte =
                (1..=255).find(|b| Encoding::from_byte(*b).is_ok_and(|e| e.to_string() == encoding))?;
            let hex = |i: usize| u8::from_str_radix(data.get(i..i + 2)?, 16).ok();
            let mut seed = vec![byte];
            seed.extend((0..data.len()).step_by(2).filter_map(hex));
            Some(seed)
        })
        .collect()
}

fn segment(data: &[u8]) {
    for verify in [true, false] {
        let mut at = 8;
        while let Some(Ok(frame)) = data.get(at..).map(|rest| ChunkFrame::parse(rest, verify)) {
            if !verify && frame.encoding != Encoding::Aggregate {
                decode_chunk(frame.encoding, &data[at + frame.data.start..at + frame.data.end]);
            }
            at += frame.len;
        }
    }
    let Ok(reader) = ChunkReader::from_segments([("000001".to_owned(), Bytes::copy_from_slice(data))]) else {
        return;
    };
    for offset in (0..data.len() as u32 + 20).step_by(61) {
        let _ = reader.chunk(ChunkRef::new(0, offset));
    }
}

/// CRC-32 Castagnoli, bit by bit.
fn crc(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    !crc
}

/// Sets the checksum behind `data[range]`.
fn seal(data: &mut [u8], range: std::ops::Range<usize>) {
    if let Some(body) = data.get(range.clone()) {
        let sum = crc(body).to_be_bytes();
        if let Some(slot) = data.get_mut(range.end..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *slot = sum;
        }
    }
}

/// Sets the checksum of a section with its length in front.
fn seal_section(data: &mut [u8], at: u64) {
    let Ok(at) = usize::try_from(at) else { return };
    let Some(len) = data.get(at..).and_then(|rest| rest.first_chunk::<4>()).map(|b| u32::from_be_bytes(*b))
    else {
        return;
    };
    if at + 8 + len as usize <= data.len() {
        seal(data, at + 4..at + 4 + len as usize);
    }
}

fn be64(data: &[u8], at: usize) -> u64 {
    data.get(at..).and_then(|rest| rest.first_chunk::<8>()).map_or(0, |b| u64::from_be_bytes(*b))
}

/// Sets the checksums of a table of contents of `words` offsets at the end, and of the sections at two of them.
fn sealed(data: &[u8], words: usize, sections: [usize; 2]) -> Vec<u8> {
    let mut data = data.to_vec();
    let Some(toc) = data.len().checked_sub(words * 8 + 4) else { return data };
    seal(&mut data, toc..toc + words * 8);
    for section in sections {
        let at = be64(&data, toc + section * 8);
        seal_section(&mut data, at);
    }
    data
}

fn index(data: &[u8]) {
    read_index(data.to_vec());
    read_index(sealed(data, 6, [0, 5]));
    // Entries and postings whose checksums would not let them through.
    let mut entry = SeriesEntry::new();
    for at in (0..data.len()).step_by(97) {
        let _ = entry.decode(&data[at..]);
        let _ = entry.decode_range(&data[at..], 0, 1);
        let _ = SeriesFrame::parse(&data[at..], false).map(|frame| entry.decode(&data[at..][frame.body]));
        let _ = postings::decode(&data[at..]);
    }
    if let Ok(header) = index_header::from_index(data) {
        read_header(header);
    }
}

fn read_index(data: Vec<u8>) {
    let Ok(index) = IndexReader::new(Bytes::from(data)) else { return };
    let mut writer = LabelsWriter::new();
    let mut entry = SeriesEntry::new();
    for name in index.label_names() {
        let _ = index.label_values(&name).map(|values| {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            let _ = index.postings_for_values(&name, &values);
        });
        for (ty, value) in [(MatchType::Re, "i0.+"), (MatchType::NotRe, "a|b"), (MatchType::Eq, "web")] {
            let Ok(matcher) = Matcher::new(ty, name.as_str(), value) else { continue };
            let _ = postings_for_matchers(&index, &[matcher]);
        }
    }
    if let Ok(all) = index.all_postings() {
        for reference in all.iter().take(500) {
            if index.series(*reference, i64::MIN, i64::MAX, &mut entry).is_ok() {
                let _ = index.labels(&entry, &mut writer);
            }
        }
        let _ = index.label_names_of(&all[..all.len().min(500)]);
    }
}

fn header(data: &[u8]) {
    read_header(data.to_vec());
    read_header(sealed(data, 2, [0, 1]));
}

fn read_header(data: Vec<u8>) {
    let Ok(header) = IndexHeader::new(Bytes::from(data), 3) else { return };
    for name in header.label_names() {
        let Ok(values) = header.label_values(&name) else { continue };
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        let _ = header.postings_ranges(&name, &values);
        for value in values.iter().take(10) {
            let _ = header.postings_range(&name, value);
            let _ = header.for_each_value(&name, value, |_, _| {});
        }
    }
    for reference in (0..2000).step_by(13) {
        let _ = header.lookup_symbol(reference);
    }
    header.symbols().iter().for_each(|(_, symbol)| {
        let _ = header.symbols().find(symbol);
    });
}

fn header_seeds() -> Vec<Vec<u8>> {
    index_header::from_index(INDEX).into_iter().collect()
}

fn meta(data: &[u8]) {
    if let Ok(meta) = BlockMeta::from_json(data) {
        let written = meta.to_json().expect("a meta that was read can be written");
        let again = BlockMeta::from_json(&written).expect("a meta that was written can be read");
        assert_eq!(again.to_json().expect("and written again"), written);
        let _ = meta.group_key();
    }
}

fn tombstones(data: &[u8]) {
    let _ = Tombstones::decode(data);
    let mut sealed = data.to_vec();
    if data.len() >= 9 {
        seal(&mut sealed, 5..data.len() - 4);
    }
    if let Ok(stones) = Tombstones::decode(&sealed) {
        assert_eq!(Tombstones::decode(&stones.encode()).expect("what was written can be read"), stones);
    }
}

fn tombstone_seeds() -> Vec<Vec<u8>> {
    let mut stones = Tombstones::default();
    for i in 0..20u32 {
        let mint = 1_700_000_000_000 + i64::from(i) * 60_000;
        stones.add(u64::from(i % 7) * 16, tsdb::tombstones::Interval { mint, maxt: mint + 30_000 });
    }
    vec![stones.encode(), Tombstones::default().encode()]
}
