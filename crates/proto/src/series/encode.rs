//! Writing series. Lengths of nested messages are computed twice (once for the outer length), which is cheap: only lengths
//! of strings and chunks are added up.

use prost::bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use super::{AggrChunk, Chunk, Series};

const LABELS: u32 = 1;
const CHUNKS: u32 = 2;
const BATCH_SERIES: u32 = 1;

fn begin(field: u32, len: usize, buf: &mut impl BufMut) {
    encode_key(field, WireType::LengthDelimited, buf);
    encode_varint(len as u64, buf);
}

fn delimited_len(field: u32, len: usize) -> usize {
    key_len(field) + encoded_len_varint(len as u64) + len
}

fn string_len(field: u32, text: &str) -> usize {
    if text.is_empty() { 0 } else { delimited_len(field, text.len()) }
}

fn string(field: u32, text: &str, buf: &mut impl BufMut) {
    if !text.is_empty() {
        begin(field, text.len(), buf);
        buf.put_slice(text.as_bytes());
    }
}

fn varint_len(field: u32, value: u64) -> usize {
    if value == 0 { 0 } else { key_len(field) + encoded_len_varint(value) }
}

fn varint(field: u32, value: u64, buf: &mut impl BufMut) {
    if value != 0 {
        encode_key(field, WireType::Varint, buf);
        encode_varint(value, buf);
    }
}

fn label_len(name: &str, value: &str) -> usize {
    string_len(1, name) + string_len(2, value)
}

fn chunk_len(chunk: &Chunk) -> usize {
    // Negative enum numbers are sign-extended to 64 bits, as protobuf has it.
    let data = if chunk.data.is_empty() { 0 } else { delimited_len(2, chunk.data.len()) };
    varint_len(1, i64::from(chunk.encoding.to_wire()) as u64) + data + varint_len(3, chunk.hash)
}

fn aggr_chunk_len(aggr: &AggrChunk) -> usize {
    let chunks: usize = aggr.chunks().map(|(field, chunk)| delimited_len(field, chunk_len(chunk))).sum();
    varint_len(1, aggr.min_time as u64) + varint_len(2, aggr.max_time as u64) + chunks
}

fn series_len(series: &Series) -> usize {
    let labels: usize =
        series.labels.iter().map(|(name, value)| delimited_len(LABELS, label_len(name, value))).sum();
    let chunks: usize = series.chunks.iter().map(|aggr| delimited_len(CHUNKS, aggr_chunk_len(aggr))).sum();
    labels + chunks
}

fn series(series: &Series, buf: &mut impl BufMut) {
    for (name, value) in &series.labels {
        begin(LABELS, label_len(name, value), buf);
        string(1, name, buf);
        string(2, value, buf);
    }
    for aggr in &series.chunks {
        begin(CHUNKS, aggr_chunk_len(aggr), buf);
        varint(1, aggr.min_time as u64, buf);
        varint(2, aggr.max_time as u64, buf);
        for (field, chunk) in aggr.chunks() {
            begin(field, chunk_len(chunk), buf);
            varint(1, i64::from(chunk.encoding.to_wire()) as u64, buf);
            if !chunk.data.is_empty() {
                begin(2, chunk.data.len(), buf);
                buf.put_slice(&chunk.data);
            }
            varint(3, chunk.hash, buf);
        }
    }
}

/// Length of one series as field `field`, key and length included.
pub(super) fn series_field_len(field: u32, one: &Series) -> usize {
    delimited_len(field, series_len(one))
}

/// Writes one series as field `field`.
pub(super) fn series_field(field: u32, one: &Series, buf: &mut impl BufMut) {
    begin(field, series_len(one), buf);
    series(one, buf);
}

fn batch_len(batch: &[Series]) -> usize {
    batch.iter().map(|one| series_field_len(BATCH_SERIES, one)).sum()
}

/// Length of a `SeriesBatch` as field `field`, key and length included.
pub(super) fn batch_field_len(field: u32, batch: &[Series]) -> usize {
    delimited_len(field, batch_len(batch))
}

/// Writes a `SeriesBatch` as field `field`.
pub(super) fn batch_field(field: u32, batch: &[Series], buf: &mut impl BufMut) {
    begin(field, batch_len(batch), buf);
    for one in batch {
        series_field(BATCH_SERIES, one, buf);
    }
}
