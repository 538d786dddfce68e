//! A block that is being served.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use bucket::filters::BLOCK_ID_LABEL;
use model::{
    labels::{Labels, LabelsBuilder},
    matcher::Matcher,
};
use objstore::{Bucket, IterOptions};
use tsdb::{
    chunkfile::ChunkRef,
    meta::{BlockMeta, File},
};
use ulid::Ulid;

use crate::{
    config::StoreConfig,
    header::{Header, HeaderPool},
};

/// A block with what is needed to read it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) id: Ulid,
    pub(crate) meta: Arc<BlockMeta>,
    /// External labels.
    pub(crate) labels: Labels,
    /// External labels and the block's name, for the block matchers of request hints.
    relabel_labels: Labels,
    pub(crate) header: Header,
    pub(crate) index: String,
    /// Chunk segments in order; references count them from 0.
    segments: Vec<String>,
    pub(crate) series_guess: Guess,
    pub(crate) chunk_guess: Guess,
}

/// Bytes that show an item's length for sure: a variable-length integer of 64 bits.
const LENGTH_BYTES: u64 = 10;

/// How many bytes to fetch for an item whose length is not known. Starts from a cautious figure and goes by the largest seen from then on;
/// too small a guess costs a second fetch, too large a one costs bytes.
#[derive(Debug)]
pub(crate) struct Guess {
    start: u64,
    largest: AtomicU64,
}

impl Guess {
    fn new(start: u64, known_largest: i64) -> Self {
        let known = u64::try_from(known_largest).unwrap_or(0);
        Guess { start, largest: AtomicU64::new(known.min(1 << 30)) }
    }

    pub(crate) fn get(&self) -> u64 {
        let guess = match self.largest.load(Relaxed) {
            0 => self.start,
            largest => largest,
        };
        guess.max(LENGTH_BYTES)
    }

    /// Learns the length of an item.
    pub(crate) fn seen(&self, len: u64) {
        self.largest.fetch_max(len, Relaxed);
    }
}

impl Block {
    /// Prepares a block for reading.
    pub(crate) async fn load(
        bucket: &dyn Bucket,
        meta: Arc<BlockMeta>,
        headers: Arc<HeaderPool>,
        config: &StoreConfig,
    ) -> Result<Self, String> {
        let id = meta.ulid;
        let labels = Labels::from_pairs(meta.thanos.labels.iter());
        let mut builder = LabelsBuilder::new(&labels);
        builder.set(BLOCK_ID_LABEL, &id.to_string());
        let relabel_labels = builder.labels();
        let header = Header::prepare(headers, id)
            .await
            .map_err(|error| format!("create index header reader: {error}"))?;
        let segments = segments(bucket, &meta).await.map_err(|error| format!("list chunk files: {error}"))?;
        let stats = meta.thanos.index_stats;
        Ok(Block {
            id,
            labels,
            relabel_labels,
            header,
            index: bucket::block::index(id),
            segments,
            // The recorded sizes are of the contents: length in front and checksum behind come on top.
            series_guess: Guess::new(config.estimated_max_series_size, with_frame(stats.series_max_size)),
            chunk_guess: Guess::new(config.estimated_max_chunk_size, with_frame(stats.chunk_max_size)),
            meta,
        })
    }

    /// Whether a part of the block lies in the closed range.
    pub(crate) fn overlaps(&self, mint: i64, maxt: i64) -> bool {
        self.meta.min_time <= maxt && mint < self.meta.max_time
    }

    /// Whether block matchers accept the block.
    pub(crate) fn matches(&self, matchers: &[Matcher]) -> bool {
        model::matcher::matches_all(matchers, &self.relabel_labels)
    }

    /// The object of a chunk's segment.
    pub(crate) fn segment(&self, chunk: ChunkRef) -> Option<&str> {
        self.segments.get(chunk.segment() as usize).map(String::as_str)
    }
}

fn with_frame(size: i64) -> i64 {
    if size > 0 { size.saturating_add(16) } else { 0 }
}

/// The block's chunk segments: from its meta.json, else by listing.
async fn segments(bucket: &dyn Bucket, meta: &BlockMeta) -> objstore::Result<Vec<String>> {
    let prefix = format!("{}/{}/", meta.ulid, bucket::block::CHUNKS_DIR);
    if !meta.thanos.segment_files.is_empty() {
        return Ok(meta.thanos.segment_files.iter().map(|file| format!("{prefix}{file}")).collect());
    }
    let in_chunks = |file: &&File| file.rel_path.starts_with("chunks/");
    let mut named: Vec<String> = meta
        .thanos
        .files
        .iter()
        .filter(in_chunks)
        .map(|file| format!("{}/{}", meta.ulid, file.rel_path))
        .collect();
    if named.is_empty() {
        let entries = bucket.list(&prefix, IterOptions::default()).await?;
        named = entries.into_iter().filter(|entry| !entry.is_dir()).map(|entry| entry.name).collect();
    }
    named.sort_unstable();
    Ok(named)
}
