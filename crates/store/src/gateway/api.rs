//! StoreAPI over the blocks.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use model::matcher::Matcher;
use storeapi::{
    Error, LabelNamesRequest, LabelNamesResponse, LabelValuesRequest, LabelValuesResponse, SeriesRequest,
    SeriesStream, ShardMatcher, StoreApi, match_external_labels,
};

use super::{BucketStore, Request, hints, stream::Answer};
use crate::{
    block::Block,
    labels,
    select::select,
    series::{BlockSeries, count, portion_bytes},
};

/// Blocks of one call whose postings are fetched at once.
const BLOCKS_AT_ONCE: usize = 64;

impl BucketStore {
    /// The blocks that answer a Series request, each with the matchers left for its data.
    fn choose(
        &self,
        request: &SeriesRequest,
        mint: i64,
        maxt: i64,
        block_matchers: &[Matcher],
    ) -> Vec<(Arc<Block>, Arc<[Matcher]>)> {
        let blocks = self.blocks.read();
        let mut chosen = Vec::new();
        for set in blocks.by_labels.values() {
            let Some(matchers) = match_external_labels(&request.matchers, &set.labels) else { continue };
            let matchers: Arc<[Matcher]> = matchers.into();
            let selected = set.select(mint, maxt, request.max_resolution_window, block_matchers);
            chosen.extend(selected.into_iter().map(|block| (block, Arc::clone(&matchers))));
        }
        chosen
    }

    /// The blocks that answer a request about labels, each with the matchers left for its data.
    fn choose_for_labels(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        block_matchers: &[Matcher],
    ) -> Vec<(Arc<Block>, Vec<Matcher>)> {
        let blocks = self.blocks.read();
        let candidates =
            blocks.by_id.values().filter(|block| block.overlaps(start, end) && block.matches(block_matchers));
        candidates
            .filter_map(|block| Some((Arc::clone(block), match_external_labels(matchers, &block.labels)?)))
            .collect()
    }
}

#[async_trait]
impl StoreApi for BucketStore {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        let turn = self.gate.turn().await?;
        let (block_matchers, with_stats) = hints::of_series(request.hints.as_ref())?;
        let (mint, maxt) = self.clamp(request.min_time, request.max_time);
        let chosen = self.choose(&request, mint, maxt, &block_matchers);
        let queried: Vec<_> = chosen.iter().map(|(block, _)| block.id).collect();
        let shared = Arc::new(Request {
            skip_chunks: request.skip_chunks,
            aggregates: request.aggregates,
            without: request.without_replica_labels,
            limit: u64::try_from(request.limit).ok().filter(|limit| *limit > 0),
            ..Request::new(self, request.context.tenant, mint, maxt)
        });
        let shard = ShardMatcher::new(request.shard_info.as_ref());
        let portion_bytes = portion_bytes(shared.call_bytes, chosen.len());
        let started = Instant::now();
        count(&shared.stats.blocks, chosen.len() as u64);
        let blocks: Vec<BlockSeries> = stream::iter(chosen)
            .map(|(block, matchers)| {
                let (shared, shard) = (Arc::clone(&shared), shard.clone());
                async move {
                    let id = block.id;
                    prepare(block, &matchers, shared, shard, portion_bytes)
                        .await
                        .map_err(|error| error.context(format!("fetch postings for block {id}")))
                }
            })
            .buffered(BLOCKS_AT_ONCE)
            .try_filter_map(|block| async move { Ok(block) })
            .try_collect()
            .await?;
        shared
            .stats
            .get_all_nanos
            .store(started.elapsed().as_nanos() as u64, std::sync::atomic::Ordering::Relaxed);
        // Who asks for statistics knows hints.
        let hints = (self.config.series_response_hints || with_stats).then_some((queried, with_stats));
        Ok(Answer::start(blocks, shared, hints, turn).boxed())
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        let block_matchers = hints::of_label_names(request.hints.as_ref())?;
        let chosen = self.choose_for_labels(&request.matchers, request.start, request.end, &block_matchers);
        let queried: Vec<_> = chosen.iter().map(|(block, _)| block.id).collect();
        let shared = Arc::new(Request {
            without: request.without_replica_labels,
            ..Request::new(self, request.context.tenant, request.start, request.end)
        });
        let names = labels::names(chosen, &shared).await?;
        let names = limited(names, request.limit);
        Ok(LabelNamesResponse {
            names,
            warnings: Vec::new(),
            hints: Some(hints::label_names_answer(&queried)),
        })
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        if request.label.is_empty() {
            return Err(Error::invalid_argument("label name parameter cannot be empty"));
        }
        if request.without_replica_labels.contains(&request.label) {
            return Ok(LabelValuesResponse::default());
        }
        let block_matchers = hints::of_label_values(request.hints.as_ref())?;
        let chosen = self.choose_for_labels(&request.matchers, request.start, request.end, &block_matchers);
        let queried: Vec<_> = chosen.iter().map(|(block, _)| block.id).collect();
        let shared = Arc::new(Request {
            without: request.without_replica_labels,
            ..Request::new(self, request.context.tenant, request.start, request.end)
        });
        let values = labels::values(chosen, &request.label, &shared).await?;
        let values = limited(values, request.limit);
        Ok(LabelValuesResponse {
            values,
            warnings: Vec::new(),
            hints: Some(hints::label_values_answer(&queried)),
        })
    }
}

/// The first so many of a sorted set; 0 and less is all.
fn limited(set: std::collections::BTreeSet<String>, limit: i64) -> Vec<String> {
    let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    set.into_iter().take(limit).collect()
}

/// Selects the series of a block. `None` when there are none.
async fn prepare(
    block: Arc<Block>,
    matchers: &[Matcher],
    request: Arc<Request>,
    shard: ShardMatcher,
    portion_bytes: u64,
) -> Result<Option<BlockSeries>, Error> {
    let selected = select(&block, matchers, &request).await?;
    if selected.is_empty() {
        request.metrics.empty_postings.with_label_values(&[&request.tenant]).inc();
        return Ok(None);
    }
    let asked = request.limit.map_or(selected.len() as u64, |limit| limit.min(selected.len() as u64));
    request.reserve_series(asked)?;
    let header = block.header.get().await?;
    Ok(Some(BlockSeries { block, request, header, selected, shard, portion_bytes }))
}
