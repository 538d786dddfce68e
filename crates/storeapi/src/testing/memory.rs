//! A store of a few series in memory, which can also be told to fail or to hang.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use model::labels::Labels;
use model::matcher::matches_all;
use proto::hintspb::{Block, QueryStats, SeriesResponseHints};
use tsdb::chunk::XorAppender;

use crate::Error;
use crate::api::*;
use crate::external_labels::{SeriesLabels, match_external_labels};
use crate::hints;
use crate::proxy::truncate_to_limit;
use crate::shard::ShardMatcher;

/// Series with float samples in memory, under external labels.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    external: Labels,
    series: Vec<(Labels, Vec<(i64, f64)>)>,
    fail_after: Option<(usize, Error)>,
    hang_after: Option<usize>,
    blocks: Vec<String>,
}

impl MemoryStore {
    /// A store of the series, each with ascending samples, under external labels.
    pub fn new(external_labels: Labels, series: Vec<(Labels, Vec<(i64, f64)>)>) -> Self {
        MemoryStore { external: external_labels, series, ..MemoryStore::default() }
    }

    /// Ends every Series answer with an error after so many series.
    pub fn failing_after(mut self, series: usize, error: Error) -> Self {
        self.fail_after = Some((series, error));
        self
    }

    /// Sends so many series of every answer and then nothing more.
    pub fn hanging_after(mut self, series: usize) -> Self {
        self.hang_after = Some(series);
        self
    }

    /// Tells in its hints that these blocks were read, as a store gateway does, with statistics for whoever wants them.
    pub fn reading_blocks(mut self, ids: &[&str]) -> Self {
        self.blocks = ids.iter().map(|id| (*id).to_owned()).collect();
        self
    }

    fn hints(&self, asked: Option<&prost_types::Any>, series: usize) -> Option<SeriesEvent> {
        if self.blocks.is_empty() {
            return None;
        }
        let query_stats = asked
            .is_some_and(hints::wants_stats)
            .then(|| QueryStats { merged_series_count: series as i64, ..QueryStats::default() });
        let queried_blocks = self.blocks.iter().map(|id| Block { id: id.clone() }).collect();
        let answer = SeriesResponseHints { queried_blocks, query_stats };
        Some(SeriesEvent::Hints(hints::pack("hintspb.SeriesResponseHints", &answer)))
    }

    fn select(
        &self,
        matchers: &[model::matcher::Matcher],
        mint: i64,
        maxt: i64,
    ) -> Vec<&(Labels, Vec<(i64, f64)>)> {
        let in_range = |samples: &[(i64, f64)]| samples.iter().any(|(t, _)| (mint..=maxt).contains(t));
        self.series
            .iter()
            .filter(|(labels, samples)| matches_all(matchers, labels) && in_range(samples))
            .collect()
    }
}

fn chunk(samples: &[(i64, f64)]) -> AggrChunk {
    let mut appender = XorAppender::new();
    for (t, value) in samples {
        appender.append(*t, *value).expect("a few samples fit into a chunk");
    }
    let data: bytes::Bytes = appender.bytes().to_vec().into();
    let hash = twox_hash::XxHash64::oneshot(0, &data);
    let chunk = Chunk::new(ChunkEncoding::Xor, data, hash);
    AggrChunk::raw(samples[0].0, samples[samples.len() - 1].0, chunk)
}

#[async_trait]
impl StoreApi for MemoryStore {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        let Some(matchers) = match_external_labels(&request.matchers, &self.external) else {
            return Ok(stream::empty().boxed());
        };
        if matchers.is_empty() {
            return Err(Error::invalid_argument("no matchers specified (excluding external labels)"));
        }
        let labels = SeriesLabels::new(&self.external, &request.without_replica_labels);
        let shard = ShardMatcher::new(request.shard_info.as_ref());
        let mut series: Vec<Series> = self
            .select(&matchers, request.min_time, request.max_time)
            .into_iter()
            .map(|(own, samples)| Series {
                labels: labels.apply(own),
                chunks: if request.skip_chunks {
                    Vec::new()
                } else {
                    samples.chunks(120).map(chunk).collect()
                },
            })
            .filter(|series| shard.matches(&series.labels))
            .collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        truncate_to_limit(&mut series, request.limit);
        let hints = self.hints(request.hints.as_ref(), series.len());
        let events = series.into_iter().map(|series| Ok(SeriesEvent::Series(series)));
        if let Some((after, error)) = &self.fail_after {
            return Ok(stream::iter(events.take(*after)).chain(stream::iter([Err(error.clone())])).boxed());
        }
        match self.hang_after {
            Some(after) => Ok(stream::iter(events.take(after)).chain(stream::pending()).boxed()),
            None => Ok(stream::iter(events.chain(hints.map(Ok))).boxed()),
        }
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        let Some(matchers) = match_external_labels(&request.matchers, &self.external) else {
            return Ok(LabelNamesResponse::default());
        };
        let labels = SeriesLabels::new(&self.external, &request.without_replica_labels);
        let found: Vec<Labels> = self
            .select(&matchers, request.start, request.end)
            .iter()
            .map(|(own, _)| labels.apply(own))
            .collect();
        let names: BTreeSet<&str> = found.iter().flatten().map(|(name, _)| name).collect();
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        truncate_to_limit(&mut names, request.limit);
        Ok(LabelNamesResponse { names, ..LabelNamesResponse::default() })
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        if request.label.is_empty() {
            return Err(Error::invalid_argument("label name parameter cannot be empty"));
        }
        let Some(matchers) = match_external_labels(&request.matchers, &self.external) else {
            return Ok(LabelValuesResponse::default());
        };
        let labels = SeriesLabels::new(&self.external, &request.without_replica_labels);
        let found: Vec<Labels> = self
            .select(&matchers, request.start, request.end)
            .iter()
            .map(|(own, _)| labels.apply(own))
            .collect();
        let values: BTreeSet<&str> = found.iter().filter_map(|labels| labels.get(&request.label)).collect();
        let mut values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        truncate_to_limit(&mut values, request.limit);
        Ok(LabelValuesResponse { values, ..LabelValuesResponse::default() })
    }
}
