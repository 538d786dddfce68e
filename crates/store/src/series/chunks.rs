//! Chunks: fetched by ranges of the segments, checked, and handed on as slices of what was fetched.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use bytes::Bytes;
use storeapi::{Aggr, AggrChunk, Aggregates, Chunk, ChunkEncoding, Series, SeriesEvent};
use tsdb::{
    chunk::{AggregateChunk, AggregateKind, Encoding},
    chunkfile::ChunkFrame,
};

use super::entries::{Entry, PlannedChunk};
use crate::{
    block::Block,
    error::{of_bucket, of_data},
    gateway::Request,
    ranges,
};

/// The most bytes of a segment that are fetched in one range.
const MAX_RANGE: u64 = 4 << 20;

/// The most bytes of one chunk. Prometheus's have a few hundred; a chunk of histograms with thousands of buckets some hundred thousand.
const MAX_CHUNK: u64 = 64 << 20;

/// Counts the bytes of chunks that all calls together are fetching, against `--chunk-pool-size`.
#[derive(Debug)]
pub(crate) struct ChunkPool {
    limit: u64,
    used: Arc<AtomicU64>,
}

/// Bytes counted until this is dropped.
#[derive(Debug)]
struct Taken {
    used: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Relaxed);
    }
}

impl ChunkPool {
    /// A pool of so many bytes; 0 sets no limit.
    pub(crate) fn new(limit: u64) -> Self {
        ChunkPool { limit, used: Arc::default() }
    }

    fn take(&self, bytes: u64) -> Result<Taken, storeapi::Error> {
        let used = self.used.fetch_add(bytes, Relaxed) + bytes;
        let taken = Taken { used: Arc::clone(&self.used), bytes };
        if self.limit > 0 && used > self.limit {
            return Err(storeapi::Error::resource_exhausted("allocate chunk bytes: pool exhausted"));
        }
        Ok(taken)
    }
}

/// A chunk of a portion, with its place there.
#[derive(Debug, Clone, Copy)]
struct Place {
    chunk: PlannedChunk,
    series: u32,
    position: u32,
}

/// Fetches the chunks of a portion.
pub(super) async fn load(
    block: &Arc<Block>,
    portion: Vec<Entry>,
    request: &Arc<Request>,
) -> Result<Vec<SeriesEvent>, storeapi::Error> {
    let mut places = Vec::with_capacity(portion.iter().map(|entry| entry.chunks.len()).sum());
    let mut series: Vec<Series> = Vec::with_capacity(portion.len());
    for (at, entry) in portion.into_iter().enumerate() {
        let place = |(position, chunk): (usize, &PlannedChunk)| Place {
            chunk: *chunk,
            series: at as u32,
            position: position as u32,
        };
        places.extend(entry.chunks.iter().enumerate().map(place));
        let bare = |chunk: &PlannedChunk| AggrChunk {
            min_time: chunk.mint,
            max_time: chunk.maxt,
            ..AggrChunk::default()
        };
        series.push(Series { labels: entry.labels, chunks: entry.chunks.iter().map(bare).collect() });
    }
    places.sort_unstable_by_key(|place| place.chunk.reference);
    // The first round goes by guesses, the second by the lengths that the first one found.
    for round in 0..2 {
        if places.is_empty() {
            break;
        }
        let guess = block.chunk_guess.get();
        let fetched = fetch(block, &places, guess, request).await?;
        let (task_block, task_request) = (Arc::clone(block), Arc::clone(request));
        let again;
        (series, again) =
            request.compute(move || fill(&task_block, &places, &fetched, series, &task_request)).await?;
        if round == 1
            && let Some(place) = again.first()
        {
            return Err(broken(block, &place.chunk, &"chunk is cut short"));
        }
        if !again.is_empty() {
            let refetches = request.metrics.chunk_refetches.with_label_values(&[&request.tenant]);
            refetches.inc_by(again.len() as f64);
        }
        places = again;
    }
    Ok(series.into_iter().map(SeriesEvent::Series).collect())
}

fn broken(block: &Block, chunk: &PlannedChunk, why: &dyn std::fmt::Display) -> storeapi::Error {
    let reference = chunk.reference;
    match block.segment(reference) {
        Some(segment) => of_data(format!("{segment}: chunk at offset {}: {why}", reference.offset())),
        None => {
            of_data(format!("chunk {reference}: reference sequence {} out of range", reference.segment()))
        }
    }
}

/// What was fetched of one segment: places, range, bytes.
struct Fetched {
    places: Range<usize>,
    bytes: Range<u64>,
    content: Bytes,
}

/// Fetches the ranges that hold the chunks, which are sorted by reference.
async fn fetch(
    block: &Block,
    places: &[Place],
    guess: u64,
    request: &Request,
) -> Result<Vec<Fetched>, storeapi::Error> {
    let mut fetched = Vec::new();
    let mut first = 0;
    for of_segment in places.chunk_by(|a, b| a.chunk.reference.segment() == b.chunk.reference.segment()) {
        let chunk = &of_segment[0].chunk;
        let segment = block.segment(chunk.reference).ok_or_else(|| broken(block, chunk, &""))?;
        let range = |place: &Place| {
            let start = u64::from(place.chunk.reference.offset());
            start..start + place.chunk.len_or(guess)
        };
        let parts = ranges::merge(of_segment.iter().map(range), request.max_gap, MAX_RANGE);
        let size: u64 = parts.iter().map(|part| part.bytes.end - part.bytes.start).sum();
        request.reserve_bytes(size, "fetching chunks")?;
        let _taken = request.chunk_pool.take(size)?;
        let wanted: Vec<Range<u64>> = parts.iter().map(|part| part.bytes.clone()).collect();
        let started = Instant::now();
        let contents = request.bucket.get_ranges(segment, &wanted).await;
        let contents = contents.map_err(|error| of_bucket(&error).context("read chunk range"))?;
        request.stats.chunks.fetch(parts.len() as u64, of_segment.len() as u64, size, started.elapsed());
        fetched.extend(parts.into_iter().zip(contents).map(|(part, content)| Fetched {
            places: first + part.items.start..first + part.items.end,
            bytes: part.bytes,
            content,
        }));
        first += of_segment.len();
    }
    Ok(fetched)
}

/// Puts chunks that came whole into their series; the others are returned with their lengths.
fn fill(
    block: &Block,
    places: &[Place],
    fetched: &[Fetched],
    mut series: Vec<Series>,
    request: &Request,
) -> Result<(Vec<Series>, Vec<Place>), storeapi::Error> {
    let mut again = Vec::new();
    let (mut touched, mut learned) = (0u64, 0u64);
    for part in fetched {
        for place in &places[part.places.clone()] {
            let from = (u64::from(place.chunk.reference.offset()) - part.bytes.start) as usize;
            let bytes = part.content.get(from..).unwrap_or_default();
            let Some(len) = ChunkFrame::len_of(bytes) else {
                let why = "chunk is beyond the end of the segment or has no length";
                return Err(broken(block, &place.chunk, &why));
            };
            if len > MAX_CHUNK {
                return Err(broken(block, &place.chunk, &format_args!("chunk of {len} bytes is too large")));
            }
            learned = learned.max(len);
            if len > bytes.len() as u64 {
                again.push(Place { chunk: PlannedChunk { len: len as u32, ..place.chunk }, ..*place });
                continue;
            }
            let frame =
                ChunkFrame::parse(bytes, true).map_err(|problem| broken(block, &place.chunk, &problem))?;
            let data = part.content.slice(from + frame.data.start..from + frame.data.end);
            touched += data.len() as u64;
            let chunk = &mut series[place.series as usize].chunks[place.position as usize];
            populate(chunk, frame.encoding, data, &request.aggregates)
                .map_err(|why| broken(block, &place.chunk, &why))?;
        }
    }
    block.chunk_guess.seen(learned);
    request.stats.chunks.touched.add((places.len() - again.len()) as u64, touched);
    Ok((series, again))
}

/// The wire form of a chunk's data.
fn chunk(encoding: Encoding, data: Bytes) -> Result<Chunk, String> {
    let Some(wire) = encoding.wire() else { return Err(format!("unsupported chunk encoding {encoding}")) };
    let hash = twox_hash::XxHash64::oneshot(0, &data);
    Ok(Chunk::new(ChunkEncoding::from_wire(wire), data, hash))
}

/// Puts a chunk's data into its place: raw as it is, of an aggregate chunk the aggregates asked for.
fn populate(out: &mut AggrChunk, encoding: Encoding, data: Bytes, wanted: &[Aggr]) -> Result<(), String> {
    if encoding != Encoding::Aggregate {
        out.raw = Some(chunk(encoding, data)?);
        return Ok(());
    }
    let parts = AggregateChunk::parse(&data).map_err(|error| error.to_string())?;
    let part = |kind: AggregateKind| -> Result<Option<Chunk>, String> {
        let Some((encoding, range)) = parts.range(kind) else {
            return Err(format!("aggregate {kind} does not exist"));
        };
        chunk(encoding, data.slice(range)).map(Some)
    };
    let mut aggregates = Aggregates::default();
    for aggregate in wanted {
        match aggregate {
            Aggr::Raw => {}
            Aggr::Count => aggregates.count = part(AggregateKind::Count)?,
            Aggr::Sum => aggregates.sum = part(AggregateKind::Sum)?,
            Aggr::Min => aggregates.min = part(AggregateKind::Min)?,
            Aggr::Max => aggregates.max = part(AggregateKind::Max)?,
            Aggr::Counter => aggregates.counter = part(AggregateKind::Counter)?,
        }
    }
    out.aggregates = Some(Box::new(aggregates));
    Ok(())
}
