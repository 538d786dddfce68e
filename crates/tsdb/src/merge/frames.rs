//! Float columns as chunks that are ready to be written: with length, encoding and checksum.

use std::ops::Range;

use bytes::Bytes;

use super::chunks::OutChunk;
use super::samples::MAX_SAMPLES;
use crate::chunk::{self, Encoding};
use crate::chunkfile::put_frame;

/// Memory to be used again.
#[derive(Default)]
pub(super) struct Frames {
    data: Vec<u8>,
    frames: Vec<u8>,
    /// Where each frame is, and the data in it.
    bounds: Vec<(Range<usize>, Range<usize>)>,
}

/// Encodes columns; all chunks share one piece of memory.
pub(super) fn encode_floats(
    timestamps: &[i64],
    values: &[f64],
    Frames { data, frames, bounds }: &mut Frames,
) -> Vec<OutChunk<'static>> {
    frames.clear();
    bounds.clear();
    let pieces = || timestamps.chunks(MAX_SAMPLES).zip(values.chunks(MAX_SAMPLES));
    for (ts, vs) in pieces() {
        let samples = ts.iter().copied().zip(vs.iter().copied());
        let end = chunk::encode_xor_at(samples, data, 0).expect("far from full");
        let start = frames.len();
        let within = put_frame(frames, Encoding::Xor, &data[..end]);
        bounds.push((start..frames.len(), within));
    }
    let all = Bytes::copy_from_slice(frames);
    let chunks = pieces().zip(bounds.drain(..)).map(|((ts, _), (frame, data))| {
        OutChunk::framed(ts[0], ts[ts.len() - 1], ts.len(), all.slice(frame), data)
    });
    chunks.collect()
}
