//! What the stores of a Series call did, for whoever asks: a log a call of the proxy, an entry a store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use proto::hintspb::QueryStats;

use crate::api::{Series, SeriesEvent};
use crate::hints;

/// Most block ids that are kept of one store's answer; what is beyond is only counted.
const MAX_BLOCKS: usize = 50_000;

/// The log of a Series call of the proxy. Filled while the stores answer, and can be read at any time.
#[derive(Debug, Default)]
pub struct CallLog(Mutex<Vec<Arc<StoreCall>>>);

impl CallLog {
    /// Begins the entry of a store.
    pub(crate) fn begin(&self, address: &str) -> Arc<StoreCall> {
        let call = Arc::new(StoreCall {
            address: address.to_owned(),
            begun: Instant::now(),
            state: Mutex::default(),
        });
        self.0.lock().push(call.clone());
        call
    }

    /// What the stores have done so far, by address.
    pub fn figures(&self) -> Vec<CallFigures> {
        let mut all: Vec<_> = self.0.lock().iter().map(|call| call.figures()).collect();
        all.sort_by(|a, b| a.address.cmp(&b.address));
        all
    }
}

/// What one store did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFigures {
    /// Its address; empty for a store within this process.
    pub address: String,
    /// Until its answer ended, or until now.
    pub took: Duration,
    /// Bytes of the messages, as on the wire.
    pub bytes: u64,
    /// Messages: frames over gRPC, events of a store within this process.
    pub responses: u64,
    /// Series.
    pub series: u64,
    /// Chunks, each aggregate of a downsampled one counted.
    pub chunks: u64,
    /// Samples in these.
    pub samples: u64,
    /// Why the answer ended early.
    pub error: Option<String>,
    /// Ids of the blocks that were read, where the store tells them in its hints.
    pub blocks: BTreeSet<String>,
    /// How many more there were than are kept.
    pub more_blocks: u64,
    /// What the store says of its work, where it was asked to.
    pub stats: Option<QueryStats>,
}

/// A store's entry while it answers.
#[derive(Debug)]
pub struct StoreCall {
    address: String,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    figures: CallFigures,
    events: u64,
    ended: bool,
}

impl StoreCall {
    /// Counts a frame.
    pub(crate) fn frame(&self) {
        self.state.lock().figures.responses += 1;
    }

    /// Counts what came, before anything is left out of it.
    pub(crate) fn received<'a>(&self, events: impl Iterator<Item = &'a SeriesEvent>) {
        let mut state = self.state.lock();
        for event in events {
            state.events += 1;
            state.figures.bytes += match event {
                SeriesEvent::Series(series) => series.wire_len() as u64,
                SeriesEvent::Warning(text) => text.len() as u64,
                SeriesEvent::Hints(any) => {
                    state.figures.take_hints(any);
                    (any.type_url.len() + any.value.len()) as u64
                }
            };
        }
    }

    /// Counts a series that goes on to the asker.
    pub(crate) fn kept(&self, series: &Series) {
        let chunks = series.chunks.iter().flat_map(|chunk| chunk.chunks());
        let (count, samples) =
            chunks.fold((0, 0), |(count, samples), (_, chunk)| (count + 1, samples + chunk.samples()));
        let figures = &mut self.state.lock().figures;
        figures.series += 1;
        figures.chunks += count;
        figures.samples += samples;
    }

    /// The answer is over.
    pub(crate) fn end(&self, error: Option<String>) {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.ended, true) {
            state.figures.took = self.begun.elapsed();
            state.figures.error = error;
        }
    }

    fn figures(&self) -> CallFigures {
        let state = self.state.lock();
        let mut figures = state.figures.clone();
        figures.address.clone_from(&self.address);
        if !state.ended {
            figures.took = self.begun.elapsed();
        }
        if figures.responses == 0 {
            figures.responses = state.events;
        }
        figures
    }
}

impl CallFigures {
    /// Adds another call of the same store. They ran side by side, so that the longest time counts.
    pub fn add(&mut self, other: CallFigures) {
        self.took = self.took.max(other.took);
        self.bytes += other.bytes;
        self.responses += other.responses;
        self.series += other.series;
        self.chunks += other.chunks;
        self.samples += other.samples;
        self.error = self.error.take().or(other.error);
        self.blocks.extend(other.blocks);
        self.more_blocks += other.more_blocks;
        if let Some(stats) = other.stats {
            hints::add_stats(self.stats.get_or_insert_default(), &stats);
        }
    }

    /// Adds the hints of a store; a querier hands on those of all the stores behind it.
    fn take_hints(&mut self, any: &prost_types::Any) {
        // Hints of another kind say nothing of blocks.
        let Some(hints) = hints::series_response(any) else { return };
        for block in hints.queried_blocks {
            if self.blocks.len() < MAX_BLOCKS {
                // An id has 26 characters; whatever is longer is none.
                if block.id.len() <= 64 {
                    self.blocks.insert(block.id);
                }
            } else if !self.blocks.contains(&block.id) {
                self.more_blocks += 1;
            }
        }
        if let Some(stats) = hints.query_stats {
            hints::add_stats(self.stats.get_or_insert_default(), &stats);
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::hintspb::{Block, SeriesResponseHints};

    use super::*;

    fn answer(ids: &[&str], series: i64) -> SeriesEvent {
        let queried_blocks = ids.iter().map(|id| Block { id: (*id).to_owned() }).collect();
        let stats = QueryStats { merged_series_count: series, ..QueryStats::default() };
        let answer = SeriesResponseHints { queried_blocks, query_stats: Some(stats) };
        SeriesEvent::Hints(hints::pack("hintspb.SeriesResponseHints", &answer))
    }

    #[test]
    fn hints_of_several_stores_behind_one_add_up() {
        let log = CallLog::default();
        let call = log.begin("querier:1");
        let other = SeriesEvent::Hints(prost_types::Any { type_url: "x/y".into(), value: vec![255] });
        call.received([answer(&["01B", "01A"], 2), answer(&["01A", "01C"], 3), other].iter());
        call.end(Some("gone".into()));
        call.end(None);
        let figures = &log.figures()[0];
        assert_eq!(figures.blocks.iter().map(String::as_str).collect::<Vec<_>>(), ["01A", "01B", "01C"]);
        assert_eq!(figures.stats.as_ref().map(|stats| stats.merged_series_count), Some(5));
        assert_eq!((figures.address.as_str(), figures.responses), ("querier:1", 3));
        assert_eq!(figures.error.as_deref(), Some("gone"));
    }

    #[test]
    fn ids_are_kept_up_to_a_limit() {
        let log = CallLog::default();
        let call = log.begin("store:1");
        let ids: Vec<String> = (0..MAX_BLOCKS + 3).map(|number| format!("{number:026}")).collect();
        call.received([answer(&ids.iter().map(String::as_str).collect::<Vec<_>>(), 0)].iter());
        let figures = &log.figures()[0];
        assert_eq!((figures.blocks.len(), figures.more_blocks), (MAX_BLOCKS, 3));
    }
}
