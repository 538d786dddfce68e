//! A store over blocks on this machine: serves raw chunks of local TSDBs (ruler, receiver, tools).
//!
//! External labels change the order of series, so an answer is gathered and sorted before it is sent. What is gathered are labels and
//! slices of mapped files; the chunks themselves are not read until they are encoded for the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use model::labels::Labels;
use model::matcher::Matcher;
use tsdb::block::BlockReader;
use tsdb::chunk::Encoding;
use tsdb::postings::{label_values_for_matchers, postings_for_matchers};
use tsdb::tombstones::Interval;

use crate::api::*;
use crate::external_labels::{SeriesLabels, match_external_labels};
use crate::proxy::truncate_to_limit;
use crate::shard::ShardMatcher;
use crate::{Error, ErrorKind, TsdbRange};

/// Gives the blocks at this moment.
pub trait BlockSource: Send + Sync + 'static {
    /// The blocks, in any order.
    fn blocks(&self) -> Vec<BlockReader>;
}

impl<F: Fn() -> Vec<BlockReader> + Send + Sync + 'static> BlockSource for F {
    fn blocks(&self) -> Vec<BlockReader> {
        self()
    }
}

/// A store over local blocks with external labels. Clones share both.
#[derive(Clone)]
pub struct TsdbStore {
    source: Arc<dyn BlockSource>,
    external: Arc<ArcSwap<Labels>>,
}

impl TsdbStore {
    /// A store over the blocks, under these external labels.
    pub fn new(source: impl BlockSource, external_labels: Labels) -> Self {
        TsdbStore { source: Arc::new(source), external: Arc::new(ArcSwap::from_pointee(external_labels)) }
    }

    /// Changes the external labels of later answers.
    pub fn set_external_labels(&self, labels: Labels) {
        self.external.store(Arc::new(labels));
    }

    /// The external labels.
    pub fn external_labels(&self) -> Labels {
        Labels::clone(&self.external.load())
    }

    /// Time range of the data, ms: from the oldest block on, open ended as data may still come.
    pub fn time_range(&self) -> (i64, i64) {
        let oldest = self.source.blocks().iter().map(|block| block.meta().min_time).min();
        (oldest.unwrap_or(i64::MIN), i64::MAX)
    }

    /// What Info says of the data; nothing without external labels.
    pub fn tsdb_infos(&self) -> Vec<TsdbRange> {
        let labels = self.external_labels();
        let (min_time, max_time) = self.time_range();
        if labels.is_empty() { Vec::new() } else { vec![TsdbRange { labels, min_time, max_time }] }
    }

    /// The blocks that overlap a closed range. Blocks themselves are half open.
    fn blocks(&self, mint: i64, maxt: i64) -> Vec<BlockReader> {
        let overlaps = |block: &BlockReader| block.meta().min_time <= maxt && mint < block.meta().max_time;
        self.source.blocks().into_iter().filter(overlaps).collect()
    }

    fn gather(&self, request: &SeriesRequest, matchers: &[Matcher]) -> Result<Vec<Series>, Error> {
        let labels = SeriesLabels::new(&self.external_labels(), &request.without_replica_labels);
        let shard = ShardMatcher::new(request.shard_info.as_ref());
        let mut found: BTreeMap<Labels, Vec<AggrChunk>> = BTreeMap::new();
        for block in self.blocks(request.min_time, request.max_time) {
            let mut set =
                block.select(matchers, request.min_time, request.max_time).map_err(Error::internal)?;
            let mut taken = 0;
            while let Some(series) = set.next_chunks() {
                let series = series.map_err(Error::internal)?;
                taken += 1;
                if request.limit > 0 && taken > request.limit {
                    break;
                }
                let announced = labels.apply(&series.labels);
                if !shard.matches(&announced) {
                    continue;
                }
                let chunks = found.entry(announced).or_default();
                if request.skip_chunks {
                    continue;
                }
                for meta in &series.chunks {
                    let (encoding, data) = block.chunk(meta.reference).map_err(Error::internal)?;
                    let deleted = block.tombstones().get(u64::from(series.reference));
                    let touched = deleted.iter().any(|gone| gone.mint <= meta.maxt && meta.mint <= gone.maxt);
                    if touched {
                        chunks.extend(without_deleted(encoding, &data, deleted).map_err(|cause| {
                            Error::internal(format!(
                                "block {}: chunk [{}, {}] of series {}: {cause}",
                                block.meta().ulid,
                                meta.mint,
                                meta.maxt,
                                series.labels
                            ))
                        })?);
                        continue;
                    }
                    let wire = encoding.wire().ok_or_else(|| {
                        Error::internal(format!(
                            "block {}: StoreAPI has no chunk encoding {encoding:?}",
                            block.meta().ulid
                        ))
                    })?;
                    let hash = twox_hash::XxHash64::oneshot(0, &data);
                    let chunk = Chunk::new(ChunkEncoding::from_wire(wire), data, hash);
                    chunks.push(AggrChunk::raw(meta.mint, meta.maxt, chunk));
                }
            }
        }
        let mut series: Vec<Series> = found
            .into_iter()
            .map(|(labels, mut chunks)| {
                chunks.sort_by_key(|chunk| (chunk.min_time, chunk.max_time));
                Series { labels, chunks }
            })
            .collect();
        truncate_to_limit(&mut series, request.limit);
        Ok(series)
    }
}

/// What is left of a chunk, encoded again.
fn without_deleted(encoding: Encoding, data: &[u8], deleted: &[Interval]) -> Result<Vec<AggrChunk>, String> {
    let built = tsdb::merge::without_deleted(encoding, data, deleted).map_err(|error| error.to_string())?;
    let chunks = built.into_iter().map(|built| {
        let wire = built.encoding.wire().ok_or_else(|| format!("no chunk encoding {}", built.encoding))?;
        let data = bytes::Bytes::from(built.data);
        let hash = twox_hash::XxHash64::oneshot(0, &data);
        let chunk = Chunk::new(ChunkEncoding::from_wire(wire), data, hash);
        Ok(AggrChunk::raw(built.mint, built.maxt, chunk))
    });
    chunks.collect()
}

/// Runs work that reads files off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::new(ErrorKind::Internal, error))?
}

#[async_trait]
impl StoreApi for TsdbStore {
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error> {
        let Some(matchers) = match_external_labels(&request.matchers, &self.external_labels()) else {
            return Ok(stream::empty().boxed());
        };
        if matchers.is_empty() {
            return Err(Error::invalid_argument("no matchers specified (excluding external labels)"));
        }
        let store = self.clone();
        let series = blocking(move || store.gather(&request, &matchers)).await?;
        Ok(stream::iter(series.into_iter().map(|series| Ok(SeriesEvent::Series(series)))).boxed())
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        let external = self.external_labels();
        let Some(matchers) = match_external_labels(&request.matchers, &external) else {
            return Ok(LabelNamesResponse::default());
        };
        let store = self.clone();
        blocking(move || {
            let mut names: Vec<String> = Vec::new();
            for block in store.blocks(request.start, request.end) {
                if matchers.is_empty() {
                    names.extend(block.index().label_names());
                } else {
                    let postings =
                        postings_for_matchers(block.index(), &matchers).map_err(Error::internal)?;
                    names.extend(block.index().label_names_of(&postings).map_err(Error::internal)?);
                }
            }
            if !names.is_empty() {
                names.extend(external.iter().map(|(name, _)| name.to_owned()));
            }
            names.retain(|name| !name.is_empty() && !request.without_replica_labels.contains(name));
            names.sort_unstable();
            names.dedup();
            truncate_to_limit(&mut names, request.limit);
            Ok(LabelNamesResponse { names, ..LabelNamesResponse::default() })
        })
        .await
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        if request.label.is_empty() {
            return Err(Error::invalid_argument("label name parameter cannot be empty"));
        }
        if request.without_replica_labels.contains(&request.label) {
            return Ok(LabelValuesResponse::default());
        }
        let external = self.external_labels();
        let Some(matchers) = match_external_labels(&request.matchers, &external) else {
            return Ok(LabelValuesResponse::default());
        };
        let store = self.clone();
        blocking(move || {
            let blocks = store.blocks(request.start, request.end);
            let mut values: Vec<String> = Vec::new();
            if let Some(value) = external.get(&request.label) {
                let mut any = matchers.is_empty();
                for block in blocks.iter().take_while(|_| !matchers.is_empty()) {
                    any |=
                        !postings_for_matchers(block.index(), &matchers).map_err(Error::internal)?.is_empty();
                }
                values.extend(any.then(|| value.to_owned()));
            } else {
                for block in &blocks {
                    let of_block = label_values_for_matchers(block.index(), &request.label, &matchers);
                    values.extend(of_block.map_err(Error::internal)?);
                }
            }
            values.sort_unstable();
            values.dedup();
            truncate_to_limit(&mut values, request.limit);
            Ok(LabelValuesResponse { values, ..LabelValuesResponse::default() })
        })
        .await
    }
}
