//! The pipeline of one block in a Series call: series entries by batches, put in the order of the labels they are announced with, then
//! their chunks, sent on in portions of bounded size.
//!
//! A portion is fetched while the one before it waits to be merged, so that a block holds up to three at once: about
//! [`portion_bytes`] times three, whatever the size of the answer. Of the entries of a batch, which are compact, as many are decoded at once
//! as a portion takes, while the portion before is fetched.

mod chunks;
mod entries;
mod label_sets;
mod order;

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bytes::Bytes;
use model::labels::Labels;
use storeapi::{Series, SeriesEvent, ShardMatcher};
use tokio::sync::mpsc;
use tsdb::index_header::IndexHeader;

pub(crate) use self::{
    chunks::ChunkPool,
    entries::{Announced, Batch, Decoder, Enough, Entry, fetch_entries},
};
use self::{label_sets::KnownSymbols, order::Order};
use crate::{block::Block, gateway::Request};

/// Bytes of chunks that all blocks of a call together may have under way, beside what a single series needs: over a network more, since a
/// fetch costs a round trip.
pub(crate) const REMOTE_CALL_BYTES: u64 = 48 << 20;
/// The same for files.
pub(crate) const LOCAL_CALL_BYTES: u64 = 16 << 20;

/// Series in a portion of an answer without chunks, and the fewest that are decoded at once with them.
const PORTION_SERIES: usize = 1024;

/// Bytes of chunks in one portion of a block when so many blocks answer a call.
pub(crate) fn portion_bytes(call_bytes: u64, blocks: usize) -> u64 {
    (call_bytes / (3 * blocks.max(1) as u64)).clamp(256 << 10, 4 << 20)
}

/// What a block sends to the merge.
#[derive(Debug)]
pub(crate) enum Message {
    /// The next series, in order.
    Portion(Vec<SeriesEvent>),
    /// The block failed; nothing follows.
    Failed(storeapi::Error),
    /// The block has no more series. A channel that closes without it belongs to a task that died.
    End,
}

/// One block of a Series call.
pub(crate) struct BlockSeries {
    pub(crate) block: Arc<Block>,
    pub(crate) request: Arc<Request>,
    pub(crate) header: Arc<IndexHeader>,
    /// References of the selected series.
    pub(crate) selected: Vec<u32>,
    pub(crate) shard: ShardMatcher,
    /// Bytes of chunks in one portion.
    pub(crate) portion_bytes: u64,
}

impl BlockSeries {
    /// Sends the block's series until all are sent, the receiver is gone, or something fails.
    pub(crate) async fn run(self, out: mpsc::Sender<Message>) {
        let last = match self.send_all(&out).await {
            Ok(()) => Message::End,
            Err(error) => Message::Failed(error.context(format!("block {}", self.block.id))),
        };
        // A receiver that is gone does not want to know.
        let _ = out.send(last).await;
    }

    async fn send_all(&self, out: &mpsc::Sender<Message>) -> Result<(), storeapi::Error> {
        let mut portions =
            Portions { series: self, out, portion: Vec::new(), bytes: 0, left: self.request.limit };
        let announced = Arc::new(Announced::new(&self.block.labels, &self.request.without));
        let mut order = Order::new(&self.header, &announced);
        let mut entries = Entries::new(self, announced);
        let mut decoded = entries.next().await?;
        while let Some(Batch { entries: some, symbols, .. }) = decoded {
            for entry in some {
                let own = entry.symbols.clone();
                order.push(entry, &symbols[own]);
            }
            let pushed = portions.push_all(order.take_ready());
            // Where a limit may end the work nothing is fetched in advance.
            decoded = if self.request.limit.is_none() {
                let (pushed, next) = tokio::join!(pushed, entries.next());
                pushed?;
                next?
            } else {
                pushed.await?;
                if portions.is_full() { None } else { entries.next().await? }
            };
            if portions.is_full() {
                break;
            }
        }
        portions.push_all(order.finish()).await?;
        portions.flush().await
    }
}

/// The entries of a block: fetched by batches, and decoded as many at once as a portion takes.
struct Entries<'a> {
    series: &'a BlockSeries,
    decoder: Arc<Decoder>,
    /// References of the series that are not fetched.
    rest: &'a [u32],
    /// What was fetched, of which so many are decoded.
    bodies: Arc<Vec<(u64, Bytes)>>,
    decoded: usize,
    known: Option<KnownSymbols>,
}

impl<'a> Entries<'a> {
    fn new(series: &'a BlockSeries, announced: Arc<Announced>) -> Self {
        let request = &series.request;
        let decoder = Decoder {
            block: Arc::clone(&series.block),
            header: Arc::clone(&series.header),
            announced,
            shard: series.shard.clone(),
            mint: request.mint,
            maxt: request.maxt,
            skip_chunks: request.skip_chunks,
            enough: match request.skip_chunks {
                true => Enough { series: 4 * PORTION_SERIES, bytes: 0 },
                false => Enough { series: PORTION_SERIES, bytes: series.portion_bytes },
            },
        };
        let (bodies, known) = (Arc::default(), Some(KnownSymbols::new(series.selected.len())));
        Entries { series, decoder: Arc::new(decoder), rest: &series.selected, bodies, decoded: 0, known }
    }

    /// The next ones in the order of the index; `None` at the end.
    async fn next(&mut self) -> Result<Option<Batch>, storeapi::Error> {
        let BlockSeries { block, header, request, .. } = self.series;
        if self.decoded == self.bodies.len() {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let (batch, rest) = self.rest.split_at(self.rest.len().min(request.batch_size));
            self.rest = rest;
            self.bodies = Arc::new(fetch_entries(block, header, batch, request).await?);
            self.decoded = 0;
        }
        let (decoder, bodies, from) = (Arc::clone(&self.decoder), Arc::clone(&self.bodies), self.decoded);
        let mut known = self.known.take().unwrap_or_else(|| KnownSymbols::new(self.series.selected.len()));
        let work = move || Ok((decoder.decode(&bodies[from..], &mut known)?, known));
        let (batch, known) = request.compute(work).await?;
        self.known = Some(known);
        self.decoded += batch.taken;
        Ok(Some(batch))
    }
}

/// Collects entries until a portion is full, fetches its chunks and sends it.
struct Portions<'a> {
    series: &'a BlockSeries,
    out: &'a mpsc::Sender<Message>,
    portion: Vec<Entry>,
    bytes: u64,
    /// Series that may still be sent, if there is a limit.
    left: Option<u64>,
}

impl Portions<'_> {
    fn is_full(&self) -> bool {
        self.left == Some(0) || self.out.is_closed()
    }

    async fn push_all(&mut self, entries: Vec<Entry>) -> Result<(), storeapi::Error> {
        for entry in entries {
            if self.is_full() {
                break;
            }
            if self.push(entry)? {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Adds an entry; true when the portion is to be sent.
    fn push(&mut self, entry: Entry) -> Result<bool, storeapi::Error> {
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        self.series.request.reserve_chunks(entry.chunks.len() as u64)?;
        let guess = self.series.block.chunk_guess.get();
        self.bytes += entry.chunks.iter().map(|chunk| chunk.len_or(guess)).sum::<u64>();
        self.portion.push(entry);
        Ok(match self.series.request.skip_chunks {
            true => self.portion.len() >= PORTION_SERIES,
            false => self.bytes >= self.series.portion_bytes,
        })
    }

    async fn flush(&mut self) -> Result<(), storeapi::Error> {
        let portion = std::mem::take(&mut self.portion);
        self.bytes = 0;
        if portion.is_empty() {
            return Ok(());
        }
        let request = &self.series.request;
        let events = if request.skip_chunks {
            let bare =
                |entry: Entry| SeriesEvent::Series(Series { labels: entry.labels, chunks: Vec::new() });
            portion.into_iter().map(bare).collect()
        } else {
            let started = std::time::Instant::now();
            let events = chunks::load(&self.series.block, portion, request).await?;
            let seconds = started.elapsed().as_secs_f64();
            request.metrics.chunks_fetch_duration.with_label_values(&[&request.tenant]).observe(seconds);
            events
        };
        // A receiver that is gone ends the loop above.
        let _ = self.out.send(Message::Portion(events)).await;
        Ok(())
    }
}

/// Calls `visit` with the labels of every selected series of a block that has samples in the time of the request, until it says to stop.
pub(crate) async fn for_each_labels(
    block: &Arc<Block>,
    selected: &[u32],
    request: &Arc<Request>,
    mut visit: impl FnMut(&Labels) -> bool,
) -> Result<(), storeapi::Error> {
    let header = block.header.get().await?;
    let announced = Arc::new(Announced::new(&block.labels, &request.without));
    let mut known = KnownSymbols::new(selected.len());
    for batch in selected.chunks(request.batch_size) {
        let bodies = fetch_entries(block, &header, batch, request).await?;
        let decoder = Decoder {
            block: Arc::clone(block),
            header: Arc::clone(&header),
            announced: Arc::clone(&announced),
            shard: ShardMatcher::new(None),
            mint: request.mint,
            maxt: request.maxt,
            skip_chunks: true,
            enough: Enough { series: usize::MAX, bytes: u64::MAX },
        };
        let work = move || Ok((decoder.decode(&bodies, &mut known)?, known));
        let decoded;
        (decoded, known) = request.compute(work).await?;
        for entry in &decoded.entries {
            if !visit(&entry.labels) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Adds one to a counter of the request's statistics.
pub(crate) fn count(counter: &std::sync::atomic::AtomicU64, by: u64) {
    counter.fetch_add(by, Relaxed);
}
