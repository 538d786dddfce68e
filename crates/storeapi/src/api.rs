//! StoreAPI as a plain Rust trait, with its requests and answers.
//!
//! Times are closed ranges in ms. Answers are sorted: series by labels, names and values as strings.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use model::matcher::Matcher;
use prost_types::Any;

pub use proto::series::{AggrChunk, Aggregates, Chunk, ChunkEncoding, Series};

use crate::Error;
use crate::call_log::{CallLog, StoreCall};

/// Series, label names and label values of a store: what sidecar, store gateway, ruler, receiver and querier all serve.
#[async_trait]
pub trait StoreApi: Send + Sync + 'static {
    /// Series matching the request, sorted by their labels; dropping the stream cancels the work behind it.
    ///
    /// Chunks may reach beyond the time range asked for. One series may come in several consecutive events, its chunks in order.
    async fn series(&self, request: SeriesRequest) -> Result<SeriesStream, Error>;

    /// Names of the labels that series matching the request have, external labels included.
    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error>;

    /// Values that the label has in series matching the request.
    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error>;
}

/// An answer to a Series request. Ends after its first error.
pub type SeriesStream = BoxStream<'static, Result<SeriesEvent, Error>>;

/// One event of a Series answer.
#[derive(Clone, Debug, PartialEq)]
pub enum SeriesEvent {
    /// The next series.
    Series(Series),
    /// Something went wrong without stopping the answer.
    Warning(String),
    /// Hints of the store.
    Hints(Any),
}

/// What to do when a part of the stores cannot answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PartialResponse {
    /// Answer with what there is and a warning.
    #[default]
    Warn,
    /// Answer with the error.
    Abort,
}

/// Which of a chunk's aggregates are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggr {
    /// Raw samples.
    Raw,
    /// Number of samples per window.
    Count,
    /// Sum per window.
    Sum,
    /// Smallest value per window.
    Min,
    /// Largest value per window.
    Max,
    /// Counter values.
    Counter,
}

/// What a request carries besides its content: who asks, and which stores may answer.
#[derive(Clone, Debug, Default)]
pub struct RequestContext {
    /// Tenant, travelling as gRPC metadata `thanos-tenant`. `None`: not told.
    pub tenant: Option<String>,
    /// Matchers on a store's `__address__` (parameter `storeMatch[]`); one of the lists must match. Not on the wire.
    pub store_matchers: Vec<Vec<Matcher>>,
    /// Where a proxy writes what its stores do in a Series call. Not on the wire.
    pub log: Option<Arc<CallLog>>,
    /// The entry of the one store that is asked. Not on the wire.
    pub call: Option<Arc<StoreCall>>,
}

/// Which of `total` shards of the series is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardInfo {
    /// Number of the shard, from 0.
    pub index: i64,
    /// Number of all shards; below 1 means no sharding.
    pub total: i64,
    /// Whether `labels` are those to hash (`true`), or those to leave out.
    pub by: bool,
    /// Labels to hash by or without.
    pub labels: Vec<String>,
}

/// What the query will do with the series; stores may use it to send less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryHints {
    /// Query step, ms.
    pub step_ms: i64,
    /// Function that is applied to the series.
    pub func: Option<String>,
    /// Labels that an aggregation groups by (`true`) or without.
    pub grouping: Option<(bool, Vec<String>)>,
    /// Range of a matrix selector, ms.
    pub range_ms: Option<i64>,
    /// Labels to keep (with `projection_include`) or to leave out.
    pub projection_labels: Vec<String>,
    /// Whether `projection_labels` are kept rather than left out.
    pub projection_include: bool,
    /// Label that gets a hash of the full label set under projection.
    pub series_hash_label_name: String,
}

/// A Series request.
#[derive(Clone, Debug, Default)]
pub struct SeriesRequest {
    /// Start of the time range, ms.
    pub min_time: i64,
    /// End of the time range, ms, inclusive.
    pub max_time: i64,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// Coarsest resolution that will do, ms; 0 is raw.
    pub max_resolution_window: i64,
    /// Aggregates wanted of downsampled data.
    pub aggregates: Vec<Aggr>,
    /// What to do when a part fails.
    pub partial_response: PartialResponse,
    /// Labels only.
    pub skip_chunks: bool,
    /// Hints for the store, as they are.
    pub hints: Option<Any>,
    /// Step, ms. Superseded by `query_hints`, passed on.
    pub step: i64,
    /// Range, ms. Superseded by `query_hints`, passed on.
    pub range: i64,
    /// What the query will do.
    pub query_hints: Option<QueryHints>,
    /// The shard wanted.
    pub shard_info: Option<ShardInfo>,
    /// Labels to take off the series, which are sorted without them.
    pub without_replica_labels: Vec<String>,
    /// Most series wanted; 0 is all.
    pub limit: i64,
    /// Most series per frame of the stream; below 2 is one.
    pub response_batch_size: i64,
    /// Who asks, and which stores may answer.
    pub context: RequestContext,
}

/// A LabelNames request.
#[derive(Clone, Debug, Default)]
pub struct LabelNamesRequest {
    /// Start of the time range, ms.
    pub start: i64,
    /// End of the time range, ms, inclusive.
    pub end: i64,
    /// All must match a series for its names to count.
    pub matchers: Vec<Matcher>,
    /// What to do when a part fails.
    pub partial_response: PartialResponse,
    /// Labels to leave out.
    pub without_replica_labels: Vec<String>,
    /// Most names wanted; 0 is all.
    pub limit: i64,
    /// Hints for the store, as they are.
    pub hints: Option<Any>,
    /// Who asks, and which stores may answer.
    pub context: RequestContext,
}

/// Answer to a LabelNames request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelNamesResponse {
    /// Names, sorted.
    pub names: Vec<String>,
    /// What went wrong without stopping the answer.
    pub warnings: Vec<String>,
    /// Hints of the store.
    pub hints: Option<Any>,
}

/// A LabelValues request.
#[derive(Clone, Debug, Default)]
pub struct LabelValuesRequest {
    /// The label; must not be empty.
    pub label: String,
    /// Start of the time range, ms.
    pub start: i64,
    /// End of the time range, ms, inclusive.
    pub end: i64,
    /// All must match a series for its value to count.
    pub matchers: Vec<Matcher>,
    /// What to do when a part fails.
    pub partial_response: PartialResponse,
    /// Labels that have no values.
    pub without_replica_labels: Vec<String>,
    /// Most values wanted; 0 is all.
    pub limit: i64,
    /// Hints for the store, as they are.
    pub hints: Option<Any>,
    /// Who asks, and which stores may answer.
    pub context: RequestContext,
}

/// Answer to a LabelValues request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelValuesResponse {
    /// Values, sorted.
    pub values: Vec<String>,
    /// What went wrong without stopping the answer.
    pub warnings: Vec<String>,
    /// Hints of the store.
    pub hints: Option<Any>,
}
