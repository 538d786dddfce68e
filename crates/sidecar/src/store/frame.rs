//! Series out of a frame of a streamed remote-read answer.

use bytes::Bytes;
use model::labels::Labels;
use prost::Message;
use proto::labels_from_proto;
use proto::prometheus_copy::ChunkedReadResponse;
use storeapi::{AggrChunk, Chunk, ChunkEncoding, Error, Series, SeriesLabels, ShardMatcher};
use twox_hash::XxHash64;

/// Collects the series of all frames of an answer.
pub(super) struct Collector<'a> {
    labels: &'a SeriesLabels,
    shard: &'a ShardMatcher,
    /// Labels of the last series as Prometheus has them: two of its series may have the same labels in our answer.
    last: Option<Labels>,
    series: Vec<Series>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(labels: &'a SeriesLabels, shard: &'a ShardMatcher) -> Collector<'a> {
        Collector { labels, shard, last: None, series: Vec::new() }
    }

    /// Adds the series of a frame. Their chunks stay slices of it.
    pub(super) fn add(&mut self, frame: Bytes) -> Result<(), Error> {
        let message = ChunkedReadResponse::decode(frame)
            .map_err(|e| Error::internal(format!("decode a frame of the remote read stream: {e}")))?;
        for series in message.chunked_series {
            let own = labels_from_proto(&series.labels);
            let chunks = series.chunks.into_iter().map(|chunk| {
                // Prometheus counts its encodings from 1, StoreAPI from 0.
                let encoding = ChunkEncoding::from_wire(chunk.r#type.wrapping_sub(1));
                AggrChunk::raw(chunk.min_time_ms, chunk.max_time_ms, new_chunk(encoding, chunk.data))
            });
            if self.last.as_ref() == Some(&own)
                && let Some(last) = self.series.last_mut()
            {
                // A long series comes in several frames.
                last.chunks.extend(chunks);
                continue;
            }
            let labels = self.labels.apply(&own);
            if self.shard.matches(&labels) {
                self.series.push(Series { labels, chunks: chunks.collect() });
                self.last = Some(own);
            }
        }
        Ok(())
    }

    /// The series so far, in Prometheus's order.
    pub(super) fn into_series(self) -> Vec<Series> {
        self.series
    }
}

/// A chunk with its hash, by which a querier knows equal chunks of different stores.
pub(super) fn new_chunk(encoding: ChunkEncoding, data: Bytes) -> Chunk {
    let hash = XxHash64::oneshot(0, &data);
    Chunk { encoding, data, hash }
}
