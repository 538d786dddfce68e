//! The chunks of one series from several inputs: copied where they stand alone, merged where they overlap.

use std::cmp::Ordering;
use std::ops::Range;

use bytes::Bytes;

use super::frames::{Frames, encode_floats};
use super::penalty::{Buffers, Deduplicated};
use super::replica::{Decoded, Floats};
use super::samples::{ChunkEncoder, Point, chain, decode, without_deleted};
use super::{MergeInput, MergeMode, aggregates};
use crate::chunk::append::Built;
use crate::chunk::{self, Encoding};
use crate::chunkfile::ChunkRef;
use crate::error::Error;
use crate::go_heap::GoHeap;
use crate::index::ChunkMeta;
use crate::tombstones::Interval;
use crate::write::SegmentWriter;

/// The chunks of a series in one input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// Number of the input.
    pub(super) input: usize,
    pub(super) chunks: Vec<ChunkMeta>,
    pub(super) deleted: Vec<Interval>,
}

/// A chunk of the result.
#[derive(Debug, Clone)]
pub(crate) struct OutChunk<'a> {
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
    pub(crate) encoding: Encoding,
    pub(crate) samples: usize,
    bytes: ChunkBytes<'a>,
}

#[derive(Debug, Clone)]
enum ChunkBytes<'a> {
    /// As it lies in a segment, and where in it the data are.
    Frame(&'a [u8], Range<usize>),
    /// The same, new: with others in one piece of memory.
    NewFrame(Bytes, Range<usize>),
    /// New data.
    Built(Vec<u8>),
}

impl<'a> OutChunk<'a> {
    pub(crate) fn built(built: Built) -> Self {
        let Built { encoding, data, mint, maxt, samples } = built;
        Self { mint, maxt, encoding, samples, bytes: ChunkBytes::Built(data) }
    }

    /// A chunk of floats, encoded and framed.
    pub(super) fn framed(mint: i64, maxt: i64, samples: usize, frame: Bytes, data: Range<usize>) -> Self {
        Self { mint, maxt, encoding: Encoding::Xor, samples, bytes: ChunkBytes::NewFrame(frame, data) }
    }

    /// The chunk as the input has it.
    fn load(input: &'a MergeInput, meta: &ChunkMeta) -> Result<Self, Error> {
        let (frame, bytes) = input.chunks.frame(meta.reference)?;
        let samples = chunk::sample_count(frame.encoding, &bytes[frame.data.clone()]);
        let samples = samples.map_err(|source| Error::Chunk { reference: meta.reference.0, source })?;
        let (mint, maxt, encoding) = (meta.mint, meta.maxt, frame.encoding);
        Ok(Self { mint, maxt, encoding, samples, bytes: ChunkBytes::Frame(bytes, frame.data) })
    }

    pub(crate) fn data(&self) -> &[u8] {
        match &self.bytes {
            ChunkBytes::Frame(frame, data) => &frame[data.clone()],
            ChunkBytes::NewFrame(frame, data) => &frame[data.clone()],
            ChunkBytes::Built(data) => data,
        }
    }

    pub(super) fn write(&self, segments: &mut SegmentWriter) -> Result<ChunkRef, Error> {
        match &self.bytes {
            ChunkBytes::Frame(frame, data) => segments.write_frame(frame, data.len()),
            ChunkBytes::NewFrame(frame, data) => segments.write_frame(frame, data.len()),
            ChunkBytes::Built(data) => segments.write(self.encoding, data),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        (self.mint, self.maxt).cmp(&(other.mint, other.maxt))
    }

    /// An error in this chunk.
    pub(crate) fn error(&self, source: chunk::ChunkError) -> Error {
        Error::Chunk { reference: 0, source }.within(format!("chunk of {} to {}", self.mint, self.maxt))
    }
}

/// Memory that is used again for every series.
#[derive(Default)]
pub(crate) struct Scratch {
    floats: Buffers<f64>,
    points: Buffers<Point>,
    frames: Frames,
}

impl Scratch {
    /// For deduplicating samples of any kind.
    pub(super) fn points(&mut self) -> &mut Buffers<Point> {
        &mut self.points
    }
}

/// Appends the merged chunks of a series to `out`.
pub(super) fn merge_chunks<'a>(
    inputs: &'a [MergeInput],
    mode: MergeMode,
    parts: &[Part],
    scratch: &mut Scratch,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    if let [part] = parts {
        return load_part(inputs, part, out);
    }
    if let Some(order) = apart(parts) {
        return order.into_iter().try_for_each(|i| load_part(inputs, &parts[i], out));
    }
    let mut runs = Vec::with_capacity(parts.len());
    for part in parts {
        let mut chunks = Vec::with_capacity(part.chunks.len());
        load_part(inputs, part, &mut chunks)?;
        runs.push(Run { chunks: chunks.into_iter(), head: None });
    }
    merge_runs(runs, mode, scratch, out)
}

/// The parts in the order of time, when none overlaps another and each is sound in itself.
fn apart(parts: &[Part]) -> Option<Vec<usize>> {
    let sound = |part: &Part| part.chunks.windows(2).all(|pair| pair[0].maxt < pair[1].mint);
    if !parts.iter().all(sound) {
        return None;
    }
    let span = |i: usize| Some((parts[i].chunks.first()?.mint, parts[i].chunks.last()?.maxt));
    let mut order: Vec<usize> = (0..parts.len()).filter(|i| !parts[*i].chunks.is_empty()).collect();
    order.sort_by_key(|i| span(*i));
    order.windows(2).all(|pair| span(pair[0]).map(|s| s.1) < span(pair[1]).map(|s| s.0)).then_some(order)
}

/// Appends the chunks of a part; those with deletions are encoded again.
pub(crate) fn load_part<'a>(
    inputs: &'a [MergeInput],
    part: &Part,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    for meta in &part.chunks {
        let loaded = OutChunk::load(&inputs[part.input], meta)?;
        if part.deleted.iter().any(|d| d.mint <= meta.maxt && meta.mint <= d.maxt) {
            out.extend(without(&loaded, &part.deleted)?);
        } else {
            out.push(loaded);
        }
    }
    Ok(())
}

/// The chunk without the samples in the deleted intervals.
fn without(chunk: &OutChunk<'_>, deleted: &[Interval]) -> Result<Vec<OutChunk<'static>>, Error> {
    if chunk.encoding == Encoding::Aggregate {
        return aggregates::without(chunk, deleted).map_err(|e| chunk.error(e));
    }
    let built = without_deleted(chunk.encoding, chunk.data(), deleted).map_err(|e| chunk.error(e))?;
    Ok(built.into_iter().map(OutChunk::built).collect())
}

/// The chunks of one input or of one merged stretch, in order.
struct Run<'a> {
    chunks: std::vec::IntoIter<OutChunk<'a>>,
    head: Option<OutChunk<'a>>,
}

impl<'a> Run<'a> {
    fn step(&mut self) -> bool {
        self.head = self.chunks.next();
        self.head.is_some()
    }
}

/// By the head; runs without one are never in the heap.
fn earlier(a: &Run<'_>, b: &Run<'_>) -> bool {
    match (&a.head, &b.head) {
        (Some(a), Some(b)) => a.order(b) == Ordering::Less,
        _ => false,
    }
}

fn merge_runs<'a>(
    runs: Vec<Run<'a>>,
    mode: MergeMode,
    scratch: &mut Scratch,
    out: &mut Vec<OutChunk<'a>>,
) -> Result<(), Error> {
    let mut heap = GoHeap::new();
    for mut run in runs {
        if run.step() {
            heap.push(run, earlier);
        }
    }
    let mut overlapping = Vec::new();
    while let Some(base) = take_head(&mut heap) {
        overlapping.clear();
        let mut end = base.maxt;
        while heap.first().and_then(|run| run.head.as_ref()).is_some_and(|head| head.mint <= end) {
            let Some(next) = take_head(&mut heap) else { break };
            let before = overlapping.last().unwrap_or(&base);
            if next.order(before) == Ordering::Equal && next.data() == before.data() {
                continue;
            }
            end = end.max(next.maxt);
            overlapping.push(next);
        }
        if overlapping.is_empty() {
            out.push(base);
            continue;
        }
        let merged = match mode {
            MergeMode::Compact => compact(&base, &overlapping)?,
            MergeMode::Penalty => deduplicate(&base, &overlapping, scratch)?,
        };
        // What follows may overlap the last of these again.
        let mut run = Run { chunks: merged.into_iter(), head: None };
        if run.step() {
            out.extend(run.head.take());
            if run.step() {
                heap.push(run, earlier);
            }
        }
    }
    Ok(())
}

/// Takes the earliest chunk of all runs.
fn take_head<'a>(heap: &mut GoHeap<Run<'a>>) -> Option<OutChunk<'a>> {
    let mut run = heap.pop(earlier)?;
    let head = run.head.take();
    if run.step() {
        heap.push(run, earlier);
    }
    head
}

/// All samples of the chunks, one of each time.
fn compact(base: &OutChunk<'_>, overlapping: &[OutChunk<'_>]) -> Result<Vec<OutChunk<'static>>, Error> {
    let lists: Vec<_> = overlapping
        .iter()
        .chain([base])
        .map(|c| decode(c.encoding, c.data()).map_err(|e| c.error(e)))
        .collect::<Result<_, _>>()?;
    let mut encoder = ChunkEncoder::default();
    chain(&lists, |t, point| encoder.push(t, &point));
    Ok(encoder.finish())
}

/// What penalty deduplication leaves of the chunks.
///
/// As in Thanos only chunks of the encoding of the first one take part.
fn deduplicate(
    base: &OutChunk<'_>,
    overlapping: &[OutChunk<'_>],
    scratch: &mut Scratch,
) -> Result<Vec<OutChunk<'static>>, Error> {
    let alike = || [base].into_iter().chain(overlapping.iter().filter(|c| c.encoding == base.encoding));
    match base.encoding {
        Encoding::Xor => {
            let mut merged = Deduplicated::new(&mut scratch.floats);
            for chunk in alike() {
                merged.merge(Floats::new(chunk)?)?;
            }
            let merged = merged.finish()?;
            Ok(encode_floats(&merged.timestamps, &merged.values, &mut scratch.frames))
        }
        Encoding::Aggregate => {
            let chunks: Vec<&OutChunk<'_>> = alike().collect();
            aggregates::deduplicate(&chunks, scratch)
        }
        _ => {
            let mut merged = Deduplicated::new(&mut scratch.points);
            for chunk in alike() {
                let samples = decode(chunk.encoding, chunk.data()).map_err(|e| chunk.error(e))?;
                merged.merge(Decoded::from(samples))?;
            }
            let merged = merged.finish()?;
            let mut encoder = ChunkEncoder::default();
            for (t, point) in merged.timestamps.iter().zip(&merged.values) {
                encoder.push(*t, point);
            }
            Ok(encoder.finish())
        }
    }
}
