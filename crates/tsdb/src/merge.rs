//! Merging blocks into one: a k-way merge over mapped inputs that streams.
//!
//! Symbols are merged first and every input gets a table from its symbols to the merged ones, so that series compare
//! and are written as numbers. Chunks that overlap no other are copied as the bytes they are; only what overlaps is
//! decoded, merged and encoded again. In memory are the symbol tables (four bytes a symbol and input), what the index
//! writer needs, and a bounded number of series in work; chunks are read from the mappings and dropped from memory
//! behind the merge.
//!
//! The result is that of Prometheus's compaction, or with [`MergeMode::Penalty`] that of Thanos's with penalty
//! deduplication, chunk for chunk. Where several chunks start and end at the same times the order of the inputs
//! decides; it follows Go's heaps exactly, so that results are the same for the same order of inputs.

mod aggregates;
mod chunks;
mod frames;
mod input;
mod parallel;
mod penalty;
mod replica;
mod samples;
mod series;
mod symbols;

use std::path::Path;

use crate::chunk::Encoding;
use crate::error::Error;
use crate::index::ChunkMeta;
use crate::meta::Stats;
use crate::write::{DEFAULT_SEGMENT_SIZE, Durability, IndexWriter, SegmentWriter, WrittenIndex};

pub use input::MergeInput;
pub use samples::without_deleted;

pub(crate) use chunks::{OutChunk, Part, load_part};

/// What to do with chunks of one series that overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMode {
    /// Keep all samples; of several with the same time one. Equal chunks count once.
    Compact,
    /// Take the inputs for replicas of each other and deduplicate by penalty.
    Penalty,
}

/// How to merge.
#[derive(Debug, Clone)]
pub struct MergeOptions {
    /// What to do with overlaps.
    pub mode: MergeMode,
    /// First time of the result in ms; samples before are left out.
    pub mint: i64,
    /// End of the result in ms; samples from it on are left out.
    pub maxt: i64,
    /// Size at which a chunk segment is full, in bytes.
    pub segment_size: u64,
    /// Threads that merge series, 1 or more.
    pub threads: usize,
    /// Whether the result waits for the disk.
    pub durability: Durability,
}

impl MergeOptions {
    /// Merges the half-open range `[mint, maxt)` with defaults for the rest.
    pub fn new(mode: MergeMode, mint: i64, maxt: i64) -> Self {
        Self {
            mode,
            mint,
            maxt,
            segment_size: DEFAULT_SEGMENT_SIZE,
            threads: 1,
            durability: Durability::Synced,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Counts for meta.json.
    pub stats: Stats,
    /// Facts of the index.
    pub index: WrittenIndex,
    /// Size of the largest chunk in bytes.
    pub largest_chunk: u64,
}

/// What is done with the chunks of each series.
pub(crate) trait Process: Sync {
    /// Memory that each thread uses again for every series.
    type Scratch: Default;

    /// Appends the chunks of the result.
    fn series<'a>(
        &self,
        inputs: &'a [MergeInput],
        parts: &[Part],
        scratch: &mut Self::Scratch,
        out: &mut Vec<OutChunk<'a>>,
    ) -> Result<(), Error>;
}

impl Process for MergeMode {
    type Scratch = chunks::Scratch;

    fn series<'a>(
        &self,
        inputs: &'a [MergeInput],
        parts: &[Part],
        scratch: &mut chunks::Scratch,
        out: &mut Vec<OutChunk<'a>>,
    ) -> Result<(), Error> {
        chunks::merge_chunks(inputs, *self, parts, scratch, out)
    }
}

/// Merges blocks into `index` and `chunks/` of the directory `out`, which the caller made and removes after an error.
/// `progress` is called now and then with the number of series written; it stops the work with an error.
pub fn merge_blocks(
    inputs: &[MergeInput],
    out: &Path,
    options: &MergeOptions,
    progress: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Merged, Error> {
    process_blocks(inputs, out, options, &options.mode, progress)
}

/// Walks over the series of blocks and writes what `process` makes of them.
pub(crate) fn process_blocks(
    inputs: &[MergeInput],
    out: &Path,
    options: &MergeOptions,
    process: &impl Process,
    progress: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<Merged, Error> {
    let mut index = IndexWriter::create(out.join(crate::index::FILE_NAME))?.durability(options.durability);
    let segments =
        SegmentWriter::create(out.join("chunks"), options.segment_size)?.durability(options.durability);
    let tables = symbols::merge(inputs, &mut index)?;
    let mut sink = Sink { index, segments, stats: Stats::default(), metas: Vec::new() };
    series::run(inputs, &tables, options, process, &mut |labels, chunks| {
        sink.write(labels, chunks)?;
        if sink.stats.num_series.is_multiple_of(1024) { progress(sink.stats.num_series) } else { Ok(()) }
    })?;
    let largest_chunk = sink.segments.largest_chunk();
    sink.segments.finish()?;
    let index = sink.index.finish()?;
    Ok(Merged { stats: sink.stats, index, largest_chunk })
}

/// Where merged series go.
struct Sink {
    index: IndexWriter,
    segments: SegmentWriter,
    stats: Stats,
    metas: Vec<ChunkMeta>,
}

impl Sink {
    fn write(&mut self, labels: &[(u32, u32)], chunks: &[OutChunk<'_>]) -> Result<(), Error> {
        if chunks.is_empty() {
            return Ok(());
        }
        self.segments.begin_series();
        self.metas.clear();
        for chunk in chunks {
            let reference = chunk.write(&mut self.segments)?;
            self.metas.push(ChunkMeta { mint: chunk.mint, maxt: chunk.maxt, reference });
            let samples = chunk.samples as u64;
            self.stats.num_samples += samples;
            match chunk.encoding {
                Encoding::Xor | Encoding::Xor2 => self.stats.num_float_samples += samples,
                Encoding::Aggregate => {}
                _ => self.stats.num_histogram_samples += samples,
            }
        }
        self.index.add_series(labels, &self.metas)?;
        self.stats.num_series += 1;
        self.stats.num_chunks += chunks.len() as u64;
        Ok(())
    }
}
