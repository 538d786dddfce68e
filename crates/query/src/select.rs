//! Selects over StoreAPI for the engine: the requests are sent as soon as the query is planned, and the engine pulls the
//! series from the answers while they arrive.

mod aggregates;
mod fanouts;
mod read_ahead;
mod resolutions;
mod samples;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use model::matcher::Matcher;
use model::series::{Series, SeriesSet, SourceError};
use parking_lot::Mutex;
use promql::limits::{Ledger, Reservation};
use promql::source::{Queryable, SelectParams};
use storeapi::{
    Error, PartialResponse, QueryHints, ReadyBatches, RequestContext, SeriesEvent, SeriesRequest, ShardInfo,
    StoreApi,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tsdb::dedup::{Algorithm, is_counter_function};

use crate::gate::Gate;

pub(crate) use fanouts::{FanoutDetail, Fanouts};
pub(crate) use read_ahead::Standing;
use read_ahead::{Queued, ReadAhead};
use resolutions::Resolutions;
use samples::{ChunkSamples, Decoding};

/// Most series of a message from a select's task to the engine, and bytes at which it ends.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;
/// Label under which stores that project put a hash of the full labels.
const SERIES_HASH_LABEL: &str = "__cf_series_hash__";

/// What all selects of a querier share.
#[derive(Clone)]
pub struct SelectContext {
    /// The stores.
    pub store: Arc<dyn StoreApi>,
    /// How many selects of one query may run at once.
    pub gate: Gate,
    /// Longest time of one select.
    pub timeout: Duration,
    /// How replicas are joined.
    pub deduplication: Algorithm,
    /// The selects that wait without being read.
    pub standing: Standing,
}

/// What the selects of one query share.
#[derive(Clone, Debug, Default)]
pub struct SelectOptions {
    /// Labels that tell replicas apart; none for no deduplication.
    pub replica_labels: Vec<String>,
    /// Coarsest resolution that will do, ms.
    pub max_resolution_ms: i64,
    /// What to do when a part of the stores fails.
    pub partial_response: PartialResponse,
    /// The shard wanted.
    pub shard_info: Option<ShardInfo>,
    /// Tenant and wanted stores.
    pub context: RequestContext,
    /// What is to be told of the stores' answers; nothing is counted without it.
    pub fanout: Option<FanoutDetail>,
}

/// Counts of what the selects of one query brought.
#[derive(Debug, Default)]
pub struct SelectStats {
    series: AtomicU64,
    chunks: AtomicU64,
    samples: AtomicU64,
    resolutions: Resolutions,
}

impl SelectStats {
    /// Series, chunks, samples.
    pub fn counts(&self) -> (u64, u64, u64) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (get(&self.series), get(&self.chunks), get(&self.samples))
    }

    /// Resolutions of the chunks, ms, ascending; 0 is raw data.
    pub fn resolutions(&self) -> Vec<i64> {
        self.resolutions.seen()
    }

    /// Counts a series; returns the bytes that it holds until it is read.
    fn count(&self, series: &storeapi::Series) -> usize {
        let mut bytes = size_of::<storeapi::Series>() + series.labels.heap_size();
        let (mut chunks, mut samples) = (0, 0);
        for aggr in &series.chunks {
            self.resolutions.note(aggr);
            bytes += size_of::<storeapi::AggrChunk>() + aggr.data_len();
            for (_, chunk) in aggr.chunks() {
                chunks += 1;
                samples += chunk.samples();
            }
        }
        self.series.fetch_add(1, Ordering::Relaxed);
        self.chunks.fetch_add(chunks, Ordering::Relaxed);
        self.samples.fetch_add(samples, Ordering::Relaxed);
        bytes
    }
}

/// The running selects of one query. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct SelectTasks(Arc<Mutex<Vec<AbortHandle>>>);

impl SelectTasks {
    /// Ends all selects; whoever waits for their series gets an error.
    pub fn abort(&self) {
        // The tasks only read and hand on, so they may stop anywhere.
        self.0.lock().iter().for_each(AbortHandle::abort);
    }
}

/// The storage of one query: selects over the stores.
pub struct StoreQueryable {
    context: SelectContext,
    options: SelectOptions,
    /// Bounds of the whole query, ms, closed.
    mint: i64,
    maxt: i64,
    runtime: Handle,
    /// What the query holds of memory: the chunks that arrived and are not read yet count.
    memory: Arc<Ledger>,
    stats: Arc<SelectStats>,
    tasks: SelectTasks,
    ahead: ReadAhead,
    prefetched: Mutex<Vec<(SelectParams, Box<FetchedSet>)>>,
    fanouts: Arc<Fanouts>,
}

impl StoreQueryable {
    /// A storage whose selects run on the present runtime; starts those that the query will make.
    pub fn prefetch(
        context: SelectContext,
        options: SelectOptions,
        selects: &[SelectParams],
        bounds: (i64, i64),
        memory: Arc<Ledger>,
    ) -> Self {
        let ahead = ReadAhead::new(context.standing.clone());
        let queryable = StoreQueryable {
            context,
            options,
            mint: bounds.0,
            maxt: bounds.1,
            runtime: Handle::current(),
            memory,
            stats: Arc::default(),
            tasks: SelectTasks::default(),
            ahead,
            prefetched: Mutex::default(),
            fanouts: Arc::default(),
        };
        let started =
            selects.iter().map(|params| (params.clone(), Box::new(queryable.start(params)))).collect();
        *queryable.prefetched.lock() = started;
        queryable
    }

    /// What was brought so far.
    pub fn stats(&self) -> &Arc<SelectStats> {
        &self.stats
    }

    /// What the stores do for each select, where the options ask for it.
    pub fn fanouts(&self) -> &Arc<Fanouts> {
        &self.fanouts
    }

    /// The selects as they run, for those who want to end them from elsewhere.
    pub fn tasks(&self) -> SelectTasks {
        self.tasks.clone()
    }

    fn request(&self, params: &SelectParams) -> SeriesRequest {
        let mut context = self.options.context.clone();
        context.log = self.options.fanout.map(|_| self.fanouts.begin(params));
        SeriesRequest {
            min_time: params.mint,
            max_time: params.maxt,
            matchers: params.matchers.clone(),
            max_resolution_window: aggregates::max_resolution(
                self.options.max_resolution_ms,
                params.range,
                &params.func,
            ),
            aggregates: aggregates::for_function(&params.func).to_vec(),
            partial_response: self.options.partial_response,
            query_hints: Some(QueryHints {
                series_hash_label_name: SERIES_HASH_LABEL.to_owned(),
                ..QueryHints::default()
            }),
            shard_info: self.options.shard_info.clone(),
            without_replica_labels: self.options.replica_labels.clone(),
            hints: (self.options.fanout == Some(FanoutDetail::Blocks)).then(storeapi::hints::with_stats),
            response_batch_size: series_per_frame(params.maxt.saturating_sub(params.mint)),
            context,
            ..SeriesRequest::default()
        }
    }

    fn start(&self, params: &SelectParams) -> FetchedSet {
        let deduplicate = !self.options.replica_labels.is_empty();
        let decoding = Arc::new(Decoding {
            aggregation: aggregates::aggregation(&params.func),
            counter: is_counter_function(&params.func),
            deduplication: deduplicate.then_some(self.context.deduplication),
            mint: self.mint,
            maxt: self.maxt,
            scratch: Mutex::default(),
        });
        // The task itself waits for room, where it can. What is held are encoded chunks, counted against the query's memory.
        let (sender, items) = mpsc::unbounded_channel();
        let queued = self.ahead.queue();
        let task = self.runtime.spawn(fetch(
            self.context.clone(),
            self.request(params),
            (sender, queued.clone()),
            self.stats.clone(),
            self.memory.clone(),
        ));
        self.tasks.0.lock().push(task.abort_handle());
        FetchedSet {
            items,
            queued,
            batch: Vec::new().into_iter(),
            held: None,
            warnings: Vec::new(),
            decoding,
            task: task.abort_handle(),
            done: false,
        }
    }
}

impl Queryable for StoreQueryable {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        let mut prefetched = self.prefetched.lock();
        if let Some(at) = prefetched.iter().position(|(known, _)| known == params) {
            return Ok(prefetched.swap_remove(at).1);
        }
        drop(prefetched);
        Ok(Box::new(self.start(params)))
    }
}

/// How many series to ask of stores for a frame: some 256 KiB of them, with the chunks of half an hour that Prometheus makes, for a range in
/// ms. Our stores end frames by their bytes as well, Thanos's do not.
fn series_per_frame(range: i64) -> i64 {
    const FRAME_BYTES: i64 = 256 << 10;
    const LABELS_BYTES: i64 = 300;
    const CHUNK_BYTES: i64 = 400;
    const CHUNK_MS: i64 = 30 * 60 * 1000;
    let chunks = range.max(0) / CHUNK_MS + 1;
    (FRAME_BYTES / chunks.saturating_mul(CHUNK_BYTES).saturating_add(LABELS_BYTES)).max(1)
}

enum Item {
    /// Series and the bytes that they hold.
    Series(Vec<storeapi::Series>, Reservation, usize),
    Warning(String),
    Failed(SourceError),
    End,
}

/// Runs one select and hands on what arrives.
async fn fetch(
    context: SelectContext,
    request: SeriesRequest,
    (sender, queued): (mpsc::UnboundedSender<Item>, Arc<Queued>),
    stats: Arc<SelectStats>,
    memory: Arc<Ledger>,
) {
    let failed = |error| SourceError::new(SelectFailed(error));
    let work = async {
        let _turn = context.gate.enter().await;
        let events = context.store.series(request).await.map_err(failed)?;
        let mut events = ReadyBatches::new(events, BATCH, BATCH_BYTES);
        while let Some(events) = events.next().await {
            let mut batch = Vec::with_capacity(events.len());
            let mut bytes = 0;
            for event in events {
                match event.map_err(failed)? {
                    SeriesEvent::Series(series) => {
                        bytes += stats.count(&series);
                        batch.push(series);
                    }
                    SeriesEvent::Warning(text) => drop(sender.send(Item::Warning(text))),
                    SeriesEvent::Hints(_) => {}
                }
            }
            if !batch.is_empty() {
                queued.has_begun();
            }
            let mut held = Reservation::new(&memory);
            held.grow(bytes).map_err(SourceError::new)?;
            queued.put(bytes);
            if sender.send(Item::Series(batch, held, bytes)).is_err() {
                // Nobody reads any more.
                return Ok(());
            }
            queued.room().await;
        }
        Ok(())
    };
    let last = match tokio::time::timeout(context.timeout, work).await {
        Ok(Ok(())) => Item::End,
        Ok(Err(error)) => Item::Failed(error),
        Err(_) => {
            let late = Error::new(storeapi::ErrorKind::DeadlineExceeded, "context deadline exceeded");
            Item::Failed(failed(late))
        }
    };
    queued.has_begun();
    // A reader that is gone needs no end.
    let _ = sender.send(last);
}

/// The series of one select as they arrive. Blocks its thread while waiting, so it must not be read on an async one.
struct FetchedSet {
    items: mpsc::UnboundedReceiver<Item>,
    queued: Arc<Queued>,
    batch: std::vec::IntoIter<storeapi::Series>,
    /// What the series of the batch hold; shared by them, as they share the frames they came in.
    held: Option<Arc<Reservation>>,
    warnings: Vec<String>,
    decoding: Arc<Decoding>,
    task: AbortHandle,
    done: bool,
}

impl Drop for FetchedSet {
    fn drop(&mut self) {
        // The task only reads and hands on, so it may stop anywhere.
        self.task.abort();
    }
}

impl SeriesSet for FetchedSet {
    fn next_series(&mut self) -> Option<Result<Series, SourceError>> {
        loop {
            if let Some(storeapi::Series { labels, chunks }) = self.batch.next() {
                let samples = ChunkSamples {
                    labels: labels.clone(),
                    chunks,
                    decoding: self.decoding.clone(),
                    _held: self.held.clone(),
                };
                return Some(Ok(Series { labels, samples: Box::new(samples) }));
            }
            self.held = None;
            if self.done {
                return None;
            }
            self.queued.is_read();
            match self.items.blocking_recv() {
                Some(Item::Series(batch, held, bytes)) => {
                    self.queued.take(bytes);
                    self.batch = batch.into_iter();
                    self.held = Some(Arc::new(held));
                }
                Some(Item::Warning(text)) => self.warnings.push(text),
                Some(Item::End) => self.done = true,
                Some(Item::Failed(error)) => {
                    self.done = true;
                    return Some(Err(error));
                }
                None => {
                    self.done = true;
                    return Some(Err(SourceError::new(SelectFailed(Error::cancelled()))));
                }
            }
        }
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

/// A select failed. The text is Thanos's: an error of the proxy within this process reads like one that came over gRPC.
#[derive(Debug)]
pub struct SelectFailed(pub Error);

impl std::fmt::Display for SelectFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "proxy Series(): {}", self.0.as_rpc_text())
    }
}

impl std::error::Error for SelectFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Label sets of the series matching any of the matcher lists, sorted, each once, with warnings. Stops behind `limit` + 1 when a limit is given.
pub async fn series_labels(
    context: &SelectContext,
    options: &SelectOptions,
    matcher_sets: &[Vec<Matcher>],
    range: (i64, i64),
    limit: usize,
) -> Result<(Vec<model::labels::Labels>, Vec<String>), SelectFailed> {
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for matchers in matcher_sets {
        let request = SeriesRequest {
            min_time: range.0,
            max_time: range.1,
            matchers: matchers.clone(),
            max_resolution_window: i64::MAX / 1_000_000,
            aggregates: aggregates::for_function("").to_vec(),
            partial_response: options.partial_response,
            skip_chunks: true,
            query_hints: Some(QueryHints {
                series_hash_label_name: SERIES_HASH_LABEL.to_owned(),
                ..QueryHints::default()
            }),
            without_replica_labels: options.replica_labels.clone(),
            limit: if limit > 0 { limit as i64 + 1 } else { 0 },
            response_batch_size: series_per_frame(0),
            context: options.context.clone(),
            ..SeriesRequest::default()
        };
        let _turn = context.gate.enter().await;
        let work = async {
            let mut events = context.store.series(request).await?;
            while let Some(event) = events.next().await {
                match event? {
                    SeriesEvent::Series(series) => found.push(series.labels),
                    SeriesEvent::Warning(text) => warnings.push(text),
                    SeriesEvent::Hints(_) => {}
                }
            }
            Ok(())
        };
        let timed_out =
            |_| Err(Error::new(storeapi::ErrorKind::DeadlineExceeded, "context deadline exceeded"));
        tokio::time::timeout(context.timeout, work).await.unwrap_or_else(timed_out).map_err(SelectFailed)?;
    }
    if matcher_sets.len() > 1 {
        found.sort();
    }
    found.dedup();
    Ok((found, warnings))
}

#[cfg(test)]
mod tests;
