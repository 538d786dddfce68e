//! A block's directory as a whole: meta.json, index, chunks, tombstones.
//!
//! For queries there is [`BlockReader::select`], a set of series that decode when asked. What sits closer to the files
//! (a store over a local TSDB, compaction) takes the parts: postings, entries, chunks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use model::labels::{Labels, LabelsWriter};
use model::matcher::Matcher;
use model::series::{SampleBuffer, SampleSource, Series, SeriesSet, SourceError};

use crate::aggregation::CounterResets;
use crate::chunk::{self, AggregateChunk, AggregateKind, ChunkError, Encoding};
use crate::chunkfile::{ChunkReader, ChunkRef};
use crate::error::Error;
use crate::index::{self, ChunkMeta, IndexReader, SeriesEntry};
use crate::meta::BlockMeta;
use crate::postings::postings_for_matchers;
use crate::tombstones::{self, Interval, Tombstones};

/// Name of the directory of chunk files in a block's directory.
pub const CHUNKS_DIR: &str = "chunks";

/// An open block. Cheap to clone; the files stay mapped until the last clone and the last series of it are gone.
#[derive(Debug, Clone)]
pub struct BlockReader {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    meta: BlockMeta,
    index: IndexReader,
    chunks: ChunkReader,
    tombstones: Tombstones,
}

impl BlockReader {
    /// Opens the block in a directory.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let chunks = ChunkReader::open(dir.join(CHUNKS_DIR)).map_err(|e| e.within(dir.display()))?;
        Ok(Self {
            inner: Arc::new(Inner {
                meta: BlockMeta::read_dir(dir)?,
                index: IndexReader::open(dir.join(index::FILE_NAME))?,
                chunks,
                tombstones: Tombstones::read_dir(dir)?,
                dir: dir.to_owned(),
            }),
        })
    }

    /// The block's meta.json.
    pub fn meta(&self) -> &BlockMeta {
        &self.inner.meta
    }

    /// The block's directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// The block's index.
    pub fn index(&self) -> &IndexReader {
        &self.inner.index
    }

    /// The block's deletions.
    pub fn tombstones(&self) -> &Tombstones {
        &self.inner.tombstones
    }

    /// Size of index and chunks in bytes.
    pub fn size(&self) -> u64 {
        self.inner.index.size() + self.inner.chunks.size()
    }

    /// Encoding and data of a chunk, a slice of the mapped file.
    pub fn chunk(&self, reference: ChunkRef) -> Result<(Encoding, Bytes), Error> {
        self.inner.chunks.chunk(reference).map_err(|e| e.within(self.inner.dir.display()))
    }

    /// The series that all matchers accept and that have chunks in the closed range (ms), in the order of the index,
    /// which is that of the labels. Deleted samples are left out.
    pub fn select(&self, matchers: &[Matcher], mint: i64, maxt: i64) -> Result<BlockSeriesSet, Error> {
        let postings = postings_for_matchers(&self.inner.index, matchers).map_err(|e| self.within(e))?;
        Ok(self.select_postings(postings, mint, maxt))
    }

    /// As [`select`](Self::select), of these series.
    pub fn select_postings(&self, postings: Vec<u32>, mint: i64, maxt: i64) -> BlockSeriesSet {
        BlockSeriesSet {
            block: self.clone(),
            postings: postings.into_iter(),
            mint,
            maxt,
            aggregate: None,
            entry: SeriesEntry::new(),
            writer: LabelsWriter::new(),
        }
    }

    fn within(&self, e: Error) -> Error {
        e.within(self.inner.dir.join(index::FILE_NAME).display())
    }
}

/// Series of a block in the order of its index.
#[derive(Debug)]
pub struct BlockSeriesSet {
    block: BlockReader,
    postings: std::vec::IntoIter<u32>,
    mint: i64,
    maxt: i64,
    aggregate: Option<AggregateKind>,
    entry: SeriesEntry,
    writer: LabelsWriter,
}

/// A series of a block, not decoded.
#[derive(Debug, Clone)]
pub struct BlockSeries {
    /// Reference in the index.
    pub reference: u32,
    /// Labels, without the external ones.
    pub labels: Labels,
    /// Chunks that overlap the range and are not wholly deleted, by time.
    pub chunks: Vec<ChunkMeta>,
}

impl BlockSeriesSet {
    /// Reads this aggregate of aggregate chunks; without it they are an error.
    pub fn with_aggregate(mut self, kind: AggregateKind) -> Self {
        self.aggregate = Some(kind);
        self
    }

    /// The next series with its chunks, for callers that hand chunks on as they are.
    pub fn next_chunks(&mut self) -> Option<Result<BlockSeries, Error>> {
        let inner = &self.block.inner;
        for reference in self.postings.by_ref() {
            if let Err(e) = inner.index.series(reference, self.mint, self.maxt, &mut self.entry) {
                return Some(Err(self.block.within(e)));
            }
            let deleted = inner.tombstones.get(u64::from(reference));
            if !deleted.is_empty() {
                self.entry.chunks.retain(|c| !tombstones::covers(deleted, c.mint, c.maxt));
            }
            if self.entry.chunks.is_empty() {
                continue;
            }
            return Some(match inner.index.labels(&self.entry, &mut self.writer) {
                Ok(labels) => Ok(BlockSeries { reference, labels, chunks: self.entry.chunks.clone() }),
                Err(e) => Err(self.block.within(e)),
            });
        }
        None
    }
}

impl SeriesSet for BlockSeriesSet {
    fn next_series(&mut self) -> Option<Result<Series, SourceError>> {
        Some(match self.next_chunks()? {
            Ok(series) => {
                let deleted = self.block.inner.tombstones.get(u64::from(series.reference)).to_vec();
                let samples = BlockSamples {
                    block: self.block.clone(),
                    chunks: series.chunks,
                    deleted,
                    aggregate: self.aggregate,
                };
                Ok(Series { labels: series.labels, samples: Box::new(samples) })
            }
            Err(e) => Err(SourceError::new(e)),
        })
    }
}

/// The samples of one series of a block.
#[derive(Debug)]
struct BlockSamples {
    block: BlockReader,
    chunks: Vec<ChunkMeta>,
    deleted: Vec<Interval>,
    aggregate: Option<AggregateKind>,
}

impl SampleSource for BlockSamples {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        let start = out.len();
        if self.aggregate == Some(AggregateKind::Counter) {
            self.counter_into(mint, maxt, out).map_err(SourceError::new)?;
        } else {
            for meta in self.chunks.iter().filter(|c| c.overlaps(mint, maxt)) {
                // Chunks of a series do not overlap in a sound block; in another one each time still comes once.
                let from = match out.timestamps[start..].last() {
                    Some(last) => mint.max(last.saturating_add(1)),
                    None => mint,
                };
                self.decode(*meta, from, maxt, out).map_err(SourceError::new)?;
            }
        }
        delete(out, start, &self.deleted);
        Ok(())
    }
}

impl BlockSamples {
    fn decode(&self, meta: ChunkMeta, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), Error> {
        let (encoding, data) = self.block.chunk(meta.reference)?;
        let mut decode = || match (encoding, self.aggregate) {
            (Encoding::Aggregate, Some(kind)) => {
                let (encoding, data) = AggregateChunk::parse(&data)?.require(kind)?;
                chunk::decode_range_into(encoding, data, mint, maxt, out)
            }
            _ => chunk::decode_range_into(encoding, &data, mint, maxt, out),
        };
        decode().map_err(|e| self.chunk_error(meta, e))
    }

    /// A counter starts with the first chunk that overlaps, and has to be read from there.
    fn counter_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), Error> {
        let (mut decoded, mut totals) = (SampleBuffer::new(), SampleBuffer::new());
        let mut resets = CounterResets::default();
        for meta in self.chunks.iter().filter(|c| c.overlaps(mint, maxt)) {
            decoded.clear();
            totals.clear();
            self.decode(*meta, i64::MIN, i64::MAX, &mut decoded)?;
            resets.apply(&decoded, &mut totals);
            let range = totals.range(mint, maxt);
            out.extend_from(&totals, range);
        }
        Ok(())
    }

    fn chunk_error(&self, meta: ChunkMeta, source: ChunkError) -> Error {
        Error::Chunk { reference: meta.reference.0, source }.within(self.block.inner.dir.display())
    }
}

/// Drops the samples from `start` on that are within one of the intervals, which are ascending and apart.
fn delete(out: &mut SampleBuffer, start: usize, intervals: &[Interval]) {
    if intervals.is_empty() {
        return;
    }
    let mut kept = SampleBuffer::new();
    let mut from = start;
    for interval in intervals {
        let ts = &out.timestamps[from..];
        let cut = from + ts.partition_point(|t| *t < interval.mint);
        kept.extend_from(out, from..cut);
        from = cut + out.timestamps[cut..].partition_point(|t| *t <= interval.maxt);
    }
    if kept.len() == from - start {
        return;
    }
    kept.extend_from(out, from..out.len());
    out.truncate(start);
    out.extend_from(&kept, 0..kept.len());
}
