//! The frames of streamed remote read, `prometheus.ChunkedReadResponse`, read straight into StoreAPI's series.
//!
//! Like [`series`](crate::series) this is written by hand, since all chunks that a sidecar serves come this way. Source of the
//! message: Prometheus, `prompb/remote.proto` and `prompb/types.proto`.

use bytes::Bytes;
use model::labels::{Labels, LabelsWriter};
use prost::DecodeError;

use crate::series::decode::{Fields, Value, error, label};
use crate::series::{AggrChunk, Chunk, ChunkEncoding, Series};

/// The series of one frame. Chunks stay slices of it; their hashes are left 0.
///
/// A long series comes in several frames, each time with all its labels.
pub fn decode_chunked_read(frame: &Bytes) -> Result<Vec<Series>, DecodeError> {
    let mut found = Vec::new();
    let mut writer = LabelsWriter::new();
    let mut fields = Fields { rest: frame };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Delimited(bytes)) => found.push(series(bytes, frame, &mut writer)?),
            (1, _) => return Err(error("remote read frame: series of a wrong wire type")),
            _ => {}
        }
    }
    Ok(found)
}

fn series(message: &[u8], whole: &Bytes, writer: &mut LabelsWriter) -> Result<Series, DecodeError> {
    writer.clear();
    let mut plain = true;
    let mut last = "";
    let mut chunks = Vec::new();
    let mut fields = Fields { rest: message };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Delimited(bytes)) => {
                let (name, value) = label(bytes)?;
                plain &= !value.is_empty() && (last < name || writer.is_empty());
                last = name;
                writer.push(name, value);
            }
            (2, Value::Delimited(bytes)) => chunks.push(chunk(bytes, whole)?),
            (1 | 2, _) => return Err(error("remote read frame: series field of a wrong wire type")),
            _ => {}
        }
    }
    let labels = if plain { writer.labels() } else { Labels::from_pairs(writer.iter()) };
    Ok(Series { labels, chunks })
}

fn chunk(message: &[u8], whole: &Bytes) -> Result<AggrChunk, DecodeError> {
    let (mut mint, mut maxt, mut kind, mut data) = (0, 0, 0, Bytes::new());
    let mut fields = Fields { rest: message };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Varint(time)) => mint = time as i64,
            (2, Value::Varint(time)) => maxt = time as i64,
            (3, Value::Varint(number)) => kind = number as i32,
            (4, Value::Delimited(bytes)) => data = whole.slice_ref(bytes),
            (1..=4, _) => return Err(error("remote read frame: chunk field of a wrong wire type")),
            _ => {}
        }
    }
    // Prometheus counts its encodings from 1, StoreAPI from 0.
    let encoding = ChunkEncoding::from_wire(kind.wrapping_sub(1));
    Ok(AggrChunk::raw(mint, maxt, Chunk::new(encoding, data, 0)))
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::prometheus_copy::{Chunk as WireChunk, ChunkedReadResponse, ChunkedSeries};
    use crate::thanos::Label;

    fn frame() -> Bytes {
        let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
        let chunk = |mint, kind, data: &'static [u8]| WireChunk {
            min_time_ms: mint,
            max_time_ms: mint + 10,
            r#type: kind,
            data: Bytes::from_static(data),
        };
        let chunked_series = vec![
            ChunkedSeries {
                labels: vec![label("__name__", "tide"), label("basin", "n")],
                chunks: vec![chunk(-5, 1, b"xor"), chunk(6, 2, b"histogram"), chunk(17, 4, b"")],
            },
            // Not in order, and an empty value.
            ChunkedSeries { labels: vec![label("b", "2"), label("a", "1"), label("c", "")], chunks: vec![] },
        ];
        ChunkedReadResponse { chunked_series, query_index: 3 }.encode_to_vec().into()
    }

    #[test]
    fn reads_what_the_generated_code_writes() {
        let frame = frame();
        let found = decode_chunked_read(&frame).unwrap();
        assert_eq!(found[0].labels.to_string(), "{__name__=\"tide\", basin=\"n\"}");
        let chunks: Vec<_> = found[0]
            .chunks
            .iter()
            .map(|c| {
                (c.min_time, c.max_time, c.raw.as_ref().unwrap().encoding, &c.raw.as_ref().unwrap().data[..])
            })
            .collect();
        assert_eq!(
            chunks,
            [
                (-5, 5, ChunkEncoding::Xor, &b"xor"[..]),
                (6, 16, ChunkEncoding::Histogram, &b"histogram"[..]),
                (17, 27, ChunkEncoding::Other(3), &b""[..]),
            ]
        );
        let data = &found[0].chunks[0].raw.as_ref().unwrap().data;
        assert!(frame.as_ptr_range().contains(&data.as_ptr()), "the data were copied");
        assert_eq!(found[1].labels.to_string(), "{a=\"1\", b=\"2\"}");
    }

    #[test]
    fn broken_frames_are_errors_or_something_but_never_a_panic() {
        let good = frame();
        for end in 0..good.len() {
            let _ = decode_chunked_read(&good.slice(..end));
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[end] ^= 1 << bit;
                let _ = decode_chunked_read(&bad.into());
            }
        }
        assert!(decode_chunked_read(&Bytes::from_static(b"\x0a\xff\xff\xff\xff\x0f")).is_err());
        assert!(decode_chunked_read(&Bytes::from_static(b"\x08\x01")).is_err());
    }
}
