//! The series of StoreAPI: `thanos.Series`, `AggrChunk`, `Chunk` and the `SeriesResponse` around them, written by hand.
//!
//! Nearly all bytes of a query travel in this message. Labels decode straight into one [`Labels`] allocation, and chunk data
//! stay slices of the receive buffer. The wire form is the one of `thanos/types.proto` and `thanos/store.proto`; fields are written
//! in the order of their numbers, zero values left out, as Thanos writes them.

pub(crate) mod decode;
mod encode;

use bytes::Bytes;
use model::labels::Labels;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};
use prost_types::Any;

/// Encoding of a chunk's data, numbered as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChunkEncoding {
    /// Float samples, Gorilla XOR.
    #[default]
    Xor,
    /// Integer native histograms.
    Histogram,
    /// Float native histograms.
    FloatHistogram,
    /// A number this version does not know; passed on as it is.
    Other(i32),
}

impl ChunkEncoding {
    /// The encoding of a wire number.
    pub fn from_wire(number: i32) -> Self {
        match number {
            0 => ChunkEncoding::Xor,
            1 => ChunkEncoding::Histogram,
            2 => ChunkEncoding::FloatHistogram,
            other => ChunkEncoding::Other(other),
        }
    }

    /// The wire number.
    pub fn to_wire(self) -> i32 {
        match self {
            ChunkEncoding::Xor => 0,
            ChunkEncoding::Histogram => 1,
            ChunkEncoding::FloatHistogram => 2,
            ChunkEncoding::Other(number) => number,
        }
    }
}

/// Encoded samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// How `data` is encoded.
    pub encoding: ChunkEncoding,
    /// The encoded samples, without length, type byte and checksum. Not to be changed.
    pub data: Bytes,
    /// xxHash64 of `data`; 0 when the store did not give one.
    pub hash: u64,
    /// Read at once, while the bytes around it are at hand: to come back for it to all chunks of a query later takes longer than most else
    /// that is done with them.
    samples: u16,
}

impl Chunk {
    /// A chunk of this data, with its xxHash64 or 0.
    #[inline]
    pub fn new(encoding: ChunkEncoding, data: Bytes, hash: u64) -> Self {
        let samples = data.first_chunk::<2>().map_or(0, |header| u16::from_be_bytes(*header));
        Chunk { encoding, data, hash, samples }
    }

    /// How many samples it has: every encoding begins with their number.
    pub fn samples(&self) -> u64 {
        u64::from(self.samples)
    }
}

/// The downsampled aggregates of a chunk's time range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregates {
    /// Number of raw samples per window.
    pub count: Option<Chunk>,
    /// Sum per window.
    pub sum: Option<Chunk>,
    /// Smallest value per window.
    pub min: Option<Chunk>,
    /// Largest value per window.
    pub max: Option<Chunk>,
    /// Counter values with resets taken out.
    pub counter: Option<Chunk>,
}

/// Chunks of one time range of a series: raw samples, or aggregates of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AggrChunk {
    /// Time of the first sample, ms.
    pub min_time: i64,
    /// Time of the last sample, ms, inclusive.
    pub max_time: i64,
    /// Raw samples.
    pub raw: Option<Chunk>,
    /// Aggregates; boxed because nearly all chunks are raw.
    pub aggregates: Option<Box<Aggregates>>,
}

impl AggrChunk {
    /// A chunk of raw samples.
    pub fn raw(min_time: i64, max_time: i64, chunk: Chunk) -> Self {
        AggrChunk { min_time, max_time, raw: Some(chunk), aggregates: None }
    }

    /// The chunks that are there, each with its field number on the wire, in that order.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, &Chunk)> {
        let aggregates = self.aggregates.iter().flat_map(|aggregates| {
            let Aggregates { count, sum, min, max, counter } = aggregates.as_ref();
            let fields = [(4, count), (5, sum), (6, min), (7, max), (8, counter)];
            fields.into_iter().filter_map(|(field, chunk)| Some((field, chunk.as_ref()?)))
        });
        self.raw.iter().map(|raw| (3, raw)).chain(aggregates)
    }

    /// Bytes of its encoded samples.
    pub fn data_len(&self) -> usize {
        self.chunks().map(|(_, chunk)| chunk.data.len()).sum()
    }

    /// Times of samples that it may have: as its headers say, but no more than its bytes can encode, in two bits each at the least.
    pub fn most_samples(&self) -> usize {
        let most = |chunk: &Chunk| chunk.data.len().saturating_mul(4).min(chunk.samples() as usize);
        self.chunks().map(|(_, chunk)| most(chunk)).max().unwrap_or(0)
    }
}

/// One series with its chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Labels, external labels included.
    pub labels: Labels,
    /// Chunks; empty when the request skipped them.
    pub chunks: Vec<AggrChunk>,
}

impl Series {
    /// Bytes of it in a frame.
    pub fn wire_len(&self) -> usize {
        encode::series_field_len(SERIES, self)
    }
}

/// What one frame of a Series stream carries.
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesResult {
    /// One series.
    Series(Series),
    /// Something went wrong without stopping the stream.
    Warning(String),
    /// Hints of the store.
    Hints(Any),
    /// Several series in one frame.
    Batch(Vec<Series>),
}

/// `thanos.SeriesResponse`: a frame of a Series stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesResponse {
    /// `None` for a frame of a kind that this version does not know.
    pub result: Option<SeriesResult>,
}

impl SeriesResponse {
    /// A frame of the given content.
    pub fn new(result: SeriesResult) -> Self {
        SeriesResponse { result: Some(result) }
    }
}

impl From<SeriesResult> for SeriesResponse {
    fn from(result: SeriesResult) -> Self {
        SeriesResponse::new(result)
    }
}

const SERIES: u32 = 1;
const WARNING: u32 = 2;
const HINTS: u32 = 3;
const BATCH: u32 = 4;

impl Message for SeriesResponse {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        match &self.result {
            None => {}
            Some(SeriesResult::Series(series)) => encode::one_field(SERIES, series, buf),
            Some(SeriesResult::Warning(text)) => prost::encoding::string::encode(WARNING, text, buf),
            Some(SeriesResult::Hints(any)) => prost::encoding::message::encode(HINTS, any, buf),
            Some(SeriesResult::Batch(batch)) => encode::batch_field(BATCH, batch, buf),
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        let result = match tag {
            SERIES => SeriesResult::Series(decode::series(&decode::take_message(wire_type, buf, ctx)?)?),
            WARNING => {
                let mut text = String::new();
                prost::encoding::string::merge(wire_type, &mut text, buf, ctx)?;
                SeriesResult::Warning(text)
            }
            HINTS => {
                let mut any = Any::default();
                prost::encoding::message::merge(wire_type, &mut any, buf, ctx)?;
                SeriesResult::Hints(any)
            }
            BATCH => SeriesResult::Batch(decode::batch(&decode::take_message(wire_type, buf, ctx)?)?),
            _ => return skip_field(wire_type, tag, buf, ctx),
        };
        self.result = Some(result);
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        match &self.result {
            None => 0,
            Some(SeriesResult::Series(series)) => encode::series_field_len(SERIES, series),
            Some(SeriesResult::Warning(text)) => prost::encoding::string::encoded_len(WARNING, text),
            Some(SeriesResult::Hints(any)) => prost::encoding::message::encoded_len(HINTS, any),
            Some(SeriesResult::Batch(batch)) => encode::batch_field_len(BATCH, batch),
        }
    }

    fn clear(&mut self) {
        self.result = None;
    }
}

#[cfg(test)]
mod tests;
