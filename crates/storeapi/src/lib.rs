//! StoreAPI as a plain Rust trait, fan-out proxy and streaming merge, endpoint set, TSDB-backed store, limits, gRPC adapter.

mod api;
mod error;
pub mod grpc;
mod info;
mod sister;

pub use api::{
    Aggr, AggrChunk, Aggregates, Chunk, ChunkEncoding, LabelNamesRequest, LabelNamesResponse,
    LabelValuesRequest, LabelValuesResponse, PartialResponse, QueryHints, RequestContext, Series,
    SeriesEvent, SeriesRequest, SeriesStream, ShardInfo, StoreApi,
};
pub use error::{Error, ErrorKind};
pub use info::{ComponentType, Info, InfoProvider, StoreDetails, TsdbRange};
pub use sister::{ExemplarsApi, MetadataApi, RulesApi, StatusApi, TargetsApi, WithWarnings};
