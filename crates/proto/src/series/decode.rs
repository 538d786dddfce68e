//! Reading series from one contiguous message.
//!
//! The input is untrusted: every length is checked against what is left, and nothing is allocated ahead of the bytes that pay for it.

use bytes::Bytes;
use model::labels::{Labels, LabelsWriter};
use model::varint::uvarint;
use prost::DecodeError;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, check_wire_type, decode_varint};

use super::{AggrChunk, Aggregates, Chunk, ChunkEncoding, Series};

#[cold]
pub(crate) fn error(what: &'static str) -> DecodeError {
    // prost offers message implementers no other constructor yet; it will be replaced when there is one.
    #[expect(deprecated)]
    DecodeError::new(what)
}

/// Takes the bytes of a length-delimited field out of `buf`; without a copy when `buf` is the receive buffer.
pub(super) fn take_message(
    wire_type: WireType,
    buf: &mut impl Buf,
    ctx: DecodeContext,
) -> Result<Bytes, DecodeError> {
    check_wire_type(WireType::LengthDelimited, wire_type)?;
    let _ = ctx;
    let len = decode_varint(buf)?;
    if len > buf.remaining() as u64 {
        return Err(error("series frame: length beyond the end"));
    }
    Ok(buf.copy_to_bytes(len as usize))
}

/// A value of a field, borrowed from the message.
pub(crate) enum Value<'a> {
    Varint(u64),
    Delimited(&'a [u8]),
    /// Fixed-width values; no field of ours has one.
    Other,
}

/// The fields of one message in the order of the bytes.
pub(crate) struct Fields<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let Some((value, len)) = uvarint(self.rest) else { return Err(self.no_varint()) };
        self.rest = &self.rest[len..];
        Ok(value)
    }

    #[cold]
    fn no_varint(&self) -> DecodeError {
        match self.rest.len() {
            ..10 => error("series frame: varint cut off"),
            _ => error("series frame: varint too long"),
        }
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], DecodeError> {
        if len > self.rest.len() as u64 {
            return Err(error("series frame: length beyond the end"));
        }
        let (taken, rest) = self.rest.split_at(len as usize);
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| error("series frame: field number too large"))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let len = self.varint()?;
                Value::Delimited(self.take(len)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return Err(error("series frame: unknown wire type")),
        };
        if key >> 3 == 0 {
            return Err(error("series frame: field number 0"));
        }
        Ok(Some((key >> 3, value)))
    }
}

fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| error("series frame: label is not UTF-8"))
}

pub(crate) fn label(message: &[u8]) -> Result<(&str, &str), DecodeError> {
    let (mut name, mut value) = ("", "");
    let mut fields = Fields { rest: message };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Delimited(bytes)) => name = text(bytes)?,
            (2, Value::Delimited(bytes)) => value = text(bytes)?,
            (1 | 2, _) => return Err(error("series frame: label of a wrong wire type")),
            _ => {}
        }
    }
    Ok((name, value))
}

fn chunk(message: &[u8], whole: &Bytes) -> Result<Chunk, DecodeError> {
    let (mut encoding, mut data, mut hash) = (ChunkEncoding::from_wire(0), Bytes::new(), 0);
    let mut fields = Fields { rest: message };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Varint(number)) => encoding = ChunkEncoding::from_wire(number as i32),
            (2, Value::Delimited(bytes)) => data = whole.slice_ref(bytes),
            (3, Value::Varint(number)) => hash = number,
            (1..=3, _) => return Err(error("series frame: chunk field of a wrong wire type")),
            _ => {}
        }
    }
    Ok(Chunk::new(encoding, data, hash))
}

/// A raw XOR chunk whose fields are all there and in the order of their numbers, as every store sends them; other messages may be good as well.
#[inline]
fn usual_chunk(message: &[u8], whole: &Bytes) -> Option<AggrChunk> {
    fn field<const KEY: u8>(message: &[u8]) -> Option<(u64, &[u8])> {
        let (key, value) = message.split_first()?;
        let (number, len) = uvarint(value).filter(|_| *key == KEY)?;
        Some((number, &value[len..]))
    }
    let (min_time, rest) = field::<0x08>(message)?;
    let (max_time, rest) = field::<0x10>(rest)?;
    let (len, raw) = field::<0x1a>(rest)?;
    if len != raw.len() as u64 {
        return None;
    }
    let (len, rest) = field::<0x12>(raw)?;
    let (data, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    let (hash, rest) = if rest.is_empty() { (0, rest) } else { field::<0x18>(rest)? };
    if !rest.is_empty() {
        return None;
    }
    let chunk = Chunk::new(ChunkEncoding::from_wire(0), whole.slice_ref(data), hash);
    let (min_time, max_time) = (min_time as i64, max_time as i64);
    Some(AggrChunk { min_time, max_time, raw: Some(chunk), aggregates: None })
}

fn aggr_chunk(message: &[u8], whole: &Bytes) -> Result<AggrChunk, DecodeError> {
    if let Some(aggr) = usual_chunk(message, whole) {
        return Ok(aggr);
    }
    let mut aggr = AggrChunk::default();
    let mut fields = Fields { rest: message };
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Varint(time)) => aggr.min_time = time as i64,
            (2, Value::Varint(time)) => aggr.max_time = time as i64,
            (3, Value::Delimited(bytes)) => aggr.raw = Some(chunk(bytes, whole)?),
            (4..=8, Value::Delimited(bytes)) => {
                let aggregates: &mut Aggregates = aggr.aggregates.get_or_insert_default();
                let slot = match field {
                    4 => &mut aggregates.count,
                    5 => &mut aggregates.sum,
                    6 => &mut aggregates.min,
                    7 => &mut aggregates.max,
                    _ => &mut aggregates.counter,
                };
                *slot = Some(chunk(bytes, whole)?);
            }
            (1..=8, _) => return Err(error("series frame: chunk field of a wrong wire type")),
            _ => {}
        }
    }
    Ok(aggr)
}

fn series_in(message: &[u8], whole: &Bytes, writer: &mut LabelsWriter) -> Result<Series, DecodeError> {
    writer.clear();
    let mut plain = true;
    let mut last = "";
    let mut chunks = Vec::new();
    let mut fields = Fields { rest: message };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Delimited(bytes)) => {
                let (name, value) = label(bytes)?;
                // Stores send labels sorted and without empty values; whoever does not is put right below.
                plain &= !value.is_empty() && (last < name || writer.is_empty());
                last = name;
                writer.push(name, value);
            }
            (2, Value::Delimited(bytes)) => chunks.push(aggr_chunk(bytes, whole)?),
            (1 | 2, _) => return Err(error("series frame: series field of a wrong wire type")),
            _ => {}
        }
    }
    let labels = if plain { writer.labels() } else { Labels::from_pairs(writer.iter()) };
    Ok(Series { labels, chunks })
}

/// Decodes a `thanos.Series`.
pub(super) fn series(message: &Bytes) -> Result<Series, DecodeError> {
    series_in(message, message, &mut LabelsWriter::new())
}

/// Decodes a `thanos.SeriesBatch`.
pub(super) fn batch(message: &Bytes) -> Result<Vec<Series>, DecodeError> {
    let mut batch = Vec::new();
    let mut writer = LabelsWriter::new();
    let mut fields = Fields { rest: message };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Delimited(bytes)) => batch.push(series_in(bytes, message, &mut writer)?),
            (1, _) => return Err(error("series frame: batch of a wrong wire type")),
            _ => {}
        }
    }
    Ok(batch)
}
