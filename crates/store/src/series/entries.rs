//! Series entries: fetched by ranges of the index, decoded into announced labels and the chunks in the time asked for.

use std::{ops::Range, sync::Arc, time::Instant};

use bytes::Bytes;
use model::labels::Labels;
use storeapi::ShardMatcher;
use tsdb::{
    chunkfile::ChunkRef,
    index::{ChunkMeta, SeriesEntry, SeriesFrame, Version},
    index_header::IndexHeader,
};

use super::label_sets::{Broken, KnownSymbols, LabelSets, Part};
use crate::{
    block::Block,
    cache::{self, Item},
    error::{of_bucket, of_data},
    gateway::Request,
    ranges,
};

/// The most bytes of the index that are fetched in one range.
const MAX_RANGE: u64 = 16 << 20;

/// The most bytes of one entry. One with a million chunks has about 10 MB.
const MAX_ENTRY: u64 = 64 << 20;

/// A series of a block with the chunks to fetch.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As announced: external labels put over, replica labels taken off.
    pub(crate) labels: Labels,
    /// Where the symbols of its own labels are in the batch.
    pub(super) symbols: Range<usize>,
    pub(crate) chunks: Planned,
}

/// The chunks to fetch of a series: some of those of all series that were decoded with it.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    all: Arc<Vec<PlannedChunk>>,
    from: usize,
    to: usize,
}

impl std::ops::Deref for Planned {
    type Target = [PlannedChunk];

    fn deref(&self) -> &[PlannedChunk] {
        &self.all[self.from..self.to]
    }
}

/// A chunk to fetch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedChunk {
    pub(super) mint: i64,
    pub(super) maxt: i64,
    pub(super) reference: ChunkRef,
    /// Length in bytes where the next chunk of the series shows it, else 0.
    pub(super) len: u32,
}

impl PlannedChunk {
    /// The length, or a guess.
    pub(crate) fn len_or(&self, guess: u64) -> u64 {
        if self.len == 0 { guess } else { u64::from(self.len) }
    }
}

/// How much is decoded at once: labels and chunks take several times what their entries do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enough {
    /// So many series,
    pub(crate) series: usize,
    /// of which the chunks have so many bytes.
    pub(crate) bytes: u64,
}

/// What was decoded of a batch.
#[derive(Debug)]
pub(crate) struct Batch {
    /// How many entries were decoded, with those that nobody asked for.
    pub(crate) taken: usize,
    pub(crate) entries: Vec<Entry>,
    /// The symbols of the own labels of all of them, for telling prefixes.
    pub(super) symbols: Vec<(u32, u32)>,
}

/// Byte offset of a reference in the index.
fn offset(version: Version, reference: u32) -> u64 {
    match version {
        Version::V1 => u64::from(reference),
        // Entries are aligned to 16 bytes.
        Version::V2 => u64::from(reference) * 16,
    }
}

/// The contents of the entries of a batch, in order, from the cache or the bucket.
pub(crate) async fn fetch_entries(
    block: &Block,
    header: &IndexHeader,
    batch: &[u32],
    request: &Request,
) -> Result<Vec<(u64, Bytes)>, storeapi::Error> {
    let started = Instant::now();
    let version = header.index_version();
    let offsets: Vec<u64> = batch.iter().map(|reference| offset(version, *reference)).collect();
    let mut bodies: Vec<(u64, Option<Bytes>)> = offsets.iter().map(|offset| (*offset, None)).collect();
    if request.cache_series {
        let keys: Vec<cache::Key> =
            offsets.iter().map(|offset| cache::Key::Series(block.id, *offset)).collect();
        let found = request.cache.get_many(Item::Series, &keys, &request.tenant);
        let size: usize = found.iter().flatten().map(Bytes::len).sum();
        request.reserve_bytes(size as u64, "loading series from index cache")?;
        for (body, found) in bodies.iter_mut().zip(found) {
            body.1 = found;
        }
    }
    let mut missing: Vec<usize> = (0..bodies.len()).filter(|at| bodies[*at].1.is_none()).collect();
    let guess = block.series_guess.get();
    let mut wanted: Vec<Range<u64>> = missing.iter().map(|at| offsets[*at]..offsets[*at] + guess).collect();
    // The first round goes by the guess, the second by the lengths that the first one found.
    for round in 0..2 {
        if missing.is_empty() {
            break;
        }
        let again = fetch_round(block, &missing, &wanted, &mut bodies, request).await?;
        if round == 1
            && let Some((at, _)) = again.first()
        {
            return Err(of_data(format!(
                "{}: series at offset {}: entry is cut short",
                block.index, offsets[*at]
            )));
        }
        if !again.is_empty() {
            let refetches = request.metrics.series_refetches.with_label_values(&[&request.tenant]);
            refetches.inc_by(again.len() as f64);
        }
        (missing, wanted) = again.into_iter().unzip();
    }
    request
        .metrics
        .series_fetch_duration
        .with_label_values(&[&request.tenant])
        .observe(started.elapsed().as_secs_f64());
    let mut size = 0;
    let bodies = bodies.into_iter().map(|(offset, body)| {
        let body = body.unwrap_or_default();
        size += body.len() as u64;
        (offset, body)
    });
    let bodies: Vec<(u64, Bytes)> = bodies.collect();
    request.stats.series.touched.add(bodies.len() as u64, size);
    Ok(bodies)
}

/// Fetches entries and fills in those that came whole; the others are returned with their ranges.
async fn fetch_round(
    block: &Block,
    missing: &[usize],
    wanted: &[Range<u64>],
    bodies: &mut [(u64, Option<Bytes>)],
    request: &Request,
) -> Result<Vec<(usize, Range<u64>)>, storeapi::Error> {
    let parts = ranges::merge(wanted.iter().cloned(), request.max_gap, MAX_RANGE);
    let size: u64 = parts.iter().map(|part| part.bytes.end - part.bytes.start).sum();
    request.reserve_bytes(size, "fetching series")?;
    let started = Instant::now();
    let fetched: Vec<Range<u64>> = parts.iter().map(|part| part.bytes.clone()).collect();
    let contents = request.bucket.get_ranges(&block.index, &fetched).await;
    let contents = contents.map_err(|error| of_bucket(&error).context("read series range"))?;
    request.stats.series.fetch(parts.len() as u64, missing.len() as u64, size, started.elapsed());
    let mut again = Vec::new();
    let mut learned = 0;
    for (part, content) in parts.iter().zip(contents) {
        for position in part.items.clone() {
            let (at, range) = (missing[position], &wanted[position]);
            let from = (range.start - part.bytes.start) as usize;
            let bytes = content.get(from..).unwrap_or_default();
            let broken = |why: &dyn std::fmt::Display| {
                of_data(format!("{}: series at offset {}: {why}", block.index, range.start))
            };
            let Some(len) = SeriesFrame::len_of(bytes) else {
                return Err(broken(&"entry is beyond the end of the index or has no length"));
            };
            if len > MAX_ENTRY {
                return Err(broken(&format_args!("entry of {len} bytes is too large")));
            }
            learned = learned.max(len);
            if len > bytes.len() as u64 {
                again.push((at, range.start..range.start + len));
                continue;
            }
            let frame = SeriesFrame::parse(bytes, true).map_err(|problem| broken(&problem))?;
            bodies[at].1 = Some(content.slice(from + frame.body.start..from + frame.body.end));
        }
    }
    block.series_guess.seen(learned);
    if request.cache_series {
        let fresh = missing.iter().filter_map(|at| Some((bodies[*at].0, bodies[*at].1.as_deref()?)));
        let items = fresh.map(|(offset, body)| (cache::Key::Series(block.id, offset), body));
        request.cache.put_many(Item::Series, items, &request.tenant);
    }
    Ok(again)
}

/// How labels are announced: replica labels taken off, external labels put over.
#[derive(Debug)]
pub(crate) struct Announced {
    /// External labels without the replica labels, sorted.
    external: Vec<(String, String)>,
    without: Vec<String>,
}

impl Announced {
    pub(crate) fn new(external: &Labels, without: &[String]) -> Self {
        let kept = external.without(without);
        Announced {
            external: kept.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            without: without.to_vec(),
        }
    }

    /// Whether announcing changes nothing.
    pub(super) fn is_plain(&self) -> bool {
        self.external.is_empty() && self.without.is_empty()
    }

    /// Whether a label of this name is replaced or taken off.
    pub(super) fn touches(&self, name: &str) -> bool {
        self.external.iter().any(|(external, _)| external == name)
            || self.without.iter().any(|label| label == name)
    }

    /// The announced labels of series whose own have these names, which are sorted.
    pub(super) fn parts<'a>(&'a self, own: &[&'a str]) -> Vec<Part<'a>> {
        let mut parts = Vec::with_capacity(own.len() + self.external.len());
        let mut external =
            self.external.iter().map(|(name, value)| (name.as_str(), value.as_str())).peekable();
        for (at, name) in own.iter().enumerate() {
            if self.without.iter().any(|label| label == name) {
                continue;
            }
            while let Some((external_name, value)) = external.next_if(|(external, _)| external < name) {
                parts.push(Part::External(external_name, value));
            }
            // The external label of the same name wins; it comes in the next turn.
            if external.peek().is_none_or(|(external, _)| external != name) {
                parts.push(Part::Own(name, at));
            }
        }
        parts.extend(external.map(|(name, value)| Part::External(name, value)));
        parts
    }
}

/// Decodes the entries of a batch; made to be sent to a computing thread.
pub(crate) struct Decoder {
    pub(crate) block: Arc<Block>,
    pub(crate) header: Arc<IndexHeader>,
    pub(crate) announced: Arc<Announced>,
    pub(crate) shard: ShardMatcher,
    pub(crate) mint: i64,
    pub(crate) maxt: i64,
    pub(crate) skip_chunks: bool,
    pub(crate) enough: Enough,
}

impl Decoder {
    /// The series that have chunks in the time asked for and belong to the shard, in the order of the index, until there are enough.
    pub(crate) fn decode(
        &self,
        bodies: &[(u64, Bytes)],
        symbols: &mut KnownSymbols,
    ) -> Result<Batch, storeapi::Error> {
        let mut entry = SeriesEntry::new();
        let mut label_sets = LabelSets::new(&self.header, &self.announced, symbols);
        let room = bodies.len().min(self.enough.series);
        let mut batch = Batch { taken: bodies.len(), entries: Vec::with_capacity(room), symbols: Vec::new() };
        let (mut bytes, guess) = (0, self.block.chunk_guess.get());
        let (mut planned, nothing) = (Vec::new(), Arc::default());
        for (at, (offset, body)) in bodies.iter().enumerate() {
            if batch.entries.len() >= self.enough.series && bytes >= self.enough.bytes {
                batch.taken = at;
                break;
            }
            let broken = |error: tsdb::Error| {
                of_data(format!("{}: series at offset {offset}: {error}", self.block.index))
            };
            // Chunks are sorted by their start. The first one behind the range still tells where the one before it ends.
            let (mint, maxt) = (self.mint, self.maxt);
            let last =
                |chunk: &ChunkMeta| chunk.mint > maxt || (self.skip_chunks && chunk.overlaps(mint, maxt));
            entry.decode_chunks_until(body, last).map_err(broken)?;
            let from = planned.len();
            self.plan(&entry, &mut planned);
            if planned.len() == from {
                continue;
            }
            entry.decode_labels_only(body).map_err(broken)?;
            let labels = label_sets.labels(&entry.labels).map_err(|why| match why {
                Broken::Symbol(error) => broken(error),
                Broken::Order => {
                    of_data(format!("{}: series at offset {offset}: labels out of order", self.block.index))
                }
            })?;
            let wanted = self.shard.matches(&labels);
            if !wanted || self.skip_chunks {
                planned.truncate(from);
            }
            if !wanted {
                continue;
            }
            bytes += planned[from..].iter().map(|chunk| chunk.len_or(guess)).sum::<u64>();
            let chunks = Planned { all: Arc::clone(&nothing), from, to: planned.len() };
            let from = batch.symbols.len();
            batch.symbols.extend_from_slice(&entry.labels);
            batch.entries.push(Entry { labels, symbols: from..batch.symbols.len(), chunks });
        }
        let planned = Arc::new(planned);
        batch.entries.iter_mut().for_each(|entry| entry.chunks.all = Arc::clone(&planned));
        Ok(batch)
    }

    /// Appends the chunks of an entry in the time asked for.
    fn plan(&self, entry: &SeriesEntry, planned: &mut Vec<PlannedChunk>) {
        for (at, chunk) in entry.chunks.iter().enumerate() {
            if !chunk.overlaps(self.mint, self.maxt) {
                continue;
            }
            let next = entry.chunks.get(at + 1).map(|next| next.reference);
            let len = next
                .filter(|next| next.segment() == chunk.reference.segment())
                .and_then(|next| next.offset().checked_sub(chunk.reference.offset()))
                // Chunks of one series lie together; where they do not, the distance says nothing.
                .filter(|len| *len < 1 << 20)
                .unwrap_or(0);
            let (mint, maxt, reference) = (chunk.mint, chunk.maxt, chunk.reference);
            planned.push(PlannedChunk { mint, maxt, reference, len });
            if self.skip_chunks {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::labels::LabelsWriter;
    use proptest::prelude::*;
    use storeapi::SeriesLabels;

    proptest! {
        #[test]
        fn announces_as_every_store_does(
            own in prop::collection::btree_map("[a-e]", "[x-z]{1,2}", 0..5),
            external in prop::collection::btree_map("[a-e]", "[x-z]{1,2}", 0..4),
            without in prop::collection::vec("[a-e]", 0..3),
        ) {
            let external = Labels::from_pairs(&external);
            let mut writer = LabelsWriter::new();
            let names: Vec<&str> = own.keys().map(String::as_str).collect();
            for part in Announced::new(&external, &without).parts(&names) {
                match part {
                    Part::Own(name, at) => writer.push(name, own.values().nth(at).unwrap()),
                    Part::External(name, value) => writer.push(name, value),
                }
            }
            let expected = SeriesLabels::new(&external, &without).apply(&Labels::from_pairs(&own));
            prop_assert_eq!(writer.labels(), expected);
        }
    }
}
