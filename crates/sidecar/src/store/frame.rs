//! Series out of the frames of a streamed remote-read answer.

use bytes::Bytes;
use client::prometheus::FrameStream;
use model::labels::Labels;
use prometheus::Histogram;
use proto::decode_chunked_read;
use storeapi::{Chunk, ChunkEncoding, Error, Series};
use twox_hash::XxHash64;

use super::read_error;

/// Reads the series of an answer one after the other, as Prometheus has them.
pub(super) struct Reader {
    frames: FrameStream,
    /// Series of the last frame that are not given out yet, last first.
    pending: Vec<Series>,
    /// The series read last; the next frame may go on with it.
    last: Option<Series>,
    count: FrameCount,
}

/// Counts frames, and observes them when the answer has ended in any way.
struct FrameCount {
    frames: u32,
    histogram: Histogram,
}

impl Drop for FrameCount {
    fn drop(&mut self) {
        self.histogram.observe(f64::from(self.frames));
    }
}

impl Reader {
    pub(super) fn new(frames: FrameStream, histogram: Histogram) -> Reader {
        Reader { frames, pending: Vec::new(), last: None, count: FrameCount { frames: 0, histogram } }
    }

    /// The next series with all its chunks, which stay slices of their frames; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Series>, Error> {
        loop {
            while let Some(mut series) = self.pending.pop() {
                for chunk in series.chunks.iter_mut().filter_map(|chunk| chunk.raw.as_mut()) {
                    chunk.hash = hash(&chunk.data);
                }
                match &mut self.last {
                    // A long series comes in several frames.
                    Some(last) if last.labels == series.labels => last.chunks.append(&mut series.chunks),
                    last => {
                        if let Some(whole) = last.replace(series) {
                            return Ok(Some(whole));
                        }
                    }
                }
            }
            let Some(frame) = self.frames.next().await else { return Ok(self.last.take()) };
            self.count.frames += 1;
            self.pending = decode_chunked_read(&frame.map_err(read_error)?)
                .map_err(|e| Error::internal(format!("decode a frame of the remote read stream: {e}")))?;
            self.pending.reverse();
        }
    }
}

/// By its hash a querier knows equal chunks of different stores.
fn hash(data: &[u8]) -> u64 {
    XxHash64::oneshot(0, data)
}

/// A chunk with its hash.
pub(super) fn new_chunk(encoding: ChunkEncoding, data: Bytes) -> Chunk {
    let hash = hash(&data);
    Chunk::new(encoding, data, hash)
}

/// About the bytes that a series takes in memory.
pub(super) fn size_of(series: &Series) -> usize {
    let chunks = series.chunks.iter().filter_map(|chunk| chunk.raw.as_ref());
    labels_size(&series.labels) + chunks.map(|chunk| chunk.data.len() + 96).sum::<usize>()
}

fn labels_size(labels: &Labels) -> usize {
    labels.heap_size() + 64
}
