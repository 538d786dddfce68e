//! StoreAPI as a plain Rust trait, fan-out proxy and streaming merge, endpoint set, TSDB-backed store, limits, gRPC adapter.

mod api;
mod batches;
mod call_log;
pub mod endpoint;
mod error;
mod external_labels;
pub mod grpc;
pub mod hints;
mod info;
mod instrumented;
mod limits;
pub mod merge;
mod proxy;
mod shard;
mod sister;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tsdb_store;

pub use api::{
    Aggr, AggrChunk, Aggregates, Chunk, ChunkEncoding, LabelNamesRequest, LabelNamesResponse,
    LabelValuesRequest, LabelValuesResponse, PartialResponse, QueryHints, RequestContext, Series,
    SeriesEvent, SeriesRequest, SeriesStream, ShardInfo, StoreApi,
};
pub use batches::ReadyBatches;
pub use call_log::{CallFigures, CallLog, StoreCall};
pub use error::{Error, ErrorKind};
pub use external_labels::{SeriesLabels, label_sets_match, match_external_labels};
pub use info::{ComponentType, Info, InfoProvider, StoreDetails, TsdbRange};
pub use instrumented::InstrumentedStore;
pub use limits::{LimitViolated, LimitedStore, Limiter, MAX_SAMPLES_PER_CHUNK, SelectLimits};
pub use proxy::{ProxyConfig, ProxyStore, Retrieval, StoreRef, StoreSelector, Stores, truncate_to_limit};
pub use shard::ShardMatcher;
pub use sister::{ExemplarsApi, MetadataApi, RulesApi, StatusApi, TargetsApi, WithWarnings};
pub use tsdb_store::{BlockSource, TsdbStore};
