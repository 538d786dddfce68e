//! Writing series. The lengths of nested messages stand in front of them: they are computed first, once, and taken from a list
//! while writing. What stands before the data of a chunk is put together on the stack and written in one piece.

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

fn varint_len(field: u32, value: u64) -> usize {
    if value == 0 { 0 } else { key_len(field) + encoded_len_varint(value) }
}

fn label_len(name: &str, value: &str) -> usize {
    string_len(1, name) + string_len(2, value)
}

fn chunk_len(chunk: &Chunk) -> usize {
    let data = if chunk.data.is_empty() { 0 } else { delimited_len(2, chunk.data.len()) };
    varint_len(1, encoding_varint(chunk)) + data + varint_len(3, chunk.hash)
}

/// Negative enum numbers are sign-extended to 64 bits, as protobuf has it.
fn encoding_varint(chunk: &Chunk) -> u64 {
    i64::from(chunk.encoding.to_wire()) as u64
}

/// The lengths of the messages in one or several series: of the series, of each of its chunks, of the data in these.
pub(super) struct Lengths(Vec<usize>);

impl Lengths {
    /// Computes them.
    pub(super) fn of(series: &[Series]) -> Self {
        let chunks: usize = series.iter().map(|one| one.chunks.len()).sum();
        let mut lengths = Lengths(Vec::with_capacity(series.len() + 2 * chunks));
        series.iter().for_each(|one| lengths.add(one));
        lengths
    }

    fn add(&mut self, series: &Series) {
        let at = self.0.len();
        self.0.push(0);
        let labels = series.labels.iter();
        let mut len: usize = labels.map(|(name, value)| delimited_len(LABELS, label_len(name, value))).sum();
        for aggr in &series.chunks {
            let at = self.0.len();
            self.0.push(0);
            let mut aggr_len = varint_len(1, aggr.min_time as u64) + varint_len(2, aggr.max_time as u64);
            for_each_chunk(aggr, |field, chunk| {
                let chunk_len = chunk_len(chunk);
                self.0.push(chunk_len);
                aggr_len += delimited_len(field, chunk_len);
            });
            self.0[at] = aggr_len;
            len += delimited_len(CHUNKS, aggr_len);
        }
        self.0[at] = len;
    }
}

/// The chunks with their field numbers; most are raw, and a list of one.
#[inline]
fn for_each_chunk<'a>(aggr: &'a AggrChunk, mut f: impl FnMut(u32, &'a Chunk)) {
    match (&aggr.raw, &aggr.aggregates) {
        (Some(raw), None) => f(3, raw),
        _ => aggr.chunks().for_each(|(field, chunk)| f(field, chunk)),
    }
}

/// Keys, lengths and numbers that follow each other: at most six varints with their keys.
struct Head {
    bytes: [u8; 72],
    len: usize,
}

impl Head {
    fn new() -> Self {
        Head { bytes: [0; 72], len: 0 }
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn plain(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// A length-delimited field of a number below 16.
    fn begin(&mut self, field: u32, len: usize) {
        self.byte((field << 3) as u8 | WireType::LengthDelimited as u8);
        self.plain(len as u64);
    }

    /// A number in a field of a number below 16; zero is left out.
    fn varint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.byte((field << 3) as u8 | WireType::Varint as u8);
            self.plain(value);
        }
    }

    fn write(&mut self, buf: &mut impl BufMut) {
        buf.put_slice(&self.bytes[..self.len]);
        self.len = 0;
    }
}

fn string(field: u32, text: &str, head: &mut Head, buf: &mut impl BufMut) {
    if !text.is_empty() {
        head.begin(field, text.len());
        head.write(buf);
        buf.put_slice(text.as_bytes());
    }
}

/// Writes one series as field `field`; `lengths` are at those of this series.
fn series_field(
    field: u32,
    series: &Series,
    lengths: &mut impl Iterator<Item = usize>,
    buf: &mut impl BufMut,
) {
    let mut next = || lengths.next().unwrap_or_default();
    begin(field, next(), buf);
    let mut head = Head::new();
    for (name, value) in &series.labels {
        head.begin(LABELS, label_len(name, value));
        string(1, name, &mut head, buf);
        string(2, value, &mut head, buf);
        // Of a label without a text nothing is written but its length.
        head.write(buf);
    }
    for aggr in &series.chunks {
        head.begin(CHUNKS, next());
        head.varint(1, aggr.min_time as u64);
        head.varint(2, aggr.max_time as u64);
        for_each_chunk(aggr, |field, chunk| {
            head.begin(field, next());
            head.varint(1, encoding_varint(chunk));
            if !chunk.data.is_empty() {
                head.begin(2, chunk.data.len());
                head.write(buf);
                buf.put_slice(&chunk.data);
            }
            head.varint(3, chunk.hash);
            head.write(buf);
        });
        head.write(buf);
    }
}

/// Length of one series as field `field`, key and length included.
pub(super) fn series_field_len(field: u32, one: &Series) -> usize {
    let Lengths(lengths) = Lengths::of(std::slice::from_ref(one));
    delimited_len(field, lengths.first().copied().unwrap_or_default())
}

/// Writes one series as field `field`.
pub(super) fn one_field(field: u32, one: &Series, buf: &mut impl BufMut) {
    let Lengths(lengths) = Lengths::of(std::slice::from_ref(one));
    series_field(field, one, &mut lengths.into_iter(), buf);
}

/// The length of the batch, of which each series takes its own and that of its chunks from the list.
fn batch_len(batch: &[Series], lengths: &Lengths) -> usize {
    let mut at = 0;
    let mut len = 0;
    for one in batch {
        len += delimited_len(BATCH_SERIES, lengths.0[at]);
        at += 1 + one.chunks.iter().map(|aggr| 1 + chunk_count(aggr)).sum::<usize>();
    }
    len
}

fn chunk_count(aggr: &AggrChunk) -> usize {
    match (&aggr.raw, &aggr.aggregates) {
        (Some(_), None) => 1,
        _ => aggr.chunks().count(),
    }
}

/// Length of a `SeriesBatch` as field `field`, key and length included.
pub(super) fn batch_field_len(field: u32, batch: &[Series]) -> usize {
    delimited_len(field, batch_len(batch, &Lengths::of(batch)))
}

/// Writes a `SeriesBatch` as field `field`.
pub(super) fn batch_field(field: u32, batch: &[Series], buf: &mut impl BufMut) {
    let lengths = Lengths::of(batch);
    begin(field, batch_len(batch, &lengths), buf);
    let mut lengths = lengths.0.into_iter();
    for one in batch {
        series_field(BATCH_SERIES, one, &mut lengths, buf);
    }
}
